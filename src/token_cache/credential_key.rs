//! What names one credential.

use sha2::{Digest, Sha256};

use crate::config::Settings;

/// What names one credential: everything that changes which token the provider gives.
#[derive(Debug)]
pub struct CredentialKey {
    /// The issuer URL, for a person who looks into the keyring.
    pub issuer: String,
    /// The client ID, for the same.
    pub client_id: String,
    /// The SHA-256 of all parts, in hexadecimal: safe in a file name, an attribute and an item name.
    pub digest: String,
}

impl CredentialKey {
    /// The key of the credential that `settings` ask for.
    pub fn new(settings: &Settings) -> Self {
        let mut scopes = settings.scopes.clone().unwrap_or_default();
        scopes.sort();
        let (issuer, client_id) = (settings.issuer_url.as_str(), settings.client_id.as_str());
        let mut digest = Sha256::new();
        for part in [issuer, client_id, &scopes.join(" ")] {
            // With its length in front no part can run into the next.
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        Self { issuer: issuer.to_owned(), client_id: client_id.to_owned(), digest: format!("{:x}", digest.finalize()) }
    }
}

#[cfg(test)]
mod tests {
    use super::CredentialKey;
    use crate::config::given::Given;
    use crate::config::{Policy, Settings};

    fn digest(issuer: &str, client_id: &str, scopes: &[&str]) -> String {
        let scopes = scopes.join(" ");
        let given = Given::of_flags(&[("issuer-url", issuer), ("client-id", client_id), ("scope", &scopes)]);
        CredentialKey::new(&Settings::resolve(&given, |_| None, &Policy::default()).unwrap()).digest
    }

    #[test]
    fn whatever_changes_the_token_changes_the_key() {
        let plain = digest("https://a.example", "b", &[]);
        assert_ne!(plain, digest("https://a.example/", "b", &[]));
        assert_ne!(plain, digest("https://a.example", "c", &[]));
        assert_ne!(plain, digest("https://a.example", "b", &["groups"]));
    }

    #[test]
    fn the_order_of_scopes_does_not_matter() {
        let one = digest("https://a.example", "b", &["groups", "email"]);
        assert_eq!(one, digest("https://a.example", "b", &["email", "groups", "openid"]));
    }
}
