//! Certificates in PEM (RFC 7468) as Windows, PowerShell, editors and `cat` write them: in UTF-8 or UTF-16, with byte
//! order marks, any line breaks, and sections that follow each other without one. A library that skips what it does
//! not understand would silently lose the first certificate of such a file.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier};
use x509_cert::der::{Decode, Reader, SliceReader, Tag, TagNumber, Tagged};

use crate::log;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// The length of a line of base64, in characters (RFC 7468 §2).
const LINE: usize = 64;

/// The labels of sections with a certificate (RFC 7468 §5.1), and OpenSSL's own, where the certificate is followed by
/// what it is trusted for.
const LABELS: [&str; 4] = ["CERTIFICATE", "X509 CERTIFICATE", "X.509 CERTIFICATE", TRUSTED];
const TRUSTED: &str = "TRUSTED CERTIFICATE";

/// The first private key in `bytes` (RFC 7468 §10, RFC 5958; OpenSSL's own for RSA and EC).
///
/// # Errors
/// Why there is none that can be read.
pub fn private_key(bytes: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    let sections = sections(&text(bytes))?;
    let is_key = |label: &str| label.ends_with("PRIVATE KEY");
    let (label, base64) = sections
        .into_iter()
        .find(|(label, _)| is_key(label))
        .ok_or("it contains no private key in PEM, and is no JWK")?;
    let der = STANDARD.decode(base64).map_err(|_| "its private key cannot be read")?;
    Ok(match label.as_str() {
        "PRIVATE KEY" => PrivatePkcs8KeyDer::from(der).into(),
        "RSA PRIVATE KEY" => PrivatePkcs1KeyDer::from(der).into(),
        "EC PRIVATE KEY" => PrivateSec1KeyDer::from(der).into(),
        _ => return Err("its private key is encrypted".to_owned()),
    })
}

/// All certificates in `bytes`; the platform's verifier can read each of them. Keys and the like are skipped, and so
/// are certificates that OpenSSL does not trust for servers.
///
/// # Errors
/// The numbers of the certificates that cannot be read, or what is missing: a certificate, or the end of a section.
pub fn certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let sections = sections(&text(bytes))?;
    let sections: Vec<_> = sections.iter().filter(|(label, _)| LABELS.contains(&label.as_str())).collect();
    if sections.is_empty() {
        return Err("it contains no PEM certificate".to_owned());
    }
    let mut readable = rustls::RootCertStore::empty();
    let (mut certificates, mut unreadable) = (Vec::new(), Vec::new());
    for (number, (label, base64)) in (1..).zip(&sections) {
        match certificate(label, base64) {
            Some(Trust::Servers(certificate)) if readable.add(certificate.clone()).is_ok() => {
                certificates.push(certificate);
            }
            Some(Trust::Otherwise) => {
                let all = sections.len();
                log::debug(format_args!(
                    "certificate {number} of {all} is left out: OpenSSL does not trust it for servers"
                ));
            }
            _ => unreadable.push(number.to_string()),
        }
    }
    match (&*unreadable, sections.len()) {
        ([], _) if certificates.is_empty() => {
            Err("it has only 'TRUSTED CERTIFICATE' sections, and OpenSSL trusts none of them for servers".to_owned())
        }
        ([], _) => Ok(certificates),
        (_, 1) => Err("its certificate cannot be read".to_owned()),
        ([one], all) => Err(format!("certificate {one} of {all} cannot be read")),
        (several, all) => Err(format!("certificates {} of {all} cannot be read", several.join(", "))),
    }
}

/// The certificates that other programs find: those read UTF-8 without marks, a section's lines as they are, and no
/// other label.
pub fn certificates_to_the_letter(bytes: &[u8]) -> Vec<CertificateDer<'static>> {
    let (mut found, mut open) = (Vec::new(), None::<String>);
    for line in String::from_utf8_lossy(bytes).split('\n').map(str::trim_end) {
        match (&mut open, line) {
            (_, "-----BEGIN CERTIFICATE-----") => open = Some(String::new()),
            (Some(base64), "-----END CERTIFICATE-----") => {
                found.extend(STANDARD.decode(&*base64).map(CertificateDer::from));
                open = None;
            }
            (Some(base64), line) => base64.push_str(line),
            (None, _) => {}
        }
    }
    found
}

