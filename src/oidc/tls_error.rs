//! Errors of TLS in words: the library only has the names of its variants.

use std::error::Error as StdError;

use rustls::{AlertDescription as Alert, CertificateError, Error, InvalidMessage, PeerIncompatible};
use x509_cert::der::asn1::ObjectIdentifier;

use crate::error::causes;

/// Known signature algorithms that are not accepted, with their usual names.
const REFUSED: [(&str, &str); 9] = [
    ("1.2.840.113549.1.1.4", "MD5 with RSA"),
    ("1.2.840.113549.1.1.5", "SHA-1 with RSA"),
    ("1.2.840.113549.1.1.10", "RSA-PSS with unusual parameters"),
    ("1.2.840.113549.1.1.14", "SHA-224 with RSA"),
    ("1.2.840.10045.4.1", "SHA-1 with ECDSA"),
    ("1.2.840.10045.4.3.1", "SHA-224 with ECDSA"),
    ("1.2.840.10040.4.3", "SHA-1 with DSA"),
    ("2.16.840.1.101.3.4.3.2", "SHA-256 with DSA"),
    ("1.3.101.113", "Ed448"),
];

/// The words of webpki and the platform verifier for errors that rustls has no variant for, and what they mean.
const OTHERS: [(&str, &str); 8] = [
    ("certificate had invalid extensions", NOT_FOR_SERVERS),
    ("CaUsedAsEndEntity", "it is a CA certificate, not a server certificate"),
    ("EndEntityUsedAsCa", "it was issued with a certificate that is not a CA certificate"),
    ("UnsupportedCertVersion", "it, or its issuer's certificate, has X.509 version 1; version 3 is required"),
    ("UnsupportedCriticalExtension", "it has an unknown critical extension"),
    ("NameConstraintViolation", "its CA may not issue certificates for this name"),
    ("PathLenConstraintViolated", "its chain has more CAs than one of them allows"),
    ("ExtensionValueInvalid", "one of its extensions cannot be read"),
];

const NOT_FOR_SERVERS: &str = "it is not for servers";

/// Why a certificate is not trusted.
pub fn of_certificate(problem: &CertificateError) -> String {
    use CertificateError as E;
    let words = match problem {
        E::UnknownIssuer => "the issuer is unknown",
        E::BadEncoding => "it cannot be read",
        E::BadSignature => "its signature does not match the CA of that name",
        E::Revoked => "it was revoked",
        E::UnknownRevocationStatus => "its revocation status is unknown",
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => NOT_FOR_SERVERS,
        E::ApplicationVerificationFailure => "the system does not trust it",
        E::UnsupportedSignatureAlgorithmContext { signature_algorithm_id, .. } => {
            return format!("it, or its issuer's certificate, is signed with {}", signature(signature_algorithm_id));
        }
        E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "it, or its issuer's certificate, is signed with a key of an unsupported type"
        }
        E::Other(why) => return other(&why.0.to_string()),
        problem => return plain(&problem.to_string()),
    };
    words.to_owned()
}

/// The TLS error among the causes of `error`, in words.
pub fn find(error: &(dyn StdError + 'static)) -> Option<String> {
    causes(error).find_map(|cause| cause.downcast_ref()).map(of_connection)
}

/// Why there is no connection.
pub fn of_connection(error: &Error) -> String {
    let words = match error {
        // RFC 8446 §4.4.3: this is about the signature that proves the key; a certificate that is not trusted is an `Untrusted`.
        Error::InvalidCertificate(_) => {
            "the server's signature does not fit its certificate: its private key is another one, or RSA with fewer than 2048 bits"
        }
        Error::AlertReceived(Alert::CertificateRequired) => {
            "the server requires a client certificate, which kubekey does not support"
        }
        Error::AlertReceived(Alert::HandshakeFailure | Alert::InsufficientSecurity) => {
            "the server accepts none of kubekey's cipher suites and signatures (TLS 1.2, 1.3)"
        }
        Error::AlertReceived(Alert::ProtocolVersion)
        | Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13) => {
            "the server supports neither TLS 1.2 nor TLS 1.3"
        }
        Error::AlertReceived(Alert::UnrecognisedName) => "the server does not know this host name",
        Error::AlertReceived(alert) => {
            return format!("the server ended the connection: {}", plain(&format!("{alert:?}")));
        }
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the response is not TLS: is this the port for https?"
        }
        Error::InvalidMessage(why) => {
            return format!("the server sent a broken TLS message: {}", plain(&format!("{why:?}")));
        }
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            "the server sent an unexpected TLS message"
        }
        Error::PeerIncompatible(why) => {
            return format!("the server's TLS is incompatible with kubekey's: {}", plain(&format!("{why:?}")));
        }
        Error::PeerMisbehaved(why) => {
            return format!("the server violated the TLS protocol: {}", plain(&format!("{why:?}")));
        }
        Error::General(why) => return plain(why),
        Error::Other(why) => return plain(&why.0.to_string()),
        error => return plain(&error.to_string()),
    };
    words.to_owned()
}

