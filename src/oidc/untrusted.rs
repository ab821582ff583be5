//! A server's certificate that is not believed: whose it is, who issued it, why not, and what helps.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use chrono::DateTime;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, OtherError};
use x509_cert::Certificate;
use x509_cert::der::Decode;

use crate::error::causes;

/// The most that is shown of an issuer's name, in characters: the rest of the message has to be seen.
const LONGEST_ISSUER: usize = 200;

/// The most host names of a certificate that are shown.
const MOST_NAMES: usize = 4;

/// What is shown for one that says nothing of itself.
const NAMELESS: &str = "an issuer without a name";

/// Travels inside rustls' error, from where the certificate is at hand to where messages are made.
#[derive(Debug)]
pub struct Untrusted {
    server: String,
    issuer: String,
    problem: CertificateError,
}

impl Untrusted {
    /// The same error, and with it what `certificate` says of itself.
    pub fn name(error: rustls::Error, certificate: &CertificateDer<'_>, server: &ServerName<'_>) -> rustls::Error {
        match error {
            rustls::Error::InvalidCertificate(problem) => {
                let untrusted = Self { server: server.to_str().into_owned(), issuer: issuer(certificate), problem };
                rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(untrusted))))
            }
            other => other,
        }
    }

    /// The one that caused `error`, if it was one.
    pub fn find<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        causes(error).find_map(|cause| match cause.downcast_ref()? {
            rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(why))) => why.downcast_ref(),
            _ => None,
        })
    }

    /// What the user can do about it.
    pub fn hint(&self) -> &'static str {
        use CertificateError as E;
        match &self.problem {
            E::Expired | E::ExpiredContext { .. } | E::NotValidYet | E::NotValidYetContext { .. } => {
                "check this computer's clock; if it is right, the provider's administrator has to renew the certificate"
            }
            E::NotValidForName | E::NotValidForNameContext { .. } => {
                "check the issuer URL; if it is right, a captive portal may have answered, or the certificate is a wrong one"
            }
            E::Other(why) if is_authority_itself(why) => {
                "the server needs a certificate of its own, signed by that CA ('openssl req -x509' makes a CA's)"
            }
            _ => {
                "if it is your company's, give its certificate with --certificate-authority FILE or add it to the system's trust store"
            }
        }
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use CertificateError as E;
        write!(f, "the certificate of {}, issued by '{}', ", self.server, self.issuer)?;
        match &self.problem {
            E::UnknownIssuer => f.write_str("is not trusted: that issuer is unknown here"),
            E::Expired => f.write_str("has expired"),
            E::ExpiredContext { not_after, .. } => write!(f, "expired on {}", date(*not_after)),
            E::NotValidYet => f.write_str("is not valid yet"),
            E::NotValidYetContext { not_before, .. } => write!(f, "is not valid before {}", date(*not_before)),
            E::NotValidForName => f.write_str("is for another host name"),
            E::NotValidForNameContext { presented, .. } => {
                // The library has them in the form for debugging: DnsName("x").
                let names = presented.iter().map(|name| name.split('"').nth(1).unwrap_or(name)).take(MOST_NAMES);
                write!(f, "is for another host name: {}", names.collect::<Vec<_>>().join(", "))
            }
            E::Other(why) if is_authority_itself(why) => {
                f.write_str("is not trusted: it is that of a CA, not of a server")
            }
            E::Other(why) => write!(f, "is not trusted: {}", why.0),
            E::BadSignature => f.write_str("is not trusted: its signature does not fit the authority of that name"),
            problem => write!(f, "is not trusted: {problem}"),
        }
    }
}

impl StdError for Untrusted {}

/// webpki's name for it, which comes up with every home-made certificate.
fn is_authority_itself(why: &OtherError) -> bool {
    why.0.to_string() == "CaUsedAsEndEntity"
}

/// What people know an issuer by: 'CN=Example Root CA, O=Example'. The library's own text would have all of the name
/// and bring a list of all object identifiers, 190 KB, into the program.
fn issuer(certificate: &CertificateDer<'_>) -> String {
    let Ok(certificate) = Certificate::from_der(certificate) else { return NAMELESS.to_owned() };
    let name = certificate.tbs_certificate().issuer();
    let parts = [("CN", name.common_name()), ("OU", name.organization_unit()), ("O", name.organization())];
    let parts =
        parts.iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_ref().ok()?.as_ref()?.value())));
    let text = parts.collect::<Vec<_>>().join(", ");
    if text.is_empty() { NAMELESS.to_owned() } else { text.chars().take(LONGEST_ISSUER).collect() }
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    DateTime::from_timestamp(seconds, 0).map(|date| date.format("%Y-%m-%d %H:%M UTC").to_string()).unwrap_or_default()
}
