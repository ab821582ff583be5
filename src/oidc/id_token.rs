//! A received ID token: the parts of a JWT (RFC 7515, RFC 7519), and the claims that are used.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::key_set::{KeyError, KeySet};

/// The longest ID token, in bytes. An API server accepts far less.
const LONGEST: usize = 256 * 1024;

/// A signed JWT, parsed and not yet verified.
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
    /// From when it is valid (RFC 7519 §4.1.5).
    #[serde(default, deserialize_with = "optional_time")]
    pub nbf: Option<DateTime<Utc>>,
    /// The nonce of the authorization request.
    pub nonce: Option<String>,
    /// Half of the hash of the access token that came with it.
    pub at_hash: Option<String>,
    #[serde(default)]
    acr: Value,
    #[serde(default)]
    auth_time: Value,
    #[serde(default)]
    groups: Value,
    #[serde(default, rename = "_claim_names")]
    claim_names: Value,
    #[serde(default)]
    name: Value,
    #[serde(default)]
    preferred_username: Value,
    #[serde(default)]
    email: Value,
    #[serde(default)]
    picture: Value,
}

/// Who signed in, as far as the ID token tells. The strings come from outside: escape them for where they go.
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
    /// Parses a JWT.
    ///
    /// # Errors
    /// Why it cannot be verified.
    pub fn parse(text: &'a str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("it has {} bytes, more than {LONGEST}", text.len()));
        }
        let parts: Vec<_> = text.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            return Err(match parts.len() {
                // RFC 7516 §3.1
                5 => "it is encrypted, so no API server can read it".into(),
                _ => "it is not a JWT".into(),
            });
        };
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|error| format!("it is not a JWT: {error}"));
        let fields: Map<String, Value> = serde_json::from_slice(&decode(header)?)
            .map_err(|error| format!("its header is not JSON in UTF-8 ({error})"))?;
        // RFC 7515 §4.1.11: a critical header that is not understood makes it invalid, and none is understood here.
        if fields.contains_key("crit") {
            return Err("its header has 'crit', which kubekey does not support".into());
        }
        let kid = match fields.get("kid") {
            None | Some(Value::Null) => None,
            Some(Value::String(kid)) => Some(kid.clone()).filter(|kid| !kid.is_empty()),
            Some(_) => return Err("its header: 'kid' is not a string".into()),
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
    /// If none of `keys` signed it, or it lacks the claims that an ID token needs.
    pub fn claims(&self, keys: &KeySet) -> Result<Claims, KeyError> {
        keys.verify(self.algorithm, self.kid.as_deref(), self.message.as_bytes(), &self.signature)?;
        // The library would accept a list in place of an object.
        match self.payload.trim_ascii_start().first() {
            Some(b'{') => {
                serde_json::from_slice(&self.payload).map_err(|_| KeyError::Unusable(why_unusable(&self.payload)))
            }
            _ => Err(KeyError::Unusable("its claims are not a JSON object".into())),
        }
    }
}

impl Claims {
    /// How the user was authenticated.
    pub fn acr(&self) -> Option<&str> {
        self.acr.as_str()
    }

    /// When the user was authenticated.
    pub fn auth_time(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(self.auth_time.as_f64()? as i64, 0)
    }

    /// Whether the groups can only be fetched elsewhere (OpenID Connect Core §5.6.2): too many for a token of Microsoft Entra.
    pub fn has_groups_elsewhere(&self) -> bool {
        self.groups.is_null() && self.claim_names.get("groups").is_some()
    }

    /// The names of who signed in that a provider takes as a login hint: those that are there, `email` first.
    pub fn names(&self) -> Vec<&str> {
        let names = [self.email.as_str(), self.preferred_username.as_str(), Some(&*self.sub)];
        names.into_iter().flatten().filter(|name| !name.is_empty()).collect()
    }

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

/// The words for claims that could not be read: the library's are about its own types.
fn why_unusable(payload: &[u8]) -> String {
    let Ok(claims) = serde_json::from_slice::<Map<String, Value>>(payload) else {
        return "its claims are not JSON in UTF-8".to_owned();
    };
    let is_time = |value: &Value| value.as_f64().is_some_and(|time| DateTime::from_timestamp(time as i64, 0).is_some());
    for name in ["iss", "sub", "aud", "exp", "iat", "nbf", "azp", "nonce", "at_hash"] {
        let is_needed = ["iss", "sub", "aud", "exp", "iat"].contains(&name);
        match (name, claims.get(name)) {
            (_, None) if is_needed => return format!("it has no '{name}'"),
            (_, None) => {}
            ("exp" | "iat" | "nbf", Some(value)) if !value.is_number() => {
                return format!("its '{name}' is not a number");
            }
            ("exp" | "iat" | "nbf", Some(value)) if !is_time(value) => return format!("its '{name}' is not a time"),
            ("aud", Some(Value::Array(all))) if all.iter().all(Value::is_string) => {}
            ("aud", Some(value)) if !value.is_string() => {
                return "its 'aud' is neither a string nor a list of strings".to_owned();
            }
            ("iss" | "sub", Some(value)) if !value.is_string() => return format!("its '{name}' is not a string"),
            ("azp" | "nonce" | "at_hash", Some(value)) if !value.is_string() && !value.is_null() => {
                return format!("its '{name}' is not a string");
            }
            _ => {}
        }
    }
    // Of two claims with one name the map has the second, which is of the right type.
    "it has one claim twice".to_owned()
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "'aud' is neither a string nor a list of strings")]
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
    DateTime::from_timestamp(seconds as i64, 0).ok_or_else(|| de::Error::custom("not a time"))
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
        assert_eq!(why(LONGEST), "it is not a JWT");
        assert_eq!(why(LONGEST + 1), format!("it has {} bytes, more than {LONGEST}", LONGEST + 1));
    }
}
