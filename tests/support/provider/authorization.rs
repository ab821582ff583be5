//! The authorization endpoint: it takes a browser's request and sends the browser back with a code or an error.

use serde_json::json;
use url::Url;

use super::behaviour::Iss;
use super::server::{Answer, Request};
use super::token::oauth_error;
use super::{Grant, State};

impl State {
    /// RFC 9126 §2: takes the parameters for one later request.
    pub(super) fn push(&mut self, request: &Request) -> Answer {
        if let Err(error) = self.authenticate_client(request) {
            return oauth_error(401, "invalid_client", error);
        }
        if let Some(answer) = &self.behaviour.push_answer {
            return answer.clone();
        }
        let request_uri = format!("urn:ietf:params:oauth:request_uri:{}", self.secret("pushed"));
        self.pushed.insert(request_uri.clone(), request.form.clone());
        Answer::json(201, &json!({ "request_uri": request_uri, "expires_in": 60 }))
    }

    pub(super) fn authorize(&mut self, request: &Request) -> Answer {
        let pushed = match request.param("request_uri") {
            Some(request_uri) => match self.pushed.remove(request_uri) {
                Some(query) => Request { query, ..request.clone() },
                None => return Answer::html(400, "request_uri is unknown or was used before"),
            },
            None => request.clone(),
        };
        let request = &pushed;
        if self.behaviour.interactive
            && let Ok(_) = self.redirect_uri(request)
        {
            return sign_in_page(request);
        }
        self.decide(request, self.behaviour.refusal.clone())
    }

    /// The user pressed a button on the interactive page.
    pub(super) fn approve(&mut self, request: &Request) -> Answer {
        let cancelled = request.form.iter().any(|(name, _)| name == "cancel");
        let refusal = ("access_denied".into(), "You cancelled the sign-in".into());
        self.decide(request, cancelled.then_some(refusal))
    }

    /// Sends the browser back with a code or an error.
    fn decide(&mut self, request: &Request, refusal: Option<(String, String)>) -> Answer {
        let redirect_uri = match self.redirect_uri(request) {
            Ok(redirect_uri) => redirect_uri,
            // RFC 6749 §4.1.2.1: never redirect to an unknown URI.
            Err(why) => return Answer::html(400, why),
        };
        let mut answer = match refusal.map_or_else(|| grant(request), Err) {
            Ok(mut grant) => {
                let code = self.secret("code");
                grant.family = self.issued;
                self.codes.insert(code.clone(), grant);
                vec![("code", code)]
            }
            Err((error, description)) => vec![("error", error), ("error_description", description)],
        };
        let iss = match &self.behaviour.iss {
            Iss::Absent => None,
            Iss::Own => Some(self.issuer()),
            Iss::Other(other) => Some(other.clone()),
        };
        answer.extend(request.param("state").map(|state| ("state", state.into())));
        answer.extend(iss.map(|iss| ("iss", iss)));
        send(redirect_uri, &answer, request.param("response_mode"))
    }

    /// Where to send the browser, if the client and its redirect URI are known.
    fn redirect_uri(&self, request: &Request) -> Result<Url, &'static str> {
        if request.param("client_id") != Some(&self.behaviour.client_id) {
            return Err("unknown client_id");
        }
        let text = request.param("redirect_uri").ok_or("no redirect_uri")?;
        let url = Url::parse(text).map_err(|_| "redirect_uri is no URL")?;
        let listed = &self.behaviour.redirect_uris;
        let allowed = if listed.is_empty() {
            matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"))
        } else {
            listed.iter().any(|known| known == text)
        };
        if allowed { Ok(url) } else { Err("redirect_uri is not allowed") }
    }
}

fn send(mut redirect_uri: Url, answer: &[(&str, String)], response_mode: Option<&str>) -> Answer {
    if response_mode == Some("form_post") {
        return form_post_page(redirect_uri.as_str(), answer);
    }
    redirect_uri.query_pairs_mut().extend_pairs(answer);
    Answer::redirect(redirect_uri.as_str())
}

/// OAuth 2.0 Form Post Response Mode, appendix A: a page that submits itself.
fn form_post_page(action: &str, answer: &[(&str, String)]) -> Answer {
    let field = |(name, value): &(&str, String)| {
        format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escaped(value))
    };
    let fields: String = answer.iter().map(field).collect();
    let action = escaped(action);
    Answer::html(
        200,
        format!(
            "<!doctype html><title>Example Provider</title><body onload=\"document.forms[0].submit()\">\
             <form method=\"post\" action=\"{action}\">{fields}<noscript><button>Continue</button></noscript></form>"
        ),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

/// What the request asks for, or `error` and `error_description` (RFC 6749 §4.1.2.1, RFC 7636 §4.4.1).
fn grant(request: &Request) -> Result<Grant, (String, String)> {
    let error = |error: &str, description: &str| Err((error.to_string(), description.to_string()));
    if request.param("response_type") != Some("code") {
        return error("unsupported_response_type", "response_type must be code");
    }
    let scope = request.param("scope").unwrap_or_default();
    if !scope.split(' ').any(|one| one == "openid") {
        return error("invalid_scope", "scope must have openid");
    }
    let code_challenge = request.param("code_challenge").unwrap_or_default();
    if request.param("code_challenge_method") != Some("S256") || code_challenge.len() != 43 {
        return error("invalid_request", "code_challenge of method S256 is required");
    }
    Ok(Grant {
        redirect_uri: request.param("redirect_uri").unwrap_or_default().to_string(),
        scope: scope.to_string(),
        nonce: request.param("nonce").map(String::from),
        code_challenge: code_challenge.to_string(),
        has_consent: request.param("prompt") == Some("consent"),
        family: 0,
    })
}

/// The form's action carries the parameters of the authorization request, encoded once more.
fn sign_in_page(request: &Request) -> Answer {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&request.query).finish();
    Answer::html(200, SIGN_IN_PAGE.replace("{query}", &query.replace('&', "&amp;")))
}

const SIGN_IN_PAGE: &str = include_str!("sign_in.html");
