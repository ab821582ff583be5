//! The values of settings, parsed from strings.

use std::path::PathBuf;
use std::time::Duration;

use openidconnect::{ClientId, IssuerUrl};
use url::Url;

use crate::config::given::{Origin, Text};
use crate::config::{Flow, TokenStorage, escape, time};
use crate::error::Result;
use crate::loopback_host::is_loopback_host;
use crate::{user, windows_name};

/// The longest wait that makes sense: no user comes back after a day.
const LONGEST_LOGIN_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// The elements of a list; one string from a variable may contain several.
pub(super) fn words<'a>(texts: &[Text<'a>]) -> Vec<Text<'a>> {
    texts.iter().flat_map(|text| text.words()).collect()
}

/// The same for addresses, which are never a list in one flag.
pub(super) fn addresses<'a>(texts: &[Text<'a>]) -> Result<Vec<Text<'a>>> {
    let is_list = |text: &&Text<'a>| matches!(text.origin, Origin::Flag) && text.words().nth(1).is_some();
    match texts.iter().find(is_list) {
        Some(list) => {
            let hint = format!("give each one a --{} of its own", list.key.flag);
            Err(list.unusable("it has a space in it").hint(hint))
        }
        None => Ok(words(texts)),
    }
}

/// The same elements, for those without commas in them: kubelogin's lists are separated by commas.
pub(super) fn without_commas(words: Vec<Text<'_>>) -> Vec<Text<'_>> {
    let words = words.into_iter().flat_map(|word| word.text.split(',').map(move |text| word.part(text)));
    words.filter(|word| !word.text.is_empty()).collect()
}

pub(super) fn issuer_url(given: Text<'_>) -> Result<IssuerUrl> {
    let text = given.text;
    let hint = "it is the 'issuer' of the provider's discovery document, for example https://login.example.com";
    let url = parse_url(given, hint)?;
    // OpenID Connect Discovery §3: https, and neither query nor fragment.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(given.unusable("an issuer URL cannot contain a user name or password").hint(hint));
    }
    let why_not = if url.host().is_none() || !matches!(url.scheme(), "https" | "http") {
        "it must begin with https://"
    } else if url.scheme() == "http" && !is_loopback_host(url.host()) {
        "http is allowed only for this machine; use https"
    } else if url.path().ends_with("/.well-known/openid-configuration") {
        "leave '/.well-known/openid-configuration' off"
    } else if url.query().is_some() || url.fragment().is_some() {
        "an issuer URL cannot contain '?' or '#'"
    } else {
        return IssuerUrl::new(text.to_owned()).map_err(|error| given.unusable(&error.to_string()).hint(hint));
    };
    Err(given.unusable(why_not).hint(hint))
}

/// The URL. The library would drop control characters from it, and the text would not show where the request goes.
fn parse_url(given: Text<'_>, hint: &str) -> Result<Url> {
    if given.text.contains(char::is_control) {
        return Err(given.unusable("it contains a line break, a tab or another control character").hint(hint));
    }
    // The library would read it as a slash.
    if given.text.contains('\\') {
        return Err(given.unusable("it contains a backslash").hint(hint));
    }
    Url::parse(given.text).map_err(|error| given.unusable(&explain(error)).hint(hint))
}

fn explain(error: url::ParseError) -> String {
    match error {
        url::ParseError::RelativeUrlWithoutBase => "it must begin with https://".into(),
        error => error.to_string(),
    }
}

/// What to do about a path that is not absolute.
const FULL_PATH: &str = if cfg!(windows) {
    r"give the full path, or one that begins with '~\'; '%USERPROFILE%' is not replaced in a kubeconfig"
} else {
    "give the full path, or one that begins with '~/'; '$HOME' is not replaced in a kubeconfig"
};

/// A path or a command. A control character in it comes from an escape that was meant to be a backslash, in a file of
/// TOML or YAML.
pub(super) fn on_one_line(given: Text<'_>) -> Result<Text<'_>> {
    match given.text.contains(char::is_control) {
        true => Err(given.unusable("it contains a tab, a line break or another control character").hint(escape::HINT)),
        false => Ok(given),
    }
}

/// kubekey reads nothing from the current directory, which may belong to anyone.
pub(super) fn path(given: Text<'_>) -> Result<PathBuf> {
    let given = on_one_line(given)?;
    // client-go does not expand '~'; kubelogin does, so its users have it in their kubeconfigs.
    let path = user::with_home(given.text);
    if !path.is_absolute() {
        return Err(given.unusable("it is not an absolute path").hint(FULL_PATH));
    }
    match windows_name::why_not(&path) {
        Some(why) => Err(given.unusable(&why).hint("give the path of a file or folder with another name")),
        None => Ok(path),
    }
}

/// A misspelt "false" must not mean "true".
pub(super) fn switch(given: Option<Text<'_>>) -> Result<bool> {
    let Some(given) = given else { return Ok(false) };
    match given.text.to_ascii_lowercase().as_str() {
        "false" | "0" | "no" | "off" => Ok(false),
        "true" | "1" | "yes" | "on" => Ok(true),
        _ => Err(given.unusable("it is neither true nor false").hint("give true or false, or remove it")),
    }
}

/// How the provider's response comes through the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of a redirect, and so in the address bar for a moment.
    Query,
    /// In a form that the provider's page posts: no code ever appears in the address bar, to be read or copied from
    /// there.
    FormPost,
}

