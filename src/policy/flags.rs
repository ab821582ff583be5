//! The flags that a policy locks, and those whose value it decides.

use std::borrow::Cow;

use super::{Policy, Said, TOKEN_DIR};
use crate::config::given::{Given, Layer, Origin, Value};
use crate::config::keys::Key;
use crate::environment::STORE_VARIABLES;
use crate::error::Result;

/// Locked by every policy that does not set `locked_flags`: with these flags a kubeconfig can run a program, trust
/// another certificate, show another page, save the tokens elsewhere, or request other tokens.
const LOCKED: [&str; 20] = [
    "acr-values",
    "auth-param",
    "browser-command",
    TRUST,
    "certificate-authority-data",
    "client-key",
    "client-secret-file",
    "github-audience",
    "insecure-skip-tls-verify",
    "local-server-cert",
    "local-server-key",
    "paste-redirect-url",
    "post-login-url",
    "request-header",
    "resource",
    "subject-token-file",
    "subject-token-variable",
    "template-dir",
    TOKEN_DIR,
    "use-access-token",
];

/// While this flag is locked, the variables that name a trust store are ignored.
const TRUST: &str = "certificate-authority";

const LEAVE_OUT: &str =
    "remove it from your configuration file, the kubeconfig and the environment, or ask your administrator";

impl Policy {
    /// Checks that users may decide what their file, the kubeconfig, variables and flags set. The system's files are
    /// the administrator's own settings and are not checked.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Policy`], naming the first value that the policy locks or decides otherwise.
    pub fn check_given(&self, given: &Given) -> Result<()> {
        if self.places().is_empty() {
            return Ok(());
        }
        for value in
            given.values().iter().filter(|value| (Layer::Homebrew..Layer::Policy).contains(&value.origin.layer()))
        {
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

    /// The variables of other programs that are set but ignored, each with the locked flag that is the reason.
    /// `environment` returns the value of a variable.
    pub fn passed_over(
        &self,
        environment: impl Fn(&str) -> Option<String>,
    ) -> impl Iterator<Item = (&'static str, &'static str)> {
        let of_trust = STORE_VARIABLES.map(|name| (name, TRUST));
        let all = of_trust.into_iter().chain([("BROWSER", "browser-command")]);
        all.filter(move |(name, flag)| self.locks(flag) && environment(name).is_some_and(|value| !value.is_empty()))
    }

    /// The entry of the policy that decides a flag's value.
    fn decided(&self, flag: &str) -> Option<&Said> {
        self.said().iter().find(|said| said.key.decides.contains(&flag))
    }

    /// The given values, with those that the policy decides on top.
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

    /// The locked flags: only the administrator may set them.
    pub fn locked(&self) -> Vec<&str> {
        match self.list("locked_flags") {
            Some(locked) => locked.iter().map(String::as_str).collect(),
            None if self.places().is_empty() => Vec::new(),
            None => LOCKED.to_vec(),
        }
    }

    /// Whether this flag is locked.
    pub fn locks(&self, flag: &str) -> bool {
        self.locked().contains(&flag)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::policy;
    use super::LOCKED;
    use crate::config::policy_keys::PolicyKey;

    /// Administrators copy the example, so it must not weaken the default.
    #[test]
    fn the_example_unlocks_nothing() {
        let example = PolicyKey::named("locked_flags").unwrap().example;
        let policy = policy(&format!("locked_flags = {example}"));
        assert!(LOCKED.iter().all(|flag| policy.locks(flag)));
    }
}
