//! The resolved settings: every value parsed, every default in one place.

use std::path::PathBuf;
use std::time::Duration;

use openidconnect::{ClientId, IssuerUrl};
use url::{Host, Url};

use super::{ClientSecret, LoopbackAddress, Policy, Tls, platform};
use crate::cli;
use crate::error::{Error, ErrorKind, Result};

/// The scopes of a sign-in for which nobody chose any. `openid` makes it OpenID Connect; the others put a name into
/// the ID token, which Kubernetes can use as the user name.
pub const DEFAULT_SCOPES: [&str; 3] = ["openid", "email", "profile"];

/// How long the browser's answer is awaited.
const DEFAULT_LOGIN_TIMEOUT: Duration = Duration::from_secs(180);

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

impl Settings {
    /// Flags and `KUBEKEY_` variables first, then the names of the original kubekey, then the defaults.
    ///
    /// `environment` gives a variable's value.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for a setting that is missing or cannot be used; [`ErrorKind::Policy`] for one that is locked.
    pub fn resolve(
        given: &cli::Settings,
        environment: impl Fn(&str) -> Option<String>,
        policy: &Policy,
    ) -> Result<Self> {
        policy.check_given(given, &environment)?;
        let idp_issuer_url = environment("IDP_ISSUER_URL").filter(|value| !value.is_empty());
        // The bare names are too common to believe: CLIENT_ID may have been set for another tool.
        let original = |name| idp_issuer_url.as_ref().and_then(|_| environment(name));

        let issuer_url = first([given.issuer_url.clone(), idp_issuer_url.clone()])
            .ok_or_else(|| missing("issuer URL", "--issuer-url, KUBEKEY_ISSUER_URL or IDP_ISSUER_URL"))?;
        let client_id = first([given.client_id.clone(), original("CLIENT_ID")]).ok_or_else(|| {
            missing("client ID", "--client-id, KUBEKEY_CLIENT_ID, or CLIENT_ID next to IDP_ISSUER_URL")
        })?;
        // That secret belongs to that client at that issuer, and must not reach another.
        let is_original = first([given.issuer_url.clone(), given.client_id.clone()]).is_none();
        let original_secret = original("CLIENT_SECRET").filter(|_| is_original);
        let template_dir = first([given.template_dir.clone(), environment("KUBEKEY_TEMPLATEDIR")]);

        Ok(Self {
            issuer_url: parse_issuer_url(&issuer_url)?,
            client_id: parse_client_id(client_id)?,
            client_secret: ClientSecret::choose(given, original_secret)?,
            tls: Tls::parse(given)?,
            scopes: parse_scopes(&given.scope)?,
            loopback_addresses: LoopbackAddress::parse_all(
                &words_and_commas(&given.listen_address),
                &words(&given.redirect_url),
            )?,
            login_timeout: first([given.login_timeout.clone()])
                .map_or(Ok(DEFAULT_LOGIN_TIMEOUT), |text| parse_login_timeout(&text))?,
            response_mode: first([given.response_mode.clone()]).map_or(Ok(None), |text| parse_response_mode(&text))?,
            opener: match first([given.browser_command.clone()]) {
                _ if parse_switch("skip-open-browser", given.skip_open_browser.as_deref())? => Opener::Nobody,
                Some(command) => Opener::Command(command),
                // A kubeconfig can set this variable just as well.
                None if policy.locks("browser-command") => Opener::Desktop,
                None => match environment("BROWSER").filter(|commands| !commands.trim().is_empty()) {
                    Some(commands) => Opener::Variable(commands),
                    None => Opener::Desktop,
                },
            },
            token_storage: first([given.token_storage.clone()])
                .map_or(Ok(TokenStorage::default()), |text| parse_token_storage(&text))?,
            token_dir: match first([given.token_dir.clone()]) {
                Some(text) => Some(parse_path("token-dir", &text)?),
                None => platform::state_dir().map(|dir| dir.join("tokens")),
            },
            template_dir: template_dir.map(|text| parse_path("template-dir", &text)).transpose()?,
        })
    }
}

/// A variable of the environment. One that is not UTF-8 is there, too, and will not be understood.
pub fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
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

/// The first value that is there; an empty one is as good as none, since kubeconfigs cannot unset a variable.
pub(super) fn first<const N: usize>(values: [Option<String>; N]) -> Option<String> {
    values.into_iter().flatten().find(|value| !value.is_empty())
}

