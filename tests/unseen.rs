//! An issuer URL and a client ID with spaces or line breaks around them, as copied from web pages and files.

use std::fs;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;

fn warning(label: &str, text: &str) -> String {
    format!(
        "kubekey: warning: {label} {text:?} has leading or trailing spaces, line breaks or invisible characters, which are ignored\n"
    )
}

#[test]
fn what_nobody_sees_is_left_out_with_a_warning_that_shows_it() {
    for (before, after) in [("", "\r"), ("", "\n"), ("", "\r\n"), (" ", " "), ("\t", ""), ("\u{a0}", "\u{200b}")] {
        let (home, provider) = (Home::with_keyring(Mode::Follow), Provider::start());
        let [issuer, client_id] =
            [provider.issuer(), provider.client_id()].map(|text| format!("{before}{text}{after}"));
        let run = || home.run(home.kubekey().args(["--issuer-url", &issuer]).env("KUBEKEY_CLIENT_ID", &client_id));
        let finished = run();
        let token = finished.token();
        for warning in [warning("--issuer-url", &issuer), warning("KUBEKEY_CLIENT_ID", &client_id)] {
            assert_eq!(finished.stderr.matches(&warning).count(), 1, "{warning}: {finished:#?}");
        }
        assert_eq!(provider.requests("/authorize")[0].param("client_id"), Some(&*provider.client_id()));
        // It is the same credential, and with a saved token nothing is printed.
        let plain = home.run(&mut home.kubekey_for(&provider));
        assert_eq!((plain.token(), run().stderr), (token, String::new()), "{plain:#?}");
    }
}

#[test]
fn a_file_with_blanks_is_shown_as_it_counts_and_checked() {
    let home = Home::new(Mode::Absent);
    let dir = home.config().join("kubekey");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("config.toml"), "issuer_url = \"https://login.example.com\\n\"\nclient_id = 'k '\n").unwrap();
    let shown = home.run(home.kubekey().args(["config", "show"]));
    assert!(shown.stdout.contains("issuer_url = \"https://login.example.com\"\nclient_id = \"k\"\n"), "{shown:#?}");
    assert!(shown.stderr.contains("line 1: issuer_url \"https://login.example.com\\n\" has leading"), "{shown:#?}");
    assert!(shown.stderr.contains("line 2: client_id \"k \" has leading"), "{shown:#?}");
}
