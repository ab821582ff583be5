//! Certificate authorities that no machine knows, and what they sign. All are made anew for each run.

use std::sync::{Arc, LazyLock};

use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig};

/// The one that the providers of most tests have their certificates of.
pub static COMPANY: LazyLock<Authority> = LazyLock::new(|| Authority::new("Example Company Root CA"));

/// Another one. The browser of the tests trusts both.
pub static OTHER: LazyLock<Authority> = LazyLock::new(|| Authority::new("Another Root CA"));

pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = distinguished_name(name);
        let key = key();
        let certificate = params.self_signed(&key).expect("a certificate");
        Authority { issuer: Issuer::new(params, key), certificate }
    }

    /// Its own certificate.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// The same in DER.
    pub fn der(&self) -> Vec<u8> {
        self.certificate.der().to_vec()
    }

    /// What a server for this host name or address needs; `edit` makes its certificate an unusual one.
    pub fn server(&self, host: &str, edit: impl FnOnce(&mut CertificateParams)) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new([host.to_string()]).expect("a host");
        edit(&mut params);
        let key = key();
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(crypto()).with_safe_default_protocol_versions();
        let config = config.expect("TLS").with_no_client_auth();
        Arc::new(config.with_single_cert(vec![certificate.der().clone()], key).expect("a certificate with its key"))
    }
}

/// A connection as the browser makes it.
pub fn client_connection(host: &str) -> Result<ClientConnection, rustls::Error> {
    let mut roots = RootCertStore::empty();
    for authority in [&COMPANY, &OTHER] {
        roots.add(authority.certificate.der().clone())?;
    }
    let config = ClientConfig::builder_with_provider(crypto()).with_safe_default_protocol_versions()?;
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from(host.to_string()).map_err(|error| rustls::Error::General(error.to_string()))?;
    ClientConnection::new(Arc::new(config), name)
}

/// In PEM; of no use to anybody.
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
