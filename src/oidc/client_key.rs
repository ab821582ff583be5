//! The client's private key, and what it signs: the assertion that authenticates the client (RFC 7523 §2.2, OpenID Connect Core
//! §9, `private_key_jwt`).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use openidconnect::Nonce;
use rustls::SignatureScheme;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use rustls::sign::SigningKey;
use serde_json::{Map, Value, json};
use x509_cert::der::asn1::AnyRef;
use x509_cert::der::{Decode, SliceReader};
use zeroize::Zeroizing;

use super::web_key::{decode, text};
use super::{der, ecdsa};
use crate::error::Result;
use crate::printable;
use crate::secret::Secret;
use crate::settings;

/// How long an assertion is valid, in seconds: one request, and clocks that differ.
const LIFETIME: i64 = 120;

/// How keys sign: TLS's name, that of a JWT (RFC 7518 §3.1, RFC 8037 §3.1), and for ECDSA the bytes of a number.
const SCHEMES: [(SignatureScheme, &str, usize); 4] = [
    (SignatureScheme::RSA_PKCS1_SHA256, "RS256", 0),
    (SignatureScheme::ECDSA_NISTP256_SHA256, "ES256", 32),
    (SignatureScheme::ECDSA_NISTP384_SHA384, "ES384", 48),
    (SignatureScheme::ED25519, "EdDSA", 0),
];

const HINT: &str = "give an RSA key of at least 2048 bits, or one of P-256, P-384 or Ed25519, in PEM without a password or as a private JWK";

/// A private key that can sign.
#[derive(Clone)]
pub struct ClientKey {
    key: Arc<dyn SigningKey>,
    /// Its ID at the provider, if the file tells it.
    kid: Option<String>,
}

impl ClientKey {
    /// Reads the file of the setting.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Usage`], naming the file, if it has no key that can sign.
    pub fn read(setting: &settings::ClientKey) -> Result<Self> {
        let bytes = setting.read().map_err(|error| error.hint(HINT))?;
        Self::parse(&bytes).map_err(|why| setting.unusable(&why).hint(HINT))
    }

    fn parse(bytes: &[u8]) -> std::result::Result<Self, String> {
        let (der, kid) = match serde_json::from_slice::<Map<String, Value>>(bytes) {
            Ok(jwk) => (of_jwk(&jwk)?, text(&jwk, "kid").map(str::to_owned)),
            Err(_) => (settings::private_key(bytes)?, None),
        };
        let loaded = ecdsa::provider().key_provider.load_private_key(der).ok().map(|key| Self { key, kid });
        let usable = loaded.filter(|key| key.sign("").is_some());
        usable.ok_or_else(|| "its private key is of a kind that kubekey does not support".to_owned())
    }

    /// A JWT with which this client authenticates once, at the token endpoint `audience`.
    pub fn assertion(&self, client_id: &str, audience: &str) -> Secret {
        let now = Utc::now().timestamp();
        let claims = json!({
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "jti": Nonce::new_random().secret(),
            "iat": now,
            "exp": now + LIFETIME,
        });
        let mut header = json!({ "alg": self.scheme().map(|(_, name, _)| name), "typ": "JWT" });
        if let Some(kid) = &self.kid {
            header["kid"] = kid.as_str().into();
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(&claims));
        // It signed when it was read.
        let signature = self.sign(&message).unwrap_or_default();
        let assertion = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
        printable::hide(&assertion);
        Secret::new(assertion)
    }

    fn scheme(&self) -> Option<(SignatureScheme, &'static str, usize)> {
        SCHEMES.into_iter().find(|(scheme, ..)| self.key.choose_scheme(&[*scheme]).is_some())
    }

    fn sign(&self, message: &str) -> Option<Vec<u8>> {
        let (scheme, _, size) = self.scheme()?;
        let signature = self.key.choose_scheme(&[scheme])?.sign(message.as_bytes()).ok()?;
        if size == 0 { Some(signature) } else { fixed(&signature, size) }
    }
}

/// An ECDSA signature as JWTs have it: both numbers, each with all bytes of the curve (RFC 7518 §3.4).
fn fixed(signature: &[u8], size: usize) -> Option<Vec<u8>> {
    let pair = AnyRef::decode(&mut SliceReader::new(signature).ok()?).ok()?;
    let mut reader = SliceReader::new(pair.value()).ok()?;
    let mut fixed = Vec::with_capacity(2 * size);
    for _ in 0..2 {
        let number = AnyRef::decode(&mut reader).ok()?.value();
        let digits = &number[number.iter().take_while(|byte| **byte == 0).count()..];
        fixed.resize(fixed.len() + size.checked_sub(digits.len())?, 0);
        fixed.extend_from_slice(digits);
    }
    Some(fixed)
}

/// The private key in a JWK (RFC 7518 §6.2.2 and §6.3.2, RFC 8037 §2), as DER.
fn of_jwk(jwk: &Map<String, Value>) -> std::result::Result<PrivateKeyDer<'static>, String> {
    let number = |name| decode(jwk, name).map(Zeroizing::new);
    match (text(jwk, "kty"), text(jwk, "crv")) {
        (Some("RSA"), _) => {
            // RFC 8017 appendix A.1.2
            let mut all = vec![der::number(&[0])];
            for name in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
                all.push(der::number(&number(name)?));
            }
            Ok(PrivatePkcs1KeyDer::from(der::sequence(&all)).into())
        }
        (Some("EC"), Some("P-256" | "P-384")) => {
            // RFC 5915 §3
            let point = [&[0, 4][..], &number("x")?, &number("y")?].concat();
            let point = der::value(0xa1, &der::value(0x03, &point));
            let all = [der::number(&[1]), der::value(0x04, &number("d")?), point];
            Ok(PrivateSec1KeyDer::from(der::sequence(&all)).into())
        }
        (Some("OKP"), Some("Ed25519")) => {
            // RFC 8410 §7
            let algorithm = der::sequence(&[der::value(0x06, &[0x2b, 0x65, 0x70])]);
            let all = [der::number(&[0]), algorithm, der::value(0x04, &der::value(0x04, &number("d")?))];
            Ok(PrivatePkcs8KeyDer::from(der::sequence(&all)).into())
        }
        _ => Err("its JWK is not a key of RSA, P-256, P-384 or Ed25519".to_owned()),
    }
}
