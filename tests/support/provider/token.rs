//! The token endpoint: codes and refresh tokens in, ID tokens out.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::server::{Answer, Request};
use super::{Grant, State, apply, keys, object};

impl State {
    pub(super) fn token(&mut self, request: &Request) -> Answer {
        if let Err(error) = self.authenticate_client(request) {
            return oauth_error(401, "invalid_client", error);
        }
        match request.param("grant_type") {
            Some("authorization_code") => self.exchange_code(request),
            Some("urn:ietf:params:oauth:grant-type:device_code") if self.behaviour.offers_device => {
                self.exchange_device_code(request)
            }
            Some("refresh_token") => self.refresh(request),
            Some(grant) if self.behaviour.offers_machine_grants => self.serve_machine(grant, request),
            _ => oauth_error(400, "unsupported_grant_type", "grant_type is not known"),
        }
    }

    /// RFC 6749 §2.3.1: by Basic, each part form-encoded, or in the form.
    pub(super) fn authenticate_client(&self, request: &Request) -> Result<(), &'static str> {
        if let Some(algorithm) = self.behaviour.client_algorithm {
            return self.check_assertion(request, algorithm);
        }
        let expected = (self.behaviour.client_id.clone(), self.behaviour.client_secret.clone().unwrap_or_default());
        let given = match request.header("authorization") {
            Some(header) => basic(header).ok_or("the authorization header is not Basic")?,
            None => (
                request.param("client_id").unwrap_or_default().to_string(),
                request.param("client_secret").unwrap_or_default().to_string(),
            ),
        };
        if given == expected { Ok(()) } else { Err("client_id or client_secret is wrong") }
    }

    /// RFC 7009 §2: an unknown token is no error.
    pub(super) fn revoke(&mut self, request: &Request) -> Answer {
        if let Err(error) = self.authenticate_client(request) {
            return oauth_error(401, "invalid_client", error);
        }
        if self.refresh_tokens.remove(request.param("token").unwrap_or_default()).is_some() {
            self.revoked += 1;
        }
        Answer::new(200, "text/plain", "")
    }

    fn exchange_code(&mut self, request: &Request) -> Answer {
        if let Some(answer) = &self.behaviour.code_answer {
            return answer.clone();
        }
        // Removed in any case: a code is valid for one try.
        let grant = request.param("code").and_then(|code| self.codes.remove(code));
        let Some(grant) = grant else {
            return oauth_error(400, "invalid_grant", "code is unknown or was used before");
        };
        if request.param("redirect_uri") != Some(&grant.redirect_uri) {
            return oauth_error(400, "invalid_grant", "redirect_uri differs from the first one");
        }
        let verifier = request.param("code_verifier").unwrap_or_default();
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        if !(43..=128).contains(&verifier.len()) || challenge != grant.code_challenge {
            return oauth_error(400, "invalid_grant", "code_verifier does not fit");
        }
        let is_offline = grant.scope.split(' ').any(|scope| scope == "offline_access") && grant.has_consent;
        self.issue(&grant, grant.nonce.as_deref(), is_offline || !self.behaviour.refresh_needs_consent)
    }

    fn refresh(&mut self, request: &Request) -> Answer {
        if let Some(answer) = &self.behaviour.refresh_answer {
            return answer.clone();
        }
        let token = request.param("refresh_token").unwrap_or_default();
        let Some(grant) = self.refresh_tokens.get(token).cloned() else {
            return self.refuse_refresh_token(token);
        };
        let rotate = self.behaviour.refresh_rotation;
        // OpenID Connect Core §12.2: no nonce in a refreshed ID token.
        let mut answer = self.issue(&grant, None, rotate);
        answer.replaces = rotate.then(|| token.to_owned());
        answer
    }

    /// Uses up a refresh token when the response that replaces it is sent; the second of two responses to one token is
    /// refused.
    pub(super) fn replace(&mut self, token: &str, answer: Answer) -> Answer {
        let Some(grant) = self.refresh_tokens.remove(token) else {
            return self.refuse_refresh_token(token);
        };
        self.spent.insert(token.to_owned(), grant.family);
        answer
    }

    fn refuse_refresh_token(&mut self, token: &str) -> Answer {
        self.revoke_family_of(token);
        oauth_error(400, "invalid_grant", "refresh_token is unknown or was used before")
    }

    /// RFC 9700 §4.14.2: if a refresh token is used again it was stolen, and either the thief or the user sends it now.
    fn revoke_family_of(&mut self, token: &str) {
        if let Some(family) = self.spent.get(token).copied() {
            self.refresh_tokens.retain(|_, grant| grant.family != family);
            self.revoked += 1;
        }
    }

    pub(super) fn issue(&mut self, grant: &Grant, nonce: Option<&str>, with_refresh_token: bool) -> Answer {
        let access_token = self.secret("access");
        let mut response = object(json!({
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": self.behaviour.lifetime.max(0),
            "scope": grant.scope,
            "id_token": self.id_token(grant, nonce, &access_token),
        }));
        if with_refresh_token {
            let padding = "x".repeat(self.behaviour.refresh_token_padding);
            let refresh_token = self.secret("refresh") + &padding;
            self.refresh_tokens.insert(refresh_token.clone(), grant.clone());
            response.insert("refresh_token".into(), refresh_token.into());
        }
        apply(&self.behaviour.token_response, &mut response);
        // RFC 6749 §5.1
        let date = self.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        Answer::json(200, &response.into()).with_header("cache-control", "no-store").with_header("date", &date)
    }

    fn now(&self) -> chrono::DateTime<chrono::Utc> {
        chrono::Utc::now() + chrono::TimeDelta::seconds(self.behaviour.clock)
    }

    pub(super) fn id_token(&self, grant: &Grant, nonce: Option<&str>, access_token: &str) -> String {
        let behaviour = &self.behaviour;
        let now = self.now().timestamp();
        let mut claims = object(json!({
            "iss": self.issuer(),
            "sub": "jane",
            "aud": behaviour.client_id,
            "iat": now,
            "exp": now + behaviour.lifetime,
            "auth_time": now,
            "groups": ["developers"],
        }));
        let asked = |scope: &str| grant.scope.split(' ').any(|one| one == scope);
        if asked("email") {
            claims.insert("email".into(), "jane@example.com".into());
            claims.insert("email_verified".into(), true.into());
        }
        if asked("profile") {
            claims.insert("name".into(), "Jane Doe".into());
        }
        if let Some(nonce) = nonce {
            claims.insert("nonce".into(), nonce.into());
        }
        if behaviour.at_hash {
            let at_hash = keys::at_hash(access_token, behaviour.algorithm);
            claims.insert("at_hash".into(), at_hash.into());
        }
        apply(&behaviour.claims, &mut claims);
        let (signing, algorithm) = (&behaviour.signing, behaviour.algorithm);
        let mut header = keys::header(signing, algorithm, self.generation);
        apply(&behaviour.header, &mut header);
        let payload = serde_json::to_vec(&claims).expect("a JSON object");
        let payload = match behaviour.payload {
            Some(change) => change(payload),
            None => payload,
        };
        keys::sign(&header, &payload, signing, algorithm, self.generation)
    }
}

fn basic(header: &str) -> Option<(String, String)> {
    let decoded = STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((form_decoded(id), form_decoded(secret)))
}

fn form_decoded(part: &str) -> String {
    let encoded = format!("value={part}");
    let mut pairs = url::form_urlencoded::parse(encoded.as_bytes());
    pairs.next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

pub(super) fn oauth_error(status: u16, error: &str, description: &str) -> Answer {
    Answer::json(status, &json!({"error": error, "error_description": description}))
}
