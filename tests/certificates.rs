//! All kinds of certificates that OpenSSL makes: which are accepted, and what is printed about the others.

use std::fs;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::date_time_ymd;
use rustls::version::TLS13;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::kubeconfig::setup;
use crate::support::openssl::{OpenSsl, VERSIONS};
use crate::support::provider::Provider;
use crate::support::run::Finished;
use crate::support::tls::{Authority, COMPANY};

const CURVES: [&str; 3] = ["P-256", "P-384", "P-521"];

fn run(provider: &Provider, root: &str) -> Finished {
    let home = Home::new(Mode::Follow);
    home.run(trusting(home.kubekey_for(provider).arg("get-token"), root))
}

fn trusting<'a>(kubekey: &'a mut Command, root: &str) -> &'a mut Command {
    kubekey.env("KUBEKEY_CERTIFICATE_AUTHORITY_DATA", STANDARD.encode(root))
}

fn provider(openssl: &OpenSsl, chain: &[&str], version: &'static rustls::SupportedProtocolVersion) -> Provider {
    Provider::start_at([127, 0, 0, 1].into(), Some(openssl.server(chain, version)))
}

#[test]
#[cfg(unix)]
fn an_ecdsa_authority_of_any_curve_and_hash_is_verified() {
    for curve in CURVES {
        for hash in ["sha256", "sha384", "sha512"] {
            let openssl = OpenSsl::with_root(curve, hash);
            let provider = provider(openssl.issue("server", "root", "P-256", hash, "server"), &["server"], &TLS13);
            run(&provider, &openssl.pem("root")).credential();

            openssl.spoil("server");
            let finished = run(&self::provider(&openssl, &["server"], &TLS13), &openssl.pem("root"));
            assert_eq!(finished.code(), Some(5), "{curve} {hash}: {finished:#?}");
            assert!(finished.stderr.contains("its signature does not match"), "{curve} {hash}: {finished:#?}");
        }
    }
}

#[test]
#[cfg(unix)]
fn a_chain_of_several_curves_is_verified_to_its_end() {
    let openssl = OpenSsl::with_root("P-521", "sha512");
    openssl.issue("middle", "root", "P-384", "sha512", "ca").issue("server", "middle", "RSA", "sha512", "server");
    let behind = provider(&openssl, &["server", "middle"], &TLS13);
    run(&behind, &openssl.pem("root")).credential();
    // A CA of the same name that did not sign it.
    let other = OpenSsl::with_root("P-521", "sha512");
    let finished = run(&behind, &other.pem("root"));
    assert_eq!(finished.code(), Some(5), "{finished:#?}");
    assert!(finished.stderr.contains("its signature does not match the CA of that name\n"), "{finished:#?}");
    assert!(finished.stderr.contains("--certificate-authority FILE"), "{finished:#?}");
}

#[test]
#[cfg(unix)]
fn a_server_may_have_a_key_on_each_curve() {
    for curve in CURVES {
        let openssl = OpenSsl::with_root("RSA", "sha256");
        openssl.issue("server", "root", curve, "sha256", "server");
        for version in VERSIONS {
            run(&provider(&openssl, &["server"], version), &openssl.pem("root")).credential();
        }
    }
}

#[test]
fn what_is_wrong_with_tls_itself_is_said_in_words() {
    let plain = Provider::start();
    let home = Home::new(Mode::Absent);
    let mut kubekey = home.kubekey_for(&plain);
    kubekey.env("KUBEKEY_ISSUER_URL", plain.issuer().replace("http:", "https:"));
    let finished = home.run(&mut kubekey);
    assert_eq!(finished.code(), Some(5), "{finished:#?}");
    assert!(
        finished.stderr.contains("cannot be reached: the response is not TLS: is this the port for https?\n"),
        "{finished:#?}"
    );
}

fn expired() -> Authority {
    Authority::with("Old Root CA", |params| params.not_after = date_time_ymd(2020, 2, 29))
}

fn early() -> Authority {
    Authority::with("New Root CA", |params| params.not_before = date_time_ymd(2999, 1, 2))
}

const EXPIRED: &str = "the CA 'CN=Old Root CA, O=Example, Inc.' expired on 2020-02-29 00:00 UTC";
const EARLY: &str = "the CA 'CN=New Root CA, O=Example, Inc.' is not valid before 2999-01-02 00:00 UTC";
const END: &str = "; kubectl and browsers do not trust such a CA: replace it\n";

/// The only warning there is.
fn assert_warned(finished: &Finished, warning: &str) {
    let warnings = finished.stderr.matches("kubekey: warning: ").count();
    assert_eq!((finished.code(), warnings), (Some(0), 1), "{warning}: {finished:#?}");
    assert!(finished.stderr.contains(&format!("kubekey: warning: {warning}")), "{warning}: {finished:#?}");
}

#[test]
fn an_authority_that_is_out_of_date_is_believed_with_one_warning_where_it_is_read() {
    for (authority, words) in [(expired(), EXPIRED), (early(), EARLY)] {
        let provider = Provider::start_at([127, 0, 0, 1].into(), Some(authority.server("127.0.0.1", |_| ())));
        let home = Home::with_keyring(Mode::Follow);
        let file = home.path().join("ca.pem");
        fs::write(&file, authority.pem()).unwrap();
        let by_file = || home.run(home.kubekey_for(&provider).arg("--certificate-authority").arg(&file));
        assert_warned(&by_file(), &format!("--certificate-authority '{}': {words}{END}", file.display()));
        assert_eq!(by_file().stderr, "", "a run with a saved token reads no authority");

        let by_data = home.run(trusting(home.kubekey_for(&provider).arg("login"), &authority.pem()));
        assert_warned(&by_data, &format!("KUBEKEY_CERTIFICATE_AUTHORITY_DATA: {words}{END}"));
    }
}

#[test]
fn of_a_bundle_with_several_that_are_out_of_date_the_first_is_named() {
    let bundle = [COMPANY.pem(), expired().pem(), early().pem(), expired().pem()].concat();
    let provider = Provider::start_at([127, 0, 0, 1].into(), Some(COMPANY.server("127.0.0.1", |_| ())));
    let text = format!("KUBEKEY_CERTIFICATE_AUTHORITY_DATA: {EXPIRED}, and 2 more in it are out of date{END}");
    assert_warned(&run(&provider, &bundle), &text);
}

#[test]
fn setup_and_config_check_warn_of_a_clusters_authority_that_is_out_of_date() {
    for (authority, words) in [(expired(), EXPIRED), (early(), EARLY)] {
        let home = Home::new(Mode::Absent);
        let file = home.path().join("ca.pem");
        fs::write(&file, authority.pem()).unwrap();
        let by_flag = home.run(setup(&home).arg("--certificate-authority").arg(&file));
        assert_warned(&by_flag, &format!("--certificate-authority '{}': {words}{END}", file.display()));

        let config = home.config().join("kubekey").join("config.toml");
        fs::create_dir(config.parent().unwrap()).unwrap();
        let data = STANDARD.encode(authority.pem());
        let text = format!(
            "[[clusters]]\nname = 'fleet'\nserver = 'https://k8s.example.com'\ncertificate_authority_data = '{data}'\n"
        );
        fs::write(&config, text).unwrap();
        let words = format!("{} line 1: cluster 'fleet': certificate_authority_data: {words}{END}", config.display());
        assert_warned(&home.run(home.kubekey().args(["config", "check"])), &words);
        let mut of_file = home.kubekey();
        of_file.args(["setup", "--offline", "--client-id=kubernetes", "--issuer-url=https://login.example.com"]);
        assert_warned(&home.run(&mut of_file), &words);
    }
}
