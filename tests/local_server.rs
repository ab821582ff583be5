//! https on loopback: `--local-server-cert` and `--local-server-key`.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use crate::support::browser::Mode;
use crate::support::client::get;
use crate::support::home::Home;
#[cfg(unix)]
use crate::support::openssl::OpenSsl;
use crate::support::provider::Provider;
use crate::support::run::Finished;
use crate::support::tls::{Authority, COMPANY, OTHER};
use crate::support::waiting::{Waiting, read_to_end};

/// A folder with the two files, and the flags that name them.
struct Files(TempDir);

impl Files {
    fn of(authority: &Authority, host: &str) -> Self {
        let (certificate, key) = authority.issue(host);
        let files = Self(tempfile::tempdir().unwrap());
        files.write("cert.pem", &certificate);
        files.write("key.pem", &key);
        files
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
        #[cfg(unix)]
        fs::set_permissions(self.0.path().join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn flags(&self) -> [String; 2] {
        let file = |name| self.0.path().join(name).to_str().unwrap().to_owned();
        [format!("--local-server-cert={}", file("cert.pem")), format!("--local-server-key={}", file("key.pem"))]
    }

    fn wait(&self, arguments: &[&str]) -> Waiting {
        let flags = self.flags();
        Waiting::start(&[&[&*flags[0], &*flags[1]], arguments].concat())
    }
}

#[test]
fn a_sign_in_speaks_https_from_the_first_page_to_the_last() {
    let waiting = Files::of(&COMPANY, "127.0.0.1").wait(&[]);
    assert!(waiting.local.starts_with("https://127.0.0.1:"), "{}", waiting.local);
    assert!(waiting.callback().starts_with(&format!("{}/callback?", waiting.origin())));
    let cookie = get(&waiting.local).header("set-cookie").unwrap().to_owned();
    assert!(cookie.ends_with("; Secure"), "{cookie}");
    let journey = waiting.home.browser.open(&waiting.local);
    let last = journey.last();
    assert!(last.url.starts_with(&waiting.origin()) && last.body.contains("You are signed in as"), "{last:#?}");
    let finished = waiting.running.wait();
    finished.credential();
    assert!(!finished.stderr.contains("will not trust"), "{finished:#?}");
    let redirect_uri = waiting.provider.requests("/token")[0].param("redirect_uri").unwrap().to_owned();
    assert!(redirect_uri.starts_with("https://127.0.0.1:"), "{redirect_uri}");
}

#[test]
fn a_connection_without_tls_gets_nothing_and_the_sign_in_goes_on() {
    let waiting = Files::of(&COMPANY, "localhost").wait(&["--redirect-url=https://localhost"]);
    assert!(waiting.local.starts_with("https://localhost:"), "{}", waiting.local);
    let plain = read_to_end(&waiting.connect("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    assert!(!plain.contains("HTTP/1.1"), "{plain}");
    let silent: Vec<_> = (0..100).map(|_| waiting.connect("")).collect();
    waiting.finish();
    drop(silent);
}

#[test]
fn a_certificate_for_another_host_is_warned_of() {
    let waiting = Files::of(&COMPANY, "localhost").wait(&[]);
    let finished = waiting.finish();
    let warning = "cert.pem is not for '127.0.0.1': the browser will not trust it";
    assert!(finished.stderr.contains(warning), "{finished:#?}");
}

/// A run that must end before it sends a request or opens a browser.
fn refused(arguments: &[&str]) -> Finished {
    let (home, provider) = (Home::new(Mode::Note), Provider::start());
    let finished = home.run(home.kubekey_for(&provider).args(arguments));
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(2), ""), "{finished:#?}");
    assert_eq!((provider.count_all(), home.browser.urls().len()), (0, 0), "{finished:#?}");
    assert!(finished.stderr.contains("hint: "), "{finished:#?}");
    finished
}

#[test]
fn files_that_cannot_be_used_are_named_before_anything_starts() {
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X,1\n\nAAAA\n\
               -----END RSA PRIVATE KEY-----\n";
    let unreadable = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for (name, text, why) in [
        ("cert.pem", "", "it is empty"),
        ("cert.pem", "x", "it contains no PEM certificate"),
        ("cert.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n", "the end of a PEM section is missing"),
        ("key.pem", "x", "it contains no PEM private key"),
        ("key.pem", encrypted, "its private key is encrypted"),
        ("key.pem", old, "its private key is encrypted"),
        ("key.pem", unreadable, "its private key cannot be read"),
        ("key.pem", &OTHER.issue("127.0.0.1").1, "it is not the key of the certificate"),
    ] {
        let files = Files::of(&COMPANY, "127.0.0.1");
        files.write(name, text);
        let finished = refused(&files.flags().each_ref().map(String::as_str));
        let flag = if name == "key.pem" { "--local-server-key" } else { "--local-server-cert" };
        assert!(finished.stderr.contains(flag) && finished.stderr.contains(why), "{why}: {finished:#?}");
    }
    let files = Files::of(&COMPANY, "127.0.0.1");
    fs::remove_file(files.0.path().join("key.pem")).unwrap();
    let finished = refused(&files.flags().each_ref().map(String::as_str));
    assert!(finished.stderr.contains("there is no such file"), "{finished:#?}");
}

#[test]
#[cfg(unix)]
fn what_no_server_of_ours_can_have_is_refused_with_what_to_make() {
    for (key, extensions, flag, why) in [
        (
            "P-521",
            "server",
            "--local-server-key",
            "kubekey does not support its kind of key\nhint: make a certificate with",
        ),
        (
            "P-256",
            "",
            "--local-server-cert",
            "it is not the certificate of a server\nhint: make one of X.509 version 3",
        ),
    ] {
        let openssl = OpenSsl::with_root("P-256", "sha256");
        openssl.issue("server", "root", key, "sha256", extensions);
        let files = Files::of(&COMPANY, "127.0.0.1");
        files.write("cert.pem", &openssl.pem("server"));
        files.write("key.pem", &openssl.pem("server.key"));
        let finished = refused(&files.flags().each_ref().map(String::as_str));
        assert!(finished.stderr.contains(flag) && finished.stderr.contains(why), "{why}: {finished:#?}");
    }
}

#[test]
#[cfg(unix)]
fn a_private_key_that_all_can_read_is_refused_with_the_command_that_mends_it() {
    let files = Files::of(&COMPANY, "127.0.0.1");
    let key = files.0.path().join("key.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let finished = refused(&files.flags().each_ref().map(String::as_str));
    assert!(finished.stderr.contains("all users of this machine can read it"), "{finished:#?}");
    let command = finished.stderr.lines().find(|line| line.trim().starts_with("chmod 600 ")).unwrap().trim();
    assert!(std::process::Command::new("/bin/sh").args(["-c", command]).status().unwrap().success());
    files.wait(&[]).finish();
}

#[test]
fn flags_that_do_not_fit_together_are_refused() {
    let files = Files::of(&COMPANY, "127.0.0.1");
    let [certificate, key] = &files.flags();
    for (arguments, why) in [
        (vec![&**certificate], "--local-server-cert is set, and --local-server-key is not"),
        (vec![&**key], "--local-server-key is set, and --local-server-cert is not"),
        (vec![certificate, key, "--redirect-url=http://localhost"], "it must begin with https://"),
        (vec!["--redirect-url=https://localhost:8000"], "https on this machine needs a certificate"),
        (vec!["--local-server-cert=cert.pem", key], "it is not an absolute path"),
    ] {
        let finished = refused(&arguments);
        assert!(finished.stderr.contains(why), "{why}: {finished:#?}");
    }
}
