//! Paths of Windows in double quotes: TOML and YAML take their backslashes for escapes, and `"C:\temp"` has a tab in it.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::policy::{SERVER, exec_info};

const HINT: &str =
    "hint: in double quotes a backslash begins an escape: write the value in single quotes, or each backslash twice\n";

/// Runs `config check` for a file with this text: with `--policy`, or without.
fn check(home: &Home, arguments: &[&str], text: &str) -> (Option<i32>, String) {
    let file = home.path().join("new.toml");
    fs::write(&file, text).unwrap();
    let finished = home.run(home.kubekey().args(["config", "check"]).args(arguments).arg(&file));
    (finished.code(), finished.stderr)
}

#[test]
fn a_backslash_that_became_a_control_character_is_named_with_its_cause() {
    let home = Home::new(Mode::Absent);
    for (text, place, why) in [
        (r#"certificate_authority = "C:\temp\new.pem""#, "line 1, column 25", r"'\t' in double quotes is a tab"),
        (r#"certificate_authority = ['x', "C:\temp"]"#, "line 1, column 31", r"'\t' in double quotes is a tab"),
        (r#"client_secret_file = "C:\new""#, "line 1, column 22", r"'\n' in double quotes is a line break"),
        (r#"browser_command = "C:\firefox.exe %s""#, "line 1, column 19", r"'\f' in double quotes is a form feed"),
        (r#"template_dir = "C:\bin""#, "line 1, column 16", r"'\b' in double quotes is a backspace"),
        ("[profiles.a]\ntoken_dir = \"C:\\root\"", "line 2, column 13", r"'\r' in double quotes is a carriage return"),
        (
            "[[clusters]]\nname = 'a'\nserver = 'https://a'\ncertificate_authority = \"C:\\temp\"",
            "line 4, column 25",
            r"'\t' in double quotes is a tab",
        ),
    ] {
        let (code, stderr) = check(&home, &[], text);
        let words = format!("new.toml {place}: ");
        assert!(code == Some(2) && stderr.contains(&words), "{text}: {stderr}");
        assert!(stderr.contains(&format!(" contains a control character: {why}: ")), "{text}: {stderr}");
        assert!(stderr.ends_with(HINT) && stderr.lines().count() == 2, "{text}: {stderr}");
    }
}

#[test]
fn a_backslash_that_is_no_escape_is_named_and_counts_once() {
    let home = Home::new(Mode::Absent);
    for (text, letter) in [
        (r#"certificate_authority = "C:\Users\jane\ca.pem""#, 'U'),
        (r#"certificate_authority = "C:\Program Files\ca.pem""#, 'P'),
        (r#"client_secret = "\PCANARY""#, 'P'),
        ("[[clusters]]\nname = 'a'\nserver = 'https://a'\ncertificate_authority = \"C:\\Users\"", 'U'),
    ] {
        let (code, stderr) = check(&home, &[], text);
        let words = format!(r": '\{letter}' in double quotes is not an escape: ");
        assert!(code == Some(2) && stderr.contains(&words), "{text}: {stderr}");
        assert!(stderr.ends_with(HINT) && stderr.lines().count() == 2, "{text}: {stderr}");
        assert!(!stderr.contains("CANARY"), "{stderr}");
    }
}

#[test]
fn a_policy_and_answers_name_it_too() {
    let home = Home::new(Mode::Absent);
    for (text, why) in [
        (r#"extra_ca = ["C:\temp\new.pem"]"#, r"extra_ca contains a control character: '\t' in double quotes is a tab"),
        (r#"template_dir = "C:\new""#, r"contains a control character: '\n' in double quotes is a line break"),
        (r#"extra_ca = ["C:\Users\ca.pem"]"#, r"'\U' in double quotes is not an escape: extra_ca = "),
    ] {
        let (code, stderr) = check(&home, &["--policy"], text);
        assert!(code == Some(4) && stderr.contains(why) && stderr.ends_with(HINT), "{text}: {stderr}");
    }
    for text in [r#"token_dir = "C:\temp""#, r#"token_dir = "C:\Program""#] {
        let file = home.path().join("answers.toml");
        fs::write(&file, text).unwrap();
        let answers = format!("--answers={}", file.display());
        let finished = home.run(home.kubekey().args(["setup", "--system", "--dry-run", &answers]));
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(2), ""), "{finished:#?}");
        assert!(finished.stderr.contains(" in double quotes is ") && finished.stderr.ends_with(HINT), "{finished:#?}");
    }
}

/// YAML has the same escapes, and so has the `$'...'` of a shell.
#[test]
fn a_flag_a_variable_and_an_extension_with_a_control_character_are_refused() {
    let home = Home::new(Mode::Absent);
    let run = |change: &dyn Fn(&mut Command)| {
        let mut kubekey = home.kubekey();
        kubekey.args(["--issuer-url=https://login.example.com", "--client-id=kubernetes"]);
        change(&mut kubekey);
        let finished = home.run(&mut kubekey);
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(2), ""), "{finished:#?}");
        let why = "<U+0009>emp' cannot be used: it contains a tab, a line break or another control character\n";
        assert!(finished.stderr.contains(why) && finished.stderr.ends_with(HINT), "{finished:#?}");
    };
    for flag in
        ["certificate-authority", "client-key", "client-secret-file", "browser-command", "token-dir", "template-dir"]
    {
        run(&|kubekey| {
            kubekey.arg(format!("--{flag}=/C:\temp"));
        });
        let variable = format!("KUBEKEY_{}", flag.replace('-', "_").to_uppercase());
        run(&|kubekey| {
            kubekey.env(&variable, "/C:\temp");
        });
        // A secret of the extension is not for the issuer of a flag.
        if flag.starts_with("client-") {
            continue;
        }
        let config = json!({ flag.replace('-', "_"): "/C:\temp" });
        let info = exec_info(&json!({ "server": SERVER, "config": config }));
        run(&|kubekey| {
            kubekey.env("KUBERNETES_EXEC_INFO", &info);
        });
    }
}

#[test]
fn what_is_written_as_it_should_be_is_read() {
    let home = Home::new(Mode::Absent);
    let path = if cfg!(windows) { r"C:\temp\new" } else { r"/temp\new" };
    for value in [format!("'{path}'"), format!("\"{}\"", path.replace('\\', r"\\"))] {
        let (code, stderr) = check(&home, &[], &format!("token_dir = {value}\nscope = \"openid\\tgroups\""));
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{value}");
    }
}
