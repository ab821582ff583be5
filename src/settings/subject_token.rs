//! The token that a program already has, and that it exchanges for one of the provider.

use std::path::PathBuf;

use super::client_secret::may_use;
use super::named_file::{self, unusable_file};
use super::values;
use crate::config::given::{Given, Text, unusable};
use crate::environment::variable;
use crate::error::{Error, ErrorKind, Result};
use crate::policy::Policy;
use crate::printable;
use crate::secret::Secret;
use crate::token;

/// The largest token, in bytes.
const LARGEST: usize = 64 * 1024;

/// The longest name of a variable, in bytes: a token is longer.
const LONGEST_NAME: usize = 64;

/// The settings that name one.
const FLAGS: [&str; 3] = ["subject-token-file", "subject-token-variable", "github-audience"];

/// The variable of a job of GitHub Actions with the token that requests its ID token.
pub const GITHUB_TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

/// Where the token is.
#[derive(Debug, PartialEq, Eq)]
pub enum SubjectToken {
    /// In a file, which whoever issues it replaces before it expires.
    File {
        /// The path of the file.
        path: PathBuf,
        /// The name of the setting, for errors.
        label: String,
    },
    /// In a variable.
    Variable {
        /// Its name.
        name: String,
        /// The name of the setting, for errors.
        label: String,
    },
    /// At GitHub, for a job of GitHub Actions.
    GitHub {
        /// For whom it is requested.
        audience: String,
        /// The hosts that the policy allows to request it from.
        hosts: Vec<String>,
    },
}

impl SubjectToken {
    /// Chooses the one that was set in the highest layer.
    pub(super) fn choose(given: &Given, policy: &Policy) -> Result<Option<Self>> {
        let mut all: Vec<Text<'_>> = FLAGS.iter().filter_map(|flag| given.text(flag)).collect();
        all.retain(|text| may_use(given, *text));
        all.sort_by_key(|text| text.origin.layer());
        let Some(text) = all.pop() else { return Ok(None) };
        if let Some(other) = all.pop().filter(|other| other.origin.layer() == text.origin.layer()) {
            let message = format!("{} and {} cannot be used together", other.label(), text.label());
            return Err(Error::new(ErrorKind::Usage, message).hint("remove one of them; their variables count, too"));
        }
        let label = text.label();
        Ok(Some(match text.key.flag {
            "subject-token-file" => Self::File { path: values::path(text)?, label },
            "subject-token-variable" => Self::Variable { name: variable_name(text)?, label },
            _ => Self::GitHub { audience: text.text.to_owned(), hosts: policy.github_hosts() },
        }))
    }

    /// Reads the token; `None` if it must be requested.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if there is none.
    pub fn read(&self) -> Result<Option<Secret>> {
        let token = match self {
            Self::GitHub { .. } => return Ok(None),
            Self::File { path, label } => {
                let bytes = named_file::read(label, path, LARGEST)?;
                // A JWK is the program's own key, which goes to nobody.
                let token = std::str::from_utf8(&bytes).ok().and_then(one_word);
                let token = token.filter(|token| !token.expose().starts_with('{'));
                token.ok_or_else(|| unusable_file(label, path, "it must contain one token and nothing else"))?
            }
            Self::Variable { name, label } => variable(name)
                .as_deref()
                .and_then(one_word)
                .ok_or_else(|| unusable(label, name, "no variable of this name contains a token"))?,
        };
        printable::hide(token.expose());
        Ok(Some(token))
    }

    /// What tells one program from another, where several use the same setting: without it one would get what was saved for
    /// the other. It may be a secret.
    pub fn identity(&self) -> Secret {
        match self {
            Self::GitHub { audience, .. } => {
                Secret::new(format!("{audience} {}", variable(GITHUB_TOKEN).unwrap_or_default()))
            }
            // Its issuer replaces a file again and again, for the same program.
            Self::File { .. } => {
                let token = self.read().ok().flatten().unwrap_or_else(|| Secret::new(""));
                let claims = token::objects(token.expose()).map(|(_, claims)| claims);
                let text = |name: &str| Some(claims.as_ref()?.get(name)?.as_str()?.to_owned());
                text("iss").zip(text("sub")).map_or(token, |(iss, sub)| Secret::new(format!("{iss} {sub}")))
            }
            // That of another job may have other rights.
            Self::Variable { .. } => self.read().ok().flatten().unwrap_or_else(|| Secret::new("")),
        }
    }
}

/// The name of a variable. Whoever gives its value instead must not see the token in an error.
fn variable_name(given: Text<'_>) -> Result<String> {
    let is_in_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match given.text.len() <= LONGEST_NAME && given.text.bytes().all(is_in_name) {
        true => Ok(given.text.to_owned()),
        false => Err(Error::new(ErrorKind::Usage, format!("{} is not the name of a variable", given.label()))
            .hint("give the name, without '$', not the token: KUBE_ID_TOKEN")),
    }
}

/// The text without the space around it, if that is visible ASCII without space in it.
fn one_word(text: &str) -> Option<Secret> {
    let word = text.trim();
    (!word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic())).then(|| Secret::new(word))
}
