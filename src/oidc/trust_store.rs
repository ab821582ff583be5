//! The system's own trust store, where the variables that can name another one are ignored: the usual library follows
//! them. On Windows and macOS there are no such variables.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::{Error, RootCertStore};
use rustls_native_certs::load_certs_from_paths;

/// The files with all trusted CAs, in the order of OpenSSL and Go: of Debian, Fedora, openSUSE, Alpine, FreeBSD and their
/// relatives.
const FILES: [&str; 8] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// The folders with one file for each CA.
const FOLDERS: [&str; 3] = ["/etc/ssl/certs", "/etc/pki/tls/certs", "/usr/local/share/certs"];

/// Verifies with the system's CAs and these `authorities`.
///
/// # Errors
/// If there are no CAs.
pub fn verifier(
    authorities: Vec<CertificateDer<'static>>,
    crypto: Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    authorities.into_iter().try_for_each(|authority| roots.add(authority))?;
    let file = FILES.iter().map(Path::new).find(|file| file.is_file());
    let folder = FOLDERS.iter().map(Path::new).find(|folder| folder.is_dir());
    roots.add_parsable_certificates(load_certs_from_paths(file, folder).certs);
    if roots.is_empty() {
        return Err(Error::General("the system's trust store is empty".to_owned()));
    }
    WebPkiServerVerifier::builder_with_provider(roots.into(), crypto)
        .build()
        .map_err(|error| Error::General(error.to_string()))
}
