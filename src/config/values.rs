//! The values of settings, from the texts in which they were given.

use std::path::PathBuf;
use std::time::Duration;

use openidconnect::{ClientId, IssuerUrl};
use url::Url;

use super::given::Text;
use super::{ResponseMode, TokenStorage, is_loopback_host, platform, time};
use crate::error::Result;

/// The longest wait that makes sense: nobody is coming back after a day.
const LONGEST_LOGIN_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// A list's texts, each of which may hold several in one variable.
pub(super) fn words<'a>(texts: &[Text<'a>]) -> Vec<Text<'a>> {
    texts.iter().flat_map(|text| text.words()).collect()
}

/// The same for texts without commas in them; kubelogin's lists have commas in between.
pub(super) fn words_and_commas<'a>(texts: &[Text<'a>]) -> Vec<Text<'a>> {
    let words = words(texts).into_iter().flat_map(|word| word.text.split(',').map(move |text| word.part(text)));
    words.filter(|word| !word.text.is_empty()).collect()
}

pub(super) fn issuer_url(given: Text<'_>) -> Result<IssuerUrl> {
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
pub(super) fn path(given: Text<'_>) -> Result<PathBuf> {
    // client-go leaves '~' as it is; kubelogin replaces it, so its users have it in their kubeconfigs.
    let path = platform::with_home(given.text);
    match path.is_absolute() {
        true => Ok(path),
        false => Err(given
            .unusable("it is not an absolute path")
            .hint("give the whole path, or one that begins with '~/'; '$HOME' is not replaced in a kubeconfig")),
    }
}

/// A misspelt "false" must not mean "true".
pub(super) fn switch(given: Option<Text<'_>>) -> Result<bool> {
    let Some(given) = given else { return Ok(false) };
    match given.text.to_ascii_lowercase().as_str() {
        "false" | "0" | "no" | "off" => Ok(false),
        "true" | "1" | "yes" | "on" => Ok(true),
        _ => Err(given.unusable("it is neither true nor false").hint("leave it out, or give true or false")),
    }
}

pub(super) fn response_mode(given: Text<'_>) -> Result<Option<ResponseMode>> {
    match given.text {
        "auto" => Ok(None),
        "form_post" => Ok(Some(ResponseMode::FormPost)),
        "query" => Ok(Some(ResponseMode::Query)),
        _ => Err(given.unusable("there is no such mode").hint("give auto, form_post or query")),
    }
}

pub(super) fn token_storage(given: Text<'_>) -> Result<TokenStorage> {
    TokenStorage::named(given.text)
        .ok_or_else(|| given.unusable("there is no such place").hint("give auto, keyring, kernel, file or none"))
}

pub(super) fn post_login_url(given: Text<'_>) -> Result<Url> {
    let hint = "give a URL that begins with https://";
    let url = Url::parse(given.text).map_err(|error| given.unusable(&explain(error)).hint(hint))?;
    match url.scheme() == "https" || (url.scheme() == "http" && is_loopback_host(url.host())) {
        true => Ok(url),
        false => Err(given.unusable("it has to begin with https://").hint(hint)),
    }
}

pub(super) fn client_id(given: Text<'_>) -> Result<ClientId> {
    // RFC 6749 appendix A.1: visible ASCII.
    match given.text.chars().all(|character| matches!(character, ' '..='~')) {
        true => Ok(ClientId::new(given.text.to_owned())),
        false => Err(given
            .unusable("it has characters other than visible ASCII")
            .hint("copy the client ID again from the provider's registration")),
    }
}

pub(super) fn scopes(given: &[Text<'_>]) -> Result<Option<Vec<String>>> {
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
            ("https://login.example.com/.well-known/openid-configuration", false),
        ] {
            assert_eq!(issuer_url(text("issuer-url", url)).is_ok(), good, "{url}");
        }
    }

    #[test]
    fn openid_is_always_among_the_scopes() {
        let given = ["email groups", "email,offline_access"].map(|given| text("scope", given));
        let expected = ["openid", "email", "groups", "offline_access"].map(str::to_owned);
        assert_eq!(scopes(&given).unwrap(), Some(expected.to_vec()));
        assert_eq!(scopes(&[]).unwrap(), None);
        assert!(scopes(&[text("scope", "gr\"oups")]).is_err());
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
