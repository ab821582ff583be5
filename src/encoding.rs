//! The encodings of text files: UTF-8, and UTF-16, in which PowerShell 5 and Windows' own editor write.

use std::fmt;
use std::io;
use std::path::Path;

use crate::shell::quoted;

/// The encoding of a text file. A byte order mark is a part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// UTF-16 with the low byte first, "Unicode" in Windows.
    Utf16LittleEndian,
    /// UTF-16 with the high byte first.
    Utf16BigEndian,
}

impl Encoding {
    /// The encoding that a byte order mark names; UTF-8 without one. Parsers of YAML decide like this (YAML 1.2 §5.2).
    pub fn marked(bytes: &[u8]) -> Self {
        match bytes {
            [0xff, 0xfe, ..] => Self::Utf16LittleEndian,
            [0xfe, 0xff, ..] => Self::Utf16BigEndian,
            _ => Self::Utf8,
        }
    }

    /// The encoding of a text that begins with a byte order mark or with a character of ASCII.
    pub fn of(bytes: &[u8]) -> Self {
        match (Self::marked(bytes), bytes) {
            (Self::Utf8, [first, 0, ..]) if *first != 0 => Self::Utf16LittleEndian,
            (Self::Utf8, [0, second, ..]) if *second != 0 => Self::Utf16BigEndian,
            (marked, _) => marked,
        }
    }

    /// The text.
    ///
    /// # Errors
    /// If it does not have this encoding.
    pub fn decode(self, bytes: &[u8]) -> io::Result<String> {
        let unit = match self {
            Self::Utf8 => return utf8(bytes).map(str::to_owned),
            Self::Utf16LittleEndian => u16::from_le_bytes,
            Self::Utf16BigEndian => u16::from_be_bytes,
        };
        let (pairs, rest) = bytes.as_chunks();
        let units = pairs.iter().map(|pair| unit(*pair));
        // More room than is needed: what a growing buffer leaves behind may be a secret.
        let mut text = String::with_capacity(3 * pairs.len());
        for character in char::decode_utf16(units) {
            text.push(character.map_err(|_| damaged())?);
        }
        if rest.is_empty() { Ok(text) } else { Err(damaged()) }
    }

    /// The bytes of a text.
    pub fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Utf16LittleEndian => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Self::Utf16BigEndian => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        }
    }

    /// Its names for PowerShell and for iconv.
    fn names(self) -> [&'static str; 2] {
        match self {
            Self::Utf16BigEndian => ["BigEndianUnicode", "UTF-16BE"],
            _ => ["Unicode", "UTF-16LE"],
        }
    }
}

fn damaged() -> io::Error {
    io::Error::other("it is UTF-16, and a character in it is incomplete")
}

/// A file in this encoding, where UTF-8 is needed.
#[derive(Debug)]
struct Utf16(Encoding);

impl fmt::Display for Utf16 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is UTF-16, as PowerShell's '>' writes it, and not UTF-8")
    }
}

impl std::error::Error for Utf16 {}

/// The text of a file.
///
/// # Errors
/// If it is not UTF-8.
pub fn utf8(bytes: &[u8]) -> io::Result<&str> {
    if let encoding @ (Encoding::Utf16LittleEndian | Encoding::Utf16BigEndian) = Encoding::of(bytes) {
        return Err(io::Error::other(Utf16(encoding)));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        io::Error::other(format!("it is not UTF-8 (line {line})"))
    })
}

/// The command that makes a file readable that [`utf8`] has refused, if there is one.
pub fn conversion(path: &Path, error: &io::Error) -> Option<String> {
    let Utf16(encoding) = error.get_ref()?.downcast_ref()?;
    let ([of_powershell, of_iconv], path) = (encoding.names(), path.display().to_string());
    Some(match cfg!(windows) {
        true => {
            let path = path.replace('\'', "''");
            format!(
                "(Get-Content -LiteralPath '{path}' -Encoding {of_powershell}) | \
                 Set-Content -LiteralPath '{path}' -Encoding UTF8"
            )
        }
        false => {
            let (path, new) = (quoted(&path), quoted(&format!("{path}.utf8")));
            format!("iconv -f {of_iconv} -t UTF-8 {path} >{new} && mv {new} {path}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_the_same_in_each_encoding() {
        for encoding in [Encoding::Utf8, Encoding::Utf16LittleEndian, Encoding::Utf16BigEndian] {
            let marked = encoding.encode("\u{feff}jäne 𝄞\r\n");
            assert_eq!(Encoding::marked(&marked), encoding);
            assert_eq!(encoding.decode(&marked).unwrap(), "\u{feff}jäne 𝄞\r\n");
            assert_eq!(Encoding::of(&encoding.encode("jäne")), encoding, "without a mark");
        }
    }

    #[test]
    fn what_is_damaged_is_refused() {
        for bytes in [&b"\xff\xfea"[..], b"\xff\xfea\0\n", b"\xff\xfe\0\xd8a\0"] {
            let error = Encoding::marked(bytes).decode(bytes).unwrap_err();
            assert!(error.to_string().ends_with("a character in it is incomplete"), "{bytes:?}: {error}");
        }
        assert!(Encoding::Utf8.decode(b"a\n\xe4").unwrap_err().to_string().ends_with("not UTF-8 (line 2)"));
        assert_eq!(Encoding::of(b""), Encoding::Utf8);
    }
}