pub(super) fn response_mode(given: Text<'_>) -> Result<Option<ResponseMode>> {
    match given.text {
        "auto" => Ok(None),
        "form_post" => Ok(Some(ResponseMode::FormPost)),
        "query" => Ok(Some(ResponseMode::Query)),
        _ => Err(given.unusable("it must be auto, form_post or query")),
    }
}

pub(super) fn flow(given: Text<'_>) -> Result<Option<Flow>> {
    Flow::named(given.text).map_err(|why| given.unusable(why))
}

pub(super) fn token_storage(given: Text<'_>) -> Result<TokenStorage> {
    TokenStorage::named(given.text).ok_or_else(|| given.unusable("it must be auto, keyring, kernel, file or none"))
}

pub(super) fn post_login_url(given: Text<'_>) -> Result<Url> {
    let hint = "give a URL that begins with https://";
    let url = parse_url(given, hint)?;
    match url.scheme() == "https" || (url.scheme() == "http" && is_loopback_host(url.host())) {
        true => Ok(url),
        false => Err(given.unusable("it must begin with https://").hint(hint)),
    }
}

pub(super) fn client_id(given: Text<'_>) -> Result<ClientId> {
    // RFC 6749 appendix A.1: visible ASCII.
    match given.text.chars().all(|character| matches!(character, ' '..='~')) {
        true => Ok(ClientId::new(given.text.to_owned())),
        false => Err(given
            .unusable("it contains characters other than visible ASCII")
            .hint("copy the client ID again from the provider's registration")),
    }
}

pub(super) fn scopes(given: &[Text<'_>], with_openid: bool) -> Result<Option<Vec<String>>> {
    let given = without_commas(words(given));
    // RFC 6749 §3.3: a scope is visible ASCII without '"' and '\'.
    let is_scope = |scope: &str| scope.chars().all(|c| matches!(c, '!' | '#'..='[' | ']'..='~'));
    if let Some(scope) = given.iter().find(|scope| !is_scope(scope.text)) {
        return Err(scope.unusable("a scope is visible ASCII without '\"' and '\\'"));
    }
    if given.is_empty() {
        return Ok(None);
    }
    let mut scopes: Vec<_> = with_openid.then(|| "openid".to_owned()).into_iter().collect();
    for scope in given {
        if !scopes.iter().any(|known| known == scope.text) {
            scopes.push(scope.text.to_owned());
        }
    }
    Ok(Some(scopes))
}

pub(super) fn login_timeout(given: Text<'_>) -> Result<Duration> {
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

    fn text<'a>(flag: &str, text: &'a str) -> Text<'a> {
        Text { text, key: Key::of_flag(flag).unwrap(), origin: &Origin::Flag }
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
            ("https://a\nb.example.com", false),
            ("https://login.\texample.com", false),
            ("https://login.example.com/.well-known/openid-configuration", false),
        ] {
            assert_eq!(issuer_url(text("issuer-url", url)).is_ok(), good, "{url}");
        }
    }

    #[test]
    fn openid_is_always_among_the_scopes() {
        let given = ["email groups", "email,offline_access"].map(|given| text("scope", given));
        let expected = ["openid", "email", "groups", "offline_access"].map(str::to_owned);
        assert_eq!(scopes(&given, true).unwrap(), Some(expected.to_vec()));
        assert_eq!(scopes(&given, false).unwrap(), Some(expected[1..].to_vec()));
        assert_eq!(scopes(&[], true).unwrap(), None);
        assert!(scopes(&[text("scope", "gr\"oups")], true).is_err());
    }

    #[test]
    fn a_login_timeout_is_a_number_with_or_without_a_unit() {
        for (given, seconds) in [("180", Some(180)), ("90s", Some(90)), ("3m", Some(180)), ("1h", Some(3600))] {
            assert_eq!(login_timeout(text("login-timeout", given)).ok(), seconds.map(Duration::from_secs), "{given}");
        }
        for given in ["0", "", "s", "-1", "3 m", "25h", "99999999999999999999", "99999999999999999m"] {
            assert!(login_timeout(text("login-timeout", given)).is_err(), "{given}");
        }
    }
}
