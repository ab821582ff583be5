//! Server certificates that are not trusted although a trusted CA issued them: why, in words.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::version::TLS13;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::openssl::{OpenSsl, VERSIONS};
use crate::support::provider::Provider;
use crate::support::run::Finished;

const REPLACE: &str = "\nhint: the administrator of the provider, or of the proxy in between, must replace it: X.509 version 3, \
    with the host as a subject alternative name, signed with SHA-256 or better\n";

const TELL: &str = "\nhint: tell the administrator of the provider, or of the proxy in between\n";

/// A sign-in at a server with these certificates, which must end before anything is sent.
fn refused(openssl: &OpenSsl, chain: &[&str], version: &'static rustls::SupportedProtocolVersion) -> Finished {
    let home = Home::new(Mode::Absent);
    let provider = Provider::start_at([127, 0, 0, 1].into(), Some(openssl.server(chain, version)));
    let mut kubekey = home.kubekey_for(&provider);
    kubekey.env("KUBEKEY_CERTIFICATE_AUTHORITY_DATA", STANDARD.encode(openssl.pem("root")));
    let finished = home.run(&mut kubekey);
    assert_eq!((finished.code(), finished.stdout.as_str(), provider.count_all()), (Some(5), "", 0), "{finished:#?}");
    finished
}

/// A certificate of this chain is not trusted, for this reason and with this hint.
fn not_trusted(openssl: &OpenSsl, chain: &[&str], issuer: &str, why: &str, hint: &str) {
    let finished = refused(openssl, chain, &TLS13);
    let words = format!("the certificate of 127.0.0.1, issued by '{issuer}', {why}{hint}");
    assert!(finished.stderr.ends_with(&words), "{words}: {finished:#?}");
}

#[test]
fn what_is_long_out_of_date_is_refused_in_words() {
    const ONE: &str = "is not trusted: it, or its issuer's certificate,";
    for (key, hash, extensions, words) in [
        ("RSA", "md5", "server", "is signed with MD5 with RSA, which is not accepted"),
        ("RSA", "sha1", "server", "is signed with SHA-1 with RSA, which is not accepted"),
        ("RSA", "sha224", "server", "is signed with SHA-224 with RSA, which is not accepted"),
        (
            "RSA",
            "sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20",
            "server",
            "is signed with RSA-PSS with unusual parameters, which is not accepted",
        ),
        ("RSA", "sha3-256", "server", "is signed with an unknown signature algorithm (2.16.840.1.101.3.4.3.14)"),
        ("P-256", "sha1", "server", "is signed with SHA-1 with ECDSA, which is not accepted"),
        ("P-256", "sha224", "server", "is signed with SHA-224 with ECDSA, which is not accepted"),
        ("DSA", "sha1", "server", "is signed with SHA-1 with DSA, which is not accepted"),
        ("DSA", "sha256", "server", "is signed with SHA-256 with DSA, which is not accepted"),
        ("ED448", "sha256", "server", "is signed with Ed448, which is not accepted"),
        ("secp256k1", "sha256", "server", "is signed with a key of an unsupported type"),
        ("RSA", "sha256", "", "has X.509 version 1; version 3 is required"),
    ] {
        let openssl = OpenSsl::with_root(key, "sha256");
        openssl.issue("server", "root", "P-256", hash, extensions);
        not_trusted(&openssl, &["server"], "CN=root, O=Example, Inc.", &format!("{ONE} {words}"), REPLACE);
    }
    let openssl = OpenSsl::with_root("RSA-1024", "sha256");
    openssl.issue("server", "root", "P-256", "sha256", "server");
    let words = "is not trusted: its signature does not match the CA of that name";
    let hint = "\nhint: pass the certificate of the CA that signed it with --certificate-authority FILE; if you did, that CA has an \
        RSA key of fewer than 2048 bits, and must be replaced\n";
    not_trusted(&openssl, &["server"], "CN=root, O=Example, Inc.", words, hint);

    let openssl = OpenSsl::with_root("P-256", "sha256");
    openssl.issue("server", "root", "P-256", "sha256", "no_name");
    let words = "has no subject alternative name: a common name (CN) alone is ignored";
    not_trusted(&openssl, &["server"], "CN=root, O=Example, Inc.", words, REPLACE);
}

#[test]
fn a_chain_that_its_own_certificates_forbid_is_refused_in_words() {
    for (outer, inner, server, words) in [
        ("server", "ca", "server", "it was issued with a certificate that is not a CA certificate"),
        ("constrained_ca", "ca", "server", "its CA may not issue certificates for this name"),
        ("last_ca", "ca", "server", "its chain has more CAs than one of them allows"),
        ("ca", "ca", "client", "it is not for servers"),
        ("ca", "ca", "strange", "it has an unknown critical extension"),
    ] {
        let openssl = OpenSsl::with_root("P-256", "sha256");
        openssl.issue("outer", "root", "P-256", "sha256", outer).issue("inner", "outer", "P-256", "sha256", inner);
        openssl.issue("server", "inner", "P-256", "sha256", server);
        let why = format!("is not trusted: {words}");
        not_trusted(&openssl, &["server", "inner", "outer"], "CN=inner, O=Example, Inc.", &why, TELL);
    }
    let openssl = OpenSsl::with_root("P-256", "sha256");
    openssl
        .issue("nameless", "root", "P-256", "sha256", "ca")
        .issue("server", "nameless", "P-256", "sha256", "strange");
    let why = "is not trusted: it has an unknown critical extension";
    not_trusted(&openssl, &["server", "nameless"], "an unnamed issuer", why, TELL);
}

/// A list of names with one address, the object identifiers of two extensions, and that of ECDSA with SHA-256, in DER.
const NAMES: &[u8] = &[0x30, 6, 0x87, 4, 127, 0, 0, 1];
const NAMES_ID: &[u8] = &[6, 3, 0x55, 0x1d, 0x11];
const KEY_USAGE_ID: &[u8] = &[6, 3, 0x55, 0x1d, 0x0f];
const ECDSA_ID: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];

#[test]
fn a_certificate_that_is_broken_is_refused_in_words() {
    let by = "it, or its issuer's certificate, is signed with an unknown signature algorithm";
    let root = "CN=root, O=Example, Inc.";
    for (old, new, issuer, words, hint) in [
        (NAMES, &[&[0x31], &NAMES[1..]].concat()[..], root, "it cannot be read", TELL),
        (KEY_USAGE_ID, NAMES_ID, root, "one of its extensions cannot be read", TELL),
        (ECDSA_ID, &[&[4], &ECDSA_ID[1..]].concat(), "an unnamed issuer", by, REPLACE),
    ] {
        let openssl = OpenSsl::with_root("P-256", "sha256");
        openssl.issue("server", "root", "P-256", "sha256", "server").replace("server", old, new);
        not_trusted(&openssl, &["server"], issuer, &format!("is not trusted: {words}"), hint);
    }
}

#[test]
fn a_server_without_the_key_of_its_certificate_is_named() {
    let openssl = OpenSsl::with_root("P-256", "sha256");
    for (key, version) in ["P-256", "RSA"].into_iter().zip(VERSIONS) {
        openssl.issue("server", "root", "P-256", "sha256", "server").issue("other", "root", key, "sha256", "server");
        let finished = refused(&openssl, &["other"], version);
        let words =
            "cannot be reached: the server's signature does not fit its certificate: its private key is another one";
        assert!(finished.stderr.contains(words), "{finished:#?}");
    }
}
