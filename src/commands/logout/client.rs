//! The settings that revoke the refresh token of a sign-in: it goes to the provider that issued it, as the client that
//! it was issued to.

use std::collections::BTreeSet;

use super::super::used_by::settings_of;
use crate::config::given::{Given, Origin, Value};
use crate::config::keys::Key;
use crate::config::{Flags, Layers};
use crate::credential_key::CredentialKey;
use crate::environment::variable;
use crate::error::{Error, ErrorKind, Result};
use crate::kubeconfig::Contexts;
use crate::log;
use crate::policy::Policy;
use crate::settings::Settings;

/// What is about the connection or the browser and not about one provider or client: it holds for any of them. A secret, or a
/// header that may be one, must not reach another provider than the one it is set for.
const OF_CONNECTION: [&str; 6] = [
    "browser-command",
    "certificate-authority",
    "certificate-authority-data",
    "insecure-skip-tls-verify",
    "login-timeout",
    "skip-open-browser",
];

/// All settings that the contexts, the configuration files and this run have.
pub(super) struct Clients {
    known: Vec<Settings>,
    own: Option<Layers>,
    policy: Policy,
}

impl Clients {
    /// Reads them; what cannot be used is left out.
    pub fn read(flags: &Flags, contexts: Option<&Contexts>, policy: Policy) -> Self {
        let ours = contexts.map(Contexts::ours).unwrap_or_default();
        let of_contexts = ours.iter().filter_map(|context| {
            let settings = settings_of(context, &policy);
            settings.inspect_err(|error| log::debug(format_args!("context '{}': {error}", context.name))).ok()?
        });
        let mut known: Vec<_> = of_contexts.collect();
        let own = Layers::read(flags, variable, None).ok();
        let profiles = own.iter().flat_map(|layers| &layers.files).flat_map(|file| &file.profiles);
        let names: BTreeSet<_> = profiles.map(|(name, _)| name.clone()).collect();
        let of_profiles = names.into_iter().filter_map(|name| {
            let mut flags = flags.clone();
            flags.replace("profile", &[name]);
            Layers::read(&flags, variable, None).ok()
        });
        let layers: Vec<_> = of_profiles.collect();
        let all = own.iter().chain(&layers);
        known.extend(all.filter_map(|layers| Settings::resolve(&layers.given, variable, &policy).ok()));
        Self { known, own, policy }
    }

    /// Those for a sign-in: the ones it was made with, else those of the same client, else only what is about the
    /// connection.
    ///
    /// # Errors
    /// If the policy or a setting prevents it.
    pub fn settings(&mut self, key: &CredentialKey) -> Result<&Settings> {
        let is_client = |settings: &Settings| {
            settings.issuer_url.as_str() == key.issuer && settings.client_id.as_str() == key.client_id
        };
        let same = self.known.iter().position(|settings| CredentialKey::new(settings).digest == key.digest);
        let index = match same.or_else(|| self.known.iter().position(is_client)) {
            Some(index) => index,
            None if key.issuer.is_empty() => {
                return Err(Error::new(ErrorKind::Failed, "its provider is not known"));
            }
            None => {
                self.known.push(Settings::resolve(&self.given_for(key), variable, &self.policy)?);
                self.known.len() - 1
            }
        };
        Ok(&self.known[index])
    }

    fn given_for(&self, key: &CredentialKey) -> Given {
        let mut given = Given::new();
        let values = self.own.iter().flat_map(|layers| layers.given.values());
        values.filter(|value| OF_CONNECTION.contains(&value.key.flag)).for_each(|value| given.push(value.clone()));
        for (flag, text) in [("issuer-url", &key.issuer), ("client-id", &key.client_id)] {
            if let Some(key) = Key::of_flag(flag) {
                given.push(Value { key, texts: vec![text.clone()], origin: Origin::Flag });
            }
        }
        given
    }
}
