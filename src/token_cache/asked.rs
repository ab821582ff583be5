//! Logs what a store returned.

use std::fmt::Display;

use chrono::Utc;

use crate::log::{self, Timer};
use crate::log_level::{self, Level};
use crate::secret::Secret;
use crate::token::Saved;

/// Asks one store for a sign-in or a part of one, and logs the result.
pub(super) fn asked<E: Display>(
    store: &str,
    load: impl FnOnce() -> Result<Option<Secret>, E>,
) -> Result<Option<Secret>, E> {
    let timer = Timer::start();
    let found = load();
    if log_level::is_on(Level::Debug) {
        log::debug(format_args!("token cache: {store}: {} in {timer}", outcome(&found)));
    }
    found
}

fn outcome<E: Display>(found: &Result<Option<Secret>, E>) -> String {
    match found {
        Err(why) => format!("failed ({why})"),
        Ok(None) => "nothing there".into(),
        Ok(Some(text)) => match Saved::read(text) {
            None => "cannot be read".into(),
            Some(saved) if saved.fresh(Utc::now()).is_some() => "a valid ID token".into(),
            Some(saved) if saved.session.is_some() => "no valid ID token, a refresh token".into(),
            Some(_) => "no valid ID token".into(),
        },
    }
}
