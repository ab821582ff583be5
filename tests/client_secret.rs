//! The client secret in a file.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::run::Finished;

const SECRET: &str = "canary s3cret/%";

fn provider() -> Provider {
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.client_secret = Some(SECRET.into()));
    provider
}

/// A file in the home that only the user can read.
fn file(home: &Home, content: impl AsRef<[u8]>) -> String {
    let file = home.path().join("client-secret");
    fs::write(&file, content).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    file.to_str().unwrap().to_owned()
}

fn run(home: &Home, provider: &Provider, file: &str) -> Finished {
    home.run(home.kubekey_for(provider).args(["--client-secret-file", file]))
}

#[test]
fn the_first_line_of_the_file_is_the_secret_at_sign_in_and_refresh() {
    let utf_16 = |text: &str, order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<_>>();
    let marked = format!("\u{feff}{SECRET}\r\n");
    for content in [
        SECRET.into(),
        format!("{SECRET}\n").into_bytes(),
        format!("{SECRET}\r\nmore\n").into_bytes(),
        format!("{SECRET}\rmore\r").into_bytes(),
        format!("\u{feff}{SECRET}\n").into_bytes(),
        utf_16(&marked, u16::to_le_bytes),
        utf_16(&marked, u16::to_be_bytes),
        utf_16(SECRET, u16::to_le_bytes),
    ] {
        let (home, provider) = (Home::with_keyring(Mode::Follow), provider());
        let file = file(&home, &content);
        run(&home, &provider, &file).credential();
        home.edit_saved(|set| set["expires_at"] = 1.into());
        let refreshed = run(&home, &provider, &file);
        refreshed.credential();
        assert_eq!((provider.count("/token"), home.browser.urls().len()), (2, 1), "{content:?}");
        // wine says that everyone can read every file.
        assert!(cfg!(windows) || refreshed.stderr.is_empty(), "{refreshed:#?}");
    }
}

#[test]
#[cfg(unix)]
fn the_file_may_be_named_by_its_variable_by_a_path_below_the_home_and_by_a_link() {
    let (home, provider) = (Home::new(Mode::Follow), provider());
    symlink(file(&home, SECRET), home.path().join("link")).unwrap();
    home.run(home.kubekey_for(&provider).env("KUBEKEY_CLIENT_SECRET_FILE", "~/link")).credential();
}

#[test]
fn the_file_wins_over_the_originals_variable() {
    let (home, provider) = (Home::new(Mode::Follow), provider());
    let mut kubekey = home.kubekey();
    kubekey.env("IDP_ISSUER_URL", provider.issuer()).env("CLIENT_ID", provider.client_id()).env("CLIENT_SECRET", "old");
    home.run(kubekey.args(["--client-secret-file", &file(&home, SECRET)])).credential();
}

#[test]
fn no_secret_is_printed_or_left_in_a_file() {
    let (home, provider) = (Home::with_keyring(Mode::Follow), provider());
    let file = file(&home, SECRET);
    let finished = run(&home, &provider, &file);
    finished.credential();
    assert!(!format!("{finished:?}").contains("canary"), "{finished:#?}");
    for found in home.files().iter().filter(|found| found.to_str() != Some(&file)) {
        let content = fs::read(found).unwrap();
        assert!(!String::from_utf8_lossy(&content).contains("canary"), "{}", found.display());
    }
}

