//! TLS to the provider. The platform verifies certificates, with the CAs of the settings beside its own, and an error
//! names the certificate.

use std::path::PathBuf;
use std::sync::{Arc, Once};

use reqwest::ClientBuilder;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::ecdsa::install_provider;
#[cfg(not(all(unix, not(target_os = "macos"))))]
use super::given_authorities::WithGiven;
use super::only_given;
use super::tls_error;
#[cfg(all(unix, not(target_os = "macos")))]
use super::trust_store;
use super::untrusted::Untrusted;
use crate::environment::STORE_VARIABLES;
use crate::error::{Error, ErrorKind, Result};
use crate::settings::{Tls, marked_store};
use crate::{log, terminal};

/// The variable that names the trust store.
const STORE: &str = STORE_VARIABLES[0];

/// What to do if the platform's trust store cannot be used.
const CERTIFICATES: &str = if cfg!(any(windows, target_os = "macos")) {
    "check the certificates of --certificate-authority"
} else {
    "install the system's certificates (package ca-certificates), or check SSL_CERT_FILE and SSL_CERT_DIR"
};

/// How TLS connections are made. Its setup takes most of the time of that of an HTTP client.
#[derive(Clone)]
pub enum TlsSetup {
    /// Certificates are verified.
    Verified(Box<ClientConfig>),
    /// Every certificate is accepted.
    Unverified,
}

impl TlsSetup {
    /// The setup for these settings.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for a certificate authority that cannot be read; [`ErrorKind::Failed`] if the platform's
    /// trust store cannot be used.
    pub fn new(tls: &Tls) -> Result<Self> {
        let mut authorities = tls.certificates()?;
        let crypto = install_provider();
        if tls.skips_verification {
            warn();
            return Ok(Self::Unverified);
        }
        if tls.passes_over_variables {
            let passed_over = STORE_VARIABLES.into_iter().filter(|name| std::env::var_os(name).is_some());
            passed_over.for_each(|name| log::debug(format_args!("tls: {name} is ignored because of the policy")));
        } else if let Some(file) = store()? {
            authorities.extend(marked_store(STORE, &file)?);
        }
        let verifier = verifier(authorities, crypto.clone(), tls.passes_over_variables);
        let takes_authority = !tls.passes_over_variables;
        let config =
            verifier.and_then(|verifier| verified_by(NamingVerifier { verifier, name: None, takes_authority }, crypto));
        Ok(Self::Verified(Box::new(config.map_err(|error| unusable(&error))?)))
    }

    /// The setup for the API server of a kubeconfig, as client-go verifies it: with authorities of its own it is verified
    /// with these alone; `name` is its name in the certificate, if it is not that of the URL.
    ///
    /// # Errors
    /// As [`TlsSetup::new`].
    pub fn of_cluster(tls: &Tls, name: Option<ServerName<'static>>) -> Result<Self> {
        let crypto = install_provider();
        if tls.skips_verification {
            return Ok(Self::Unverified);
        }
        let authorities = tls.certificates()?;
        let verifier = match authorities.is_empty() {
            true => verifier(authorities, crypto.clone(), tls.passes_over_variables),
            false => only_given::verifier(authorities, crypto.clone()).map(|only| only as Arc<dyn ServerCertVerifier>),
        };
        let naming = |verifier| NamingVerifier { verifier, name, takes_authority: true };
        let config = verifier.and_then(|verifier| verified_by(naming(verifier), crypto));
        Ok(Self::Verified(Box::new(config.map_err(|error| unusable(&error))?)))
    }

    /// A client with this setup.
    pub fn client(&self) -> ClientBuilder {
        match self {
            Self::Verified(config) => ClientBuilder::new().tls_backend_preconfigured((**config).clone()),
            Self::Unverified => ClientBuilder::new().tls_danger_accept_invalid_certs(true),
        }
    }
}

/// The file that the platform's verifier uses as the trust store. Opening a FIFO would block.
fn store() -> Result<Option<PathBuf>> {
    // The systems of Windows and macOS do not read it.
    let is_read = cfg!(all(unix, not(target_os = "macos")));
    let file = std::env::var_os(STORE).filter(|file| is_read && !file.is_empty()).map(PathBuf::from);
    match file {
        Some(file) if !file.is_file() => {
            Err(Error::new(ErrorKind::Usage, format!("{STORE} names {}, which is not a file", file.display()))
                .hint("unset it, or set it to a file with the certificates of all CAs to trust"))
        }
        file => Ok(file),
    }
}

/// Warns once in a run, however many clients it needs.
fn warn() {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| {
        terminal::warning(
            "the provider's certificate is not verified (--insecure-skip-tls-verify): anyone can intercept the connection",
        );
    });
}

fn unusable(error: &rustls::Error) -> Error {
    let why = tls_error::of_connection(error);
    Error::new(ErrorKind::Failed, format!("cannot set up HTTPS: {why}")).hint(CERTIFICATES)
}

fn verified_by(
    verifier: NamingVerifier,
    crypto: Arc<CryptoProvider>,
) -> std::result::Result<ClientConfig, rustls::Error> {
    Ok(ClientConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn verifier(
    authorities: Vec<CertificateDer<'static>>,
    crypto: Arc<CryptoProvider>,
    _passes_over_variables: bool,
) -> std::result::Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
    let system = Arc::new(Verifier::new(crypto.clone())?);
    Ok(Arc::new(WithGiven::new(system, authorities, crypto)?))
}

#[cfg(all(unix, not(target_os = "macos")))]
fn verifier(
    authorities: Vec<CertificateDer<'static>>,
    crypto: Arc<CryptoProvider>,
    passes_over_variables: bool,
) -> std::result::Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
    Ok(match (passes_over_variables, authorities.is_empty()) {
        (true, _) => trust_store::verifier(authorities, crypto)?,
        (_, true) => Arc::new(Verifier::new(crypto)?),
        (_, false) => Arc::new(Verifier::new_with_extra_roots(authorities, crypto)?),
    })
}

/// A verifier with errors that name the certificate: those of rustls do not.
#[derive(Debug)]
struct NamingVerifier {
    verifier: Arc<dyn ServerCertVerifier>,
    /// The name that the certificate must have, if it is not that of the URL.
    name: Option<ServerName<'static>>,
    /// Whether a CA that a user gives would be trusted.
    takes_authority: bool,
}

impl ServerCertVerifier for NamingVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let server = self.name.as_ref().unwrap_or(server);
        let verified = self.verifier.verify_server_cert(certificate, intermediates, server, ocsp_response, now);
        verified.map_err(|error| Untrusted::name(error, certificate, server, self.takes_authority))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
