//! The device authorization endpoint (RFC 8628): Jane enters the code when the test says so.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::server::{Answer, Request};
use super::token::oauth_error;
use super::{Grant, State, apply, object};

/// What Jane enters.
pub const USER_CODE: &str = "WDJB-MJHT";

impl State {
    pub(super) fn authorize_device(&mut self, request: &Request) -> Answer {
        if let Err(error) = self.authenticate_client(request) {
            return oauth_error(401, "invalid_client", error);
        }
        if let Some(answer) = &self.behaviour.device_answer {
            return answer.clone();
        }
        let device_code = self.secret("device");
        let family = self.issued;
        let parameter = |name: &str| request.param(name).unwrap_or_default().to_owned();
        let grant = Grant {
            redirect_uri: String::new(),
            scope: parameter("scope"),
            nonce: None,
            code_challenge: parameter("code_challenge"),
            has_consent: request.param("prompt") == Some("consent"),
            family,
        };
        self.device_codes.insert(device_code.clone(), grant);
        let page = format!("{}/device", self.base);
        let mut response = object(json!({
            "device_code": device_code,
            "user_code": USER_CODE,
            "verification_uri": page,
            "verification_uri_complete": format!("{page}?user_code={USER_CODE}"),
            "expires_in": 600,
            "interval": 1,
        }));
        apply(&self.behaviour.device_response, &mut response);
        Answer::json(200, &response.into())
    }

    pub(super) fn exchange_device_code(&mut self, request: &Request) -> Answer {
        let device_code = request.param("device_code").unwrap_or_default();
        let Some(grant) = self.device_codes.get(device_code).cloned() else {
            return oauth_error(400, "invalid_grant", "device_code is unknown or was used before");
        };
        if !self.behaviour.device_polls.is_empty() {
            return self.behaviour.device_polls.remove(0);
        }
        if !self.behaviour.device_approved {
            return oauth_error(400, "authorization_pending", "the user has not entered the code yet");
        }
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(request.param("code_verifier").unwrap_or_default()));
        if !grant.code_challenge.is_empty() && challenge != grant.code_challenge {
            return oauth_error(400, "invalid_grant", "code_verifier does not fit");
        }
        self.device_codes.remove(device_code);
        self.issue(&grant, None, grant.has_consent || !self.behaviour.refresh_needs_consent)
    }
}
