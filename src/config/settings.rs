//! The resolved settings: every value parsed.

use std::path::PathBuf;
use std::time::Duration;

use openidconnect::{ClientId, IssuerUrl};
use url::{Host, Url};

use super::given::{Given, Text};
use super::{ClientSecret, LoopbackAddress, Policy, SessionRules, Tls, platform, values};
use crate::error::{Error, ErrorKind, Result};

/// The scopes of a sign-in for which nobody chose any. `openid` makes it OpenID Connect; the others put a name into
/// the ID token, which Kubernetes can use as the user name.
pub const DEFAULT_SCOPES: [&str; 3] = ["openid", "email", "profile"];

/// What a run works with. Nothing in it is invalid.
#[derive(Debug)]
pub struct Settings {
    /// The provider. Its scheme is https, or http on loopback.
    pub issuer_url: IssuerUrl,
    /// Who kubekey is to the provider.
    pub client_id: ClientId,
    /// Only where the provider insists: a native app cannot keep a secret (RFC 8252 §8.5).
    pub client_secret: Option<ClientSecret>,
    /// How the provider's certificate is verified.
    pub tls: Tls,
    /// The scopes someone chose, always with `openid`; `None` leaves [`DEFAULT_SCOPES`] and what the provider needs
    /// for a refresh token.
    pub scopes: Option<Vec<String>>,
    /// Where to listen for the browser, tried in order; never empty.
    pub loopback_addresses: Vec<LoopbackAddress>,
    /// How long the browser's answer is awaited.
    pub login_timeout: Duration,
    /// How the provider's answer is to come; `None` is [`ResponseMode::FormPost`] where the provider offers it.
    pub response_mode: Option<ResponseMode>,
    /// What opens the user's browser.
    pub opener: Opener,
    /// Where to keep a sign-in.
    pub token_storage: TokenStorage,
    /// The folder for [`TokenStorage::File`]; `None` where there is no home folder.
    pub token_dir: Option<PathBuf>,
    /// A folder of templates that the user named.
    pub template_dir: Option<PathBuf>,
    /// Where the browser goes after a sign-in: https, or http on loopback.
    pub post_login_url: Option<Url>,
    /// What the policy says of sign-ins.
    pub session_rules: SessionRules,
}

/// How the provider's answer comes by way of the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of a redirect, and so in the address bar for a moment.
    Query,
    /// In a form that the provider's page posts: no code ever stands in an address bar, to be read or copied from there.
    FormPost,
}

/// What opens the user's browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opener {
    /// Nothing does: the address is printed, and that is all.
    Nobody,
    /// This command, a program and its arguments.
    Command(String),
    /// The first of these that works: what the variable `BROWSER` says.
    Variable(String),
    /// The desktop's own way.
    Desktop,
}

/// Where a sign-in is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenStorage {
    /// The keyring with the kernel's keys in front of it, else the kernel's keys alone, else nowhere.
    #[default]
    Auto,
    /// The keyring alone.
    Keyring,
    /// The kernel's keys alone.
    Kernel,
    /// A file.
    File,
    /// Nowhere.
    None,
}

impl TokenStorage {
    /// The place with this name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "auto" => Self::Auto,
            "keyring" => Self::Keyring,
            "kernel" => Self::Kernel,
            // The second is kubelogin's.
            "file" | "disk" => Self::File,
            "none" => Self::None,
            _ => return None,
        })
    }
}

