//! A key of the provider (RFC 7517, RFC 7518 §6), in all the notations that providers use.

use std::ops::RangeInclusive;

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::der;

/// The shortest RSA modulus, in bytes (RFC 7518 §3.3).
const SHORTEST_MODULUS: usize = 256;

/// The longest RSA modulus that ring supports, in bytes.
const LONGEST_MODULUS: usize = 1024;

/// The exponents of RSA that ring supports; they are odd.
const EXPONENTS: RangeInclusive<u64> = 3..=(1 << 33) - 1;

/// The bytes of a public key of Ed25519 (RFC 8032 §5.1.5).
const ED25519_BYTES: usize = 32;

/// Why a key of a curve cannot be used.
const NO_POINT: &str = "its key is not a point on its curve";

/// Base64url with or without padding: RFC 7515 §2 forbids padding, but some providers send it.
const ANY_PADDING: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A field of a key, unless it is empty: some providers list every field they know and leave it empty.
fn said<'a>(key: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    key.get(name).filter(|value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => true,
    })
}

/// A field of a key that is a string, unless it is empty.
pub fn text<'a>(key: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    said(key, name)?.as_str()
}

/// Whether this key may have signed. Its `use`, `key_ops` and `alg` are optional (RFC 7517 §4).
pub fn is_for(key: &Map<String, Value>, algorithm: Algorithm, kid: Option<&str>) -> bool {
    text(key, "kty") == Some(algorithm.key_type())
        && said(key, "use").is_none_or(|usage| usage == "sig")
        && said(key, "key_ops").is_none_or(|uses| match uses {
            Value::Array(uses) => uses.iter().any(|one| one == "verify"),
            one => one == "verify",
        })
        && said(key, "alg").is_none_or(|name| name.as_str().is_some_and(|name| Algorithm::parse(name) == Ok(algorithm)))
        && (kid.is_none() || text(key, "kid") == kid)
}

/// The key as certificates have it (RFC 5280 §4.1.2.7, `subjectPublicKey`): a sequence of two numbers (RFC 8017 appendix A.1.1), a
/// point (RFC 5480 §2.2), or bytes (RFC 8410 §4).
pub fn public_key(key: &Map<String, Value>, algorithm: Algorithm) -> Result<Vec<u8>, String> {
    let curve = text(key, "crv");
    if algorithm.curve() != curve.filter(|_| algorithm.curve().is_some()) {
        let curve = curve.unwrap_or("unnamed");
        return Err(format!("its key is on the curve '{curve}', which kubekey does not support"));
    }
    match (algorithm.key_type(), algorithm.number_size()) {
        ("RSA", _) => {
            let (modulus, exponent) = (decode(key, "n")?, decode(key, "e")?);
            let bytes = modulus.iter().skip_while(|byte| **byte == 0).count();
            match bytes {
                ..SHORTEST_MODULUS => Err(format!("its RSA key has {} bits, which is too short", bytes * 8)),
                SHORTEST_MODULUS..=LONGEST_MODULUS if is_exponent(&exponent) => {
                    Ok(der::sequence(&[der::number(&modulus), der::number(&exponent)]))
                }
                SHORTEST_MODULUS..=LONGEST_MODULUS => Err("its RSA key has an exponent that cannot be used".into()),
                _ => Err(format!("its RSA key has {} bits, more than kubekey supports", bytes * 8)),
            }
        }
        (_, Some(size)) => {
            let coordinate = |name| sized(&decode(key, name)?, size);
            // The point is uncompressed.
            let point = [&[4][..], &coordinate("x")?, &coordinate("y")?].concat();
            if is_on_curve(&point, size) { Ok(point) } else { Err(NO_POINT.into()) }
        }
        (_, None) => match decode(key, "x")? {
            key if key.len() == ED25519_BYTES => Ok(key),
            key => Err(format!("its Ed25519 key has {} bytes and not {ED25519_BYTES}", key.len())),
        },
    }
}

fn is_exponent(digits: &[u8]) -> bool {
    let value =
        digits.iter().try_fold(0_u64, |value, byte| value.checked_mul(256).map(|value| value | u64::from(*byte)));
    value.is_some_and(|value| EXPONENTS.contains(&value) && value % 2 == 1)
}

fn is_on_curve(point: &[u8], size: usize) -> bool {
    match size {
        32 => p256::ecdsa::VerifyingKey::from_sec1_bytes(point).is_ok(),
        _ => p384::ecdsa::VerifyingKey::from_sec1_bytes(point).is_ok(),
    }
}