#[test]
fn a_secret_and_a_file_with_one_are_a_usage_error_wherever_they_come_from() {
    let (home, provider) = (Home::new(Mode::Follow), provider());
    let file = file(&home, SECRET);
    for by_variable in [&[][..], &["KUBEKEY_CLIENT_SECRET"], &["KUBEKEY_CLIENT_SECRET_FILE"]] {
        let mut kubekey = home.kubekey_for(&provider);
        for (flag, variable, value) in [
            ("--client-secret", "KUBEKEY_CLIENT_SECRET", "canary"),
            ("--client-secret-file", "KUBEKEY_CLIENT_SECRET_FILE", &file),
        ] {
            match by_variable.contains(&variable) {
                true => kubekey.env(variable, value),
                false => kubekey.args([flag, value]),
            };
        }
        let finished = home.run(&mut kubekey);
        assert_eq!((finished.code(), provider.count_all()), (Some(2), 0), "{finished:#?}");
        let [secret, in_file] = ["--client-secret", "--client-secret-file"].map(|flag| {
            let variable = format!("KUBEKEY_{}", flag[2..].to_uppercase().replace('-', "_"));
            if by_variable.contains(&variable.as_str()) { variable } else { flag.to_owned() }
        });
        let beginning = format!("kubekey: {secret} and {in_file} cannot be used together\nhint: ");
        assert!(finished.stderr.starts_with(&beginning) && !finished.stderr.contains("canary"), "{finished:#?}");
    }
    // An empty value is not a value: a kubeconfig cannot unset a variable.
    let mut kubekey = home.kubekey_for(&provider);
    home.run(kubekey.args(["--client-secret-file", &file]).env("KUBEKEY_CLIENT_SECRET", "")).credential();
}

#[test]
#[cfg(unix)]
fn a_file_without_a_secret_is_a_usage_error_that_names_it_before_a_browser_opens() {
    let (home, provider) = (Home::new(Mode::Follow), provider());
    let fifo = home.path().join("fifo").to_str().unwrap().to_owned();
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let utf16: Vec<u8> = "\u{feff}secret\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (content, why) in [
        (&b""[..], "it is empty"),
        (b"\n", "its first line is empty"),
        (b"\r\nsecret\n", "its first line is empty"),
        (&utf16[..utf16.len() - 1], "it is UTF-16, and a character in it is incomplete"),
        (b"secret\xe4", "it is not UTF-8 (line 1)"),
        (b"secret\0\n", "its first line contains a control character"),
        (&[b'x'; 4097], "it has more than 4096 bytes"),
    ] {
        is_usage_error(&home, &provider, &file(&home, content), why);
    }
    is_usage_error(&home, &provider, "/nowhere/client-secret", "there is no such file");
    is_usage_error(&home, &provider, home.path().to_str().unwrap(), "it is not a file");
    is_usage_error(&home, &provider, &fifo, "it is not a file");
    is_usage_error(&home, &provider, "client-secret", "it is not an absolute path");
}

fn is_usage_error(home: &Home, provider: &Provider, file: &str, why: &str) {
    let finished = run(home, provider, file);
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(2), ""), "{finished:#?}");
    let beginning = format!("kubekey: --client-secret-file '{file}' cannot be used: {why}\nhint: ");
    assert!(finished.stderr.starts_with(&beginning), "{finished:#?}");
    assert_eq!((home.browser.urls().len(), provider.count("/token")), (0, 0));
}

#[test]
fn a_run_with_a_saved_token_does_not_look_at_the_file() {
    let (home, provider) = (Home::with_keyring(Mode::Follow), provider());
    let file = file(&home, SECRET);
    let token = run(&home, &provider, &file).token();
    fs::remove_file(&file).unwrap();
    let warm = run(&home, &provider, &file);
    assert_eq!((warm.token(), warm.stderr.as_str()), (token, ""));
}

#[test]
#[cfg(unix)]
fn a_file_of_ones_own_that_all_can_read_is_used_with_one_warning() {
    for (mode, warnings) in [(0o600, 0), (0o640, 0), (0o644, 1), (0o602, 0)] {
        let (home, provider) = (Home::new(Mode::Follow), provider());
        let file = file(&home, SECRET);
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let finished = run(&home, &provider, &file);
        finished.credential();
        let warning = format!("warning: all users of this machine can read the client secret in {file}");
        assert_eq!(finished.stderr.matches(&warning).count(), warnings, "{mode:o}: {finished:#?}");
    }
}
