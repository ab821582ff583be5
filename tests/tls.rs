//! Certificates: which are trusted, what is printed about the others, and what the options do.

use std::fs;
use std::net::Ipv4Addr;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, IsCa, date_time_ymd};

use crate::support::browser::Mode;
#[cfg(target_os = "linux")]
use crate::support::etc::Etc;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::server::Answer;
use crate::support::run::Finished;
use crate::support::tls::{Authority, COMPANY, OTHER, private_key};

/// A provider behind TLS, with a certificate of this authority.
fn provider_of(authority: &Authority) -> Provider {
    provider_with(authority, "127.0.0.1", |_| ())
}

fn provider_with(authority: &Authority, host: &str, edit: impl FnOnce(&mut CertificateParams)) -> Provider {
    Provider::start_at(Ipv4Addr::LOCALHOST.into(), Some(authority.server(host, edit)))
}

/// A file in the home.
fn file(home: &Home, name: &str, content: impl AsRef<[u8]>) -> String {
    let file = home.path().join(name);
    fs::write(&file, content).unwrap();
    file.to_str().unwrap().to_owned()
}

fn base64(authority: &Authority) -> String {
    STANDARD.encode(authority.pem())
}

/// A run that trusts only what `option` names, and must end with a token and a page in the browser.
fn signs_in(provider: &Provider, option: impl FnOnce(&Home, &mut Command)) {
    let home = Home::new(Mode::Follow);
    let mut kubekey = home.kubekey_for(provider);
    option(&home, &mut kubekey);
    home.run(&mut kubekey).credential();
    assert_eq!(home.browser.wait_for_journey().last().status, 200);
}

/// A run whose provider is not trusted.
fn refused(provider: &Provider, option: impl FnOnce(&Home, &mut Command)) -> Finished {
    let home = Home::new(Mode::Follow);
    let mut kubekey = home.kubekey_for(provider);
    option(&home, &mut kubekey);
    let finished = home.run(&mut kubekey);
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(5), ""), "{finished:#?}");
    assert_eq!((provider.count_all(), home.browser.urls().len()), (0, 0), "nothing is sent: {finished:#?}");
    finished
}

#[test]
fn a_company_ca_in_a_file_is_trusted_from_discovery_to_the_token() {
    let provider = provider_of(&COMPANY);
    signs_in(&provider, |home, kubekey| {
        kubekey.args(["--certificate-authority", &file(home, "ca.pem", COMPANY.pem())]);
    });
    signs_in(&provider, |home, kubekey| {
        file(home, "my ca.pem", COMPANY.pem());
        kubekey.env("KUBEKEY_CERTIFICATE_AUTHORITY", "~/my ca.pem");
    });
}

#[test]
fn a_company_ca_as_base64_is_trusted_from_discovery_to_the_token() {
    let provider = provider_of(&COMPANY);
    signs_in(&provider, |_, kubekey| {
        kubekey.args(["--certificate-authority-data", &base64(&COMPANY)]);
    });
    let wrapped: Vec<_> = base64(&COMPANY)
        .as_bytes()
        .chunks(76)
        .map(|line| String::from_utf8_lossy(line).into())
        .collect::<Vec<String>>();
    signs_in(&provider, |_, kubekey| {
        kubekey.env("KUBEKEY_CERTIFICATE_AUTHORITY_DATA", wrapped.join("\n") + "\n");
    });
}

#[test]
fn each_of_several_authorities_is_trusted() {
    for authority in [&COMPANY, &OTHER] {
        let provider = provider_of(authority);
        let files = |home: &Home| [file(home, "a.pem", COMPANY.pem()), file(home, "b.pem", OTHER.pem())];
        signs_in(&provider, |home, kubekey| {
            kubekey.args(files(home).map(|file| format!("--certificate-authority={file}")));
        });
        signs_in(&provider, |home, kubekey| {
            kubekey.env("KUBEKEY_CERTIFICATE_AUTHORITY", files(home).join(if cfg!(windows) { ";" } else { ":" }));
        });
        signs_in(&provider, |home, kubekey| {
            let bundle = format!("# both\n{}{}{}", private_key(), COMPANY.pem(), OTHER.pem());
            kubekey.args(["--certificate-authority", &file(home, "bundle.pem", bundle)]);
        });
        signs_in(&provider, |_, kubekey| {
            kubekey.args([&COMPANY, &OTHER].map(|ca| format!("--certificate-authority-data={}", base64(ca))));
        });
        signs_in(&provider, |_, kubekey| {
            let both = format!("{} {}", base64(&COMPANY), base64(&OTHER));
            kubekey.env("KUBEKEY_CERTIFICATE_AUTHORITY_DATA", both);
        });
        signs_in(&provider, |home, kubekey| {
            kubekey.args(["--certificate-authority", &files(home)[0], "--certificate-authority-data", &base64(&OTHER)]);
        });
    }
}

