//! TLS on loopback, for providers that register no `redirect_uri` with http.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::verify_server_name;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::{Error as TlsError, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use url::Url;

use crate::error::{Error, Result};
use crate::loopback_host::is_loopback_host;
use crate::settings::{Identity, LocalServer};
use crate::terminal;

/// How long a client may take for the handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection, plain or with TLS.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The TLS of the local server.
#[derive(Clone)]
pub struct LocalTls {
    acceptor: TlsAcceptor,
    certificate: CertificateDer<'static>,
}

impl LocalTls {
    /// The TLS with this certificate and key.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Usage`], naming the file, if one cannot be used, or the key is not the certificate's.
    pub fn new(server: &LocalServer) -> Result<Self> {
        let Identity { certificates, key } = server.read()?;
        let certificate = certificates.first().cloned().unwrap_or_else(|| CertificateDer::from(Vec::new()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key))
            .map_err(|error| unusable(server, &error))?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), certificate })
    }

    /// The connection after the handshake; `None` if that fails: a browser that does not trust the certificate.
    pub async fn accept(&self, stream: TcpStream) -> Option<Box<dyn Stream>> {
        let stream = timeout(HANDSHAKE_TIMEOUT, self.acceptor.accept(stream)).await.ok()?.ok()?;
        Some(Box::new(stream))
    }

    /// Warns of a certificate that is not for the host of `redirect_uri`: a browser shows a warning instead of our page.
    pub fn check_host(&self, redirect_uri: &str, server: &LocalServer) {
        // For another host, the certificate may be that of a program in front.
        let Some(host) = Url::parse(redirect_uri).ok().filter(|url| is_loopback_host(url.host())) else { return };
        let host = host.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let is_for = ServerName::try_from(host).ok().zip(ParsedCertificate::try_from(&self.certificate).ok());
        if is_for.is_none_or(|(name, certificate)| verify_server_name(&certificate, &name).is_err()) {
            let file = server.certificate().display();
            terminal::warning(&format!("the certificate {file} is not for '{host}': the browser will not trust it"));
        }
    }
}

fn unusable(server: &LocalServer, error: &TlsError) -> Error {
    match error {
        TlsError::InconsistentKeys(_) => server.other_key(),
        TlsError::InvalidCertificate(_) => server.unusable_certificate(),
        _ => server.unknown_key(),
    }
}
