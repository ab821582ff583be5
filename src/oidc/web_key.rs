//! A key of the provider (RFC 7517, RFC 7518 §6), in all the notations that providers use.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::algorithm::Algorithm;

/// The shortest RSA modulus, in bytes (RFC 7518 §3.3).
const SHORTEST_MODULUS: usize = 256;

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

/// The parameters of the key, in the notation of RFC 7518 §6. The library gets nothing else: it rejects fields that it
/// does not know.
pub fn numbers(key: &Map<String, Value>, algorithm: Algorithm) -> Result<Map<String, Value>, String> {
    let curve = text(key, "crv");
    if algorithm.curve() != curve.filter(|_| algorithm.curve().is_some()) {
        let curve = curve.unwrap_or("unnamed");
        return Err(format!("its key is on the curve '{curve}', which kubekey does not support"));
    }
    let names: &[&str] = match algorithm.key_type() {
        "RSA" => &["n", "e"],
        "EC" => &["x", "y"],
        _ => &["x"],
    };
    let mut numbers = Map::from_iter([("kty".to_owned(), algorithm.key_type().into())]);
    numbers.extend(algorithm.curve().map(|curve| ("crv".to_owned(), curve.into())));
    for name in names {
        let number = sized(decode(key, name)?, algorithm)?;
        numbers.insert((*name).to_owned(), URL_SAFE_NO_PAD.encode(number).into());
    }
    let bytes = decode(key, "n").map(|number| number.iter().skip_while(|byte| **byte == 0).count());
    match bytes {
        Ok(bytes) if algorithm.key_type() == "RSA" && bytes < SHORTEST_MODULUS => {
            Err(format!("its RSA key has {} bits, which is too short", bytes * 8))
        }
        _ => Ok(numbers),
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
/// the sign. Other numbers are unchanged.
fn sized(number: Vec<u8>, algorithm: Algorithm) -> Result<Vec<u8>, String> {
    let length = match algorithm {
        Algorithm::Es256 => 32,
        Algorithm::Es384 => 48,
        _ => return Ok(number),
    };
    let digits = &number[number.iter().take_while(|byte| **byte == 0).count()..];
    match digits.len() {
        digits_length @ 1.. if digits_length <= length => Ok([&vec![0; length - digits_length], digits].concat()),
        _ => Err("its key is not a point on its curve".into()),
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
        let why = |change: fn(&mut Value)| numbers(&key(change), Algorithm::Rs256).unwrap_err();
        assert_eq!(why(|key| key["n"] = "a%b".into()), "the 'n' of its key is not base64");
        assert_eq!(why(|key| key["e"] = "A".into()), "the 'e' of its key is not base64");
        assert_eq!(why(|key| key["n"] = json!(null)), "its key has no 'n'");
        assert_eq!(why(|key| key["n"] = "AQAB".into()), "its RSA key has 24 bits, which is too short");
    }

    #[test]
    fn a_coordinate_gets_the_length_of_its_curve() {
        let sized = |bytes: Vec<u8>| sized(bytes, Algorithm::Es256).ok();
        let full = [vec![0], vec![7; 31]].concat();
        for bytes in [full.clone(), vec![7; 31], [vec![0], full.clone()].concat()] {
            assert_eq!(sized(bytes), Some(full.clone()));
        }
        assert_eq!((sized(vec![7; 33]), sized(vec![0; 32]), sized(vec![])), (None, None, None));
    }
}