/// A repeated flag's values, each of which may hold several in one variable.
fn words(values: &[String]) -> Vec<&str> {
    values.iter().flat_map(|value| value.split_whitespace()).collect()
}

/// The same for values without commas in them; kubelogin's lists have commas in between.
fn words_and_commas(values: &[String]) -> Vec<&str> {
    words(values).into_iter().flat_map(|value| value.split(',')).filter(|value| !value.is_empty()).collect()
}

fn missing(what: &str, names: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("no {what} is set"))
        .hint(format!("give {names}, in the kubeconfig's exec section (args or env)"))
}

/// A flag or its variable whose value cannot be used.
pub(super) fn unusable(flag: &str, value: &str, why: &str) -> Error {
    // With an '@' in a URL, it may be a password that is quoted.
    let value = if value.contains('@') && (value.contains("://") || flag == "issuer-url") { "***" } else { value };
    Error::new(ErrorKind::Usage, format!("--{flag} '{value}' cannot be used: {why}"))
}

fn parse_issuer_url(text: &str) -> Result<IssuerUrl> {
    let hint = "it is the 'issuer' of the provider's discovery document, for example https://login.example.com";
    let url = Url::parse(text).map_err(|error| unusable("issuer-url", text, &explain(error)).hint(hint))?;
    // OpenID Connect Discovery §3: https, and neither query nor fragment.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(unusable("issuer-url", text, "an issuer has no user name or password").hint(hint));
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
        return IssuerUrl::new(text.to_owned())
            .map_err(|error| unusable("issuer-url", text, &error.to_string()).hint(hint));
    };
    Err(unusable("issuer-url", text, why_not).hint(hint))
}

fn explain(error: url::ParseError) -> String {
    match error {
        url::ParseError::RelativeUrlWithoutBase => "it has to begin with https://".into(),
        error => error.to_string(),
    }
}

/// kubekey reads nothing from the current directory, which may be anybody's.
pub(super) fn parse_path(flag: &str, text: &str) -> Result<PathBuf> {
    // client-go leaves '~' as it is; kubelogin replaces it, so its users have it in their kubeconfigs.
    let path = match text.strip_prefix("~/") {
        Some(below) => std::env::home_dir().map(|home| home.join(below)).unwrap_or_default(),
        None => PathBuf::from(text),
    };
    match path.is_absolute() {
        true => Ok(path),
        false => Err(unusable(flag, text, "it is not an absolute path")
            .hint("give the whole path, or one that begins with '~/'; '$HOME' is not replaced in a kubeconfig")),
    }
}

/// A misspelt "false" must not mean "true".
pub(super) fn parse_switch(flag: &str, given: Option<&str>) -> Result<bool> {
    let text = given.unwrap_or_default();
    match text.to_ascii_lowercase().as_str() {
        "" | "false" | "0" | "no" | "off" => Ok(false),
        "true" | "1" | "yes" | "on" => Ok(true),
        _ => Err(unusable(flag, text, "it is neither true nor false").hint("leave it out, or give true or false")),
    }
}

fn parse_response_mode(text: &str) -> Result<Option<ResponseMode>> {
    match text {
        "auto" => Ok(None),
        "form_post" => Ok(Some(ResponseMode::FormPost)),
        "query" => Ok(Some(ResponseMode::Query)),
        _ => Err(unusable("response-mode", text, "there is no such mode").hint("give auto, form_post or query")),
    }
}

fn parse_token_storage(text: &str) -> Result<TokenStorage> {
    match text {
        "auto" => Ok(TokenStorage::Auto),
        "keyring" => Ok(TokenStorage::Keyring),
        "kernel" => Ok(TokenStorage::Kernel),
        // kubelogin's name for it.
        "file" | "disk" => Ok(TokenStorage::File),
        "none" => Ok(TokenStorage::None),
        _ => {
            Err(unusable("token-storage", text, "there is no such place")
                .hint("give auto, keyring, kernel, file or none"))
        }
    }
}

fn parse_client_id(text: String) -> Result<ClientId> {
    // RFC 6749 appendix A.1: visible ASCII.
    match text.chars().all(|character| matches!(character, ' '..='~')) {
        true => Ok(ClientId::new(text)),
        false => Err(unusable("client-id", &text, "it has characters other than visible ASCII")
            .hint("copy the client ID again from the provider's registration")),
    }
}

