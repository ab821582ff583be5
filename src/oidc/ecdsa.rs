//! ECDSA in the combinations of curve and hash that ring lacks and that companies' CAs use: `openssl` signs with SHA-256
//! whatever the curve, others with SHA-512. Together they cover P-256, P-384 and P-521 with SHA-256, SHA-384 and SHA-512.
//! Verification involves no secret.

use std::sync::{Arc, LazyLock};

use p521::ecdsa::signature::hazmat::PrehashVerifier;
use rustls::SignatureScheme;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};
use sha2::{Digest, Sha256, Sha384, Sha512};

/// The bytes of a number modulo the order of P-521.
const P521_BYTES: usize = 66;

type Algorithm = &'static dyn SignatureVerificationAlgorithm;
type Scheme = (SignatureScheme, &'static [Algorithm]);

static P256_SHA512: Ecdsa = Ecdsa::new(Curve::P256, Hash::Sha512);
static P384_SHA512: Ecdsa = Ecdsa::new(Curve::P384, Hash::Sha512);
static P521_SHA256: Ecdsa = Ecdsa::new(Curve::P521, Hash::Sha256);
static P521_SHA384: Ecdsa = Ecdsa::new(Curve::P521, Hash::Sha384);
static P521_SHA512: Ecdsa = Ecdsa::new(Curve::P521, Hash::Sha512);

static OURS: [Algorithm; 5] = [&P521_SHA512, &P384_SHA512, &P256_SHA512, &P521_SHA384, &P521_SHA256];

/// The signatures of a handshake beside those of ring. RFC 8446 §4.2.3: in TLS 1.3 a scheme has one curve, that of the first
/// algorithm; in TLS 1.2 it may have any.
static HANDSHAKE: [Scheme; 1] = [(SignatureScheme::ECDSA_NISTP521_SHA512, &[&P521_SHA512, &P384_SHA512, &P256_SHA512])];

/// ring, extended with these signatures.
pub fn provider() -> CryptoProvider {
    /// They must live as long as the process.
    static ALGORITHMS: LazyLock<(Vec<Algorithm>, Vec<Scheme>)> = LazyLock::new(|| {
        let of_ring = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        ([of_ring.all, &OURS].concat(), [of_ring.mapping, &HANDSHAKE].concat())
    });
    let (all, mapping) = &*ALGORITHMS;
    CryptoProvider {
        signature_verification_algorithms: WebPkiSupportedAlgorithms { all, mapping },
        ..rustls::crypto::ring::default_provider()
    }
}

/// Makes it the default of this process, and returns that.
pub fn install_provider() -> Arc<CryptoProvider> {
    // It fails only if there is one already.
    let _ = provider().install_default();
    CryptoProvider::get_default().expect("one is there").clone()
}

#[derive(Clone, Copy, Debug)]
enum Curve {
    P256,
    P384,
    P521,
}

#[derive(Clone, Copy, Debug)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

#[derive(Debug)]
struct Ecdsa {
    curve: Curve,
    hash: Hash,
}

impl Ecdsa {
    const fn new(curve: Curve, hash: Hash) -> Self {
        Self { curve, hash }
    }
}

impl SignatureVerificationAlgorithm for Ecdsa {
    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let digest = self.hash.of(message);
        match self.curve {
            Curve::P256 => {
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(public_key);
                key.and_then(|key| key.verify_prehash(&digest, &p256::ecdsa::Signature::from_der(signature)?))
            }
            Curve::P384 => {
                let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(public_key);
                key.and_then(|key| key.verify_prehash(&digest, &p384::ecdsa::Signature::from_der(signature)?))
            }
            Curve::P521 => {
                let key = p521::ecdsa::VerifyingKey::from_sec1_bytes(public_key);
                // Padded with zeros: the library rejects a hash of less than half the bytes, as that of SHA-256 is.
                let mut number = [0; P521_BYTES];
                number[P521_BYTES - digest.len()..].copy_from_slice(&digest);
                key.and_then(|key| key.verify_prehash(&number, &p521::ecdsa::Signature::from_der(signature)?))
            }
        }
        .map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        match self.curve {
            Curve::P256 => alg_id::ECDSA_P256,
            Curve::P384 => alg_id::ECDSA_P384,
            Curve::P521 => alg_id::ECDSA_P521,
        }
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        match self.hash {
            Hash::Sha256 => alg_id::ECDSA_SHA256,
            Hash::Sha384 => alg_id::ECDSA_SHA384,
            Hash::Sha512 => alg_id::ECDSA_SHA512,
        }
    }
}

impl Hash {
    fn of(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }
}
