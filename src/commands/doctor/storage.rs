//! Where a sign-in is saved, and whether that works.

use super::line::Line;
use crate::config::TokenStorage;
use crate::settings::Settings;
use crate::token_cache::{Store, TokenCache, Unlock, try_kernel, try_keyring};

/// The chosen storage and why; a trial of the keyring and of the kernel's keys where these are used.
pub fn check(settings: &Settings) -> Vec<Line> {
    let cache = TokenCache::new(settings);
    let mut lines = vec![chosen(settings, &cache)];
    lines.extend(cache.load_parked().map(|_| {
        let hint = "the next run of kubectl saves it as soon as that works; if that fails, its message says why";
        Line::warning("storage", "the sign-in could not be saved there, and is parked until it can be", hint)
    }));
    let is_auto = settings.token_storage == TokenStorage::Auto;
    if cache.asks_keyring() {
        lines.push(keyring(is_auto));
    }
    if is_auto || settings.token_storage == TokenStorage::Kernel {
        lines.extend(kernel());
    }
    lines
}

fn chosen(settings: &Settings, cache: &TokenCache) -> Line {
    let is_auto = settings.token_storage == TokenStorage::Auto;
    let why = if is_auto { "chosen by 'auto'" } else { "as it is set" };
    match cache.load(Unlock::Never) {
        Err(error) => Line::of("storage", &error),
        Ok((Store::Nowhere(Some(why)), _)) => Line::warning(
            "storage",
            format!("each run signs in: {why}"),
            "start a keyring, or set --token-storage=file where only you can read your home",
        ),
        Ok((Store::Nowhere(None), _)) => {
            let other = if settings.is_machine() { "file" } else { "auto" };
            Line::warning("storage", "each run signs in: nothing is saved", format!("set --token-storage={other}"))
        }
        Ok((Store::File(dir), _)) => Line::ok("storage", format!("files in {}, {why}", dir.display())),
        Ok((store, _)) => Line::ok("storage", format!("{}, {why}", store.name())),
    }
}

fn keyring(is_auto: bool) -> Line {
    const WORKS: &str = "a large value was saved, read and removed";
    match try_keyring() {
        Ok(()) => Line::ok("keyring", WORKS),
        // `auto` then saves in the kernel, or nowhere.
        Err(why) if is_auto => {
            Line::warning("keyring", why, "unlock or start it; until then --token-storage=auto does without it")
        }
        Err(why) => Line::error("keyring", why, "unlock or start it, or give another --token-storage"),
    }
}

fn kernel() -> Option<Line> {
    Some(match try_kernel()? {
        Ok(()) => Line::ok("kernel keys", "a value was saved, read and removed"),
        Err(why) => Line::warning("kernel keys", why, "without them each run asks the keyring, which takes longer"),
    })
}
