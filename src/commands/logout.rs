//! `kubekey logout`: forgets a sign-in.

use super::settings;
use crate::config::{Flags, platform};
use crate::error::Result;
use crate::state::State;
use crate::terminal;
use crate::token_cache::{Lock, TokenCache, Unlock};

/// Removes what is saved of this credential, from every place where it may be.
///
/// # Errors
/// [`crate::error::ErrorKind::Storage`] if something is left.
pub fn logout(flags: &Flags) -> Result<()> {
    let settings = settings(flags)?;
    let cache = TokenCache::new(&settings);
    // A sign-in under way would put back what is removed.
    let (_lock, _) = Lock::acquire(&platform::lock_dirs(), &cache.key.digest, settings.login_timeout)?;
    let was_saved =
        cache.load_from_kernel().is_some() || cache.load(Unlock::Never).is_ok_and(|(_, saved)| saved.is_some());
    cache.remove()?;
    State::load(&cache.key).remove();
    let issuer = &cache.key.issuer;
    terminal::notice(&match was_saved {
        true => format!("the sign-in to {issuer} is forgotten"),
        false => format!(
            "no sign-in to {issuer} was found with these settings; one with another client ID or other scopes needs the same flags"
        ),
    });
    Ok(())
}
