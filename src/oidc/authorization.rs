//! The authorization code flow with PKCE: the request, the answer that comes back by way of the browser, and the
//! exchange of its code.

use openidconnect::core::CoreResponseType;
use openidconnect::{
    AuthenticationFlow, AuthorizationCode, CsrfToken, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
};
use url::{Url, form_urlencoded};

use super::verify::{Expected, Person, accept};
use super::{Provider, token_endpoint};
use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::terminal;
use crate::token::TokenSet;

/// An authorization request under way: its URL, and what its answer has to fit.
pub struct AuthorizationRequest {
    /// Where the browser has to go.
    pub url: Url,
    redirect_url: RedirectUrl,
    state: CsrfToken,
    nonce: Nonce,
    code_verifier: PkceCodeVerifier,
}

/// What a request to the redirect URI turned out to be.
#[derive(Debug)]
pub enum Answer {
    /// The code to exchange.
    Code(AuthorizationCode),
    /// The end of the sign-in: the provider, or the answer's `iss`, says no.
    Refused(Error),
    /// Not the answer to this request, for the reason given.
    Stray(&'static str),
}

impl AuthorizationRequest {
    /// A new request with `state`, `nonce` and an S256 `code_challenge` of its own.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if `redirect_uri` is none; [`ErrorKind::Failed`] if the provider has no token endpoint.
    pub fn new(provider: &Provider, settings: &Settings, redirect_uri: &str) -> Result<Self> {
        let redirect_url = RedirectUrl::new(redirect_uri.to_owned()).map_err(|error| {
            Error::new(ErrorKind::Usage, format!("the redirect URL '{redirect_uri}' cannot be used: {error}"))
        })?;
        let offline_access = provider.offline_access(settings.scopes.as_deref());
        let (code_challenge, code_verifier) = PkceCodeChallenge::new_random_sha256();
        let client = provider.client(settings)?.set_redirect_uri(redirect_url.clone());
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let mut request = client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
        for scope in offline_access.scopes.into_iter().filter(|scope| scope != "openid") {
            // The library adds `openid` itself.
            request = request.add_scope(Scope::new(scope));
        }
        for (name, value) in offline_access.parameters {
            request = request.add_extra_param(name, value);
        }
        let (url, state, nonce) = request.set_pkce_challenge(code_challenge).url();
        for secret in [state.secret(), nonce.secret(), code_verifier.secret()] {
            terminal::hide(secret);
        }
        settings.client_secret.iter().for_each(|secret| terminal::hide(secret.expose()));
        Ok(Self { url, redirect_url, state, nonce, code_verifier })
    }

    /// The redirect URI that the provider has to know.
    pub fn redirect_uri(&self) -> &str {
        self.redirect_url.as_str()
    }

    /// Reads the query of a request to the redirect URI (RFC 6749 §4.1.2).
    pub fn read_answer(&self, provider: &Provider, query: &str) -> Answer {
        let parameters: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        let get = |name: &str| {
            let mut values = parameters.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_ref());
            // RFC 6749 §3.1: a parameter comes once; which of two was meant nobody knows.
            values.next().filter(|_| values.next().is_none())
        };
        if get("state") != Some(self.state.secret().as_str()) {
            return Answer::Stray("it does not belong to this sign-in");
        }
        let (code, error) = (get("code"), get("error"));
        if code.is_none() && error.is_none() {
            return Answer::Stray("it has neither a code nor an error");
        }
        if let Err(error) = check_issuer(provider, get("iss")) {
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
        self,
        provider: &Provider,
        settings: &Settings,
        code: AuthorizationCode,
    ) -> Result<(TokenSet, Person)> {
        terminal::hide(code.secret());
        let client = provider.client(settings)?.set_redirect_uri(self.redirect_url);
        let response = client
            .exchange_code(code)
            .set_pkce_verifier(self.code_verifier)
            .request_async(&|request| token_endpoint::ask(&provider.http, request))
            .await
            .map_err(|error| match token_endpoint::failure(error) {
                token_endpoint::Failure::Trouble(error) => error,
                token_endpoint::Failure::OAuth(error) => {
                    error.into_error(ErrorKind::SignIn, "did not exchange the code")
                }
            })?;
        accept(provider, settings, &response, Expected::Nonce(&self.nonce)).await
    }
}

/// RFC 9207 §2.4: a code of another issuer must not reach this one's token endpoint.
fn check_issuer(provider: &Provider, iss: Option<&str>) -> Result<()> {
    let issuer = provider.metadata.issuer().as_str();
    let is_required = provider.metadata.additional_metadata().authorization_response_iss_parameter_supported;
    let message = match iss {
        Some(iss) if iss == issuer => return Ok(()),
        Some(iss) => format!("the answer in the browser is from the issuer '{iss}' instead of '{issuer}'"),
        None if is_required => format!("the answer in the browser does not name its issuer, as {issuer} promises"),
        None => return Ok(()),
    };
    Err(Error::new(ErrorKind::SignIn, message).hint("somebody may be mixing up providers: tell your administrator"))
}

fn refusal(error: &str, description: Option<&str>) -> Error {
    let message = match description {
        Some(description) => format!("the provider refused the sign-in: {description} ({error})"),
        None => format!("the provider refused the sign-in: {error}"),
    };
    Error::new(ErrorKind::SignIn, message).hint("run the command again, or ask your administrator about this answer")
}
