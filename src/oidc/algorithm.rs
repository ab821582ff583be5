//! The supported signature algorithms.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// A supported signature algorithm (RFC 7518 §3.1, RFC 8037, RFC 9864).
///
/// All of them need a private key of the provider. An HMAC proves nothing: every user has the client secret.
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

impl Algorithm {
    /// Reads the name in a JWT's header.
    ///
    /// # Errors
    /// Why it is not supported.
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
                return Err(format!("it is signed with {name}, which anyone with the client secret can do"));
            }
            name => return Err(format!("it is signed with '{name}', which kubekey does not support")),
        })
    }

    /// The left half of the algorithm's hash of `text` (OpenID Connect Core §3.1.3.6), in base64url.
    pub fn half_hash(self, text: &str) -> String {
        let hash = match self {
            Self::Rs256 | Self::Ps256 | Self::Es256 => Sha256::digest(text).to_vec(),
            Self::Rs384 | Self::Ps384 | Self::Es384 => Sha384::digest(text).to_vec(),
            Self::Rs512 | Self::Ps512 | Self::Ed25519 => Sha512::digest(text).to_vec(),
        };
        URL_SAFE_NO_PAD.encode(&hash[..hash.len() / 2])
    }

    /// The `kty` of its keys.
    pub fn key_type(self) -> &'static str {
        match self {
            Self::Es256 | Self::Es384 => "EC",
            Self::Ed25519 => "OKP",
            _ => "RSA",
        }
    }

    /// The `crv` of its keys, if they have one.
    pub fn curve(self) -> Option<&'static str> {
        match self {
            Self::Es256 => Some("P-256"),
            Self::Es384 => Some("P-384"),
            Self::Ed25519 => Some("Ed25519"),
            _ => None,
        }
    }

    /// The bytes of a coordinate and of each number of a signature, for ECDSA (RFC 7518 §3.4 and §6.2.1.2).
    pub fn number_size(self) -> Option<usize> {
        match self {
            Self::Es256 => Some(32),
            Self::Es384 => Some(48),
            _ => None,
        }
    }

    /// TLS's name for it.
    pub fn in_tls(self) -> SignatureScheme {
        match self {
            Self::Rs256 => SignatureScheme::RSA_PKCS1_SHA256,
            Self::Rs384 => SignatureScheme::RSA_PKCS1_SHA384,
            Self::Rs512 => SignatureScheme::RSA_PKCS1_SHA512,
            Self::Ps256 => SignatureScheme::RSA_PSS_SHA256,
            Self::Ps384 => SignatureScheme::RSA_PSS_SHA384,
            Self::Ps512 => SignatureScheme::RSA_PSS_SHA512,
            Self::Es256 => SignatureScheme::ECDSA_NISTP256_SHA256,
            Self::Es384 => SignatureScheme::ECDSA_NISTP384_SHA384,
            Self::Ed25519 => SignatureScheme::ED25519,
        }
    }
}
