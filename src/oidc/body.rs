//! The body of a response, decompressed and without a byte order mark. Gateways in front of a provider compress it,
//! requested or not, and some of them respond in place of the provider.

use std::io::{self, Read};

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use openidconnect::HttpResponse;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use url::Url;

use super::http_error::HttpError;
use crate::error::{Error, ErrorKind};

const GZIP: [u8; 2] = [0x1f, 0x8b];

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The hint where something in between may have responded.
pub const PORTAL: &str = "a captive portal or a proxy may have responded: open any web page in a browser, sign in there if asked, \
     and run the command again; otherwise check the issuer URL";

/// Decompresses `body`, a response of `url` with these `headers` (RFC 9110 §8.4), to at most `largest` bytes. Where the
/// header contradicts the body, the body wins: a proxy may have decompressed it.
///
/// # Errors
/// If it is larger, broken, or in an unknown encoding that was not requested.
pub fn unpack(url: &Url, headers: &HeaderMap, body: Vec<u8>, largest: usize) -> Result<Vec<u8>, HttpError> {
    let named = headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let named = named.trim().to_ascii_lowercase();
    let unpacked = match &*named {
        _ if body.starts_with(&GZIP) => read_at_most(MultiGzDecoder::new(&*body), largest),
        "deflate" => inflate(body, largest),
        // JSON begins with ASCII, compressed data hardly ever does.
        "br" | "zstd" | "compress" if body.first().is_some_and(|first| !b"{[<\xef \t\r\n".contains(first)) => {
            return Err(HttpError::unreachable(format!(
                "{url} sent a response encoded as '{named}', which was not requested"
            )));
        }
        _ => Ok(body),
    };
    let mut body = unpacked.map_err(|error| {
        HttpError::unreachable(format!("{url} sent a response that cannot be decompressed: {error}"))
    })?;
    if body.len() > largest {
        return Err(too_large(url, largest));
    }
    if body.starts_with(BYTE_ORDER_MARK) {
        body.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(body)
}

/// The error for a response of more than `largest` bytes.
pub fn too_large(url: &Url, largest: usize) -> HttpError {
    HttpError::unreachable(format!("{url} sent more than {largest} bytes"))
}

/// The error for a response of `url` that is a web page instead of `what`; `None` for anything else.
pub fn web_page(url: &Url, answer: &HttpResponse, what: &str) -> Option<Error> {
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let first = answer.body().trim_ascii_start().first().copied();
    let is_page = match first {
        Some(b'<') => true,
        Some(b'{' | b'[') => false,
        _ => matches!(&*kind, "text/html" | "application/xhtml+xml"),
    };
    let status = if answer.status().is_success() { String::new() } else { format!(" (HTTP {})", answer.status()) };
    is_page.then(|| {
        Error::new(ErrorKind::Unreachable, format!("{url} sent a web page instead of {what}{status}")).hint(PORTAL)
    })
}

/// The fields in which frameworks put a message: OAuth, Okta, RFC 9457, Spring, FastAPI, Kong. `error` comes last, since
/// it is often a code.
const WORDS: [&str; 7] = ["error_description", "errorSummary", "detail", "message", "title", "reason", "error"];

/// The message of a refusal in JSON, unless it only repeats the status.
pub fn words(answer: &HttpResponse) -> Option<String> {
    let fields: Map<String, Value> = serde_json::from_slice(answer.body()).ok()?;
    let texts = WORDS.iter().filter_map(|name| fields.get(*name)?.as_str());
    let mut texts = texts.map(str::trim).filter(|text| !text.is_empty() && !is_status(answer.status(), text));
    texts.next().map(str::to_owned)
}

/// The status of a refusal and its message.
pub fn refused(answer: &HttpResponse) -> String {
    let words = words(answer).map(|words| format!(": {words}")).unwrap_or_default();
    format!("HTTP {}{words}", answer.status())
}

/// Whether a message only repeats the status: 'Not Found', 'not_found', '404 Not Found', 'HTTP 404 Not Found'.
pub fn is_status(status: StatusCode, text: &str) -> bool {
    let letters = |text: &str| text.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
    let reason = letters(status.canonical_reason().unwrap_or_default());
    let text = letters(text);
    text.strip_prefix("http").unwrap_or(&text) == reason || text.is_empty()
}

/// Plain JSON, or zlib as the name means, or the bare stream that some servers send instead, or else the body as it is.
fn inflate(body: Vec<u8>, largest: usize) -> io::Result<Vec<u8>> {
    if serde_json::from_slice::<IgnoredAny>(&body).is_ok() {
        return Ok(body);
    }
    let unpacked = read_at_most(ZlibDecoder::new(&*body), largest);
    Ok(unpacked.or_else(|_| read_at_most(DeflateDecoder::new(&*body), largest)).unwrap_or(body))
}

/// Reads one byte more than `largest`, if there is one, to show that the body is too large.
fn read_at_most(unpacked: impl Read, largest: usize) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    unpacked.take(largest as u64 + 1).read_to_end(&mut body)?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::read::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    const JSON: &[u8] = br#"{"keys": []}"#;

    fn read(encoding: &str, body: &[u8], largest: usize) -> Result<Vec<u8>, String> {
        let headers = HeaderMap::from_iter([(CONTENT_ENCODING, encoding.parse().unwrap())]);
        let url = Url::parse("https://x.example/").unwrap();
        unpack(&url, &headers, body.to_vec(), largest).map_err(|error| error.to_string())
    }

    fn all(mut packed: impl Read) -> Vec<u8> {
        let mut bytes = Vec::new();
        packed.read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn an_answer_is_read_however_it_is_packed() {
        let with_mark = [BYTE_ORDER_MARK, JSON].concat();
        let best = Compression::best();
        for (encoding, body) in [
            ("gzip", all(GzEncoder::new(JSON, best))),
            ("x-gzip", all(GzEncoder::new(&*with_mark, best))),
            ("", all(GzEncoder::new(JSON, best))),
            ("deflate", all(ZlibEncoder::new(JSON, best))),
            ("Deflate ", all(DeflateEncoder::new(JSON, best))),
            ("gzip", JSON.to_vec()),
            ("deflate", JSON.to_vec()),
            ("br", JSON.to_vec()),
            ("identity", with_mark),
        ] {
            assert_eq!(read(encoding, &body, JSON.len() + 3), Ok(JSON.to_vec()), "{encoding} {body:?}");
        }
    }

    #[test]
    fn what_cannot_be_unpacked_is_called_so() {
        let packed = all(GzEncoder::new(JSON, Compression::best()));
        let broken = read("gzip", &packed[..packed.len() / 2], 100).unwrap_err();
        assert!(broken.starts_with("https://x.example/ sent a response that cannot be decompressed: "), "{broken}");
        let other = read("br", b"\x0b\x05\x80", 100).unwrap_err();
        assert_eq!(other, "https://x.example/ sent a response encoded as 'br', which was not requested");
    }

    #[test]
    fn what_is_unpacked_counts() {
        let zeros = vec![b'0'; 10_000_000];
        let best = Compression::best();
        for (encoding, packed) in [
            ("gzip", all(GzEncoder::new(&*zeros, best))),
            ("deflate", all(ZlibEncoder::new(&*zeros, best))),
            ("deflate", all(DeflateEncoder::new(&*zeros, best))),
        ] {
            assert!(packed.len() < 100_000);
            let error = read(encoding, &packed, 100_000).unwrap_err();
            assert_eq!(error, "https://x.example/ sent more than 100000 bytes");
            assert_eq!(read(encoding, &packed, zeros.len()).map(|body| body.len()), Ok(zeros.len()));
        }
    }

    #[test]
    fn a_refusal_says_what_the_frameworks_put_where() {
        for (status, body, said) in [
            (404, r#"{"detail":"Not Found"}"#, ""),
            (404, r#"{"error":"Not Found","status":404,"path":"/x","timestamp":7}"#, ""),
            (404, r#"{"error":"HTTP 404 Not Found"}"#, ""),
            (404, r#"{"error":"not_found","message":"404"}"#, ""),
            (404, r#"{"message":"no Route matched with those values"}"#, ": no Route matched with those values"),
            (404, r#"{"error":"Not Found","message":"No static resource keys."}"#, ": No static resource keys."),
            (404, r#"{"type":"about:blank","title":"Not Found","detail":"no such tenant"}"#, ": no such tenant"),
            (404, r#"{"error":"Realm does not exist"}"#, ": Realm does not exist"),
            (401, r#"{"errorCode":"E0000011","errorSummary":"Invalid token provided"}"#, ": Invalid token provided"),
            (422, r#"{"detail":[{"loc":["body"]}]}"#, ""),
            (403, "<html>no</html>", ""),
            (403, "", ""),
            (403, "7", ""),
        ] {
            let mut answer = HttpResponse::new(body.into());
            *answer.status_mut() = StatusCode::from_u16(status).unwrap();
            assert_eq!(refused(&answer), format!("HTTP {}{said}", answer.status()), "{body}");
        }
    }

    #[test]
    fn a_web_page_is_one_by_what_is_in_it() {
        let url = Url::parse("https://x.example/").unwrap();
        let is_page = |kind: &str, body: &str| {
            let mut answer = HttpResponse::new(body.into());
            answer.headers_mut().insert(CONTENT_TYPE, kind.parse().unwrap());
            web_page(&url, &answer, "the keys").is_some()
        };
        assert!(is_page("application/json", "\n<!DOCTYPE html>"));
        assert!(is_page("text/html; charset=utf-8", "Please sign in"));
        assert!(is_page("Application/XHTML+xml", ""));
        assert!(!is_page("text/html", " {\"keys\": ["));
        assert!(!is_page("text/plain", "Please sign in"));
    }
}
