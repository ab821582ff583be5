//! Certificates and signatures that only OpenSSL can make here, with keys and hashes that the tests' own TLS does not
//! have.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, Signer, SigningKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{Error, ServerConfig, SignatureAlgorithm, SignatureScheme, SupportedProtocolVersion};
use tempfile::TempDir;

const CONFIGURATION: &str = "[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
[last_ca]
basicConstraints = critical, CA:TRUE, pathlen:0
[constrained_ca]
basicConstraints = critical, CA:TRUE
nameConstraints = critical, excluded;IP:127.0.0.0/255.0.0.0
[server]
subjectAltName = IP:127.0.0.1
keyUsage = digitalSignature
[no_name]
basicConstraints = CA:FALSE
[strange]
subjectAltName = IP:127.0.0.1
1.2.3.4 = critical, DER:0500
[client]
subjectAltName = IP:127.0.0.1
extendedKeyUsage = clientAuth
";

/// Certificates that OpenSSL has issued, in their own folder; each is named after its purpose.
pub struct OpenSsl {
    folder: TempDir,
}

impl OpenSsl {
    /// With a CA named `root`. `key` is a curve, `RSA`, `RSA-1024`, `DSA` or `ED448`; `hash` is OpenSSL's name for it, and may be
    /// followed by other options.
    pub fn with_root(key: &str, hash: &str) -> Self {
        let folder = TempDir::with_prefix("openssl-").expect("a temporary folder");
        fs::write(folder.path().join("cnf"), CONFIGURATION).expect("a file of ours");
        let made = OpenSsl { folder };
        let key = made.new_key(key);
        let root = "req -x509 -nodes -days 30 -extensions ca -config cnf -keyout root.key -out root";
        made.run(&format!("{root} {key} -{hash}"), Some("root"));
        made
    }

    /// Issues another certificate by `issuer`, with these extensions: a section of the configuration, or empty for X.509
    /// version 1. One called `nameless` has no name.
    pub fn issue(&self, name: &str, issuer: &str, key: &str, hash: &str, extensions: &str) -> &Self {
        let key = self.new_key(key);
        self.run(&format!("req -new -nodes -config cnf -keyout {name}.key -out {name}.csr {key}"), Some(name));
        let extensions = match extensions {
            "" => String::new(),
            extensions => format!("-extfile cnf -extensions {extensions}"),
        };
        let sign = format!("x509 -req -days 30 -in {name}.csr -CA {issuer} -CAkey {issuer}.key -CAcreateserial");
        self.run(&format!("{sign} -out {name} -{hash} {extensions}"), None);
        self
    }

    /// Changes the last bit of a certificate, which is part of its signature.
    pub fn spoil(&self, name: &str) {
        self.edit(name, |der| *der.last_mut().expect("a certificate") ^= 1);
    }

    /// Replaces these bytes of a certificate, wherever they are, by others of the same number.
    pub fn replace(&self, name: &str, old: &[u8], new: &[u8]) {
        self.edit(name, |der| {
            let places: Vec<_> = (0..der.len()).filter(|at| der[*at..].starts_with(old)).collect();
            assert!(!places.is_empty(), "{old:x?} is not in {name}");
            places.into_iter().for_each(|at| der[at..at + old.len()].copy_from_slice(new));
        });
    }

    fn edit(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut der = CertificateDer::from_pem_slice(self.pem(name).as_bytes()).expect("PEM").to_vec();
        change(&mut der);
        let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(der));
        fs::write(self.folder.path().join(name), pem).expect("a file of ours");
    }

    /// A certificate in PEM; with `.key` after its name, its private key.
    pub fn pem(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).expect("a certificate")
    }

    /// The configuration of a server that sends these certificates, its own first, and speaks this version of TLS.
    pub fn server(&self, chain: &[&str], version: &'static SupportedProtocolVersion) -> Arc<ServerConfig> {
        let chain: Vec<_> =
            chain.iter().map(|name| CertificateDer::from_pem_slice(self.pem(name).as_bytes()).expect("PEM")).collect();
        let key = self.folder.path().join("server.key");
        let provider = rustls::crypto::ring::default_provider();
        let loaded = provider.key_provider.load_private_key(PrivateKeyDer::from_pem_file(&key).expect("a key"));
        let key = loaded.unwrap_or_else(|_| Arc::new(P521Key(key)));
        let config = ServerConfig::builder_with_provider(provider.into()).with_protocol_versions(&[version]);
        let resolver = SingleCertAndKey::from(CertifiedKey::new(chain, key));
        Arc::new(config.expect("TLS").with_no_client_auth().with_cert_resolver(Arc::new(resolver)))
    }

    /// The options for a new key.
    fn new_key(&self, key: &str) -> String {
        match key {
            "RSA" => "-newkey rsa:2048".to_owned(),
            "RSA-1024" => "-newkey rsa:1024".to_owned(),
            "DSA" => {
                self.run("genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:1024 -out parameters", None);
                "-newkey dsa:parameters".to_owned()
            }
            "ED448" => "-newkey ed448".to_owned(),
            curve => format!("-newkey ec -pkeyopt ec_paramgen_curve:{curve}"),
        }
    }

    fn run(&self, arguments: &str, name: Option<&str>) {
        let mut command = Command::new("openssl");
        command.args(arguments.split_whitespace()).current_dir(self.folder.path());
        match name {
            None => &mut command,
            Some("nameless") => command.args(["-subj", "/"]),
            Some(name) => command.args(["-subj", &format!("/O=Example, Inc./CN={name}")]),
        };
        let output = command.stdin(Stdio::null()).output().expect("openssl, see tests/install");
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Both versions of TLS.
pub const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// A key on P-521, which the tests' own TLS does not support.
#[derive(Debug)]
struct P521Key(PathBuf);

impl SigningKey for P521Key {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let is_offered = offered.contains(&SignatureScheme::ECDSA_NISTP521_SHA512);
        is_offered.then(|| Box::new(P521Key(self.0.clone())) as _)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl Signer for P521Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        sign(&self.0, message).map_err(|error| Error::General(error.to_string()))
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP521_SHA512
    }
}

fn sign(key: &Path, message: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut command = Command::new("openssl");
    command.args(["dgst", "-sha512", "-sign"]).arg(key).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut openssl = command.spawn()?;
    openssl.stdin.take().expect("piped").write_all(message)?;
    Ok(openssl.wait_with_output()?.stdout)
}
