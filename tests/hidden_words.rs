//! What a kubeconfig and a command line have in them that a message must not repeat, or that counts wherever it stands.

use std::fs;

use serde_json::{Value, json};

use crate::support::api_server::kubeconfig;
use crate::support::browser::Mode;
use crate::support::home::{Home, program};
use crate::support::provider::Provider;

const SECRET: &str = "--CANARYSECRET";

/// Writes a kubeconfig whose user runs kubekey with these arguments.
fn write(home: &Home, server: &str, args: &[&str]) {
    let exec = json!({ "apiVersion": "client.authentication.k8s.io/v1", "command": program(), "args": args,
        "interactiveMode": "IfAvailable", "provideClusterInfo": true });
    let cluster: Value = json!({ "server": server });
    fs::create_dir_all(home.path().join(".kube")).unwrap();
    fs::write(home.path().join(".kube/config"), kubeconfig(&cluster, &exec)).unwrap();
}

#[test]
fn a_client_secret_that_is_not_understood_is_not_repeated() {
    let home = Home::new(Mode::Absent);
    let ways: [&[&str]; 11] = [
        &["--client-secret", SECRET],
        &["--client-secret=", "CANARYSECRET"],
        &["--client-secret:CANARYSECRET"],
        &["--oidc-client-secret", SECRET],
        &["--client-secret", "-hCANARYSECRET"],
        &["--client-secret=", "-vCANARYSECRET"],
        &["--client-secret:", "-vCANARYSECRET"],
        &["--oidc-client-secret", "-V8CANARYSECRET"],
        &["--request-header", "-hCANARYSECRET"],
        &["--auth-param", "-VCANARYSECRET"],
        &["--request-header", SECRET],
    ];
    for way in ways {
        let refused = home.run(home.kubekey().args(way));
        assert_eq!(refused.code(), Some(2), "{refused:#?}");
        assert!(refused.stderr.contains("hint: ") && !refused.stderr.contains("CANARY"), "{refused:#?}");
        write(&home, "https://k8s.example.com", way);
        for command in ["status", "token", "doctor"] {
            let refused = home.run(home.kubekey().arg(command));
            assert!(refused.stderr.contains("hint: "), "{refused:#?}");
            assert!(!format!("{}{}", refused.stderr, refused.stdout).contains("CANARY"), "{refused:#?}");
        }
    }
}

#[test]
fn the_value_of_a_flag_is_no_flag_of_its_own() {
    let home = Home::new(Mode::Absent);
    for flag in ["--client-secret", "--issuer-url", "--context"] {
        for value in ["-hello", "-verbose", "-V8", "-v1", "--username", "--no-keyring"] {
            let refused = home.run(home.kubekey().args(["login", flag, value]));
            assert_eq!((refused.code(), refused.stdout.as_str()), (Some(2), ""), "{refused:#?}");
            let is_of_clap = ["a value is required for '", "unexpected argument '"];
            let said = refused.stderr.strip_prefix("kubekey: ").unwrap_or_default();
            assert!(is_of_clap.iter().any(|start| said.starts_with(start)), "{flag} {value}: {refused:#?}");
        }
    }
}

#[test]
#[cfg(unix)] // Windows has no such words.
fn what_is_not_utf_8_is_refused_behind_a_letter_as_well() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let home = Home::new(Mode::Absent);
    for word in [b"-v\xff", b"-V\xff", b"-h\xff"] {
        let refused = home.run(home.kubekey().arg(OsStr::from_bytes(word)).arg("login"));
        assert_eq!((refused.code(), refused.stdout.as_str()), (Some(2), ""), "{refused:#?}");
        assert!(refused.stderr.contains("cannot be used: -"), "{refused:#?}");
    }
}

#[test]
fn the_password_of_a_server_is_not_shown() {
    let home = Home::new(Mode::Absent);
    write(&home, "https://jane:CANARYPASSWORD@127.0.0.1:1", &["--issuer-url=https://127.0.0.1:1", "--client-id=c"]);
    for command in ["doctor", "whoami", "status"] {
        let finished = home.run(home.kubekey().arg(command));
        assert!(!format!("{}{}", finished.stderr, finished.stdout).contains("CANARY"), "{finished:#?}");
    }
}

#[test]
fn the_plugins_command_may_stand_between_its_flags() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    let (issuer, client) =
        (format!("--issuer-url={}", provider.issuer()), format!("--client-id={}", provider.client_id()));
    for args in [[&*issuer, "get-token", &*client], [&*issuer, &*client, "get-token"]] {
        write(&home, "https://k8s.example.com", &args);
        let finished = home.run(home.kubekey().arg("login"));
        assert_eq!(finished.code(), Some(0), "{finished:#?}");
    }
}
