//! The key that identifies one credential.

use sha2::{Digest, Sha256};

use crate::settings::{Settings, SubjectToken};

/// Identifies one credential: everything that changes which token the provider issues.
#[derive(Clone, Debug)]
pub struct CredentialKey {
    /// The issuer URL, for people who look into the keyring.
    pub issuer: String,
    /// The client ID, for the same reason.
    pub client_id: String,
    /// The SHA-256 of all parts, in hexadecimal: safe in a file name, an attribute and an item name.
    pub digest: String,
}

impl CredentialKey {
    /// The key of the credential that `settings` request.
    pub fn new(settings: &Settings) -> Self {
        let mut scopes = settings.scopes.clone().unwrap_or_default();
        scopes.sort();
        let (issuer, client_id) = (settings.issuer_url.as_str(), settings.client_id.as_str());
        let scopes = scopes.join(" ");
        let chosen = settings.request.of_credential();
        let access_token = settings.use_access_token.then_some(["use-access-token", "true"]);
        let identity = settings.subject_token.as_ref().map(SubjectToken::identity);
        let subject = identity.as_ref().map(|identity| ["subject", identity.expose()]);
        let flow = settings.flow.filter(|flow| flow.is_machine()).map(|flow| ["flow", flow.name()]);
        let chosen =
            chosen.iter().map(|(name, value)| [*name, value]).chain(access_token).chain(flow).chain(subject).flatten();
        let mut digest = Sha256::new();
        for part in [issuer, client_id, &scopes].into_iter().chain(chosen) {
            // With its length in front, no part can run into the next.
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        Self { issuer: issuer.to_owned(), client_id: client_id.to_owned(), digest: format!("{:x}", digest.finalize()) }
    }

    /// The key of the same credential if the kernel keyring was set as the storage, not chosen by `auto`.
    pub fn asked_for_in_kernel(&self) -> Self {
        Self { digest: format!("{}-kernel", self.digest), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::given::Given;
    use crate::credential_key::CredentialKey;
    use crate::policy::Policy;
    use crate::settings::Settings;

    fn digest(issuer: &str, client_id: &str, scopes: &[&str]) -> String {
        let scopes = scopes.join(" ");
        digest_of(&[("issuer-url", issuer), ("client-id", client_id), ("scope", &scopes)])
    }

    fn digest_of(flags: &[(&str, &str)]) -> String {
        CredentialKey::new(&Settings::resolve(&Given::of_flags(flags), |_| None, &Policy::default()).unwrap()).digest
    }

    #[test]
    fn parameters_that_name_another_person_or_token_change_the_key_and_the_others_do_not() {
        let with = |flags: &[(&str, &str)]| {
            digest_of(&[&[("issuer-url", "https://a.example"), ("client-id", "b")], flags].concat())
        };
        // An update must not sign anyone out.
        assert_eq!(with(&[]), "45b17ec7fada3e8c5b1fadde5061f1319f1ed37059ed14d2090f25bec8041dd4");
        for same in [("prompt", "login"), ("max-age", "60"), ("response-mode", "query")] {
            assert_eq!(with(&[same]), with(&[]), "{same:?}");
        }
        let others = [
            ("account", "a=b"),
            ("account", "work"),
            ("login-hint", "work"),
            ("acr-values", "work"),
            ("resource", "https://k8s.example.com"),
            ("auth-param", "a=b"),
            ("use-access-token", "true"),
        ];
        let keys: std::collections::BTreeSet<_> =
            others.iter().map(|one| with(&[*one])).chain([with(&[]), with(&others[1..3])]).collect();
        assert_eq!(keys.len(), 9);
        let one = with(&[("auth-param", "a=b,c=d"), ("resource", "https://a.example https://b.example")]);
        assert_eq!(one, with(&[("auth-param", "c=d,a=b"), ("resource", "https://b.example https://a.example")]));
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
