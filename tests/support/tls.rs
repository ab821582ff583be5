//! Certificate authorities that no machine trusts, and what they issue. All are new in each run.

use std::sync::{Arc, LazyLock};

use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, ServerConfig, SignatureScheme};

/// The authority that issues the certificates of most tests' providers.
pub static COMPANY: LazyLock<Authority> = LazyLock::new(|| Authority::new("Example Company Root CA"));

/// Another authority.
pub static OTHER: LazyLock<Authority> = LazyLock::new(|| Authority::new("Another Root CA"));

pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        Self::with(name, |_| ())
    }

    /// `edit` makes its certificate an unusual one.
    pub fn with(name: &str, edit: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::default();
        edit(&mut params);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = distinguished_name(name);
        let key = key();
        let certificate = params.self_signed(&key).expect("a certificate");
        Authority { issuer: Issuer::new(params, key), certificate }
    }

    /// Its own certificate in PEM.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// The same in DER.
    pub fn der(&self) -> Vec<u8> {
        self.certificate.der().to_vec()
    }

    /// A certificate for this host, and its private key, in PEM.
    pub fn issue(&self, host: &str) -> (String, String) {
        let (certificate, key) = self.issued(host, |_| ());
        (certificate.pem(), key.serialize_pem())
    }

    fn issued(&self, host: &str, edit: impl FnOnce(&mut CertificateParams)) -> (rcgen::Certificate, KeyPair) {
        let mut params = CertificateParams::new([host.to_string()]).expect("a host");
        edit(&mut params);
        let key = key();
        (params.signed_by(&key, &self.issuer).expect("a certificate"), key)
    }

    /// The configuration of a server with this host name or address; `edit` makes its certificate an unusual one.
    pub fn server(&self, host: &str, edit: impl FnOnce(&mut CertificateParams)) -> Arc<ServerConfig> {
        self.server_with(host, edit, WebPkiClientVerifier::no_client_auth())
    }

    /// The same for a server that requires client certificates with a signature that TLS 1.3 does not have.
    pub fn server_with_old_clients(&self, host: &str) -> Arc<ServerConfig> {
        self.server_with(host, |_| (), Arc::new(OldClients))
    }

    fn server_with(
        &self,
        host: &str,
        edit: impl FnOnce(&mut CertificateParams),
        clients: Arc<dyn ClientCertVerifier>,
    ) -> Arc<ServerConfig> {
        let (certificate, key) = self.issued(host, edit);
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(crypto()).with_safe_default_protocol_versions();
        let config = config.expect("TLS").with_client_cert_verifier(clients);
        Arc::new(config.with_single_cert(vec![certificate.der().clone()], key).expect("a certificate with its key"))
    }
}

/// A browser's connection, which trusts every certificate: these tests are not about the browser's trust.
pub fn client_connection(host: &str) -> Result<ClientConnection, rustls::Error> {
    let config = ClientConfig::builder_with_provider(crypto()).with_safe_default_protocol_versions()?;
    let config = config.dangerous().with_custom_certificate_verifier(Arc::new(Believes)).with_no_client_auth();
    let name = ServerName::try_from(host.to_string()).map_err(|error| rustls::Error::General(error.to_string()))?;
    ClientConnection::new(Arc::new(config), name)
}

#[derive(Debug)]
struct OldClients;

impl ClientCertVerifier for OldClients {
    fn root_hint_subjects(&self) -> &[rustls::DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::RSA_PKCS1_SHA256]
    }
}

#[derive(Debug)]
struct Believes;

impl ServerCertVerifier for Believes {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = crypto().signature_verification_algorithms.supported_schemes();
        schemes.push(SignatureScheme::ECDSA_NISTP521_SHA512);
        schemes
    }
}

/// A private key in PEM, of no use to anyone.
pub fn private_key() -> String {
    key().serialize_pem()
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

fn distinguished_name(name: &str) -> DistinguishedName {
    let mut full = DistinguishedName::new();
    full.push(DnType::OrganizationName, "Example, Inc.");
    full.push(DnType::CommonName, name);
    full
}

fn crypto() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