/// Encodes certificates as every program reads them.
pub fn encode(certificates: &[CertificateDer<'_>]) -> String {
    let mut text = String::new();
    for certificate in certificates {
        let base64 = STANDARD.encode(certificate);
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        for start in (0..base64.len()).step_by(LINE) {
            text.push_str(&base64[start..base64.len().min(start + LINE)]);
            text.push('\n');
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

/// What a certificate is trusted for, according to its own section.
enum Trust {
    Servers(CertificateDer<'static>),
    Otherwise,
}

/// The certificate in a section; `None` if it cannot be read.
fn certificate(label: &str, base64: &str) -> Option<Trust> {
    let der = STANDARD.decode(base64).ok()?;
    match label {
        TRUSTED => trusted(&der),
        _ => Some(Trust::Servers(der.into())),
    }
}

/// id-kp-serverAuth and anyExtendedKeyUsage (RFC 5280 §4.2.1.12).
const SERVERS: [ObjectIdentifier; 2] =
    [ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1"), ObjectIdentifier::new_unwrap("2.5.29.37.0")];

/// Reads OpenSSL's X509_AUX: the certificate, followed by a sequence that may begin with a list of what it is trusted
/// for, and one (`[0]`) of what it is not. Without the first it is trusted for everything (openssl-x509(1), "Trust
/// Options").
fn trusted(der: &[u8]) -> Option<Trust> {
    let mut reader = SliceReader::new(der).ok()?;
    let certificate = reader.tlv_bytes().ok()?;
    let mut is_for_servers = true;
    if !reader.is_finished() {
        let trust = AnyRef::decode(&mut reader).ok()?;
        let mut fields = SliceReader::new(trust.value()).ok()?;
        while !fields.is_finished() {
            let field = AnyRef::decode(&mut fields).ok()?;
            match (field.tag(), names_servers(field.value())) {
                (Tag::Sequence, names) => is_for_servers &= names?,
                (Tag::ContextSpecific { number: TagNumber(0), .. }, names) => is_for_servers &= !names?,
                _ => {}
            }
        }
    }
    Some(if is_for_servers { Trust::Servers(certificate.to_vec().into()) } else { Trust::Otherwise })
}

/// Whether a list of purposes contains servers; `None` if it is not such a list.
fn names_servers(list: &[u8]) -> Option<bool> {
    let mut reader = SliceReader::new(list).ok()?;
    let mut names = false;
    while !reader.is_finished() {
        names |= SERVERS.contains(&ObjectIdentifier::decode(&mut reader).ok()?);
    }
    Some(names)
}

/// Whether the file begins with a byte order mark: other programs may stumble over its first line.
pub fn has_byte_order_mark(bytes: &[u8]) -> bool {
    [&b"\xef\xbb\xbf"[..], b"\xff\xfe", b"\xfe\xff"].iter().any(|mark| bytes.starts_with(mark))
}

/// PEM is ASCII: anything else that cannot be decoded is a comment.
fn text(bytes: &[u8]) -> String {
    let units = |of: fn([u8; 2]) -> u16| bytes.chunks_exact(2).map(move |pair| of([pair[0], pair[1]]));
    let wide: Vec<u16> = match bytes {
        [0xff, 0xfe, ..] | [1..=0x7f, 0, ..] => units(u16::from_le_bytes).collect(),
        [0xfe, 0xff, ..] | [0, 1..=0x7f, ..] => units(u16::from_be_bytes).collect(),
        _ => return String::from_utf8_lossy(bytes).into_owned(),
    };
    String::from_utf16_lossy(&wide)
}

/// The label of each section, and its base64.
fn sections(text: &str) -> Result<Vec<(String, String)>, String> {
    // Two sections, or a whole one, may have been joined into one line.
    let text = text.replace("-----BEGIN ", "\n-----BEGIN ").replace("-----END ", "\n-----END ");
    let mut sections = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in
        text.split(['\n', '\r']).map(|line| line.trim_matches(|c: char| c.is_whitespace() || c == BYTE_ORDER_MARK))
    {
        let label = |begin: &str| line.strip_prefix(begin)?.split_once("-----");
        match (&mut open, label("-----BEGIN "), label("-----END ")) {
            (None, Some((label, base64)), _) => open = Some((label.to_owned(), without_space(base64))),
            (Some(_), Some(_), _) => break,
            // Anything after the end is a comment.
            (Some((label, _)), _, Some((end, _))) if *label == end => sections.extend(open.take()),
            (Some((_, base64)), ..) => base64.push_str(&without_space(line)),
            (None, ..) => {}
        }
    }
    match open {
        None => Ok(sections),
        Some(_) => Err("the end of a PEM section is missing".to_owned()),
    }
}

fn without_space(line: &str) -> String {
    line.split_whitespace().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = "-----BEGIN X-----\nAAAA\nBBBB\n-----END X-----\n";

    #[test]
    fn sections_are_found_however_they_are_written() {
        let utf16 = |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<_>>();
        let marked = format!("{BYTE_ORDER_MARK}{PEM}");
        for bytes in [
            PEM.into(),
            marked.clone().into_bytes(),
            utf16(&marked, u16::to_le_bytes),
            utf16(&marked, u16::to_be_bytes),
            utf16(PEM, u16::to_le_bytes),
            utf16(PEM, u16::to_be_bytes),
            PEM.replace('\n', "\r\n").into_bytes(),
            PEM.replace('\n', "\r").into_bytes(),
            PEM.replace('\n', " \n\t").into_bytes(),
            PEM.trim_end().into(),
            [b"# caf\xe9 \n", PEM.as_bytes()].concat(),
            PEM.replace('\n', " ").into(),
            PEM.replace('\n', "").into(),
            PEM.replace("-----END X-----", "-----END X----- # of 2026").into(),
            format!("{PEM}of 2026\n").into(),
        ] {
            let one = [("X".to_owned(), "AAAABBBB".to_owned())];
            assert_eq!(sections(&text(&bytes)).unwrap(), one, "{bytes:?}");
            let twice = sections(&[text(&bytes), text(&bytes)].concat()).unwrap();
            assert_eq!(twice, [one.clone(), one].concat(), "{bytes:?}");
        }
    }

    #[test]
    fn what_does_not_end_is_called_so() {
        let two = PEM.replace("-----END X-----", "") + PEM;
        for text in [&PEM[..30], &two, "-----BEGIN X-----", &PEM.replace("END X", "END Y")] {
            assert_eq!(sections(text).unwrap_err(), "the end of a PEM section is missing", "{text}");
        }
        for bytes in [
            &b""[..],
            b"\xff",
            b"\xff\xfe",
            b"\xff\xfe\0",
            b"\0",
            b"-----BEGIN ",
            b"-----END X-----",
            b"-----BEGIN -----",
        ] {
            assert!(certificates(bytes).is_err());
        }
    }
}