fn parse_scopes(given: &[String]) -> Result<Option<Vec<String>>> {
    let given = words_and_commas(given);
    // RFC 6749 §3.3: a scope is visible ASCII without '"' and '\'.
    let is_scope = |scope: &str| scope.chars().all(|c| matches!(c, '!' | '#'..='[' | ']'..='~'));
    if let Some(scope) = given.iter().find(|scope| !is_scope(scope)) {
        return Err(unusable("scope", scope, "a scope is visible ASCII without '\"' and '\\'"));
    }
    if given.is_empty() {
        return Ok(None);
    }
    let mut scopes = vec!["openid".to_owned()];
    for scope in given {
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    Ok(Some(scopes))
}

fn parse_login_timeout(text: &str) -> Result<Duration> {
    let (digits, seconds_in_one) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(digits) if text.ends_with('m') => (digits, 60),
        Some(digits) if text.ends_with('h') => (digits, 60 * 60),
        Some(digits) => (digits, 1),
        None => (text, 1),
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(seconds_in_one))
        .map(Duration::from_secs)
        .filter(|timeout| !timeout.is_zero() && *timeout <= LONGEST_LOGIN_TIMEOUT)
        .ok_or_else(|| {
            unusable("login-timeout", text, "it is not a time between 1 second and 24 hours")
                .hint("give seconds, or a number with a unit: 180, 90s, 3m")
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn resolve(given: &cli::Settings, variables: &[(&str, &str)]) -> Result<Settings> {
        let environment =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Settings::resolve(given, environment, &Policy::default())
    }

    fn given() -> cli::Settings {
        cli::Settings {
            issuer_url: Some("https://login.example.com".into()),
            client_id: Some("kubernetes".into()),
            ..Default::default()
        }
    }

    const ORIGINAL: [(&str, &str); 3] =
        [("IDP_ISSUER_URL", "https://old.example.com"), ("CLIENT_ID", "old"), ("CLIENT_SECRET", "s3cret")];

    #[test]
    fn the_originals_variables_work_unchanged() {
        let settings = resolve(&cli::Settings::default(), &ORIGINAL).unwrap();
        assert_eq!(settings.issuer_url.as_str(), "https://old.example.com");
        assert_eq!(settings.client_id.as_str(), "old");
        assert_eq!(settings.client_secret, Some(ClientSecret::Given(Secret::new("s3cret"))));
    }

    #[test]
    fn a_client_id_without_the_originals_issuer_belongs_to_another_tool() {
        let only_issuer = cli::Settings { client_id: None, ..given() };
        let error = resolve(&only_issuer, &[("CLIENT_ID", "other")]).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Usage, "no client ID is set"));
        assert!(resolve(&given(), &[("CLIENT_SECRET", "other")]).unwrap().client_secret.is_none());
    }

    #[test]
    fn flags_win_over_the_originals_variables() {
        let settings = resolve(&given(), &ORIGINAL).unwrap();
        assert_eq!(settings.issuer_url.as_str(), "https://login.example.com");
        assert_eq!(settings.client_id.as_str(), "kubernetes");
        assert!(settings.client_secret.is_none(), "a secret must not reach another issuer or client");
    }

    #[test]
    fn an_empty_value_is_no_value() {
        let settings = resolve(&given(), &[("IDP_ISSUER_URL", "https://x.example"), ("CLIENT_SECRET", "")]).unwrap();
        assert!(settings.client_secret.is_none());
        let empty = cli::Settings { issuer_url: Some(String::new()), ..given() };
        assert_eq!(resolve(&empty, &[]).unwrap_err().to_string(), "no issuer URL is set");
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
            assert_eq!(parse_issuer_url(url).is_ok(), good, "{url}");
        }
    }

    #[test]
    fn openid_is_always_among_the_scopes() {
        let given = ["email groups".to_owned(), "email,offline_access".to_owned()];
        let expected = ["openid", "email", "groups", "offline_access"].map(str::to_owned);
        assert_eq!(parse_scopes(&given).unwrap(), Some(expected.to_vec()));
        assert_eq!(parse_scopes(&[]).unwrap(), None);
        assert!(parse_scopes(&["gr\"oups".to_owned()]).is_err());
    }

    #[test]
    fn a_login_timeout_is_a_number_with_or_without_a_unit() {
        for (text, seconds) in [("180", Some(180)), ("90s", Some(90)), ("3m", Some(180)), ("1h", Some(3600))] {
            assert_eq!(parse_login_timeout(text).ok(), seconds.map(Duration::from_secs), "{text}");
        }
        for text in ["0", "", "s", "-1", "3 m", "25h", "99999999999999999999", "99999999999999999m"] {
            assert!(parse_login_timeout(text).is_err(), "{text}");
        }
    }
}
