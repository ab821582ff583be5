//! Pushed authorization requests (RFC 9126): the parameters go to the provider directly, and only a reference to them through
//! the browser.

use reqwest::header::AUTHORIZATION;
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use super::Provider;
use super::discovery::Metadata;
use super::refusal::Asked;
use super::token_endpoint::{Failure, authenticated, refusal};
use crate::error::{Error, ErrorKind, Result};
use crate::printable;
use crate::settings::Settings;

/// Where the request is to be pushed; `None` if it goes through the browser.
///
/// # Errors
/// [`ErrorKind::SignIn`] if it must be pushed and the provider names no endpoint for that.
pub fn push_endpoint<'a>(metadata: &'a Metadata, settings: &Settings) -> Result<Option<&'a Url>> {
    let is_required = metadata.require_pushed_authorization_requests;
    match &metadata.pushed_authorization_request_endpoint {
        _ if !is_required && !settings.request.is_pushed => Ok(None),
        Some(endpoint) => Ok(Some(endpoint)),
        None => {
            let message = "the provider does not support pushed authorization requests: \
                           its discovery document has no usable 'pushed_authorization_request_endpoint'";
            let hint =
                if is_required { "it requires them: tell the provider's administrator" } else { "leave --par out" };
            Err(Error::new(ErrorKind::SignIn, message).hint(hint))
        }
    }
}

/// Pushes a request, and returns the reference to it, which is valid for one use and about a minute (§2.2).
///
/// # Errors
/// [`ErrorKind::SignIn`] if the provider refuses it, [`ErrorKind::Unreachable`] if it does not respond.
pub(super) async fn push(
    provider: &Provider,
    settings: &Settings,
    endpoint: &Url,
    parameters: &[(String, String)],
    asked: &Asked,
) -> Result<String> {
    let parameters: Vec<_> = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let (headers, mut form) = authenticated(provider, settings, &parameters);
    if headers.contains_key(AUTHORIZATION) {
        // §2.1: it is a parameter of the request, however the client authenticates.
        form = form_urlencoded::Serializer::new(form).append_pair("client_id", settings.client_id.as_str()).finish();
    }
    let answer = provider.http.post_form(endpoint, headers, form, || {}).await?;
    if let Some(Failure::OAuth(error) | Failure::Gone(error)) =
        refusal(endpoint, &answer, "pushed authorization request endpoint")
    {
        return Err(error.into_error(ErrorKind::SignIn, "refused the pushed authorization request", asked));
    }
    let fields: Map<String, Value> = serde_json::from_slice(answer.body()).unwrap_or_default();
    match fields.get("request_uri").and_then(Value::as_str).filter(|uri| !uri.is_empty()) {
        Some(request_uri) => {
            printable::hide(request_uri);
            Ok(request_uri.to_owned())
        }
        None => Err(Error::new(ErrorKind::SignIn, format!("the response of {endpoint} has no 'request_uri'"))
            .hint("tell the provider's administrator")),
    }
}