impl Settings {
    /// Parses what wins of all that was given, if the policy allows it all. `environment` gives a variable's value.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for a setting that is missing or cannot be used; [`ErrorKind::Policy`] for one that is locked.
    pub fn resolve(given: &Given, environment: impl Fn(&str) -> Option<String>, policy: &Policy) -> Result<Self> {
        policy.check_given(given, &environment)?;
        let given = &*policy.impose(given);
        let issuer_url = given
            .text("issuer-url")
            .ok_or_else(|| missing("issuer URL", "--issuer-url, KUBEKEY_ISSUER_URL or IDP_ISSUER_URL"))?;
        let client_id = given.text("client-id").ok_or_else(|| {
            missing("client ID", "--client-id, KUBEKEY_CLIENT_ID, or CLIENT_ID next to IDP_ISSUER_URL")
        })?;
        let tls = Tls::parse(given, policy.extra_authorities())?;
        policy.check_provider(issuer_url, client_id, tls.skips_verification)?;
        let token_storage = with_default(given, "token-storage");
        Ok(Self {
            issuer_url: values::issuer_url(issuer_url)?,
            client_id: values::client_id(client_id)?,
            client_secret: ClientSecret::choose(given)?,
            tls,
            scopes: values::scopes(&given.texts("scope"))?,
            loopback_addresses: LoopbackAddress::parse_all(
                &values::words_and_commas(&given.texts("listen-address")),
                &values::words(&given.texts("redirect-url")),
            )?,
            login_timeout: values::login_timeout(with_default(given, "login-timeout"))?,
            response_mode: values::response_mode(with_default(given, "response-mode"))?,
            opener: match given.text("browser-command") {
                _ if values::switch(given.text("skip-open-browser"))? => Opener::Nobody,
                Some(command) => Opener::Command(command.text.to_owned()),
                // A kubeconfig can set this variable just as well.
                None if policy.locks("browser-command") => Opener::Desktop,
                None => match environment("BROWSER").filter(|commands| !commands.trim().is_empty()) {
                    Some(commands) => Opener::Variable(commands),
                    None => Opener::Desktop,
                },
            },
            token_storage: policy.choose_storage(values::token_storage(token_storage)?, token_storage)?,
            token_dir: match given.text("token-dir") {
                Some(dir) => Some(values::path(dir)?),
                None => platform::state_dir().map(|dir| dir.join("tokens")),
            },
            template_dir: given.text("template-dir").map(values::path).transpose()?,
            post_login_url: given.text("post-login-url").map(values::post_login_url).transpose()?,
            session_rules: policy.session_rules(),
        })
    }
}

/// A variable of the environment. One that is not UTF-8 is there, too, and will not be understood.
pub fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// Of a setting that has a default.
fn with_default<'a>(given: &'a Given, flag: &str) -> Text<'a> {
    given.text(flag).expect("a default in the table of settings")
}

/// Whether requests to this host stay on this machine, so that http is as safe as https (RFC 8252 §8.3).
pub fn is_loopback_host(host: Option<Host<&str>>) -> bool {
    match host {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn missing(what: &str, names: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("no {what} is set")).hint(format!(
        "give {names}, in the kubeconfig's exec section (args or env) or a configuration file, or run 'kubekey setup'"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::Key;
    use crate::config::{Flags, layers};
    use crate::secret::Secret;

    /// With these flags and variables.
    fn resolve(flags: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<Settings> {
        let environment =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let given = flags.iter().map(|(flag, text)| (Key::of_flag(flag).unwrap(), vec![(*text).to_owned()]));
        let layers = layers::merge(&[], layers::above_files(&Flags(given.collect()), environment, None)?.0)?;
        Settings::resolve(&layers, environment, &Policy::default())
    }

    const GIVEN: [(&str, &str); 2] = [("issuer-url", "https://login.example.com"), ("client-id", "kubernetes")];

    const ORIGINAL: [(&str, &str); 3] =
        [("IDP_ISSUER_URL", "https://old.example.com"), ("CLIENT_ID", "old"), ("CLIENT_SECRET", "s3cret")];

    #[test]
    fn the_originals_variables_work_unchanged() {
        let settings = resolve(&[], &ORIGINAL).unwrap();
        assert_eq!(settings.issuer_url.as_str(), "https://old.example.com");
        assert_eq!(settings.client_id.as_str(), "old");
        assert_eq!(settings.client_secret, Some(ClientSecret::Given(Secret::new("s3cret"))));
    }

    #[test]
    fn a_client_id_without_the_originals_issuer_belongs_to_another_tool() {
        let error = resolve(&GIVEN[..1], &[("CLIENT_ID", "other")]).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Usage, "no client ID is set"));
        assert!(resolve(&GIVEN, &[("CLIENT_SECRET", "other")]).unwrap().client_secret.is_none());
    }

    #[test]
    fn flags_win_over_the_originals_variables() {
        let settings = resolve(&GIVEN, &ORIGINAL).unwrap();
        assert_eq!(settings.issuer_url.as_str(), "https://login.example.com");
        assert_eq!(settings.client_id.as_str(), "kubernetes");
        assert!(settings.client_secret.is_none(), "a secret must not reach another issuer or client");
    }

    #[test]
    fn an_empty_value_is_no_value() {
        let settings = resolve(&GIVEN, &[("IDP_ISSUER_URL", "https://x.example"), ("CLIENT_SECRET", "")]).unwrap();
        assert!(settings.client_secret.is_none());
        assert_eq!(resolve(&[("issuer-url", ""), GIVEN[1]], &[]).unwrap_err().to_string(), "no issuer URL is set");
    }
}
