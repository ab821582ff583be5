//! A sign-in that only the index names: its tokens, wherever they are.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::cache::TokenCache;
use super::kernel;
use super::keyring_error::Unlock;
use super::parking::{Parking, parked_digests};
use crate::config::{TokenStorage, platform};
use crate::credential_key::CredentialKey;
use crate::error::Result;
use crate::kept::Kept;
use crate::policy::SessionRules;
use crate::state::{State, digest_of, is_digest};
use crate::token::{self, Saved};

impl TokenCache {
    /// All storage of the credential with this key, of which the tokens in files are in `token_dir`, or else in the
    /// default folder.
    pub fn of_key(key: CredentialKey, token_dir: Option<&Path>) -> Self {
        let default = || platform::state_dir().map(|dir| dir.join("tokens"));
        Self {
            kernel_key: key.clone(),
            key,
            storage: TokenStorage::Auto,
            token_dir: token_dir.map(PathBuf::from).or_else(default),
            // What a policy has ended is to be revoked all the more.
            session_rules: SessionRules::default(),
            is_access_token: false,
            account_name: None,
        }
    }

    /// Reads the sign-in from every storage that has one. A keyring is asked only if it is known to have one; what cannot be
    /// read is left out.
    pub fn load_everywhere(&self) -> Vec<Saved> {
        let is_in_keyring = State::load(&self.key).may_be_in_keyring();
        let keyring = is_in_keyring.then_some((TokenStorage::Keyring, self.key.clone()));
        let others = [
            (TokenStorage::File, self.key.clone()),
            (TokenStorage::Kernel, self.key.clone()),
            (TokenStorage::Kernel, self.key.asked_for_in_kernel()),
        ];
        let read = |(storage, kernel_key)| {
            let (key, token_dir) = (self.key.clone(), self.token_dir.clone());
            let (session_rules, account_name) = (self.session_rules.clone(), self.account_name.clone());
            let is_access_token = self.is_access_token;
            let cache = Self { key, kernel_key, storage, token_dir, session_rules, is_access_token, account_name };
            cache.load(Unlock::Ask).ok()?.1
        };
        let parked = self.found_parkings();
        keyring.into_iter().chain(others).filter_map(read).chain(parked.iter().filter_map(Parking::load)).collect()
    }

    /// Removes it from every storage, also what is parked for a folder for tokens that nobody named.
    ///
    /// # Errors
    /// As [`TokenCache::remove`].
    pub fn remove_everywhere(&self) -> Result<()> {
        self.found_parkings().iter().for_each(|parking| _ = parking.remove());
        self.remove().map(drop)
    }
}

/// What the tokens themselves say about a sign-in that the index lacks; `None` if that does not include the provider.
pub fn attributed(digest: &str) -> Option<Kept> {
    let key = CredentialKey { issuer: String::new(), client_id: String::new(), digest: digest.to_owned() };
    let all = TokenCache::of_key(key, None).load_everywhere();
    all.iter().find_map(|saved| {
        let (_, claims) = token::objects(saved.id_token.as_ref()?.jwt.expose())?;
        let text = |name: &str| Some(claims.get(name)?.as_str()?.to_owned());
        let client_id = text("azp").or_else(|| text("aud")).unwrap_or_default();
        Some(Kept { issuer: text("iss")?, client_id, ..Kept::default() }.of(saved))
    })
}

/// The digests of sign-ins that the index may lack: a file in the default folder for tokens, a note that there is one in
/// the keyring, a key in the kernel, or what is parked.
pub fn unlisted() -> BTreeSet<String> {
    let noted = State::all()
        .unwrap_or_default()
        .into_iter()
        .filter(|(_, state)| state.may_be_in_keyring())
        .map(|(digest, _)| digest);
    let dir = platform::state_dir().map(|dir| dir.join("tokens"));
    let files = dir.and_then(|dir| fs::read_dir(dir).ok()).into_iter().flatten().flatten();
    // Where containers share the kernel's keys, they may be another person's.
    let names = if kernel::is_shared() { BTreeSet::new() } else { parked_digests() };
    let digests = names.iter().map(|name| name.split('-').next().unwrap_or_default());
    let others = digests.filter(|digest| is_digest(digest)).map(str::to_owned);
    noted.chain(files.filter_map(|file| digest_of(&file.path()))).chain(others).collect()
}