/// A signature algorithm by its name, or else its OID. `id` is an `AlgorithmIdentifier` without its head (RFC 5280 §4.1.1.2).
fn signature(id: &[u8]) -> String {
    let oid = match id {
        [6, length, rest @ ..] => {
            rest.get(..usize::from(*length)).and_then(|oid| ObjectIdentifier::from_bytes(oid).ok())
        }
        _ => None,
    };
    let Some(oid) = oid.map(|oid| oid.to_string()) else { return "an unknown signature algorithm".to_owned() };
    let name = REFUSED.iter().find(|(known, _)| *known == oid).map(|(_, name)| *name);
    name.map_or_else(
        || format!("an unknown signature algorithm ({oid})"),
        |name| format!("{name}, which is not accepted"),
    )
}

fn other(why: &str) -> String {
    let meant = OTHERS.iter().find(|(name, _)| why.starts_with(name));
    meant.map_or_else(|| plain(why), |(_, words)| (*words).to_owned())
}

/// A library's string in plain words: `NoCipherSuitesInCommon` becomes 'no cipher suites in common', and what is in
/// brackets is dropped.
fn plain(text: &str) -> String {
    let text = text.split(['(', '{', '[']).next().unwrap_or_default().trim_end();
    let is_alone = !text.contains(' ') && text.contains(char::is_lowercase);
    let text = text.split(' ').map(|word| words(word, is_alone)).collect::<Vec<_>>().join(" ");
    text.trim().trim_end_matches(" context").trim_end_matches(':').to_owned()
}

