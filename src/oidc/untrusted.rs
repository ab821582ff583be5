//! A server certificate that was rejected: whose it is, who issued it, why, and what helps.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, OtherError};
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::tls_error;
use crate::error::causes;
use crate::settings::certificate::{self, name};

/// How many host names of a certificate a message shows at most.
const MOST_NAMES: usize = 4;

/// For an outdated certificate.
const REPLACE: &str = "the administrator of the provider, or of the proxy in between, must replace it: \
    X.509 version 3, with the host as a subject alternative name, signed with SHA-256 or better";

/// For an unknown CA where no user may give one.
const LOCKED: &str = "if it is your company's CA, this machine's administrator must add it to the system's trust store \
    or to extra_ca of the policy";

/// Shown in place of an empty name.
const NAMELESS: &str = "an unnamed issuer";

/// Travels inside the error of rustls, from where the certificate is known to where messages are written.
#[derive(Debug)]
pub struct Untrusted {
    server: String,
    issuer: String,
    problem: CertificateError,
    /// Whether a CA that a user gives would be trusted.
    takes_authority: bool,
}

impl Untrusted {
    /// Adds the names in `certificate` to the error. `takes_authority` is whether a CA that a user gives would be trusted.
    pub fn name(
        error: rustls::Error,
        certificate: &CertificateDer<'_>,
        server: &ServerName<'_>,
        takes_authority: bool,
    ) -> rustls::Error {
        match error {
            rustls::Error::InvalidCertificate(problem) => {
                let (server, issuer) = (server.to_str().into_owned(), issuer(certificate));
                let untrusted = Self { server, issuer, problem, takes_authority };
                rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(untrusted))))
            }
            other => other,
        }
    }

    /// The rejected certificate that caused `error`, if any.
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
                "check this machine's clock; if it is right, the provider's administrator must renew the certificate"
            }
            E::NotValidForNameContext { presented, .. } if presented.is_empty() => REPLACE,
            E::NotValidForName | E::NotValidForNameContext { .. } => {
                "check the issuer URL; if it is right, a captive portal may have responded, or the server has the wrong certificate"
            }
            E::Other(why) if is_authority_itself(why) => {
                "the server needs its own certificate, signed by that CA ('openssl req -x509' creates a CA certificate)"
            }
            problem if is_out_of_date(problem) => REPLACE,
            E::BadSignature | E::UnknownIssuer if !self.takes_authority => LOCKED,
            E::BadSignature => {
                "pass the certificate of the CA that signed it with --certificate-authority FILE; if you did, \
                 that CA has an RSA key of fewer than 2048 bits, and must be replaced"
            }
            E::UnknownIssuer => {
                "if it is your company's CA, pass its certificate with --certificate-authority FILE or add it to the system's trust store"
            }
            _ => "tell the administrator of the provider, or of the proxy in between",
        }
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use CertificateError as E;
        write!(f, "the certificate of {}, issued by '{}', ", self.server, self.issuer)?;
        match &self.problem {
            E::Expired => f.write_str("has expired"),
            E::ExpiredContext { not_after, .. } => write!(f, "expired on {}", date(*not_after)),
            E::NotValidYetContext { not_before, .. } => write!(f, "is not valid before {}", date(*not_before)),
            E::NotValidForName => f.write_str("is for another host name"),
            E::NotValidForNameContext { presented, .. } if presented.is_empty() => {
                f.write_str("has no subject alternative name: a common name (CN) alone is ignored")
            }
            E::NotValidForNameContext { presented, .. } => {
                // The library has them in Debug format: DnsName("x").
                let names = presented.iter().map(|name| name.split('"').nth(1).unwrap_or(name)).take(MOST_NAMES);
                write!(f, "is for another host name: {}", names.collect::<Vec<_>>().join(", "))
            }
            problem => write!(f, "is not trusted: {}", tls_error::of_certificate(problem)),
        }
    }
}

impl StdError for Untrusted {}

fn is_out_of_date(problem: &CertificateError) -> bool {
    use CertificateError as E;
    match problem {
        E::UnsupportedSignatureAlgorithmContext { .. } | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            true
        }
        E::Other(why) => why.0.to_string() == "UnsupportedCertVersion",
        _ => false,
    }
}

/// webpki's name for it: what every home-made certificate runs into.
fn is_authority_itself(why: &OtherError) -> bool {
    why.0.to_string() == "CaUsedAsEndEntity"
}

fn issuer(certificate: &CertificateDer<'_>) -> String {
    let issuer = Certificate::from_der(certificate).map(|certificate| name(certificate.tbs_certificate().issuer()));
    issuer.ok().filter(|name| !name.is_empty()).unwrap_or_else(|| NAMELESS.to_owned())
}

fn date(time: UnixTime) -> String {
    certificate::date(Duration::from_secs(time.as_secs()))
}
