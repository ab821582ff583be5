//! The provider's keys (RFC 7517), and which of them may have signed an ID token.

use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::der;
use super::web_key::{is_for, public_key, text};

/// How many keys are tried at most: those with the token's key ID, or all of the algorithm where the token names none.
const MOST_KEYS: usize = 8;

/// Why a signature was rejected.
#[derive(Debug)]
pub enum KeyError {
    /// None of the known keys made it: the provider may have started to use another one.
    Unknown(String),
    /// Newer keys would not help.
    Unusable(String),
}

/// A JWK set. It may contain keys that are not supported.
#[derive(Clone, Debug)]
pub struct KeySet(Vec<Map<String, Value>>);

impl KeySet {
    /// Reads a JWK set.
    ///
    /// # Errors
    /// If it is not a JWK set.
    pub fn parse(document: &Value) -> Result<Self, String> {
        let keys = document.get("keys").and_then(Value::as_array).ok_or("it has no list 'keys'")?;
        // RFC 7517 §5: keys that are not understood are ignored.
        Ok(Self(keys.iter().filter_map(Value::as_object).cloned().collect()))
    }

    /// Verifies the signature of a JWT whose header has this `kid`. Without a `kid`, any key of the algorithm may have
    /// made it: each of them belongs to the provider and is for signatures. (OpenID Connect Core §10.1 requires a `kid`
    /// where there are several keys, but not every provider sends one.)
    ///
    /// # Errors
    /// If none of these keys made it.
    pub fn verify(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), KeyError> {
        let (candidates, why_not) = self.candidates(algorithm, kid);
        if candidates.iter().any(|key| is_signed_with(key, algorithm, message, signature)) {
            return Ok(());
        }
        // A newer key may be the right one, whatever is wrong with the others.
        Err(match (candidates.is_empty(), why_not, kid) {
            (false, ..) => KeyError::Unknown("its signature was not made with the provider's key".into()),
            (true, Some(why_not), _) => KeyError::Unusable(why_not),
            (true, None, Some(kid)) => KeyError::Unknown(format!("the provider has no key '{kid}'")),
            (true, None, None) => KeyError::Unknown("the provider has no key for its signature".into()),
        })
    }

    /// The keys that may have signed, each once, however often and in whatever notation it is listed;
    /// and why another one cannot be used.
    fn candidates(&self, algorithm: Algorithm, kid: Option<&str>) -> (Vec<Vec<u8>>, Option<String>) {
        let of_type: Vec<_> = self.0.iter().filter(|key| is_for(key, algorithm, kid)).collect();
        let of_curve: Vec<_> = of_type.iter().copied().filter(|key| text(key, "crv") == algorithm.curve()).collect();
        // Where no key has its curve, the error is about the curve.
        let keys = if of_curve.is_empty() { of_type } else { of_curve };
        let (mut candidates, mut why_not) = (Vec::new(), None);
        for key in keys {
            match public_key(key, algorithm) {
                Ok(key) if candidates.contains(&key) => {}
                Ok(key) => candidates.push(key),
                Err(why) => why_not = Some(why),
            }
            if candidates.len() == MOST_KEYS {
                break;
            }
        }
        (candidates, why_not)
    }
}

fn is_signed_with(key: &[u8], algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
    let all = rustls::crypto::ring::default_provider().signature_verification_algorithms.mapping;
    let of_scheme = all.iter().find(|(scheme, _)| *scheme == algorithm.in_tls());
    // RFC 8446 §4.2.3: in TLS 1.3 a scheme has one curve, that of the first algorithm.
    let [verifier, ..] = of_scheme.expect("ring has all of them").1 else { return false };
    let signature = match algorithm.number_size() {
        // RFC 7518 §3.4
        Some(size) if signature.len() == 2 * size => {
            let (r, s) = signature.split_at(size);
            &der::sequence(&[der::number(r), der::number(s)])
        }
        Some(_) => return false,
        None => signature,
    };
    verifier.verify_signature(key, message, signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::web_key::tests::{key, modulus};
    use super::*;

    #[test]
    fn a_key_is_the_same_in_any_base64_and_listed_twice_it_is_one() {
        let modulus = modulus();
        let standard = modulus.replace('-', "+").replace('_', "/");
        let writings =
            [&modulus, &format!("{modulus}=="), &standard, &format!("{standard}=="), &format!("\n{modulus} ")];
        let keys = writings.map(|writing| key(|key| key["n"] = writing.as_str().into()));
        let set = KeySet(keys.to_vec());
        let (candidates, why_not) = set.candidates(Algorithm::Rs256, None);
        assert_eq!((candidates.len(), why_not), (1, None));
    }
}
