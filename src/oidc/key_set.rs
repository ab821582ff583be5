//! The provider's keys (RFC 7517), and which of them an ID token has to be signed with.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey, SignatureVerificationError};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha384, Sha512};

/// The shortest RSA modulus, in bytes (RFC 7518 §3.3).
const SHORTEST_MODULUS: usize = 256;

/// How many keys of one ID are tried.
const MOST_KEYS: usize = 8;

/// A signature algorithm that is verified (RFC 7518 §3.1, RFC 8037, RFC 9864).
///
/// Only those with a private key of the provider's: with a client secret in the hands of every user, an HMAC proves
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5.
    Rs256,
    /// The same with SHA-384.
    Rs384,
    /// The same with SHA-512.
    Rs512,
    /// RSASSA-PSS.
    Ps256,
    /// The same with SHA-384.
    Ps384,
    /// The same with SHA-512.
    Ps512,
    /// ECDSA on P-256.
    Es256,
    /// ECDSA on P-384.
    Es384,
    /// EdDSA on Curve25519.
    Ed25519,
}

/// Why a signature does not count.
#[derive(Debug)]
pub enum KeyError {
    /// None of the known keys made it: the provider may have begun to use another.
    Unknown(String),
    /// No newer keys would change that.
    Unusable(String),
}

/// A JWK set. Keys of other kinds than ours may be in it.
#[derive(Clone, Debug)]
pub struct KeySet(Vec<Map<String, Value>>);

impl Algorithm {
    /// By the name in a JWT's header.
    ///
    /// # Errors
    /// Why it is not verified.
    pub fn parse(name: &str) -> Result<Self, String> {
        Ok(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            // The curve is the key's.
            "EdDSA" | "Ed25519" => Self::Ed25519,
            "none" => return Err("it is not signed ('alg' is 'none')".into()),
            name if name.starts_with("HS") => {
                return Err(format!("it is signed with {name}, which everyone who knows the client secret can do"));
            }
            name => return Err(format!("it is signed with '{name}', which kubekey does not verify")),
        })
    }

    /// The left half of the hash that goes with it (OpenID Connect Core §3.1.3.6), in base64url.
    pub fn half_hash(self, text: &str) -> String {
        let hash = match self {
            Self::Rs256 | Self::Ps256 | Self::Es256 => Sha256::digest(text).to_vec(),
            Self::Rs384 | Self::Ps384 | Self::Es384 => Sha384::digest(text).to_vec(),
            Self::Rs512 | Self::Ps512 | Self::Ed25519 => Sha512::digest(text).to_vec(),
        };
        URL_SAFE_NO_PAD.encode(&hash[..hash.len() / 2])
    }

    fn key_type(self) -> &'static str {
        match self {
            Self::Es256 | Self::Es384 => "EC",
            Self::Ed25519 => "OKP",
            _ => "RSA",
        }
    }

    fn curve(self) -> Option<&'static str> {
        match self {
            Self::Es256 => Some("P-256"),
            Self::Es384 => Some("P-384"),
            Self::Ed25519 => Some("Ed25519"),
            _ => None,
        }
    }

    fn in_library(self) -> CoreJwsSigningAlgorithm {
        match self {
            Self::Rs256 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
            Self::Rs384 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
            Self::Rs512 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
            Self::Ps256 => CoreJwsSigningAlgorithm::RsaSsaPssSha256,
            Self::Ps384 => CoreJwsSigningAlgorithm::RsaSsaPssSha384,
            Self::Ps512 => CoreJwsSigningAlgorithm::RsaSsaPssSha512,
            Self::Es256 => CoreJwsSigningAlgorithm::EcdsaP256Sha256,
            Self::Es384 => CoreJwsSigningAlgorithm::EcdsaP384Sha384,
            Self::Ed25519 => CoreJwsSigningAlgorithm::EdDsa,
        }
    }
}

