//! The CAs of the settings on Windows and macOS: the system decides first; a certificate that it does not trust may have been
//! issued by one of these CAs, which is verified as on Linux. Go, and so `kubectl`, does the same.
//!
//! The systems' own ways to add CAs trust neither one that has expired nor one that another CA has issued, which
//! docs/network.md promises. wine does not have that of Windows: it refuses a chain engine's configuration
//! (`CERT_CHAIN_ENGINE_CONFIG`) with the field that came with Windows 8.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use super::only_given;

/// Verdicts for which the library has only the system's number, and what they mean: of Windows (`CERT_E_CHAINING`,
/// `CERT_E_REVOCATION_FAILURE`, `TRUST_E_CERT_SIGNATURE`, `TRUST_E_EXPLICIT_DISTRUST`), then of macOS (`errSecNotTrusted`,
/// `errSecTrustSettingDeny`).
const NUMBERED: [(&str, CertificateError); 6] = [
    ("-2146762486", CertificateError::UnknownIssuer),
    ("-2146762482", CertificateError::UnknownRevocationStatus),
    ("-2146869244", CertificateError::BadSignature),
    ("-2146762479", CertificateError::ApplicationVerificationFailure),
    ("-67843", CertificateError::UnknownIssuer),
    ("-67654", CertificateError::ApplicationVerificationFailure),
];

/// The verifier of the system, and the CAs of the settings.
#[derive(Debug)]
pub struct WithGiven {
    system: Arc<dyn ServerCertVerifier>,
    given: Option<Arc<WebPkiServerVerifier>>,
}

impl WithGiven {
    /// Verifies with `system`, and with these `authorities` what it does not trust.
    ///
    /// # Errors
    /// If one of the authorities cannot be read.
    pub fn new(
        system: Arc<dyn ServerCertVerifier>,
        authorities: Vec<CertificateDer<'static>>,
        crypto: Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        let given = if authorities.is_empty() { None } else { Some(only_given::verifier(authorities, crypto)?) };
        Ok(Self { system, given })
    }
}

/// The verdict of the system; one that only has a number gets its name. The words before the number are in the language of the
/// user.
fn named(error: Error) -> Error {
    let Error::InvalidCertificate(CertificateError::Other(why)) = &error else { return error };
    let words = why.0.to_string();
    let number = words.trim_end_matches(')').rsplit(' ').next();
    let known = NUMBERED.iter().find(|(known, _)| Some(*known) == number);
    known.map_or(error, |(_, meant)| Error::InvalidCertificate(meant.clone()))
}

/// Whether no given CA can change the verdict: the certificate was revoked, or the administrator of the machine does not want
/// it.
fn is_final(error: &Error) -> bool {
    use CertificateError as E;
    matches!(error, Error::InvalidCertificate(E::Revoked | E::ApplicationVerificationFailure))
}

impl ServerCertVerifier for WithGiven {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let of_system = self.system.verify_server_cert(certificate, intermediates, server, ocsp_response, now);
        let (refusal, given) = match (of_system.map_err(named), &self.given) {
            (Err(refusal), Some(given)) if !is_final(&refusal) => (refusal, given),
            (decided, _) => return decided,
        };
        match given.verify_server_cert(certificate, intermediates, server, ocsp_response, now) {
            // They know no more than the system.
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => Err(refusal),
            decided => decided,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.system.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.system.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.system.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
    use rustls::OtherError;

    use super::*;
    use crate::oidc::ecdsa::install_provider;

    /// A system that says the same about every certificate.
    #[derive(Debug)]
    struct System(Option<Error>);

    impl ServerCertVerifier for System {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            self.0.clone().map_or_else(|| Ok(ServerCertVerified::assertion()), Err)
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            Vec::new()
        }
    }

    struct Authority(Issuer<'static, KeyPair>, CertificateDer<'static>);

