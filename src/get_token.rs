//! The straight line of the program: from what client-go asks to the `ExecCredential` that it gets.

use std::io::Write;

use chrono::Utc;

use crate::config::{Settings, platform};
use crate::error::{Error, ErrorKind, Result};
use crate::exec_credential::{self, ExecInfo};
use crate::oidc::{Provider, Refreshed, refresh};
use crate::sign_in::sign_in;
use crate::token::TokenSet;
use crate::token_cache::{CredentialKey, Lock, Store};
use crate::{cli, terminal};

/// Writes an `ExecCredential` with a valid ID token to `out`: the saved one, else a refreshed one, else that of a new
/// sign-in.
///
/// # Errors
/// Of every [`ErrorKind`]; then nothing has been written to `out`, and what was saved is as good as before.
pub fn get_token(given: &cli::Settings, out: &mut impl Write) -> Result<()> {
    let exec_info = ExecInfo::parse(variable("KUBERNETES_EXEC_INFO").as_deref())?;
    let settings = Settings::resolve(given, variable)?;
    let key = CredentialKey::new(&settings);

    let (_, saved) = Store::open(&key)?;
    if let Some(tokens) = saved.filter(|tokens| tokens.is_fresh(Utc::now())) {
        return exec_credential::write(out, exec_info.api_version, &tokens);
    }

    let (mut lock, shared_failure) = Lock::acquire(&platform::lock_dirs(), &key.digest, settings.login_timeout)?;
    // A sibling may have signed in meanwhile, and a keyring that was busy may answer now.
    let (store, saved) = Store::open(&key)?;
    if let Some(tokens) = saved.as_ref().filter(|tokens| tokens.is_fresh(Utc::now())) {
        return exec_credential::write(out, exec_info.api_version, tokens);
    }
    if let Some(failure) = shared_failure {
        return Err(failure);
    }
    match new_tokens(saved.as_ref(), &settings, &exec_info, &mut |url| lock.note_url(url)) {
        Ok((tokens, spent)) => {
            // Before anything is printed: kubectl may end this process as soon as it has the token.
            store.store(&key, &tokens, spent);
            exec_credential::write(out, exec_info.api_version, &tokens)
        }
        Err(error) => {
            lock.free_after_failure(&error);
            Err(error)
        }
    }
}

/// New tokens from the provider, and whether they make the saved ones useless.
fn new_tokens(
    saved: Option<&TokenSet>,
    settings: &Settings,
    exec_info: &ExecInfo,
    on_sign_in: &mut dyn FnMut(&str),
) -> Result<(TokenSet, bool)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Error::new(ErrorKind::Failed, format!("cannot start an event loop: {error}"))
            .hint("the system may be out of file descriptors; close some programs")
    })?;
    let result = runtime.block_on(refresh_or_sign_in(saved, settings, exec_info, on_sign_in));
    // A name that the resolver still looks up after its time is over must not hold up the end.
    runtime.shutdown_background();
    result
}

async fn refresh_or_sign_in(
    saved: Option<&TokenSet>,
    settings: &Settings,
    exec_info: &ExecInfo,
    on_sign_in: &mut dyn FnMut(&str),
) -> Result<(TokenSet, bool)> {
    let mut provider = Provider::discover(&settings.issuer_url).await?;
    if let Some(saved) = saved
        && let Some(refresh_token) = &saved.refresh_token
    {
        match refresh(&provider, settings, saved, refresh_token).await? {
            Refreshed::Tokens { tokens, rotated } => return Ok((tokens, rotated)),
            Refreshed::SessionOver(why) => terminal::notice(&format!("a new sign-in is needed: {why}")),
        }
    }
    // With yesterday's endpoints, or with none that answers, a person would sit before an error page that leads nowhere.
    provider.renew().await?;
    provider.fetch_keys_early();
    let tokens = sign_in(&provider, settings, exec_info.cluster_server.as_deref(), on_sign_in).await?;
    Ok((tokens, saved.is_some()))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
