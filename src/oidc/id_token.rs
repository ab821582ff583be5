//! An ID token as it comes: the parts of a JWT (RFC 7515, RFC 7519), and the claims that are looked at.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

use super::key_set::{Algorithm, KeyError, KeySet};

/// The longest ID token, in bytes. An API server takes far less.
const LONGEST: usize = 256 * 1024;

/// A signed JWT that has been taken apart and not yet verified.
#[derive(Debug)]
pub struct Jwt<'a> {
    /// How it is signed.
    pub algorithm: Algorithm,
    kid: Option<String>,
    message: &'a str,
    signature: Vec<u8>,
    payload: Vec<u8>,
}

/// The claims of an ID token (OpenID Connect Core §2). Those that only tell a name may be of any type.
#[derive(Debug, Deserialize)]
pub struct Claims {
    /// The issuer.
    pub iss: String,
    /// The subject: who signed in.
    pub sub: String,
    /// For whom the token is.
    #[serde(deserialize_with = "one_or_many")]
    pub aud: Vec<String>,
    /// The party it was issued to.
    pub azp: Option<String>,
    /// When it expires.
    #[serde(deserialize_with = "time")]
    pub exp: DateTime<Utc>,
    /// When it was issued.
    #[serde(deserialize_with = "time")]
    pub iat: DateTime<Utc>,
    /// When it begins to be valid (RFC 7519 §4.1.5).
    #[serde(default, deserialize_with = "optional_time")]
    pub nbf: Option<DateTime<Utc>>,
    /// What the authorization request had.
    pub nonce: Option<String>,
    /// Half the hash of the access token beside it.
    pub at_hash: Option<String>,
    #[serde(default)]
    name: Value,
    #[serde(default)]
    preferred_username: Value,
    #[serde(default)]
    email: Value,
    #[serde(default)]
    picture: Value,
}

/// Who signed in, as far as the ID token says. Texts from outside: to be escaped for where they go.
#[derive(Debug, Default)]
pub struct Person {
    /// `name`, else `preferred_username`, else `email`, else `sub`.
    pub name: String,
    /// `email`; may be empty.
    pub email: String,
    /// `picture`, if it is an https URL; may be empty.
    pub picture: String,
}

impl<'a> Jwt<'a> {
    /// Takes a JWT apart.
    ///
    /// # Errors
    /// Why it is none that can be verified.
    pub fn parse(text: &'a str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("it has {} bytes, more than {LONGEST}", text.len()));
        }
        let parts: Vec<_> = text.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            return Err(match parts.len() {
                // RFC 7516 §3.1
                5 => "it is encrypted, which is nothing that an API server could read".into(),
                _ => "it is no JWT".into(),
            });
        };
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|error| format!("it is no JWT: {error}"));
        let fields: Map<String, Value> =
            serde_json::from_slice(&decode(header)?).map_err(|error| format!("its header: {error}"))?;
        // RFC 7515 §4.1.11: what is critical and not understood makes it invalid, and none is understood here.
        if fields.contains_key("crit") {
            return Err("its header has 'crit', which kubekey does not know".into());
        }
        let kid = match fields.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.clone()),
            Some(_) => return Err("its header: 'kid' is no text".into()),
        };
        let algorithm = fields.get("alg").and_then(Value::as_str).ok_or("its header has no 'alg'")?;
        Ok(Self {
            algorithm: Algorithm::parse(algorithm)?,
            kid,
            message: &text[..header.len() + 1 + payload.len()],
            signature: decode(signature)?,
            payload: decode(payload)?,
        })
    }

    /// Verifies the signature, and only then reads the claims.
    ///
    /// # Errors
    /// If it is not signed by one of `keys`, or has not the claims that an ID token needs.
    pub fn claims(&self, keys: &KeySet) -> Result<Claims, KeyError> {
        keys.verify(self.algorithm, self.kid.as_deref(), self.message.as_bytes(), &self.signature)?;
        // The library would take a list of values for an object, too.
        match self.payload.trim_ascii_start().first() {
            Some(b'{') => serde_json::from_slice(&self.payload)
                .map_err(|error| KeyError::Unusable(format!("its claims: {error}"))),
            _ => Err(KeyError::Unusable("its claims are no JSON object".into())),
        }
    }
}

impl Claims {
    /// Who signed in.
    pub fn person(&self) -> Person {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (email, picture) = (text(&self.email), text(&self.picture));
        let names = [text(&self.name), text(&self.preferred_username), email.clone(), self.sub.clone()];
        Person {
            name: names.into_iter().find(|name| !name.is_empty()).unwrap_or_default(),
            email,
            picture: Some(picture).filter(|picture| picture.starts_with("https://")).unwrap_or_default(),
        }
    }
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "'aud' is neither a text nor a list of texts")]
    enum Audience {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Audience::deserialize(deserializer)? {
        Audience::One(one) => vec![one],
        Audience::Many(many) => many,
    })
}

/// RFC 7519 §2, NumericDate: seconds, which may have a fraction.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    DateTime::from_timestamp(seconds as i64, 0).ok_or_else(|| de::Error::custom("a time out of range"))
}

fn optional_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    time(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_longer_than_the_limit_is_called_too_long() {
        let why = |length: usize| Jwt::parse(&"x".repeat(length)).map(drop).unwrap_err();
        assert_eq!(why(LONGEST), "it is no JWT");
        assert_eq!(why(LONGEST + 1), format!("it has {} bytes, more than {LONGEST}", LONGEST + 1));
    }
}