/// A word of prose as it is, a variant's name split into words.
fn words(word: &str, is_alone: bool) -> String {
    let is_name = word.chars().zip(word.chars().skip(1)).any(|(a, b)| a.is_lowercase() && b.is_uppercase());
    if !is_name && !is_alone {
        return word.to_owned();
    }
    let mut words = String::new();
    for character in word.chars() {
        if character.is_uppercase() && words.ends_with(|last: char| last.is_lowercase() || last.is_ascii_digit()) {
            words.push(' ');
        }
        words.extend(character.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::pki_types::UnixTime;
    use rustls::{
        CertRevocationListError, EncryptedClientHelloError, ExtendedKeyPurpose, InconsistentKeys, OtherError,
        PeerMisbehaved,
    };

    use super::*;

    fn assert_words(text: &str) {
        let is_camel = text.chars().zip(text.chars().skip(1)).any(|(a, b)| a.is_lowercase() && b.is_uppercase());
        let is_debug = text.contains(['{', '}', '[', ']', '"']) || text.contains("Context") || text.contains("::");
        assert!(!is_camel && !is_debug && !text.is_empty(), "{text}");
        assert!(text.contains(' ') || text.len() > 5, "{text}");
    }

    /// Without those for which `Untrusted` has its own words.
    fn certificate_errors() -> Vec<CertificateError> {
        use CertificateError as E;
        let (time, algorithm) = (UnixTime::since_unix_epoch(std::time::Duration::ZERO), vec![6, 3, 43, 101, 113]);
        #[allow(deprecated)]
        let mut all = vec![
            E::BadEncoding,
            E::Expired,
            E::NotValidYet,
            E::Revoked,
            E::UnhandledCriticalExtension,
            E::UnknownIssuer,
            E::UnknownRevocationStatus,
            E::ExpiredRevocationList,
            E::ExpiredRevocationListContext { time, next_update: time },
            E::BadSignature,
            E::UnsupportedSignatureAlgorithm,
            E::UnsupportedSignatureAlgorithmForPublicKeyContext {
                signature_algorithm_id: algorithm.clone(),
                public_key_algorithm_id: algorithm,
            },
            E::InvalidPurpose,
            E::InvalidPurposeContext {
                required: ExtendedKeyPurpose::ServerAuth,
                presented: vec![ExtendedKeyPurpose::Other(vec![1, 2])],
            },
            E::InvalidOcspResponse,
            E::ApplicationVerificationFailure,
        ];
        for id in
            [&[][..], &[6], &[6, 200, 1], &[6, 1, 0xff], &[6, 9, 42, 134, 72, 134, 247, 13, 1, 1, 5, 5, 0], &[0; 99]]
        {
            all.push(E::UnsupportedSignatureAlgorithmContext {
                signature_algorithm_id: id.to_vec(),
                supported_algorithms: Vec::new(),
            });
        }
        all.extend(WEBPKI.iter().map(|name| E::Other(OtherError(Arc::new(std::io::Error::other(*name))))));
        all
    }

    /// webpki's strings for errors that rustls has no variant for.
    const WEBPKI: [&str; 31] = [
        "CaUsedAsEndEntity",
        "CertDistrusted",
        "EmptyEkuExtension",
        "EndEntityUsedAsCa",
        "ExtensionValueInvalid",
        "InvalidCrlNumber",
        "InvalidNetworkMaskConstraint",
        "InvalidSerialNumber",
        "MalformedDnsIdentifier",
        "MalformedExtensions",
        "MalformedNameConstraint",
        "MaximumNameConstraintComparisonsExceeded",
        "MaximumPathBuildCallsExceeded",
        "MaximumPathDepthExceeded",
        "MaximumSignatureChecksExceeded",
        "NameConstraintViolation",
        "PathLenConstraintViolated",
        "SignatureAlgorithmMismatch",
        "TrailingData(Certificate)",
        "UnsupportedCertVersion",
        "UnsupportedCriticalExtension",
        "UnsupportedCrlIssuingDistributionPoint",
        "UnsupportedCrlVersion",
        "UnsupportedDeltaCrl",
        "UnsupportedIndirectCrl",
        "UnsupportedNameType",
        "UnsupportedRevocationReason",
        "UnsupportedRevocationReasonsPartitioning",
        "UnsupportedSignatureAlgorithmContext(UnsupportedSignatureAlgorithmContext { signature_algorithm_id: [6, 8] })",
        "RequiredEkuNotFoundContext(RequiredEkuNotFoundContext { required: KeyUsage })",
        "Unknown",
    ];

    #[test]
    fn every_error_of_the_tls_library_comes_out_in_words() {
        certificate_errors().iter().for_each(|problem| assert_words(&of_certificate(problem)));
        let mut all: Vec<Error> = certificate_errors().into_iter().map(Error::InvalidCertificate).collect();
        all.extend((0..=255).map(|code| Error::AlertReceived(Alert::from(code))));
        all.extend(connection_errors());
        all.iter().for_each(|error| assert_words(&of_connection(error)));
    }

    #[rustfmt::skip]
    fn connection_errors() -> Vec<Error> {
        let (content, handshake) = (rustls::ContentType::Alert, rustls::HandshakeType::ServerHello);
        let mut all = vec![
            Error::InappropriateMessage { expect_types: vec![content], got_type: content },
            Error::InappropriateHandshakeMessage { expect_types: vec![handshake], got_type: handshake },
            Error::NoCertificatesPresented, Error::UnsupportedNameType, Error::DecryptError, Error::EncryptError,
            Error::General("NoSuchThing".into()), Error::FailedToGetCurrentTime, Error::FailedToGetRandomBytes,
            Error::HandshakeNotComplete, Error::PeerSentOversizedRecord, Error::NoApplicationProtocol,
            Error::BadMaxFragmentSize, Error::InconsistentKeys(InconsistentKeys::KeyMismatch),
            Error::InconsistentKeys(InconsistentKeys::Unknown),
            Error::Other(OtherError(Arc::new(std::io::Error::other("SomeThing(7)")))),
        ];
        all.extend(messages().into_iter().map(Error::InvalidMessage));
        all.extend(incompatibilities().into_iter().map(Error::PeerIncompatible));
        all.extend(misbehaviours().into_iter().map(Error::PeerMisbehaved));
        all.extend(client_hellos().into_iter().map(Error::InvalidEncryptedClientHello));
        all.extend(revocation_lists().into_iter().map(Error::InvalidCertRevocationList));
        all
    }

    #[rustfmt::skip]
    fn messages() -> Vec<InvalidMessage> {
        use InvalidMessage as E;
        vec![
            E::CertificatePayloadTooLarge, E::HandshakePayloadTooLarge, E::InvalidCcs, E::InvalidContentType,
            E::InvalidCertificateStatusType, E::InvalidCertRequest, E::InvalidDhParams, E::InvalidEmptyPayload,
            E::InvalidKeyUpdate, E::InvalidServerName, E::MessageTooLarge, E::MessageTooShort, E::MissingKeyExchange,
            E::NoSignatureSchemes, E::UnknownProtocolVersion, E::UnsupportedCompression, E::UnsupportedCurveType,
            E::EmptyTicketValue, E::IllegalEmptyValue, E::PreSharedKeyIsNotFinalExtension,
            E::UnknownHelloRetryRequestExtension, E::UnknownCertificateExtension, E::MissingData("XyZ"),
            E::TrailingData("XyZ"), E::UnexpectedMessage("XyZ"), E::IllegalEmptyList("XyZ"), E::DuplicateExtension(7)
        ]
    }

    #[rustfmt::skip]
    fn incompatibilities() -> Vec<PeerIncompatible> {
        use PeerIncompatible as E;
        vec![
            E::EcPointsExtensionRequired, E::ExtendedMasterSecretExtensionRequired,
            E::IncorrectCertificateTypeExtension, E::KeyShareExtensionRequired, E::NamedGroupsExtensionRequired,
            E::NoCertificateRequestSignatureSchemesInCommon, E::NoCipherSuitesInCommon, E::NoEcPointFormatsInCommon,
            E::NoKxGroupsInCommon, E::NoSignatureSchemesInCommon, E::NullCompressionRequired,
            E::ServerDoesNotSupportTls12Or13, E::ServerSentHelloRetryRequestWithUnknownExtension,
            E::ServerTlsVersionIsDisabledByOurConfig, E::SignatureAlgorithmsExtensionRequired,
            E::SupportedVersionsExtensionRequired, E::Tls12NotOffered, E::Tls12NotOfferedOrEnabled,
            E::Tls13RequiredForQuic, E::UncompressedEcPointsRequired, E::UnsolicitedCertificateTypeExtension,
            E::ServerRejectedEncryptedClientHello(None)
        ]
    }

    #[rustfmt::skip]
    fn misbehaviours() -> Vec<PeerMisbehaved> {
        use PeerMisbehaved as E;
        vec![
            E::AttemptedDowngradeToTls12WhenTls13IsSupported, E::BadCertChainExtensions, E::CipherSuiteDifferedOnRetry,
            E::DisallowedEncryptedExtension, E::DuplicateClientHelloExtensions, E::DuplicateEncryptedExtensions,
            E::DuplicateHelloRetryRequestExtensions, E::DuplicateNewSessionTicketExtensions,
            E::DuplicateServerHelloExtensions, E::DuplicateServerNameTypes, E::EarlyDataAttemptedInSecondClientHello,
            E::EarlyDataExtensionWithoutResumption, E::EarlyDataOfferedWithVariedCipherSuite,
            E::EchAcceptanceVariedAfterRetry, E::HandshakeHashVariedAfterRetry,
            E::IllegalHelloRetryRequestWithEmptyCookie, E::IllegalHelloRetryRequestWithNoChanges,
            E::IllegalHelloRetryRequestWithOfferedGroup, E::IllegalHelloRetryRequestWithUnofferedCipherSuite,
            E::IllegalHelloRetryRequestWithUnofferedNamedGroup, E::IllegalHelloRetryRequestWithUnsupportedVersion,
            E::IllegalHelloRetryRequestWithWrongSessionId, E::IllegalHelloRetryRequestWithInvalidEch,
            E::IllegalMiddleboxChangeCipherSpec, E::IllegalTlsInnerPlaintext, E::IncorrectBinder,
            E::InvalidCertCompression, E::InvalidMaxEarlyDataSize, E::InvalidKeyShare, E::KeyEpochWithPendingFragment,
            E::KeyUpdateReceivedInQuicConnection, E::MessageInterleavedWithHandshakeMessage,
            E::MissingBinderInPskExtension, E::MissingKeyShare, E::MissingPskExtensionInSecondClientHello,
            E::MissingPskModesExtension, E::MissingQuicTransportParameters, E::OfferedDuplicateCertificateCompressions,
            E::OfferedDuplicateKeyShares, E::OfferedEarlyDataWithOldProtocolVersion, E::OfferedEmptyApplicationProtocol,
            E::OfferedIncorrectCompressions, E::PskExtensionMustBeLast, E::PskExtensionWithMismatchedIdsAndBinders,
            E::RefusedToFollowHelloRetryRequest, E::RejectedEarlyDataInterleavedWithHandshakeMessage,
            E::ResumptionAttemptedWithVariedEms, E::ResumptionOfferedWithVariedCipherSuite,
            E::ResumptionOfferedWithVariedEms, E::ResumptionOfferedWithIncompatibleCipherSuite,
            E::SelectedDifferentCipherSuiteAfterRetry, E::SelectedInvalidPsk,
            E::SelectedTls12UsingTls13VersionExtension, E::SelectedUnofferedApplicationProtocol,
            E::SelectedUnofferedCertCompression, E::SelectedUnofferedCipherSuite, E::SelectedUnofferedCompression,
            E::SelectedUnofferedKxGroup, E::SelectedUnofferedPsk, E::SelectedUnusableCipherSuiteForVersion,
            E::ServerEchoedCompatibilitySessionId, E::ServerHelloMustOfferUncompressedEcPoints,
            E::ServerNameDifferedOnRetry, E::ServerNameMustContainOneHostName, E::SignedKxWithWrongAlgorithm,
            E::SignedHandshakeWithUnadvertisedSigScheme, E::TooManyEmptyFragments, E::TooManyKeyUpdateRequests,
            E::TooManyRenegotiationRequests, E::TooManyWarningAlertsReceived, E::TooMuchEarlyDataReceived,
            E::UnexpectedCleartextExtension, E::UnsolicitedCertExtension, E::UnsolicitedEncryptedExtension,
            E::UnsolicitedSctList, E::UnsolicitedServerHelloExtension, E::WrongGroupForKeyShare,
            E::UnsolicitedEchExtension
        ]
    }

    #[rustfmt::skip]
    fn client_hellos() -> Vec<EncryptedClientHelloError> {
        use EncryptedClientHelloError as E;
        vec![E::InvalidConfigList, E::NoCompatibleConfig, E::SniRequired]
    }

    #[rustfmt::skip]
    #[allow(deprecated)]
    fn revocation_lists() -> Vec<CertRevocationListError> {
        use CertRevocationListError as E;
        vec![
            E::BadSignature, E::UnsupportedSignatureAlgorithm, E::InvalidCrlNumber, E::InvalidRevokedCertSerialNumber,
            E::IssuerInvalidForCrl, E::ParseError, E::UnsupportedCrlVersion, E::UnsupportedCriticalExtension,
            E::UnsupportedDeltaCrl, E::UnsupportedIndirectCrl, E::UnsupportedRevocationReason,
            E::UnsupportedSignatureAlgorithm, E::UnsupportedSignatureAlgorithmContext { signature_algorithm_id: vec![6],
            supported_algorithms: vec![] }, E::UnsupportedSignatureAlgorithmForPublicKeyContext {
            signature_algorithm_id: vec![6], public_key_algorithm_id: vec![6] },
            E::Other(OtherError(Arc::new(std::io::Error::other("SomeThing"))))
        ]
    }
}
