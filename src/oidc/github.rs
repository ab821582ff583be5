//! The ID token of a job of GitHub Actions (GitHub's documentation, "OpenID Connect reference"): the job requests it with a token
//! that is good for nothing else, and that no other host may get.

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::Value;
use url::{Position, Url};

use super::body::refused;
use super::http::HttpClient;
use super::limits::Limits;
use crate::environment::variable;
use crate::error::{Error, ErrorKind, Result};
use crate::printable;
use crate::secret::Secret;
use crate::settings::{GITHUB_TOKEN, Settings};

const REQUEST_URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";

/// GitHub's own hosts are this one and those below it.
const HOST: &str = "actions.githubusercontent.com";

/// Requests the ID token of this job for `audience`. `hosts` are those that the policy allows besides GitHub's own.
///
/// # Errors
/// [`ErrorKind::Usage`] outside of such a job; [`ErrorKind::Failed`] for a host that is not allowed, and for a refusal;
/// [`ErrorKind::Unreachable`] if there is no response.
pub(super) async fn id_token(settings: &Settings, audience: &str, hosts: &[String], limits: Limits) -> Result<Secret> {
    let text = |name: &str| variable(name).filter(|text| !text.is_empty());
    let (Some(url), Some(token)) = (text(REQUEST_URL), text(GITHUB_TOKEN)) else {
        let message = format!("--github-audience is set, and {REQUEST_URL} or {GITHUB_TOKEN} is not");
        return Err(Error::new(ErrorKind::Usage, message)
            .hint("in a job of GitHub Actions, set 'permissions: id-token: write'"));
    };
    printable::hide(&token);
    let mut url = Url::parse(&url).ok().filter(|url| is_allowed(url, hosts)).ok_or_else(refused_host)?;
    url.query_pairs_mut().append_pair("audience", audience);
    let bearer = HeaderValue::try_from(format!("Bearer {token}"));
    let mut bearer = bearer.map_err(|_| Error::new(ErrorKind::Usage, format!("{GITHUB_TOKEN} is not a token")))?;
    bearer.set_sensitive(true);
    let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
    let http = HttpClient::new(&settings.tls.of_platform(), limits)?.with_headers(&url, &headers);
    let answer = http.get(&url).await?;
    let failed = |why: String| {
        Error::new(ErrorKind::Failed, format!("GitHub gave this job no ID token: {why}"))
            .hint("check the permissions of the job: it needs 'id-token: write'")
    };
    if !answer.status().is_success() {
        return Err(failed(refused(&answer)));
    }
    let fields: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let value = fields["value"].as_str().filter(|value| !value.is_empty());
    let value = value.ok_or_else(|| failed("its response has no 'value'".to_owned()))?;
    printable::hide(value);
    Ok(Secret::new(value))
}

fn is_allowed(url: &Url, hosts: &[String]) -> bool {
    let is_plain = url.scheme() == "https" && url.username().is_empty() && url.password().is_none();
    let (host, with_port) = (url.host_str().unwrap_or_default(), &url[Position::BeforeHost..Position::AfterPort]);
    let is_github = url.port().is_none() && (host == HOST || host.ends_with(&format!(".{HOST}")));
    is_plain && (is_github || hosts.iter().any(|known| known.eq_ignore_ascii_case(with_port)))
}

fn refused_host() -> Error {
    let message = format!("{REQUEST_URL} is not an https URL of {HOST}, so {GITHUB_TOKEN} was not sent there");
    Error::new(ErrorKind::Failed, message)
        .hint("for a GitHub server of your own, your administrator lists its host in the policy ('github_hosts')")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_github_and_what_the_policy_lists_get_the_token() {
        let listed = ["git.example.com:8443".to_owned()];
        for (url, expected) in [
            ("https://actions.githubusercontent.com/x", true),
            ("https://run-1.actions.githubusercontent.com/x?api-version=2", true),
            ("https://run-1.actions.githubusercontent.com:443/x", true),
            ("https://GIT.example.com:8443/x", true),
            ("http://run-1.actions.githubusercontent.com/x", false),
            ("https://run-1.actions.githubusercontent.com:8443/x", false),
            ("https://actions.githubusercontent.com.evil.example/x", false),
            ("https://evilactions.githubusercontent.com/x", false),
            ("https://actions.githubusercontent.com@evil.example/x", false),
            ("https://me@actions.githubusercontent.com/x", false),
            ("https://git.example.com/x", false),
            ("file:///actions.githubusercontent.com", false),
        ] {
            assert_eq!(is_allowed(&Url::parse(url).unwrap(), &listed), expected, "{url}");
        }
    }
}
