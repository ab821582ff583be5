//! Values of ASN.1 in DER (X.690), as far as keys and signatures need them.

/// A sequence of values.
pub fn sequence(values: &[Vec<u8>]) -> Vec<u8> {
    value(0x30, &values.concat())
}

/// A positive number, from its digits to base 256.
pub fn number(digits: &[u8]) -> Vec<u8> {
    let digits = &digits[digits.iter().take_while(|byte| **byte == 0).count()..];
    // A leading bit would be its sign.
    let sign: &[u8] = if digits.first().is_none_or(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
    value(0x02, &[sign, digits].concat())
}

/// A value with its tag and length (X.690 §8.1).
pub fn value(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len().to_be_bytes();
    let digits = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let head = match value.len() {
        short @ 0..=0x7f => vec![tag, short as u8],
        _ => [&[tag, 0x80 | digits.len() as u8][..], digits].concat(),
    };
    [&head, value].concat()
}
