//! Certificates verified with given CAs alone, and none of the system's.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::{Error, RootCertStore};

/// A verifier that trusts only these authorities.
///
/// # Errors
/// If one of them cannot be read.
pub fn verifier(
    authorities: Vec<CertificateDer<'static>>,
    crypto: Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    authorities.into_iter().try_for_each(|authority| roots.add(authority))?;
    WebPkiServerVerifier::builder_with_provider(roots.into(), crypto)
        .build()
        .map_err(|error| Error::General(error.to_string()))
}
