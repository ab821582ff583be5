//! The command line of kubelogin: its flags that are no settings of kubekey, and what holds instead. Those that are
//! settings are aliases in [`crate::config::keys`].

use std::ffi::OsString;
use std::iter::Peekable;

use super::{flag_value, refused, secret_values, verbosity};
use crate::config::Kubelogin;
use crate::config::keys::Key;
use crate::error::Result;
use crate::log_level::Level;

/// The first word where kubectl runs kubelogin as its plugin.
const PLUGIN: &str = "oidc-login";

/// What to do about a flag of kubelogin.
#[derive(Clone, Copy)]
enum Meaning {
    /// PKCE, which kubekey always uses, if it is switched on.
    UsePkce,
    /// The method of PKCE.
    PkceMethod,
    /// Renegotiation, which TLS 1.3 does not have.
    Renegotiation,
    /// The host of the redirect URL.
    RedirectHost,
    /// Ports to listen on.
    ListenPort,
    /// A storage for tokens.
    Storage(&'static str),
    /// The way to sign in, which may be by password.
    GrantType,
    /// A part of the password grant.
    Password,
    /// A parameter of the token exchange.
    Exchange(&'static str),
    /// The token to exchange.
    SubjectToken,
    /// The token of who acts for its subject.
    ActorToken,
}

/// The flags, and whether each takes a value or is a switch.
const FLAGS: [(&str, Takes, Meaning); 17] = [
    ("--oidc-use-pkce", Takes::Switch, Meaning::UsePkce),
    ("--oidc-pkce-method", Takes::Value, Meaning::PkceMethod),
    ("--tls-renegotiation-once", Takes::Switch, Meaning::Renegotiation),
    ("--tls-renegotiation-freely", Takes::Switch, Meaning::Renegotiation),
    ("--oidc-redirect-url-hostname", Takes::Value, Meaning::RedirectHost),
    ("--listen-port", Takes::Value, Meaning::ListenPort),
    ("--force-keyring", Takes::Switch, Meaning::Storage("keyring")),
    ("--no-keyring", Takes::Switch, Meaning::Storage("file")),
    ("--grant-type", Takes::Value, Meaning::GrantType),
    ("--username", Takes::Value, Meaning::Password),
    ("--password", Takes::Value, Meaning::Password),
    ("--token-exchange-audience", Takes::Value, Meaning::Exchange("audience")),
    ("--token-exchange-requested-token-type", Takes::Value, Meaning::Exchange("requested_token_type")),
    ("--token-exchange-subject-token-type", Takes::Value, Meaning::Exchange("subject_token_type")),
    ("--token-exchange-subject-token", Takes::Value, Meaning::SubjectToken),
    ("--token-exchange-actor-token", Takes::Value, Meaning::ActorToken),
    ("--token-exchange-actor-token-type", Takes::Value, Meaning::ActorToken),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Value,
    Switch,
}

/// A command line without what only kubelogin knows.
pub struct Words {
    /// The words that are left, all of them kubekey's.
    pub words: Vec<OsString>,
    /// What the others said.
    pub kubelogin: Kubelogin,
    /// Makes the complete command line, which knows the flags of all commands.
    commands: fn() -> clap::Command,
    /// The settings that were typed as a flag of kubelogin: ours, and its name.
    renamed: Vec<(&'static str, &'static str)>,
    /// The log level, if `-v` sets one.
    pub level: Option<Level>,
    /// Whether a flag that is refused on purpose, and that a user can do without, is left out with a warning.
    is_moved: bool,
}

impl Words {
    /// The words without its command, wherever it stands.
    pub fn without_command(&self) -> Vec<OsString> {
        self.words.iter().filter(|word| *word != "get-token").cloned().collect()
    }

    /// What was typed for this setting.
    pub fn typed(&self, key: &Key) -> String {
        let renamed = self.renamed.iter().find(|(ours, _)| *ours == key.flag).map(|(_, name)| (*name).to_owned());
        let is_alias = |word: &String| word.strip_prefix("--").is_some_and(|name| key.aliases.contains(&name));
        let names = self.words.iter().filter_map(|word| Some(word.to_str()?.split('=').next()?.to_owned()));
        renamed.or_else(|| names.into_iter().find(is_alias)).unwrap_or_else(|| format!("--{}", key.flag))
    }

    /// The words of the plugin's command line, which may name its command.
    pub fn settings(&self) -> &[OsString] {
        let is_named = self.words.first().is_some_and(|first| first == "get-token");
        &self.words[usize::from(is_named)..]
    }

    /// Reads the words after the program's name.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Usage`] for a flag of kubelogin that kubekey refuses, by its name.
    pub fn read(words: impl Iterator<Item = OsString>, commands: fn() -> clap::Command) -> Result<Self> {
        Self::new(commands, false).with(words)
    }

    /// The same for the words of a user who moves to kubekey: a flag that is refused on purpose, and that the user can
    /// do without, is left out with a warning.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Usage`] for the other flags that kubekey refuses.
    pub fn read_to_move(words: impl Iterator<Item = OsString>, commands: fn() -> clap::Command) -> Result<Self> {
        let mut read = Self::new(commands, true).with(words)?;
        if read.level.is_some() {
            read.kubelogin.warnings.push("-v is left out: KUBEKEY_LOG=debug prints the steps of a run".to_owned());
        }
        Ok(read)
    }

    fn new(commands: fn() -> clap::Command, is_moved: bool) -> Self {
        Self {
            words: Vec::new(),
            kubelogin: Kubelogin::default(),
            commands,
            renamed: Vec::new(),
            level: None,
            is_moved,
        }
    }

    fn with(mut self, words: impl Iterator<Item = OsString>) -> Result<Self> {
        let all: Vec<_> = words.collect();
        self.take_all(all.iter().cloned()).inspect_err(|_| secret_values::hide(&all))?;
        Ok(self)
    }

    fn take_all(&mut self, words: impl Iterator<Item = OsString>) -> Result<()> {
        let mut words = words.peekable();
        words.next_if(|first| first == PLUGIN);
        while let Some(word) = words.next() {
            if word == "--" {
                self.words.push(word);
                self.words.extend(words);
                break;
            }
            match is_like_flag(&word).then(|| word.to_string_lossy().into_owned()) {
                Some(text) => self.take(&text, word, &mut words)?,
                None => self.words.push(word),
            }
        }
        Ok(())
    }

    fn take(&mut self, text: &str, word: OsString, rest: &mut Peekable<impl Iterator<Item = OsString>>) -> Result<()> {
        if let Some(level) = verbosity::level(text, rest) {
            self.level = Some(level);
            return Ok(());
        }
        verbosity::refuse_attached(text)?;
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value.to_owned())));
        if name.starts_with("--oidc-") {
            self.kubelogin.redirect_host.get_or_insert_with(|| Kubelogin::HOST.to_owned());
        }
        let Some((name, takes, meaning)) = FLAGS.into_iter().find(|(known, ..)| *known == name) else {
            self.words.push(word);
            // It is the value; if it may not be one, clap says so.
            self.words.extend(rest.next_if(|next| is_like_flag(next) && flag_value::follows(text, self.commands)));
            return Ok(());
        };
        let value = match (value, takes) {
            (Some(value), _) => value,
            (None, Takes::Switch) => "true".to_owned(),
            (None, Takes::Value) => match rest.next() {
                Some(value) => value.to_string_lossy().into_owned(),
                None => return Err(refused::without_value(name)),
            },
        };
        self.apply(name, meaning, &value)
    }

    fn apply(&mut self, name: &'static str, meaning: Meaning, value: &str) -> Result<()> {
        let is_on = is_on(value);
        let is_password = match meaning {
            Meaning::Password => true,
            Meaning::GrantType => value == "password",
            _ => false,
        };
        if self.is_moved && (is_password || matches!(meaning, Meaning::PkceMethod) && value == "no") {
            let why = if is_password { "kubekey takes no passwords" } else { "kubekey always uses PKCE" };
            self.kubelogin.warnings.push(format!("{name} is left out: {why}"));
            return Ok(());
        }
        match meaning {
            Meaning::PkceMethod if !["auto", "S256"].contains(&value) => return Err(refused::wrong_pkce(name, value)),
            Meaning::Renegotiation if is_on => {
                let warning = format!("{name} has no effect: kubekey never renegotiates TLS");
                self.kubelogin.warnings.push(warning);
            }
            Meaning::RedirectHost => self.kubelogin.redirect_host = Some(value.to_owned()),
            Meaning::ListenPort => {
                self.renamed.push(("listen-address", name));
                self.words.extend(value.split(',').map(|port| format!("--listen-address=127.0.0.1:{port}").into()));
            }
            Meaning::Storage(storage) if is_on => {
                self.renamed.push(("token-storage", name));
                self.words.push(format!("--token-storage={storage}").into());
            }
            Meaning::GrantType if value == "password" => return Err(refused::password("--grant-type=password")),
            Meaning::GrantType => self.words.push(format!("{name}={value}").into()),
            Meaning::Password => return Err(refused::password(name)),
            Meaning::Exchange(parameter) => {
                self.renamed.push(("auth-param", name));
                self.words.push(format!("--auth-param={parameter}={}", token_type(value)).into());
            }
            Meaning::SubjectToken => return Err(refused::subject_token(name)),
            Meaning::ActorToken => {
                return Err(refused::not_part(name, "kubekey exchanges the token of one program, for itself"));
            }
            Meaning::UsePkce | Meaning::PkceMethod | Meaning::Renegotiation | Meaning::Storage(_) => {}
        }
        Ok(())
    }
}

