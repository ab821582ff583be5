//! What the provider publishes: its discovery document and its keys.

use serde_json::{Value, json};

use super::server::Answer;
use super::{State, apply, keys, object};

impl State {
    pub(super) fn discovery(&self) -> Answer {
        if let Some(answer) = &self.behaviour.discovery_answer {
            return answer.clone();
        }
        let base = &self.base;
        let mut document = object(json!({
            "issuer": self.issuer(),
            "authorization_endpoint": format!("{base}/authorize"),
            "token_endpoint": format!("{base}/token"),
            "jwks_uri": format!("{base}/jwks"),
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.behaviour.algorithm],
            "scopes_supported": self.behaviour.scopes_supported,
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "code_challenge_methods_supported": ["S256"],
        }));
        if self.behaviour.authorization_response_iss_parameter_supported {
            document.insert("authorization_response_iss_parameter_supported".into(), true.into());
        }
        if self.behaviour.offers_form_post {
            document.insert("response_modes_supported".into(), json!(["query", "fragment", "form_post"]));
        }
        if self.behaviour.offers_revocation {
            document.insert("revocation_endpoint".into(), format!("{base}/revoke").into());
        }
        if self.behaviour.offers_end_session {
            document.insert("end_session_endpoint".into(), format!("{base}/end").into());
        }
        if self.behaviour.offers_device {
            document.insert("device_authorization_endpoint".into(), format!("{base}/device_authorization").into());
        }
        apply(&self.behaviour.discovery, &mut document);
        self.cacheable(&document.into())
    }

    pub(super) fn jwks(&self) -> Answer {
        if let Some(answer) = &self.behaviour.jwks_answer {
            return answer.clone();
        }
        let mut keys = keys::published(self.behaviour.algorithm, self.generation);
        apply(&self.behaviour.jwks, &mut keys);
        self.cacheable(&keys.into())
    }

    fn cacheable(&self, document: &Value) -> Answer {
        let answer = Answer::json(200, document);
        match &self.behaviour.cache_control {
            Some(value) => answer.with_header("cache-control", value),
            None => answer,
        }
    }
}
