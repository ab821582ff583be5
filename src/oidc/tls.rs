//! TLS to the provider: certificates are verified as the platform does it, with the authorities of the settings beside
//! its own, and an error says which certificate it is about.

use std::path::PathBuf;
use std::sync::{Arc, Once};

use reqwest::ClientBuilder;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::untrusted::Untrusted;
use crate::config::Tls;
use crate::error::{Error, ErrorKind, Result};
use crate::terminal;

/// How TLS connections are made. To set it up takes most of the time that an HTTP client does.
#[derive(Clone)]
pub enum TlsSetup {
    /// With certificates verified.
    Verified(Box<ClientConfig>),
    /// With every certificate believed.
    Unverified,
}

impl TlsSetup {
    /// What the settings say.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for a certificate authority that cannot be read; [`ErrorKind::Failed`] if the platform's
    /// trust store cannot be used.
    pub fn new(tls: &Tls) -> Result<Self> {
        let authorities = tls.certificates()?;
        // It is refused only if a provider is installed already, and then that one serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        if tls.skips_verification {
            warn();
            return Ok(Self::Unverified);
        }
        require_file()?;
        let config = verified(authorities).map_err(|error| {
            let why = match error {
                rustls::Error::General(why) => why,
                error => error.to_string(),
            };
            Error::new(ErrorKind::Failed, format!("cannot set up HTTPS: {why}")).hint(
                "install the system's certificates (on Linux the package ca-certificates), or look at SSL_CERT_FILE and SSL_CERT_DIR",
            )
        })?;
        Ok(Self::Verified(Box::new(config)))
    }

    /// A client that connects so.
    pub fn client(&self) -> ClientBuilder {
        match self {
            Self::Verified(config) => ClientBuilder::new().tls_backend_preconfigured((**config).clone()),
            Self::Unverified => ClientBuilder::new().tls_danger_accept_invalid_certs(true),
        }
    }
}

/// A FIFO would be waited for.
fn require_file() -> Result<()> {
    let file = std::env::var_os("SSL_CERT_FILE").filter(|file| !file.is_empty()).map(PathBuf::from);
    match file.filter(|file| !file.is_file()) {
        None => Ok(()),
        Some(file) => {
            Err(Error::new(ErrorKind::Usage, format!("SSL_CERT_FILE names {}, which is not a file", file.display()))
                .hint(
                    "unset it, or let it name a file with the certificates of all authorities that are to be believed",
                ))
        }
    }
}

/// Once in a run, however many clients it needs.
fn warn() {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| {
        terminal::warning(
            "the provider's certificate is not verified (--insecure-skip-tls-verify): anybody may be in between",
        );
    });
}

fn verified(authorities: Vec<CertificateDer<'static>>) -> std::result::Result<ClientConfig, rustls::Error> {
    let crypto = CryptoProvider::get_default().expect("installed above").clone();
    let verifier = match authorities.is_empty() {
        true => Verifier::new(crypto.clone()),
        false => Verifier::new_with_extra_roots(authorities, crypto.clone()),
    };
    Ok(ClientConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(NamingVerifier(verifier?)))
        .with_no_client_auth())
}

/// The platform's verifier, with errors that name the certificate: rustls' own have nothing of it.
#[derive(Debug)]
struct NamingVerifier(Verifier);

impl ServerCertVerifier for NamingVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let verified = self.0.verify_server_cert(certificate, intermediates, server, ocsp_response, now);
        verified.map_err(|error| Untrusted::name(error, certificate, server))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