#[test]
#[cfg(target_os = "linux")]
fn ssl_cert_file_names_the_trust_store_and_an_authority_is_added_to_it() {
    signs_in(&provider_of(&COMPANY), |home, kubekey| {
        kubekey.env("SSL_CERT_FILE", file(home, "store.pem", COMPANY.pem()));
    });
    for authority in [&COMPANY, &OTHER] {
        signs_in(&provider_of(authority), |home, kubekey| {
            kubekey.env("SSL_CERT_FILE", file(home, "store.pem", COMPANY.pem()));
            kubekey.args(["--certificate-authority-data", &base64(&OTHER)]);
        });
    }
}

#[test]
#[cfg_attr(windows, ignore = "wine says of an unknown issuer that its revocation status is unknown")]
fn an_unknown_authority_is_named_and_so_is_the_option_that_helps() {
    let provider = provider_of(&COMPANY);
    let finished = refused(&provider, |_, _| ());
    let text = "the certificate of 127.0.0.1, issued by 'CN=Example Company Root CA, O=Example, Inc.', is not trusted: the issuer is unknown";
    assert!(finished.stderr.contains(text), "{finished:#?}");
    assert!(
        finished.stderr.contains("hint: ") && finished.stderr.contains("--certificate-authority FILE"),
        "{finished:#?}"
    );
    // Another one does not help.
    let finished = refused(&provider, |_, kubekey| {
        kubekey.args(["--certificate-authority-data", &base64(&OTHER)]);
    });
    assert!(finished.stderr.contains(text), "{finished:#?}");
}