/// A number of a key, in base64 of either alphabet: each of the four special characters has only one meaning.
pub(super) fn decode(key: &Map<String, Value>, name: &str) -> Result<Vec<u8>, String> {
    let text = text(key, name).ok_or_else(|| format!("its key has no '{name}'"))?;
    let url_safe: String = text
        .chars()
        .filter(|character| !character.is_ascii_whitespace())
        .map(|character| match character {
            '+' => '-',
            '/' => '_',
            other => other,
        })
        .collect();
    ANY_PADDING.decode(url_safe).map_err(|_| format!("the '{name}' of its key is not base64"))
}

/// A coordinate padded to the length of its curve (RFC 7518 §6.2.1.2): some providers omit leading zeros, or add one for
/// the sign.
fn sized(number: &[u8], size: usize) -> Result<Vec<u8>, String> {
    let digits = &number[number.iter().take_while(|byte| **byte == 0).count()..];
    match digits.len() {
        length @ 1.. if length <= size => Ok([&vec![0; size - length], digits].concat()),
        _ => Err(NO_POINT.into()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    const MODULUS: &str = "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7";

    /// It has 265 bytes, so that its base64 has two padding characters.
    pub fn modulus() -> String {
        MODULUS.repeat(8) + "AA"
    }

    /// An RSA key, after `change`.
    pub fn key(change: impl FnOnce(&mut Value)) -> Map<String, Value> {
        let mut key = json!({ "kty": "RSA", "kid": "k", "n": modulus(), "e": "AQAB" });
        change(&mut key);
        key.as_object().unwrap().clone()
    }

    #[test]
    fn what_says_nothing_of_a_key_is_not_said() {
        for name in ["use", "alg", "key_ops"] {
            for nothing in [json!(null), json!(""), json!([])] {
                assert!(
                    is_for(&key(|key| key[name] = nothing.clone()), Algorithm::Rs256, Some("k")),
                    "{name} {nothing}"
                );
            }
        }
        for (name, other) in [
            ("use", json!("enc")),
            ("use", json!(false)),
            ("alg", json!("RS512")),
            ("alg", json!({})),
            ("key_ops", json!("encrypt")),
            ("key_ops", json!(["", null])),
            ("key_ops", json!({})),
            ("kid", json!("")),
        ] {
            assert!(!is_for(&key(|key| key[name] = other.clone()), Algorithm::Rs256, Some("k")), "{name} {other}");
        }
        assert!(is_for(&key(|key| key["key_ops"] = "verify".into()), Algorithm::Rs256, None));
    }

    #[test]
    fn what_cannot_be_decoded_is_called_so() {
        let why = |change: fn(&mut Value)| public_key(&key(change), Algorithm::Rs256).unwrap_err();
        assert_eq!(why(|key| key["n"] = "a%b".into()), "the 'n' of its key is not base64");
        assert_eq!(why(|key| key["e"] = "A".into()), "the 'e' of its key is not base64");
        assert_eq!(why(|key| key["n"] = json!(null)), "its key has no 'n'");
        assert_eq!(why(|key| key["n"] = "AQAB".into()), "its RSA key has 24 bits, which is too short");
        assert_eq!(
            why(|key| key["n"] = "AQAB".repeat(342).into()),
            "its RSA key has 8208 bits, more than kubekey supports"
        );
    }

    #[test]
    fn an_exponent_is_one_that_verifies() {
        let can_be_used = |exponent: &str| public_key(&key(|key| key["e"] = exponent.into()), Algorithm::Rs256).is_ok();
        for exponent in ["AQAB", "AAEAAQ", "Aw", "Af____8"] {
            assert!(can_be_used(exponent), "{exponent}");
        }
        for exponent in ["AA", "AQ", "Ag", "AQAA", "AgAAAAE", "AQAAAAAAAAAB"] {
            assert!(!can_be_used(exponent), "{exponent}");
        }
    }

    #[test]
    fn a_coordinate_gets_the_length_of_its_curve() {
        let sized = |bytes: Vec<u8>| sized(&bytes, 32).ok();
        let full = [vec![0], vec![7; 31]].concat();
        for bytes in [full.clone(), vec![7; 31], [vec![0], full.clone()].concat()] {
            assert_eq!(sized(bytes), Some(full.clone()));
        }
        assert_eq!((sized(vec![7; 33]), sized(vec![0; 32]), sized(vec![])), (None, None, None));
    }
}
