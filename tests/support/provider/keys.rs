//! The provider's signing keys, and ID tokens signed with them, correctly or not.
//!
//! The keys in `keys/` were made for these tests and protect nothing. There are two of each kind, one published and one
//! not; a rotation swaps them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256, Sha384, Sha512};

const RSA: [&str; 2] = [include_str!("keys/rsa-1.pem"), include_str!("keys/rsa-2.pem")];
const P256: [&str; 2] = [include_str!("keys/p256-1.pem"), include_str!("keys/p256-2.pem")];
const P384: [&str; 2] = [include_str!("keys/p384-1.pem"), include_str!("keys/p384-2.pem")];
const ED25519: [&str; 2] = [include_str!("keys/ed25519-1.pem"), include_str!("keys/ed25519-2.pem")];

/// What signs an ID token.
#[derive(Clone, Debug)]
pub enum Signing {
    /// The published key of the algorithm.
    Published,
    /// A key of the same kind that was never published, under the published key's ID.
    Stranger,
    /// HS256 with these bytes, as in an attack that uses a public key as the secret.
    Secret(Vec<u8>),
    /// Nothing: `alg` is `none` and the signature is empty.
    Nothing,
}

/// The published keys as a JWK set. An RSA key is listed for `algorithm` if that is one of RSA's.
pub fn published(algorithm: Algorithm, generation: usize) -> Map<String, Value> {
    let rsa = if is_rsa(algorithm) { algorithm } else { Algorithm::RS256 };
    let kinds = [rsa, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA];
    let keys: Vec<Value> = kinds
        .iter()
        .map(|&kind| {
            let jwk = Jwk::from_encoding_key(&key(kind, generation), kind).expect("a public key");
            let mut jwk = serde_json::to_value(jwk).expect("a JWK");
            jwk["kid"] = key_id(kind, generation).into();
            jwk["use"] = "sig".into();
            jwk
        })
        .collect();
    Map::from_iter([("keys".to_string(), keys.into())])
}

/// The header for this key and this way of signing.
pub fn header(signing: &Signing, algorithm: Algorithm, generation: usize) -> Map<String, Value> {
    let header = match signing {
        Signing::Published | Signing::Stranger => {
            json!({"typ": "JWT", "alg": algorithm, "kid": key_id(algorithm, generation)})
        }
        Signing::Secret(_) => json!({"typ": "JWT", "alg": "HS256"}),
        Signing::Nothing => json!({"typ": "JWT", "alg": "none"}),
    };
    header.as_object().expect("an object").clone()
}

/// A JWT with this header and these bytes, whatever they are.
pub fn sign(
    header: &Map<String, Value>,
    payload: &[u8],
    signing: &Signing,
    algorithm: Algorithm,
    generation: usize,
) -> String {
    let header = serde_json::to_vec(header).expect("a JSON object");
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let (key, algorithm) = match signing {
        Signing::Published => (key(algorithm, generation), algorithm),
        Signing::Stranger => (key(algorithm, generation + 1), algorithm),
        Signing::Secret(secret) => (EncodingKey::from_secret(secret), Algorithm::HS256),
        Signing::Nothing => return message + ".",
    };
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm);
    message + "." + &signature.expect("a signature")
}

/// The published RSA key as anyone can get it: what an attacker would use as a secret.
pub fn public_key_as_text() -> String {
    let key = Jwk::from_encoding_key(&key(Algorithm::RS256, 0), Algorithm::RS256).expect("a public key");
    serde_json::to_string(&key).expect("a JWK")
}

/// OpenID Connect Core §3.1.3.6: the left half of the access token's hash, with the hash function of the ID token's
/// `alg`.
pub fn at_hash(access_token: &str, algorithm: Algorithm) -> String {
    use Algorithm::{ES384, EdDSA, PS384, PS512, RS384, RS512};
    let hash = match algorithm {
        RS384 | PS384 | ES384 => Sha384::digest(access_token).to_vec(),
        RS512 | PS512 | EdDSA => Sha512::digest(access_token).to_vec(),
        _ => Sha256::digest(access_token).to_vec(),
    };
    URL_SAFE_NO_PAD.encode(&hash[..hash.len() / 2])
}

/// The second private key of the algorithm, which the provider does not use: a client's, in PEM.
pub fn client_key(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::ES256 => P256[1],
        Algorithm::ES384 => P384[1],
        Algorithm::EdDSA => ED25519[1],
        _ => RSA[1],
    }
}

/// The public half of that key.
pub fn public_client_key(algorithm: Algorithm) -> Jwk {
    Jwk::from_encoding_key(&key(algorithm, 1), algorithm).expect("a public key")
}

fn key(algorithm: Algorithm, generation: usize) -> EncodingKey {
    let which = generation % 2;
    let key = match algorithm {
        Algorithm::ES256 => EncodingKey::from_ec_pem(P256[which].as_bytes()),
        Algorithm::ES384 => EncodingKey::from_ec_pem(P384[which].as_bytes()),
        Algorithm::EdDSA => EncodingKey::from_ed_pem(ED25519[which].as_bytes()),
        rsa if is_rsa(rsa) => EncodingKey::from_rsa_pem(RSA[which].as_bytes()),
        other => panic!("there is no test key for {other:?}; for HS256 see Signing::Secret"),
    };
    key.expect("a test key")
}

fn key_id(algorithm: Algorithm, generation: usize) -> String {
    format!("{algorithm:?}-{generation}")
}

fn is_rsa(algorithm: Algorithm) -> bool {
    use Algorithm::{PS256, PS384, PS512, RS256, RS384, RS512};
    matches!(algorithm, RS256 | RS384 | RS512 | PS256 | PS384 | PS512)
}