/// Whether a word begins as a flag does; `--` ends the flags.
fn is_like_flag(word: &OsString) -> bool {
    word.as_encoded_bytes().starts_with(b"-") && word != "--"
}

/// The full name of a type of tokens (RFC 8693 §3).
fn token_type(value: &str) -> String {
    match value {
        "id-token" | "access-token" | "refresh-token" | "jwt" => {
            format!("urn:ietf:params:oauth:token-type:{}", value.replace('-', "_"))
        }
        other => other.to_owned(),
    }
}

/// kubelogin reads a switch as Go does.
fn is_on(value: &str) -> bool {
    !["0", "f", "F", "false", "FALSE", "False"].contains(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Words> {
        Words::read(words.iter().map(OsString::from), || clap::Command::new("kubekey"))
    }

    #[test]
    fn v_with_a_number_is_a_log_level_and_alone_it_is_left() {
        for (words, expected) in [
            (["-v1", "a"].as_slice(), Some(Level::Debug)),
            (&["-v=1"], Some(Level::Debug)),
            (&["-v", "1"], Some(Level::Debug)),
            (&["--v", "1"], Some(Level::Debug)),
            (&["--v=0"], Some(Level::Info)),
            (&["-v4"], Some(Level::Trace)),
            (&["-v"], None),
            (&["-v", "login"], None),
            (&["--verbose"], Some(Level::Debug)),
        ] {
            let read = read(words).unwrap();
            assert_eq!(read.level, expected, "{words:?}");
            assert_eq!(read.words.is_empty(), expected.is_some() && words[0] != "-v1", "{words:?}");
        }
    }

    #[test]
    fn a_password_is_never_repeated() {
        for words in
            [["--password", "canary"].as_slice(), &["--password=canary"], &["--username=me", "--password=canary"]]
        {
            let error = read(words).err().unwrap();
            assert!(!format!("{error} {}", error.what_to_do()).contains("canary"), "{error}");
        }
    }

    #[test]
    fn what_is_kubekeys_stays_as_it_is() {
        let words = ["get-token", "--issuer-url=x", "--skip-open-browser", "--", "x", "--username", "-v1", "-v=x"];
        let read = read(&words).unwrap();
        assert_eq!(read.words, words);
        assert!(read.kubelogin.redirect_host.is_none());
    }
}
