//! `kubekey logout`: forgets a sign-in.

use crate::config::{Flags, Layers, Policy, Settings, platform};
use crate::error::Result;
use crate::state::State;
use crate::terminal;
use crate::token_cache::{Lock, TokenCache};

/// Removes what is saved of this credential, from every place where it may be.
///
/// # Errors
/// [`crate::error::ErrorKind::Storage`] if something is left.
pub fn logout(flags: &Flags) -> Result<()> {
    let variable = |name: &str| std::env::var(name).ok();
    let layers = Layers::read(flags, variable, None)?;
    layers.warn();
    let settings = Settings::resolve(&layers.given, variable, &Policy::load()?)?;
    let cache = TokenCache::new(&settings);
    // A sign-in under way would put back what is removed.
    let (_lock, _) = Lock::acquire(&platform::lock_dirs(), &cache.key.digest, settings.login_timeout)?;
    cache.remove()?;
    State::load(&cache.key).remove();
    terminal::notice(&format!("nothing of a sign-in to {} is saved any more", cache.key.issuer));
    Ok(())
}
