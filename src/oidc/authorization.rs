//! The authorization code flow with PKCE: the request, the response that arrives through the browser, and the exchange
//! of its code.

use chrono::{DateTime, Utc};
use openidconnect::{AuthorizationCode, CsrfToken, Nonce, PkceCodeChallenge, PkceCodeVerifier};
use url::{Url, form_urlencoded};

use super::discovery::Metadata;
use super::pushed::{push, push_endpoint};
use super::refusal::{Asked, Unproven};
use super::request::{Request, Wishes};
use super::token_endpoint::{Failure, ask};
use super::verify::{Expected, accept};
use super::{Person, Provider};
use crate::error::{Error, ErrorKind, Result};
use crate::printable;
use crate::settings::{ResponseMode, Settings};
use crate::token::TokenSet;

/// A pending authorization request: its parameters, and what the response must match.
pub struct AuthorizationRequest {
    /// How the response is sent.
    pub response_mode: ResponseMode,
    /// Whether a refresh token was requested.
    pub asks_offline_access: bool,
    /// Whether the user is asked for consent.
    pub asks_consent: bool,
    parameters: Vec<(String, String)>,
    asked: Asked,
    redirect_uri: String,
    issuer: String,
    is_iss_promised: bool,
    state: CsrfToken,
    nonce: Nonce,
    code_verifier: PkceCodeVerifier,
    asked_at: DateTime<Utc>,
}

/// Where the parameters of a request to the redirect URI were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// In the query.
    InAddress,
    /// In a form that was posted.
    InForm,
}

