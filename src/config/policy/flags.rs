//! The flags that a policy locks, and those that it decides.

use std::borrow::Cow;

use super::{Policy, Said};
use crate::config::given::{Given, Layer, Origin, Value};
use crate::config::keys::Key;
use crate::error::Result;

/// Locked under every policy that does not say otherwise: with these a kubeconfig can run a program, trust another
/// certificate, show another page or take the tokens elsewhere.
const LOCKED: [&str; 8] = [
    "browser-command",
    TRUST[0],
    TRUST[1],
    "client-secret-file",
    "insecure-skip-tls-verify",
    "post-login-url",
    "template-dir",
    TOKEN_DIR,
];

/// With it variables that say where the home, its folders and the session bus are count for nothing.
pub(super) const TOKEN_DIR: &str = "token-dir";

/// Flags that add certificate authorities. The system's variables do the same, so they are locked with them.
const TRUST: [&str; 2] = ["certificate-authority", "certificate-authority-data"];
const TRUST_VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

const LEAVE_OUT: &str =
    "leave it out of your configuration file, the kubeconfig and the environment, or ask your administrator";

impl Policy {
    /// Whether what the user's file, the kubeconfig, variables and flags say is theirs to decide. The system's files are
    /// the administrator's own word. `environment` gives a variable's value.
    ///
    /// # Errors
    /// [`ErrorKind::Policy`], with the first that is not.
    pub fn check_given(&self, given: &Given, environment: impl Fn(&str) -> Option<String>) -> Result<()> {
        if self.places().is_empty() {
            return Ok(());
        }
        let is_set = |name: &str| environment(name).is_some_and(|value| !value.is_empty());
        if let Some(variable) = TRUST_VARIABLES.into_iter().find(|name| self.locks(TRUST[0]) && is_set(name)) {
            return Err(self.refusal("locked_flags", &format!("the variable {variable} is locked")).hint(LEAVE_OUT));
        }
        for value in given.values().iter().filter(|value| value.origin.layer() > Layer::System) {
            let label = || value.origin.label(value.key);
            match self.decided(value.key.flag) {
                Some(said) if said.key.decides[0] != value.key.flag || said.texts != value.texts => {
                    return Err(self.refusal(said.key.name, &format!("{} is decided", label())).hint(LEAVE_OUT));
                }
                None if self.locks(value.key.flag) => {
                    return Err(self.refusal("locked_flags", &format!("{} is locked", label())).hint(LEAVE_OUT));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What was said of a flag's value.
    fn decided(&self, flag: &str) -> Option<&Said> {
        self.said().iter().find(|said| said.key.decides.contains(&flag))
    }

    /// What was given, with what the policy decides above it.
    pub fn impose<'a>(&self, given: &'a Given) -> Cow<'a, Given> {
        let mut given = Cow::Borrowed(given);
        for said in self.said() {
            if let Some(key) = said.key.decides.first().and_then(|flag| Key::of_flag(flag)) {
                let origin = Origin::Policy(said.origin.clone());
                given.to_mut().push(Value { key, texts: said.texts.clone(), origin });
            }
        }
        given
    }

    /// The flags that may not be given.
    pub fn locked(&self) -> Vec<&str> {
        match self.list("locked_flags") {
            Some(locked) => locked.iter().map(String::as_str).collect(),
            None if self.places().is_empty() => Vec::new(),
            None => LOCKED.to_vec(),
        }
    }

    /// Whether this flag may not be given.
    pub fn locks(&self, flag: &str) -> bool {
        self.locked().contains(&flag)
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::PolicyKey;
    use super::super::tests::policy;
    use super::LOCKED;

    /// Examples are copied.
    #[test]
    fn the_example_unlocks_nothing() {
        let example = PolicyKey::named("locked_flags").unwrap().example;
        let policy = policy(&format!("locked_flags = {example}"));
        assert!(LOCKED.iter().all(|flag| policy.locks(flag)));
    }
}
