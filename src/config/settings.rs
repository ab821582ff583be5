//! The resolved settings: every value parsed.

use std::path::PathBuf;
use std::time::Duration;

use openidconnect::{ClientId, IssuerUrl};
use url::{Host, Url};

use super::given::{Given, Text};
use super::{ClientSecret, LoopbackAddress, Policy, SessionRules, Tls, platform, time};
use crate::error::{Error, ErrorKind, Result};

/// The scopes of a sign-in for which nobody chose any. `openid` makes it OpenID Connect; the others put a name into
/// the ID token, which Kubernetes can use as the user name.
pub const DEFAULT_SCOPES: [&str; 3] = ["openid", "email", "profile"];

/// The longest wait that makes sense: nobody is coming back after a day.
const LONGEST_LOGIN_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

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
            issuer_url: parse_issuer_url(issuer_url)?,
            client_id: parse_client_id(client_id)?,
            client_secret: ClientSecret::choose(given)?,
            tls,
            scopes: parse_scopes(&given.texts("scope"))?,
            loopback_addresses: LoopbackAddress::parse_all(
                &words_and_commas(&given.texts("listen-address")),
                &words(&given.texts("redirect-url")),
            )?,
            login_timeout: parse_login_timeout(with_default(given, "login-timeout"))?,
            response_mode: parse_response_mode(with_default(given, "response-mode"))?,
            opener: match given.text("browser-command") {
                _ if parse_switch(given.text("skip-open-browser"))? => Opener::Nobody,
                Some(command) => Opener::Command(command.text.to_owned()),
                // A kubeconfig can set this variable just as well.
                None if policy.locks("browser-command") => Opener::Desktop,
                None => match environment("BROWSER").filter(|commands| !commands.trim().is_empty()) {
                    Some(commands) => Opener::Variable(commands),
                    None => Opener::Desktop,
                },
            },
            token_storage: policy.choose_storage(parse_token_storage(token_storage)?, token_storage)?,
            token_dir: match given.text("token-dir") {
                Some(dir) => Some(parse_path(dir)?),
                None => platform::state_dir().map(|dir| dir.join("tokens")),
            },
            template_dir: given.text("template-dir").map(parse_path).transpose()?,
            post_login_url: given.text("post-login-url").map(parse_post_login_url).transpose()?,
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

/// A list's texts, each of which may hold several in one variable.
fn words<'a>(texts: &[Text<'a>]) -> Vec<Text<'a>> {
    texts.iter().flat_map(|text| text.words()).collect()
}

/// The same for texts without commas in them; kubelogin's lists have commas in between.
fn words_and_commas<'a>(texts: &[Text<'a>]) -> Vec<Text<'a>> {
    let words = words(texts).into_iter().flat_map(|word| word.text.split(',').map(move |text| word.part(text)));
    words.filter(|word| !word.text.is_empty()).collect()
}

fn missing(what: &str, names: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("no {what} is set"))
        .hint(format!("give {names}, in the kubeconfig's exec section (args or env), or a configuration file"))
}

fn parse_issuer_url(given: Text<'_>) -> Result<IssuerUrl> {
    let text = given.text;
    let hint = "it is the 'issuer' of the provider's discovery document, for example https://login.example.com";
    let url = Url::parse(text).map_err(|error| given.unusable(&explain(error)).hint(hint))?;
    // OpenID Connect Discovery §3: https, and neither query nor fragment.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(given.unusable("an issuer has no user name or password").hint(hint));
    }
    let why_not = if url.host().is_none() || !matches!(url.scheme(), "https" | "http") {
        "it has to begin with https://"
    } else if url.scheme() == "http" && !is_loopback_host(url.host()) {
        "http is for this machine only; everything else has to be https"
    } else if url.path().ends_with("/.well-known/openid-configuration") {
        "leave '/.well-known/openid-configuration' off"
    } else if url.query().is_some() || url.fragment().is_some() {
        "an issuer has no '?' or '#'"
    } else {
        return IssuerUrl::new(text.to_owned()).map_err(|error| given.unusable(&error.to_string()).hint(hint));
    };
    Err(given.unusable(why_not).hint(hint))
}

fn explain(error: url::ParseError) -> String {
    match error {
        url::ParseError::RelativeUrlWithoutBase => "it has to begin with https://".into(),
        error => error.to_string(),
    }
}

/// kubekey reads nothing from the current directory, which may be anybody's.
pub(super) fn parse_path(given: Text<'_>) -> Result<PathBuf> {
    // client-go leaves '~' as it is; kubelogin replaces it, so its users have it in their kubeconfigs.
    let path = match given.text.strip_prefix("~/") {
        Some(below) => std::env::home_dir().map(|home| home.join(below)).unwrap_or_default(),
        None => PathBuf::from(given.text),
    };
    match path.is_absolute() {
        true => Ok(path),
        false => Err(given
            .unusable("it is not an absolute path")
            .hint("give the whole path, or one that begins with '~/'; '$HOME' is not replaced in a kubeconfig")),
    }
}