#[test]
#[cfg_attr(windows, ignore = "wine says of an unknown issuer that its revocation status is unknown")]
fn an_issuers_name_cannot_move_the_cursor_or_fill_the_terminal() {
    let name = format!("\u{1b}[2J\u{9b}\u{202e}{}", "x".repeat(5000));
    let finished = refused(&provider_of(&Authority::new(&name)), |_, _| ());
    assert!(!finished.stderr.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{finished:#?}");
    assert!(finished.stderr.contains("x', is not trusted: the issuer is unknown\n"), "{finished:#?}");
}

/// The message about a certificate that the trusted authority has signed.
fn refused_although_signed(host: &str, edit: impl FnOnce(&mut CertificateParams)) -> String {
    let trust = |_: &Home, kubekey: &mut Command| {
        kubekey.args(["--certificate-authority-data", &base64(&COMPANY)]);
    };
    let finished = refused(&provider_with(&COMPANY, host, edit), trust);
    assert!(finished.stderr.contains("issued by 'CN=Example Company Root CA, O=Example, Inc.', "), "{finished:#?}");
    assert!(!finished.stderr.contains("--certificate-authority"), "it would not help: {finished:#?}");
    finished.stderr
}

#[test]
fn an_expired_certificate_is_called_so_with_the_date_and_the_clock() {
    let stderr = refused_although_signed("127.0.0.1", |params| params.not_after = date_time_ymd(2020, 2, 29));
    assert!(stderr.contains("expired on 2020-02-29 00:00 UTC\n"), "{stderr}");
    assert!(stderr.contains("hint: check this machine's clock"), "{stderr}");
    let stderr = refused_although_signed("127.0.0.1", |params| {
        (params.not_before, params.not_after) = (date_time_ymd(2021, 1, 1), date_time_ymd(2020, 1, 1));
    });
    assert!(stderr.contains("Example, Inc.', has expired\nhint: check this machine's clock"), "{stderr}");
}

#[test]
fn tls_that_does_not_fit_is_said_in_words() {
    let tls = COMPANY.server_with_old_clients("127.0.0.1");
    let finished = refused(&Provider::start_at(Ipv4Addr::LOCALHOST.into(), Some(tls)), |_, kubekey| {
        kubekey.args(["--certificate-authority-data", &base64(&COMPANY)]);
    });
    let words = "the server's TLS is incompatible with kubekey's: no certificate request signature schemes in common\n";
    assert!(finished.stderr.contains(words), "{finished:#?}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_machine_without_authorities_is_told_what_to_install() {
    let (home, provider) = (Home::new(Mode::Absent), provider_of(&COMPANY));
    let folder = home.path().join("empty");
    fs::create_dir(&folder).unwrap();
    let emptied = home.run(home.kubekey_for(&provider).env("SSL_CERT_DIR", folder));
    // Under a policy that variable is ignored; this /etc has no folder of certificates.
    let bare = home.run(&mut Etc::with_policy("").in_place(&home.kubekey_for(&provider)));
    for (finished, why) in
        [(emptied, "No CA certificates were loaded from the system"), (bare, "the system's trust store is empty")]
    {
        assert_eq!((finished.code(), provider.count_all()), (Some(1), 0), "{finished:#?}");
        let words =
            format!("cannot set up HTTPS: {why}\nhint: install the system's certificates (package ca-certificates)");
        assert!(finished.stderr.contains(&words), "{finished:#?}");
    }
}

#[test]
fn a_certificate_of_the_future_is_called_so_with_the_date_and_the_clock() {
    let stderr = refused_although_signed("127.0.0.1", |params| params.not_before = date_time_ymd(2999, 1, 2));
    assert!(stderr.contains("is not valid before 2999-01-02 00:00 UTC\n"), "{stderr}");
    assert!(stderr.contains("hint: check this machine's clock"), "{stderr}");
}

#[test]
fn a_certificate_for_another_host_is_called_so_with_its_names() {
    let stderr = refused_although_signed("login.example.com", |_| ());
    assert!(stderr.contains("is for another host name: ") && stderr.contains("login.example.com"), "{stderr}");
    assert!(stderr.contains("hint: check the issuer URL"), "{stderr}");
}

#[test]
fn a_ca_certificate_on_a_server_is_called_so() {
    let stderr =
        refused_although_signed("127.0.0.1", |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    assert!(stderr.contains("is not trusted: it is a CA certificate, not a server certificate\n"), "{stderr}");
}

const UNVERIFIED: &str = "kubekey: warning: the provider's certificate is not verified (--insecure-skip-tls-verify)";

#[test]
fn skipping_verification_works_and_warns_once_in_each_run_that_connects() {
    let provider = provider_of(&COMPANY);
    let home = Home::with_keyring(Mode::Follow);
    let run = || home.run(home.kubekey_for(&provider).arg("--insecure-skip-tls-verify"));
    let warnings = |finished: &Finished| finished.stderr.matches(UNVERIFIED).count();
    let first = run();
    assert_eq!((warnings(&first), first.token()), (1, run().token()), "{first:#?}");
    assert_eq!(run().stderr, "", "no warning where nothing is asked of the provider");

    // Two clients in one run: one for the refresh, one for the sign-in after it.
    home.edit_saved(|set| set["expires_at"] = 1.into());
    let over = serde_json::json!({ "error": "invalid_grant" });
    provider.configure(|behaviour| behaviour.refresh_answer = Some(Answer::json(400, &over)));
    let again = run();
    assert!(again.stderr.contains("a new sign-in is needed"), "{again:#?}");
    assert_eq!(warnings(&again), 1, "{again:#?}");
}

#[test]
fn verification_is_skipped_only_where_that_is_said() {
    for (value, skips) in [("true", true), ("1", true), ("false", false), ("0", false), ("", false)] {
        let provider = provider_of(&COMPANY);
        let home = Home::new(Mode::Follow);
        let by_variable = home.run(home.kubekey_for(&provider).env("KUBEKEY_INSECURE_SKIP_TLS_VERIFY", value));
        let by_flag = home.run(home.kubekey_for(&provider).arg(format!("--insecure-skip-tls-verify={value}")));
        let expected = if skips { Some(0) } else { Some(5) };
        assert_eq!(
            (by_variable.code(), by_flag.code()),
            (expected, expected),
            "{value}: {by_variable:#?} {by_flag:#?}"
        );
    }
    let home = Home::new(Mode::Absent);
    let provider = provider_of(&COMPANY);
    let finished = home.run(home.kubekey_for(&provider).arg("--insecure-skip-tls-verify=flase"));
    assert_eq!((finished.code(), provider.count_all()), (Some(2), 0), "{finished:#?}");
    assert!(finished.stderr.starts_with("kubekey: --insecure-skip-tls-verify 'flase' cannot be used"), "{finished:#?}");
}

/// Runs with an expired token, each of which must refresh it; returns how often the discovery document was fetched.
fn discoveries(home: &Home, provider: &Provider, option: &[&str]) -> usize {
    home.edit_saved(|set| set["expires_at"] = 1.into());
    provider.forget_requests();
    home.run(home.kubekey_for(provider).args(option)).credential();
    assert_eq!((provider.count("/token"), home.browser.urls().len()), (1, 1), "a refresh and no sign-in");
    provider.count("/.well-known/openid-configuration")
}

#[test]
fn what_was_learned_without_verification_serves_no_other_run() {
    let provider = provider_of(&COMPANY);
    let home = Home::with_keyring(Mode::Follow);
    home.run(home.kubekey_for(&provider).arg("--insecure-skip-tls-verify")).credential();
    assert!(home.cached_metadata().is_empty(), "{:?}", home.files());

    let verified = ["--certificate-authority-data", &base64(&COMPANY)];
    assert_eq!(discoveries(&home, &provider, &verified), 1);
    assert_eq!(discoveries(&home, &provider, &verified), 0, "what was verified is kept");
    assert_eq!(discoveries(&home, &provider, &["--insecure-skip-tls-verify"]), 1);
}

#[test]
fn what_was_learned_by_the_word_of_one_authority_serves_no_run_that_does_not_trust_it() {
    let provider = provider_of(&COMPANY);
    let home = Home::with_keyring(Mode::Follow);
    let file = file(&home, "ca.pem", COMPANY.pem());
    let as_file = ["--certificate-authority", &file];
    let as_data = ["--certificate-authority-data", &base64(&COMPANY)];
    home.run(home.kubekey_for(&provider).args(as_file)).credential();
    assert_eq!(discoveries(&home, &provider, &as_file), 0);
    assert_eq!(discoveries(&home, &provider, &as_data), 0, "the same authority");
    assert_eq!(
        discoveries(&home, &provider, &[&as_data[..], &["--certificate-authority-data", &base64(&OTHER)]].concat()),
        1
    );
    // The metadata that the first run cached would do for this one, which trusts only the platform.
    home.edit_saved(|set| set["expires_at"] = 1.into());
    provider.forget_requests();
    assert_eq!((home.run(&mut home.kubekey_for(&provider)).code(), provider.count_all()), (Some(5), 0));
}

#[test]
fn the_options_of_tls_do_not_name_another_credential_and_are_not_looked_at_while_a_token_is_saved() {
    let mut provider = provider_of(&COMPANY);
    let home = Home::with_keyring(Mode::Follow);
    let token = home.run(home.kubekey_for(&provider).args(["--certificate-authority-data", &base64(&COMPANY)])).token();
    provider.stop();
    for option in [
        &["--certificate-authority", home.path().join("nowhere.pem").to_str().unwrap()][..],
        &["--certificate-authority-data", "no base64!"],
        &["--insecure-skip-tls-verify"],
        &[],
    ] {
        let warm = home.run(home.kubekey_for(&provider).args(option));
        assert_eq!((warm.token(), warm.stderr.as_str()), (token.clone(), ""), "{option:?}");
    }
}

/// One usage error that begins like this, and no request.
fn usage_error(home: &Home, option: &[&str], beginning: &str, end: &str) {
    let provider = provider_of(&COMPANY);
    let finished = home.run(home.kubekey_for(&provider).args(option));
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(2), ""), "{option:?}: {finished:#?}");
    let lines: Vec<_> = finished.stderr.lines().collect();
    assert!(lines[0].starts_with(&format!("kubekey: {beginning}")), "{finished:#?}");
    assert!(lines[0].ends_with(end), "{finished:#?}");
    assert_eq!(provider.count_all(), 0, "{finished:#?}");
    assert!(lines[1].starts_with("hint: "), "{finished:#?}");
    assert!(lines[2..].iter().all(|line| line.starts_with("  ")), "{finished:#?}");
}

#[test]
#[cfg(unix)]
fn a_file_that_holds_no_authority_is_a_usage_error_that_names_it() {
    let home = Home::new(Mode::Absent);
    let cut = COMPANY.pem().replace("-----END CERTIFICATE-----", "");
    let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let two_bad =
        [garbage, &COMPANY.pem(), "-----BEGIN CERTIFICATE-----\n%\n-----END CERTIFICATE-----\n", &OTHER.pem()].concat();
    let good_and_bad = COMPANY.pem() + garbage;
    let fifo = home.path().join("fifo").to_str().unwrap().to_owned();
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    for (file, why) in [
        (file(&home, "empty", ""), "it is empty"),
        (file(&home, "text", "Root CA"), "it contains no PEM certificate"),
        (file(&home, "der", COMPANY.der()), "it contains no PEM certificate"),
        (file(&home, "key", private_key()), "it contains no PEM certificate"),
        (file(&home, "cut", cut), "the end of a PEM section is missing"),
        (file(&home, "garbage", garbage), "its certificate cannot be read"),
        (file(&home, "half", good_and_bad), "certificate 2 of 2 cannot be read"),
        (file(&home, "two", two_bad), "certificates 1, 3 of 4 cannot be read"),
        (file(&home, "huge", vec![b'x'; 1024 * 1024 + 1]), "it has more than 1048576 bytes"),
        (home.path().to_str().unwrap().to_owned(), "it is not a file"),
        (fifo, "it is not a file"),
        ("/nowhere/ca.pem".to_owned(), "there is no such file"),
    ] {
        usage_error(
            &home,
            &["--certificate-authority", &file],
            &format!("--certificate-authority '{file}' cannot be used: "),
            why,
        );
    }
    usage_error(
        &home,
        &["--certificate-authority", "ca.pem"],
        "--certificate-authority 'ca.pem' cannot be used: ",
        "it is not an absolute path",
    );
}

#[test]
fn data_that_holds_no_authority_is_a_usage_error_that_names_the_flag() {
    let home = Home::new(Mode::Absent);
    let flag = "--certificate-authority-data";
    for (data, why) in [
        ("-----BEGIN!".to_owned(), "it is not base64"),
        (STANDARD.encode("Root CA"), "it contains no PEM certificate"),
        (STANDARD.encode(COMPANY.der()), "it contains no PEM certificate"),
    ] {
        let shown = data.chars().take(20).collect::<String>();
        usage_error(&home, &[&format!("{flag}={data}")], &format!("{flag} '{shown}"), why);
    }
}

#[test]
fn a_bundle_is_read_whole_however_it_is_written() {
    const MARK: &str = "\u{feff}";
    let [company, other] = [&COMPANY, &OTHER].map(|authority| authority.pem());
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let provider = provider_of(&COMPANY);
    for (name, bundle) in [
        ("marked", format!("{MARK}{company}{other}").into_bytes()),
        ("joined", format!("{MARK}{other}{MARK}{company}").into_bytes()),
        ("powershell", utf16(&format!("{MARK}{company}{other}").replace('\n', "\r\n"))),
        ("crlf", format!("{company}{other}").replace('\n', "\r\n").into_bytes()),
        ("without a line break", format!("{}{company}", other.trim_end()).into_bytes()),
    ] {
        signs_in(&provider, |home, kubekey| {
            kubekey.args(["--certificate-authority", &file(home, name, &bundle)]);
        });
        signs_in(&provider, |_, kubekey| {
            kubekey.args(["--certificate-authority-data", &STANDARD.encode(&bundle)]);
        });
    }
    #[cfg(target_os = "linux")]
    signs_in(&provider, |home, kubekey| {
        kubekey.env("SSL_CERT_FILE", file(home, "store.pem", format!("{MARK}{company}")));
    });
}
