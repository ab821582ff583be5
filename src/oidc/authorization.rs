//! The authorization code flow with PKCE: the request, the answer that comes back by way of the browser, and the
//! exchange of its code.

use openidconnect::{AuthorizationCode, CsrfToken, Nonce, PkceCodeChallenge, PkceCodeVerifier};
use url::{Url, form_urlencoded};

use super::discovery::Metadata;
use super::offline_access::OfflineAccess;
use super::token_endpoint::{Failure, ask};
use super::verify::{Expected, accept};
use super::{Person, Provider};
use crate::config::{ResponseMode, Settings};
use crate::error::{Error, ErrorKind, Result};
use crate::terminal;
use crate::token::TokenSet;

/// An authorization request under way: its URL, and what its answer has to fit.
pub struct AuthorizationRequest {
    /// Where the browser has to go.
    pub url: Url,
    /// How its answer is to come.
    pub response_mode: ResponseMode,
    redirect_uri: String,
    issuer: String,
    is_iss_promised: bool,
    state: CsrfToken,
    nonce: Nonce,
    code_verifier: PkceCodeVerifier,
}

/// Where the parameters of a request to the redirect URI stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// In the query.
    InAddress,
    /// In a form that was posted.
    InForm,
}

/// What a request to the redirect URI turned out to be.
#[derive(Debug)]
pub enum Answer {
    /// The code to exchange.
    Code(AuthorizationCode),
    /// The end of the sign-in: the provider, or the answer's `iss`, says no.
    Refused(Error),
    /// The answer to another request, or somebody's who wants it to be taken for ours.
    Forged,
    /// A code where there may be none: see [`ResponseMode::FormPost`].
    CodeInAddress,
    /// Not the answer to any request, for the reason given.
    Stray(&'static str),
}

impl AuthorizationRequest {
    /// A new request with `state`, `nonce` and an S256 `code_challenge` of its own.
    pub fn new(metadata: &Metadata, settings: &Settings, redirect_uri: &str) -> Self {
        let chosen = settings.scopes.as_deref();
        let offline_access = match settings.session_rules.allow_refresh() {
            true => metadata.offline_access(chosen),
            false => OfflineAccess::none(chosen),
        };
        let (state, nonce) = (CsrfToken::new_random(), Nonce::new_random());
        let (code_challenge, code_verifier) = PkceCodeChallenge::new_random_sha256();
        let offered = if metadata.offers_form_post() { ResponseMode::FormPost } else { ResponseMode::Query };
        let response_mode = settings.response_mode.unwrap_or(offered);
        let mut url = metadata.authorization_endpoint.clone();
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", settings.client_id.as_str())
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", &offline_access.scopes.join(" "))
            .append_pair("state", state.secret())
            .append_pair("nonce", nonce.secret())
            .append_pair("code_challenge", code_challenge.as_str())
            .append_pair("code_challenge_method", "S256")
            .extend_pairs(offline_access.parameters);
        if response_mode == ResponseMode::FormPost {
            // OAuth 2.0 Form Post Response Mode §2. The other mode is the default of a code, and is not said.
            query.append_pair("response_mode", "form_post");
        }
        drop(query);
        for secret in [state.secret(), nonce.secret(), code_verifier.secret()] {
            terminal::hide(secret);
        }
        Self {
            url,
            response_mode,
            redirect_uri: redirect_uri.to_owned(),
            issuer: metadata.issuer.as_str().to_owned(),
            is_iss_promised: metadata.authorization_response_iss_parameter_supported,
            state,
            nonce,
            code_verifier,
        }
    }

    /// The redirect URI that the provider has to know.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Reads the form-encoded parameters of a request to the redirect URI (RFC 6749 §4.1.2).
    pub fn read_answer(&self, parameters: &[u8], sent: Sent) -> Answer {
        let parameters: Vec<_> = form_urlencoded::parse(parameters).collect();
        let get = |name: &str| {
            let mut values = parameters.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_ref());
            // RFC 6749 §3.1: a parameter comes once, since which of two was meant nobody knows; an empty one is none.
            values.next().filter(|value| values.next().is_none() && !value.is_empty())
        };
        let times = |name: &str| parameters.iter().filter(|(key, _)| key == name).count();
        if ["code", "error", "iss"].into_iter().any(|name| times(name) > 1) {
            return Answer::Stray("it says the same thing twice");
        }
        if !parameters.iter().any(|(key, _)| key == "state") {
            return Answer::Stray("it does not belong to this sign-in");
        }
        if get("state") != Some(self.state.secret().as_str()) {
            return Answer::Forged;
        }
        let (code, error) = (get("code"), get("error"));
        if code.is_none() && error.is_none() {
            return Answer::Stray("it has neither a code nor an error");
        }
        if code.is_some() && self.response_mode == ResponseMode::FormPost && sent == Sent::InAddress {
            return Answer::CodeInAddress;
        }
        if let Err(error) = self.check_issuer(get("iss")) {
            return Answer::Refused(error);
        }
        match (error, code) {
            (None, Some(code)) => Answer::Code(AuthorizationCode::new(code.to_owned())),
            (error, _) => Answer::Refused(refusal(error.unwrap_or_default(), get("error_description"))),
        }
    }

    /// Exchanges the code for tokens, and verifies the ID token.
    ///
    /// # Errors
    /// [`ErrorKind::SignIn`] if the provider refuses the code or its ID token is not to be believed;
    /// [`ErrorKind::Unreachable`] if it does not answer.
    pub async fn exchange(
        &self,
        provider: &Provider,
        settings: &Settings,
        code: AuthorizationCode,
    ) -> Result<(TokenSet, Person)> {
        terminal::hide(code.secret());
        let grant = [
            ("grant_type", "authorization_code"),
            ("code", code.secret()),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", self.code_verifier.secret()),
        ];
        let response = ask(provider, settings, &grant).await.map_err(|failure| match failure {
            Failure::Trouble(error) | Failure::Unusable(error) => error,
            Failure::OAuth(error) => error.into_error(ErrorKind::SignIn, "did not exchange the code"),
        })?;
        accept(provider, settings, &response, Expected::Nonce(&self.nonce)).await
    }

    /// RFC 9207 §2.4: a code of another issuer must not reach this one's token endpoint.
    fn check_issuer(&self, iss: Option<&str>) -> Result<()> {
        let issuer = &self.issuer;
        let message = match iss {
            Some(iss) if iss == issuer => return Ok(()),
            Some(iss) => format!("the answer in the browser is from the issuer '{iss}' instead of '{issuer}'"),
            None if self.is_iss_promised => {
                format!("the answer in the browser does not name its issuer, as {issuer} promises")
            }
            None => return Ok(()),
        };
        Err(Error::new(ErrorKind::SignIn, message).hint("somebody may be mixing up providers: tell your administrator"))
    }
}

fn refusal(error: &str, description: Option<&str>) -> Error {
    let message = match description {
        Some(description) => format!("the provider refused the sign-in: {description} ({error})"),
        None => format!("the provider refused the sign-in: {error}"),
    };
    Error::new(ErrorKind::SignIn, message).hint("run the command again, or ask your administrator about this answer")
}