/// A misspelt "false" must not mean "true".
pub(super) fn parse_switch(given: Option<Text<'_>>) -> Result<bool> {
    let Some(given) = given else { return Ok(false) };
    match given.text.to_ascii_lowercase().as_str() {
        "false" | "0" | "no" | "off" => Ok(false),
        "true" | "1" | "yes" | "on" => Ok(true),
        _ => Err(given.unusable("it is neither true nor false").hint("leave it out, or give true or false")),
    }
}

fn parse_response_mode(given: Text<'_>) -> Result<Option<ResponseMode>> {
    match given.text {
        "auto" => Ok(None),
        "form_post" => Ok(Some(ResponseMode::FormPost)),
        "query" => Ok(Some(ResponseMode::Query)),
        _ => Err(given.unusable("there is no such mode").hint("give auto, form_post or query")),
    }
}

fn parse_token_storage(given: Text<'_>) -> Result<TokenStorage> {
    TokenStorage::named(given.text)
        .ok_or_else(|| given.unusable("there is no such place").hint("give auto, keyring, kernel, file or none"))
}

fn parse_post_login_url(given: Text<'_>) -> Result<Url> {
    let hint = "give a URL that begins with https://";
    let url = Url::parse(given.text).map_err(|error| given.unusable(&explain(error)).hint(hint))?;
    match url.scheme() == "https" || (url.scheme() == "http" && is_loopback_host(url.host())) {
        true => Ok(url),
        false => Err(given.unusable("it has to begin with https://").hint(hint)),
    }
}

fn parse_client_id(given: Text<'_>) -> Result<ClientId> {
    // RFC 6749 appendix A.1: visible ASCII.
    match given.text.chars().all(|character| matches!(character, ' '..='~')) {
        true => Ok(ClientId::new(given.text.to_owned())),
        false => Err(given
            .unusable("it has characters other than visible ASCII")
            .hint("copy the client ID again from the provider's registration")),
    }
}

fn parse_scopes(given: &[Text<'_>]) -> Result<Option<Vec<String>>> {
    let given = words_and_commas(given);
    // RFC 6749 §3.3: a scope is visible ASCII without '"' and '\'.
    let is_scope = |scope: &str| scope.chars().all(|c| matches!(c, '!' | '#'..='[' | ']'..='~'));
    if let Some(scope) = given.iter().find(|scope| !is_scope(scope.text)) {
        return Err(scope.unusable("a scope is visible ASCII without '\"' and '\\'"));
    }
    if given.is_empty() {
        return Ok(None);
    }
    let mut scopes = vec!["openid".to_owned()];
    for scope in given {
        if !scopes.iter().any(|known| known == scope.text) {
            scopes.push(scope.text.to_owned());
        }
    }
    Ok(Some(scopes))
}

fn parse_login_timeout(given: Text<'_>) -> Result<Duration> {
    time::parse(given.text).filter(|timeout| *timeout <= LONGEST_LOGIN_TIMEOUT).ok_or_else(|| {
        given
            .unusable("it is not a time between 1 second and 24 hours")
            .hint("give seconds, or a number with a unit: 180, 90s, 3m")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::given::Origin;
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

    fn text<'a>(flag: &str, text: &'a str) -> Text<'a> {
        Text { text, key: Key::of_flag(flag).unwrap(), origin: &Origin::Flag }
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

    #[test]
    fn only_https_or_loopback_issuers_without_extras_are_taken() {
        for (url, good) in [
            ("https://login.example.com/realms/a/", true),
            ("http://127.0.0.1:5556/dex", true),
            ("http://localhost:5556", true),
            ("http://[::1]:5556", true),
            ("http://login.example.com", false),
            ("http://localhost.example.com", false),
            ("ftp://login.example.com", false),
            ("https://login.example.com?x=1", false),
            ("https://login.example.com#x", false),
            ("https://jane:pw@login.example.com", false),
            ("login.example.com", false),
            ("https://login.example.com/.well-known/openid-configuration", false),
        ] {
            assert_eq!(parse_issuer_url(text("issuer-url", url)).is_ok(), good, "{url}");
        }
    }

    #[test]
    fn openid_is_always_among_the_scopes() {
        let given = ["email groups", "email,offline_access"].map(|given| text("scope", given));
        let expected = ["openid", "email", "groups", "offline_access"].map(str::to_owned);
        assert_eq!(parse_scopes(&given).unwrap(), Some(expected.to_vec()));
        assert_eq!(parse_scopes(&[]).unwrap(), None);
        assert!(parse_scopes(&[text("scope", "gr\"oups")]).is_err());
    }

    #[test]
    fn a_login_timeout_is_a_number_with_or_without_a_unit() {
        for (given, seconds) in [("180", Some(180)), ("90s", Some(90)), ("3m", Some(180)), ("1h", Some(3600))] {
            assert_eq!(
                parse_login_timeout(text("login-timeout", given)).ok(),
                seconds.map(Duration::from_secs),
                "{given}"
            );
        }
        for given in ["0", "", "s", "-1", "3 m", "25h", "99999999999999999999", "99999999999999999m"] {
            assert!(parse_login_timeout(text("login-timeout", given)).is_err(), "{given}");
        }
    }
}