/// What a request to the redirect URI is.
#[derive(Debug)]
pub enum Answer {
    /// The code to exchange.
    Code(AuthorizationCode),
    /// The end of the sign-in: the provider refused, or the response has the wrong `iss`.
    Refused(Error),
    /// The response to another request, or an attack.
    Forged,
    /// An error without `state`, as some providers send it: anyone may have sent it.
    Unproven(Unproven),
    /// A code in the URL where a form was requested: see [`ResponseMode::FormPost`].
    CodeInAddress,
    /// Not a response, for this reason.
    Stray(&'static str),
}

/// How the response to a listener is sent, if nothing else is set: in a form, where the provider offers it.
pub fn response_mode(metadata: &Metadata, settings: &Settings) -> ResponseMode {
    let offered = if metadata.offers_form_post() { ResponseMode::FormPost } else { ResponseMode::Query };
    settings.response_mode.unwrap_or(offered)
}

impl AuthorizationRequest {
    /// A new request with its own `state`, `nonce` and S256 `code_challenge`.
    pub fn new(
        metadata: &Metadata,
        settings: &Settings,
        redirect_uri: &str,
        wishes: Wishes,
        response_mode: ResponseMode,
    ) -> Self {
        let Request { scopes, parameters: further, asks_offline_access, asks_consent } =
            Request::new(metadata, settings, wishes);
        let (state, nonce) = (CsrfToken::new_random(), Nonce::new_random());
        let (code_challenge, code_verifier) = PkceCodeChallenge::new_random_sha256();
        let scope = scopes.join(" ");
        let own = [
            ("response_type", "code"),
            ("redirect_uri", redirect_uri),
            ("scope", &scope),
            ("state", state.secret()),
            ("nonce", nonce.secret()),
            ("code_challenge", code_challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let mut parameters: Vec<_> = own.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        parameters.extend(further);
        if response_mode == ResponseMode::FormPost {
            // OAuth 2.0 Form Post Response Mode §2. The other mode is the default for a code.
            parameters.push(("response_mode".to_owned(), "form_post".to_owned()));
        }
        printable::hide(code_verifier.secret());
        Self {
            parameters,
            response_mode,
            asks_offline_access,
            asks_consent,
            asked: Asked::new(settings, scopes),
            redirect_uri: redirect_uri.to_owned(),
            issuer: metadata.issuer.as_str().to_owned(),
            is_iss_promised: metadata.authorization_response_iss_parameter_supported,
            state,
            nonce,
            code_verifier,
            asked_at: Utc::now(),
        }
    }

    /// Hides what is secret in the URL, unless the user must see that.
    pub fn hide_url(&self) {
        [self.state.secret(), self.nonce.secret()].into_iter().for_each(|secret| printable::hide(secret));
    }

    /// The URL to open in the browser, now and once: if the request is pushed, each URL stands for a push of its own, and
    /// soon ends.
    ///
    /// # Errors
    /// If the request must be pushed and cannot be.
    pub async fn url(&self, provider: &Provider, settings: &Settings) -> Result<Url> {
        let metadata = &provider.metadata;
        let mut url = metadata.authorization_endpoint.clone();
        url.query_pairs_mut().append_pair("client_id", settings.client_id.as_str());
        match push_endpoint(metadata, settings)? {
            Some(endpoint) => {
                let request_uri = push(provider, settings, endpoint, self.parameters(), &self.asked).await?;
                url.query_pairs_mut().append_pair("request_uri", &request_uri);
            }
            None => drop(url.query_pairs_mut().extend_pairs(self.parameters())),
        }
        Ok(url)
    }

    /// The parameters of the request, besides the client ID.
    pub fn parameters(&self) -> &[(String, String)] {
        &self.parameters
    }

    /// The redirect URI that must be registered at the provider.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Reads the form-encoded parameters of a request to the redirect URI (RFC 6749 §4.1.2).
    pub fn read_answer(&self, parameters: &[u8], sent: Sent) -> Answer {
        let parameters: Vec<_> = form_urlencoded::parse(parameters).collect();
        let get = |name: &str| {
            let mut values = parameters.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_ref());
            // RFC 6749 §3.1: a parameter must not be repeated, and an empty one counts as omitted.
            values.next().filter(|value| values.next().is_none() && !value.is_empty())
        };
        let times = |name: &str| parameters.iter().filter(|(key, _)| key == name).count();
        if ["code", "error", "iss"].into_iter().any(|name| times(name) > 1) {
            return Answer::Stray("it repeats a parameter");
        }
        if !parameters.iter().any(|(key, _)| key == "state") {
            let unproven = get("error").filter(|_| get("code").is_none()).and_then(Unproven::of_code);
            return unproven.map_or(Answer::Stray("it does not belong to this sign-in"), Answer::Unproven);
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
            (error, _) => Answer::Refused(self.refusal(error.unwrap_or_default(), get("error_description"))),
        }
    }

    /// Exchanges the code for tokens, and verifies the ID token.
    ///
    /// # Errors
    /// [`ErrorKind::SignIn`] if the provider refuses the code or its ID token is rejected;
    /// [`ErrorKind::Unreachable`] if it does not respond.
    pub async fn exchange(
        &self,
        provider: &Provider,
        settings: &Settings,
        code: AuthorizationCode,
    ) -> Result<(TokenSet, Person)> {
        printable::hide(code.secret());
        let grant = [
            ("grant_type", "authorization_code"),
            ("code", code.secret()),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", self.code_verifier.secret()),
        ];
        let response = ask(provider, settings, &grant, || {}).await.map_err(|failure| match failure {
            Failure::Trouble(error) | Failure::Unusable(error, _) => error,
            Failure::OAuth(error) | Failure::Gone(error) => {
                error.into_error(ErrorKind::SignIn, "refused the code exchange", &self.asked)
            }
        })?;
        accept(provider, settings, &response, Expected::Nonce(&self.nonce, self.asked_at)).await
    }

    /// RFC 9207 §2.4: a code of another issuer must not reach this one's token endpoint.
    fn check_issuer(&self, iss: Option<&str>) -> Result<()> {
        let issuer = &self.issuer;
        let message = match iss {
            Some(iss) if iss == issuer => return Ok(()),
            Some(iss) => format!("the response in the browser is from the issuer '{iss}' instead of '{issuer}'"),
            None if self.is_iss_promised => {
                format!("the response in the browser does not name its issuer, although {issuer} promises that")
            }
            None => return Ok(()),
        };
        Err(Error::new(ErrorKind::SignIn, message)
            .hint("this may be an attack that mixes up providers: tell your administrator"))
    }

    fn refusal(&self, error: &str, description: Option<&str>) -> Error {
        let message = match description {
            Some(description) => format!("the provider refused the sign-in: {description} ({error})"),
            None => format!("the provider refused the sign-in: {error}"),
        };
        Error::new(ErrorKind::SignIn, message).hint(self.asked.hint(error, description))
    }
}
