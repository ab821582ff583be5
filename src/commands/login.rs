//! `kubekey login`: a new sign-in, whatever is saved.

use super::settings;
use crate::config::{Flags, platform};
use crate::error::Result;
use crate::sign_in::{cool_down, sign_in};
use crate::state::State;
use crate::token_cache::{Lock, TokenCache};
use crate::{local_time, terminal};

/// Signs the user in and keeps the tokens; prints nothing on stdout.
///
/// # Errors
/// As [`crate::get_token::get_token`]; then what was saved is as good as before.
pub fn login(flags: &Flags) -> Result<()> {
    let settings = settings(flags)?;
    let cache = TokenCache::new(&settings);
    let (mut lock, _) = Lock::acquire(&platform::lock_dirs(), &cache.key.digest, settings.login_timeout)?;
    let result = cache
        .choose(None)
        .and_then(|store| sign_in(&settings, None, &mut |url| lock.note_url(url)).map(|signed_in| (store, signed_in)));
    match result {
        Ok((store, (tokens, person))) => {
            cache.store(&store, &tokens, false);
            cool_down::end(&mut State::load(&cache.key));
            let until = local_time::format(tokens.id_token.expires_at, "%Y-%m-%d %H:%M:%S %:z");
            terminal::notice(&format!("signed in as {}, with a token that is valid until {until}", person.name));
            Ok(())
        }
        Err(error) => {
            lock.free_after_failure(&error);
            Err(error)
        }
    }
}
