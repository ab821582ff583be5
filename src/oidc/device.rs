//! The device flow (RFC 8628): a code that the user enters on another device, and the polling for the tokens.

use std::time::Duration;

use chrono::{DateTime, Utc};
use openidconnect::{HttpResponse, PkceCodeChallenge, PkceCodeVerifier};
use serde_json::{Map, Value};
use tokio::time::sleep;
use url::Url;

use super::discovery::is_safe;
use super::refusal::Asked;
use super::request::{Request, Wishes};
use super::token_endpoint::{Failure, TokenResponse, ask, authenticated, not_json, number, refusal};
use super::verify::{Expected, accept};
use super::{Person, Provider};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::settings::{Prompt, Settings};
use crate::token::TokenSet;
use crate::{log, printable};

/// RFC 8628 §3.4.
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// How long to wait between two requests if the provider does not say (RFC 8628 §3.2), and how much longer after each
/// `slow_down` (§3.5).
const INTERVAL: Duration = Duration::from_secs(5);

/// The limits of that interval.
const INTERVALS: (f64, f64) = (1.0, 60.0);

/// How long a code is valid if the provider does not say, and at most, in seconds.
const LIFETIME: f64 = 300.0;
const LONGEST_LIFETIME: f64 = 3600.0;

/// The longest code that a person can enter, in characters.
const LONGEST_CODE: usize = 64;

/// Error codes that are about the client: it may not use this flow, whoever signs in.
const ABOUT_THE_CLIENT: [&str; 3] = ["invalid_client", "unauthorized_client", "unsupported_grant_type"];

/// A pending sign-in with a code.
pub struct DeviceRequest {
    /// The code to enter.
    pub user_code: String,
    /// The page where it is entered.
    pub page: Url,
    /// The same page with the code in its URL, if the provider has one.
    pub complete_page: Option<Url>,
    /// When the code ends.
    pub expires_at: DateTime<Utc>,
    /// Whether a refresh token was requested.
    pub asks_offline_access: bool,
    /// Whether the user is asked for consent.
    pub asks_consent: bool,
    /// Why the last request for tokens got no response, if it got none.
    pub trouble: Option<Error>,
    asked_at: DateTime<Utc>,
    device_code: Secret,
    code_verifier: Option<PkceCodeVerifier>,
    interval: Duration,
    asked: Asked,
}

/// Why the sign-in with a code did not succeed.
pub enum Declined {
    /// The provider does not let this client use this flow, or its response cannot be used.
    Flow(Error),
    /// Anything else.
    Other(Error),
}

impl From<Declined> for Error {
    fn from(declined: Declined) -> Self {
        let (Declined::Flow(error) | Declined::Other(error)) = declined;
        error
    }
}

/// The response to one request for tokens.
enum Poll {
    Tokens(TokenResponse),
    Pending,
    SlowDown,
    /// The code has ended.
    Expired,
    Trouble(Error),
    End(Declined),
}