impl KeySet {
    /// Reads a JWK set.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(document: &Value) -> Result<Self, String> {
        let keys = document.get("keys").and_then(Value::as_array).ok_or("it has no list 'keys'")?;
        // RFC 7517 §5: what is not understood is left out.
        Ok(Self(keys.iter().filter_map(Value::as_object).cloned().collect()))
    }

    /// Verifies the signature of a JWT whose header has this `kid`.
    ///
    /// # Errors
    /// If it is not by one of these keys, or nobody can say by which.
    pub fn verify(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), KeyError> {
        let of_type: Vec<_> = self.0.iter().filter(|key| is_for(key, algorithm, kid)).collect();
        let of_curve: Vec<_> = of_type.iter().copied().filter(|key| text(key, "crv") == algorithm.curve()).collect();
        // With none of its curve, the error is about the curve.
        let candidates = if of_curve.is_empty() { of_type } else { of_curve };
        let mut result = Err(KeyError::Unknown(match kid {
            Some(kid) => format!("the provider has no such key: '{kid}'"),
            None => "the provider has no key for its signature".into(),
        }));
        // OpenID Connect Core §10.1
        if kid.is_none() && candidates.len() > 1 {
            return Err(KeyError::Unusable("it does not say with which of several keys it is signed".into()));
        }
        for key in candidates.into_iter().take(MOST_KEYS) {
            result = verify_with(key, algorithm, message, signature);
            if result.is_ok() {
                break;
            }
        }
        result
    }
}

fn text<'a>(key: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    key.get(name)?.as_str()
}

/// Whether this key may be the one. Its `use` and `alg` are optional (RFC 7517 §4).
fn is_for(key: &Map<String, Value>, algorithm: Algorithm, kid: Option<&str>) -> bool {
    text(key, "kty") == Some(algorithm.key_type())
        && key.get("use").is_none_or(|usage| usage == "sig")
        && key.get("key_ops").and_then(Value::as_array).is_none_or(|uses| uses.iter().any(|one| one == "verify"))
        && key.get("alg").is_none_or(|name| name.as_str().is_some_and(|name| Algorithm::parse(name) == Ok(algorithm)))
        && (kid.is_none() || text(key, "kid") == kid)
}

fn verify_with(
    key: &Map<String, Value>,
    algorithm: Algorithm,
    message: &[u8],
    signature: &[u8],
) -> Result<(), KeyError> {
    let curve = text(key, "crv");
    if algorithm.curve() != curve.filter(|_| algorithm.curve().is_some()) {
        let curve = curve.unwrap_or("unnamed");
        return Err(KeyError::Unusable(format!("its key is on the curve '{curve}', which kubekey does not verify")));
    }
    let coordinate = match algorithm {
        Algorithm::Es256 => Some(32),
        Algorithm::Es384 => Some(48),
        _ => None,
    };
    let number = |name| text(key, name).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).unwrap_or_default();
    // RFC 7518 §6.2.1.2: a coordinate has the full length of its curve.
    if coordinate.is_some_and(|length| number("x").len() != length || number("y").len() != length) {
        return Err(KeyError::Unusable("its key is no point on its curve".into()));
    }
    let length = number("n").iter().skip_while(|byte| **byte == 0).count();
    if algorithm.key_type() == "RSA" && length < SHORTEST_MODULUS {
        return Err(KeyError::Unusable(format!("its RSA key has {} bits, which is too short", length * 8)));
    }
    // The rest of the key is none of the library's business: it refuses what it does not know.
    let numbers = ["kty", "n", "e", "crv", "x", "y"].into_iter();
    let numbers: Map<_, _> = numbers.filter_map(|name| Some((name.to_owned(), key.get(name)?.clone()))).collect();
    let key: CoreJsonWebKey =
        serde_json::from_value(numbers.into()).map_err(|error| KeyError::Unusable(format!("its key: {error}")))?;
    key.verify_signature(&algorithm.in_library(), message, signature).map_err(|error| match error {
        SignatureVerificationError::CryptoError(_) => {
            KeyError::Unknown("its signature is not by the provider's key".into())
        }
        error => KeyError::Unusable(error.to_string()),
    })
}