    /// An authority, which `parent` has issued, or itself.
    fn authority(name: &str, parent: Option<&Authority>, edit: impl FnOnce(&mut CertificateParams)) -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        edit(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = match parent {
            Some(parent) => params.signed_by(&key, &parent.0),
            None => params.self_signed(&key),
        };
        let certificate = certificate.unwrap().der().clone();
        Authority(Issuer::new(params, key), certificate)
    }

    fn server(authority: &Authority, host: &str) -> CertificateDer<'static> {
        let params = CertificateParams::new([host.to_owned()]).unwrap();
        params.signed_by(&KeyPair::generate().unwrap(), &authority.0).unwrap().der().clone()
    }

    fn other(words: &str) -> Error {
        Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::from(Box::from(words)))))
    }

    fn verify(system: Option<Error>, given: &[&Authority], certificate: &CertificateDer<'_>) -> Result<(), Error> {
        let given = given.iter().map(|authority| authority.1.clone()).collect();
        let verifier = WithGiven::new(Arc::new(System(system)), given, install_provider()).unwrap();
        let name = ServerName::try_from("login.example.com").unwrap();
        verifier.verify_server_cert(certificate, &[], &name, &[], UnixTime::now()).map(drop)
    }

    #[test]
    fn a_given_authority_is_trusted_for_what_the_system_does_not_trust_and_nothing_else() {
        use CertificateError as E;
        let (ours, root) = (authority("ours", None, |_| ()), authority("root", None, |_| ()));
        let expired = authority("expired", None, |params| params.not_after = date_time_ymd(2020, 1, 1));
        let between = authority("between", Some(&root), |_| ());
        let of = |authority: &Authority| server(authority, "login.example.com");
        let unknown = || Some(E::UnknownIssuer.into());
        let numbered =
            |number: &str| Some(other(&format!("Eine Kette konnte nicht erstellt werden. (os error {number})")));
        for (what, system, given, certificate, expected) in [
            ("the system trusts it", None, vec![], of(&root), Ok(())),
            ("the system trusts it, others are given", None, vec![&ours], of(&root), Ok(())),
            ("its issuer is given", unknown(), vec![&root, &ours], of(&ours), Ok(())),
            ("its issuer is given, no chain", numbered("-2146762486"), vec![&ours], of(&ours), Ok(())),
            ("its issuer is given, revocation unknown", numbered("-2146762482"), vec![&ours], of(&ours), Ok(())),
            ("its issuer is given, macOS", Some(other("not trusted: -67843")), vec![&ours], of(&ours), Ok(())),
            ("the given authority has expired", Some(E::Expired.into()), vec![&expired], of(&expired), Ok(())),
            ("the given authority is not a root", unknown(), vec![&between], of(&between), Ok(())),
            ("none is given", unknown(), vec![], of(&ours), Err(E::UnknownIssuer)),
            ("none is given, no chain", numbered("-2146762486"), vec![], of(&ours), Err(E::UnknownIssuer)),
            ("another is given", numbered("-2146762486"), vec![&root], of(&ours), Err(E::UnknownIssuer)),
            ("another is given, expired", Some(E::Expired.into()), vec![&root], of(&ours), Err(E::Expired)),
            ("it was revoked", Some(E::Revoked.into()), vec![&ours], of(&ours), Err(E::Revoked)),
            (
                "it was distrusted",
                numbered("-2146762479"),
                vec![&ours],
                of(&ours),
                Err(E::ApplicationVerificationFailure),
            ),
        ] {
            assert_eq!(verify(system, &given, &certificate), expected.map_err(Error::InvalidCertificate), "{what}");
        }
        let elsewhere = verify(unknown(), &[&ours], &server(&ours, "other.example.com")).unwrap_err();
        assert!(elsewhere.to_string().contains("login.example.com"), "{elsewhere}");
        let strange = verify(numbered("-1"), &[&root], &of(&ours)).unwrap_err();
        assert!(strange.to_string().contains("(os error -1)"), "the words stay: {strange}");
    }
}