impl DeviceRequest {
    /// Requests a code at `endpoint` (RFC 8628 §3.1).
    ///
    /// # Errors
    /// [`Declined::Flow`] for any refusal.
    pub async fn new(
        provider: &Provider,
        settings: &Settings,
        endpoint: &Url,
        wishes: Wishes,
    ) -> std::result::Result<Self, Declined> {
        if settings.request.prompt == Some(Prompt::None) {
            return Err(needs_page());
        }
        let request = Request::new(&provider.metadata, settings, wishes).for_device(&provider.metadata, settings);
        let Request { scopes, parameters, asks_offline_access, asks_consent } = request;
        let pkce = provider.metadata.takes_device_challenge().then(PkceCodeChallenge::new_random_sha256);
        let scope = scopes.join(" ");
        let mut form = vec![("scope", scope.as_str())];
        form.extend(parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        if let Some((challenge, verifier)) = &pkce {
            printable::hide(verifier.secret());
            form.extend([("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")]);
        }
        let (headers, form) = authenticated(provider, settings, &form);
        let sent_at = Utc::now();
        let answer = provider.http.post_form(endpoint, headers, form, || {}).await;
        let answer = answer.map_err(|error| Declined::Other(error.into()))?;
        let asked = Asked::new(settings, scopes).for_device();
        if let Some(Failure::OAuth(error) | Failure::Gone(error)) = refusal(endpoint, &answer, "device endpoint") {
            return Err(Declined::Flow(error.into_error(ErrorKind::SignIn, "refused the device flow", &asked)));
        }
        let fields = fields(endpoint, &answer)?;
        let lifetime = seconds(&fields, "expires_in", LIFETIME, (1.0, LONGEST_LIFETIME));
        let (device_code, user_code) = codes(&fields)?;
        Ok(Self {
            user_code,
            page: page(provider, &fields, ["verification_uri", "verification_url"])?
                .ok_or_else(|| unusable("it has no 'verification_uri'"))?,
            complete_page: page(provider, &fields, ["verification_uri_complete", "verification_url_complete"])?,
            expires_at: sent_at + lifetime,
            asks_offline_access,
            asks_consent,
            asked_at: sent_at,
            trouble: None,
            device_code,
            code_verifier: pkce.map(|(_, verifier)| verifier),
            interval: seconds(&fields, "interval", INTERVAL.as_secs_f64(), INTERVALS),
            asked,
        })
    }

    /// Requests the tokens again and again, until the user has entered the code (RFC 8628 §3.4 and §3.5). `None` if the
    /// provider says that the code has ended.
    ///
    /// # Errors
    /// The provider's refusal.
    pub async fn response(
        &mut self,
        provider: &Provider,
        settings: &Settings,
    ) -> std::result::Result<Option<TokenResponse>, Declined> {
        let mut wait = self.interval;
        loop {
            sleep(wait).await;
            let poll = self.poll(provider, settings).await;
            self.trouble = None;
            match poll {
                Poll::Tokens(response) => return Ok(Some(response)),
                Poll::Pending => {}
                Poll::Expired => return Ok(None),
                Poll::SlowDown => self.interval += INTERVAL,
                // RFC 8628 §3.5: the polling frequency is reduced, exponentially.
                Poll::Trouble(error) => {
                    wait = (wait * 2).min(Duration::from_secs_f64(INTERVALS.1));
                    log::debug(format_args!("device flow: {error}; the next try is in {} s", wait.as_secs()));
                    self.trouble = Some(error);
                    continue;
                }
                Poll::End(declined) => return Err(declined),
            }
            wait = self.interval;
        }
    }

    /// Verifies the ID token of this response.
    ///
    /// # Errors
    /// As [`accept`].
    pub async fn accept(
        &self,
        provider: &Provider,
        settings: &Settings,
        response: &TokenResponse,
    ) -> Result<(TokenSet, Person)> {
        accept(provider, settings, response, Expected::DeviceCode(self.asked_at)).await
    }

    async fn poll(&self, provider: &Provider, settings: &Settings) -> Poll {
        let mut grant = vec![("grant_type", GRANT_TYPE), ("device_code", self.device_code.expose())];
        grant.extend(self.code_verifier.as_ref().map(|verifier| ("code_verifier", verifier.secret().as_str())));
        let error = match ask(provider, settings, &grant, || {}).await {
            Ok(response) => return Poll::Tokens(response),
            Err(Failure::Trouble(error)) => return Poll::Trouble(error),
            Err(Failure::Unusable(error, _)) => return Poll::End(Declined::Other(error)),
            Err(Failure::OAuth(error) | Failure::Gone(error)) => error,
        };
        match &*error.code {
            "authorization_pending" => Poll::Pending,
            "slow_down" => Poll::SlowDown,
            // The second is Microsoft Entra's.
            "access_denied" | "authorization_declined" if !error.is_known(&self.asked) => {
                Poll::End(Declined::Other(denied()))
            }
            "expired_token" | "code_expired" => Poll::Expired,
            code => {
                let is_about_client = ABOUT_THE_CLIENT.contains(&code) || error.is_about_client(&self.asked);
                let error = error.into_error(ErrorKind::SignIn, "refused the sign-in with a code", &self.asked);
                Poll::End(if is_about_client { Declined::Flow(error) } else { Declined::Other(error) })
            }
        }
    }
}

/// The code is entered on a page.
fn needs_page() -> Declined {
    let message = "the device flow needs the provider's page, and --prompt=none is set";
    Declined::Flow(Error::new(ErrorKind::Usage, message).hint("leave --prompt=none out, or use --flow=browser"))
}

/// The end of a sign-in that the user cancelled there.
fn denied() -> Error {
    Error::new(ErrorKind::SignIn, "the provider refused the sign-in: it was cancelled, or access was denied")
        .hint("run the command again, or ask your administrator about your access")
}

fn unusable(why: &str) -> Declined {
    let message = format!("the response of the provider's device endpoint cannot be used: {why}");
    Declined::Flow(Error::new(ErrorKind::SignIn, message).hint("tell the provider's administrator; try --flow=browser"))
}

fn fields(endpoint: &Url, answer: &HttpResponse) -> std::result::Result<Map<String, Value>, Declined> {
    serde_json::from_slice(answer.body()).map_err(|_| Declined::Other(not_json(endpoint, answer)))
}

/// A time in seconds between these two, or else the default.
fn seconds(fields: &Map<String, Value>, name: &str, default: f64, (least, most): (f64, f64)) -> Duration {
    Duration::from_secs_f64(number(fields, name).unwrap_or(default).clamp(least, most))
}

fn codes(fields: &Map<String, Value>) -> std::result::Result<(Secret, String), Declined> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let device_code = text("device_code").ok_or_else(|| unusable("it has no 'device_code'"))?;
    printable::hide(device_code);
    let user_code = text("user_code").ok_or_else(|| unusable("it has no 'user_code'"))?;
    match user_code.chars().count() > LONGEST_CODE || user_code.chars().any(char::is_control) {
        true => Err(unusable("its 'user_code' cannot be typed")),
        false => Ok((Secret::new(device_code), user_code.to_owned())),
    }
}

/// The URL in the first of these fields. The user opens it: it must be as safe as an endpoint, and name its host plainly.
fn page(
    provider: &Provider,
    fields: &Map<String, Value>,
    names: [&str; 2],
) -> std::result::Result<Option<Url>, Declined> {
    let Some((name, text)) = names.iter().find_map(|name| Some((name, fields.get(*name)?.as_str()?))) else {
        return Ok(None);
    };
    let url = Url::parse(text).ok().filter(|url| is_safe(provider.metadata.issuer.url(), url));
    match url.filter(|url| url.username().is_empty() && url.password().is_none()) {
        Some(url) => Ok(Some(url)),
        None => Err(unusable(&format!("its {name} is '{text}', which is not a plain https URL"))),
    }
}
