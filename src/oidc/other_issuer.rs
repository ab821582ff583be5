//! What helps when a discovery document names another issuer than the settings.

use std::time::Duration;

use openidconnect::IssuerUrl;
use serde_json::Value;
use url::Url;

use super::http::HttpClient;
use super::well_known;
use crate::loopback_host::is_loopback_host;
use crate::shell::quoted;

/// How long the other issuer may take to send its own document: the user is waiting for an error.
const PATIENCE: Duration = Duration::from_secs(5);

/// The hint for a document of `theirs` that was found at `asked`. The other issuer is suggested only if its own document
/// is where it must be, so that the hint works. As with the URL of the keys, the provider chooses where this GET goes.
pub async fn hint(asked: &Url, theirs: &str, http: &HttpClient) -> Option<String> {
    // Microsoft Entra's tenants 'common', 'organizations' and 'consumers'.
    if theirs.contains(['{', '}']) {
        return Some(match theirs {
            entra if entra.starts_with("https://login.microsoftonline.") || entra.contains("//sts.windows.net/") => {
                "use your tenant's ID in the issuer URL: https://login.microsoftonline.com/TENANT_ID/v2.0".to_owned()
            }
            _ => "each tenant has its own issuer there: use your tenant's ID in the issuer URL".to_owned(),
        });
    }
    let url = own_document(theirs)?;
    let is_there = url == *asked || tokio::time::timeout(PATIENCE, names(&url, theirs, http)).await.unwrap_or(false);
    is_there.then(|| format!("if that is your provider, use exactly this: --issuer-url={}", quoted(theirs)))
}

/// The URL of the document of an issuer, if the settings would accept the issuer.
fn own_document(issuer: &str) -> Option<Url> {
    let issuer = IssuerUrl::new(issuer.to_owned()).ok()?;
    let url = issuer.url();
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback_host(url.host()));
    let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    (is_safe && is_plain && url.fragment().is_none()).then(|| well_known::url_of(&issuer).ok())?
}

async fn names(url: &Url, issuer: &str, http: &HttpClient) -> bool {
    let Ok(answer) = http.get(url).await else { return false };
    let document: Option<Value> = serde_json::from_slice(answer.body()).ok();
    answer.status().is_success() && document.is_some_and(|document| document["issuer"] == issuer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_issuer_that_the_settings_take_has_a_document() {
        let place = |issuer: &str| own_document(issuer).map(String::from);
        let expected = "https://login.example.com/a/.well-known/openid-configuration".to_owned();
        assert_eq!(place("https://login.example.com/a"), Some(expected.clone()));
        assert_eq!(place("https://login.example.com/a/"), Some(expected));
        for issuer in [
            "http://login.example.com",
            "https://login.example.com?x",
            "https://login.example.com#x",
            "https://jane:pw@login.example.com",
            "login.example.com",
            "urn:example:issuer",
            "/realms/a",
            "",
        ] {
            assert_eq!(place(issuer), None, "{issuer}");
        }
    }
}
