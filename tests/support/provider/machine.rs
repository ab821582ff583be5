//! Programs: how they authenticate with a key, and what they get.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use super::server::{Answer, Request};
use super::token::oauth_error;
use super::{Grant, State, apply, keys, object};

/// RFC 7523 §2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl State {
    /// RFC 7523 §3: the assertion is signed by the client's key, and for this endpoint.
    pub(super) fn check_assertion(&self, request: &Request, algorithm: Algorithm) -> Result<(), &'static str> {
        if request.param("client_assertion_type") != Some(ASSERTION_TYPE) || request.header("authorization").is_some() {
            return Err("the client must authenticate with an assertion alone");
        }
        let mut validation = Validation::new(algorithm);
        validation.set_audience(&[format!("{}/token", self.base)]);
        validation.set_issuer(&[&self.behaviour.client_id]);
        validation.sub = Some(self.behaviour.client_id.clone());
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        let key = DecodingKey::from_jwk(&keys::public_client_key(algorithm)).expect("a key");
        let assertion = request.param("client_assertion").unwrap_or_default();
        let claims =
            jsonwebtoken::decode::<Value>(assertion, &key, &validation).map_err(|_| "the assertion is wrong")?.claims;
        let is_short = claims["exp"].as_i64().zip(claims["iat"].as_i64()).is_some_and(|(exp, iat)| exp - iat <= 300);
        if is_short && claims["jti"].is_string() { Ok(()) } else { Err("the assertion has no 'jti', or a long life") }
    }

    /// Tokens for the client itself: an access token, and an ID token if the scope says so.
    pub(super) fn serve_machine(&mut self, grant_type: &str, request: &Request) -> Answer {
        if let Some(answer) = &self.behaviour.machine_answer {
            return answer.clone();
        }
        let subject = match grant_type {
            "client_credentials" => request.param("client_assertion"),
            "urn:ietf:params:oauth:grant-type:token-exchange" => request.param("subject_token").or(Some("")),
            "urn:ietf:params:oauth:grant-type:jwt-bearer" => request.param("assertion").or(Some("")),
            _ => return oauth_error(400, "unsupported_grant_type", "grant_type is not known"),
        };
        let known = &self.behaviour.subject_tokens;
        if self.behaviour.client_algorithm.is_none()
            && subject.is_some_and(|token| known.iter().all(|one| one != token))
        {
            return oauth_error(400, "invalid_grant", "the subject token is not accepted");
        }
        let scope = request.param("scope").unwrap_or_default().to_owned();
        let access_token = self.secret("access");
        let mut response = object(json!({
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": self.behaviour.lifetime,
            "scope": scope,
        }));
        if scope.split(' ').any(|one| one == "openid") {
            let grant = Grant {
                redirect_uri: String::new(),
                scope,
                nonce: None,
                code_challenge: String::new(),
                has_consent: false,
                family: 0,
            };
            response.insert("id_token".into(), self.id_token(&grant, None, &access_token).into());
        }
        apply(&self.behaviour.token_response, &mut response);
        Answer::json(200, &response.into())
    }

    /// GitHub's endpoint for the ID tokens of a job: the token that it issues is accepted from then on.
    pub(super) fn issue_to_job(&mut self, request: &Request) -> Answer {
        let expected = self.behaviour.job_token.as_ref().map(|token| format!("Bearer {token}"));
        if expected.is_none() || request.header("authorization") != expected.as_deref() {
            return Answer::json(401, &json!({ "message": "Bad credentials" }));
        }
        if let Some(answer) = &self.behaviour.machine_answer {
            return answer.clone();
        }
        let audience = request.param("audience").unwrap_or_default();
        let token = format!("{}.{audience}", self.secret("job"));
        self.behaviour.subject_tokens.push(token.clone());
        Answer::json(200, &json!({ "count": token.len(), "value": token }))
    }
}
