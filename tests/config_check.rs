//! `kubekey config check`: all mistakes in one run, each with its line and a suggestion.

use std::fs;
use std::process::Command;

use crate::support::browser::Mode;
#[cfg(target_os = "linux")]
use crate::support::etc::Etc;
use crate::support::home::Home;
use crate::support::kubeconfig::setup;
use crate::support::run::Finished;

/// Checks a file with this content.
fn check(home: &Home, text: &str) -> Finished {
    let file = home.path().join("new.toml");
    fs::write(&file, text).unwrap();
    home.run(home.kubekey().args(["config", "check"]).arg(&file))
}

/// The message for each line: the line number, and the rest.
fn said(home: &Home, text: &str) -> Vec<(usize, String)> {
    let finished = check(home, text);
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(2), ""), "{finished:#?}");
    let start = format!("kubekey: {} line ", home.path().join("new.toml").display());
    let places = finished.stderr.lines().filter_map(|line| line.strip_prefix(&start));
    let said: Vec<_> = places
        .map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap();
            (rest[..end].parse().unwrap(), rest[end..].to_owned())
        })
        .collect();
    let count = format!("kubekey: {} mistakes in {}\n", said.len(), home.path().join("new.toml").display());
    assert_eq!(finished.stderr.contains(&count), said.len() > 1, "{finished:#?}");
    assert_eq!(finished.stderr.matches("hint: ").count(), 1, "{finished:#?}");
    said
}

#[track_caller]
fn assert_said(text: &str, expected: &[(usize, &str)]) {
    let home = Home::new(Mode::Absent);
    let said = said(&home, text);
    assert_eq!(said.len(), expected.len(), "{text}: {said:#?}");
    for ((line, said), (expected_line, words)) in said.iter().zip(expected) {
        assert!(line == expected_line && said.contains(words), "{text}: {said} has no {words}");
    }
}

#[test]
fn all_mistakes_are_named_in_one_run() {
    assert_said(
        "issuer_url = 'http://a.example'\nclient_idd = 'x'\nlogin_timeout = 'soon'\nskip_open_browser = 'no'\n\
         token_storage = 'cloud'\n\n[profile.staging]\nclient_id = 'x'\n\n[profiles.test]\nissuer = 'x'\n\
         response_mode = 'post'\n\n[[clusters]]\nname = 'prod'\nsever = 'https://k8s.example.com'\n\n[[clusters]]\n\
         name = 'two'\nserver = 'http://k8s.example.com'\nnamespace = 1\nprofile = 'tset'\n",
        &[
            (1, "http is allowed only for this machine"),
            (2, "unknown setting 'client_idd' (did you mean 'client_id'?)"),
            (3, "login_timeout 'soon' cannot be used"),
            (4, "skip_open_browser must be true or false"),
            (5, "token_storage 'cloud' cannot be used"),
            (7, "unknown table [profile.staging] (did you mean [profiles.staging]?)"),
            (11, "unknown setting 'issuer' (did you mean 'issuer_url'?)"),
            (12, "response_mode 'post' cannot be used"),
            (16, "unknown setting 'sever' (did you mean 'server'?)"),
            (20, "server cannot be used: over http anyone on the network could take the token"),
            (21, "namespace must be a quoted string"),
            (22, "unknown profile 'tset' (did you mean 'test'?)"),
        ],
    );
}

#[test]
fn a_misspelt_table_is_named_with_the_one_that_was_meant() {
    let cases: [(&str, &[(usize, &str)]); 13] = [
        ("[profile.staging]\nclient_id = 'x'", &[(1, "[profile.staging] (did you mean [profiles.staging]?)")]),
        ("[profile.a]\n[profile.b]", &[(1, "did you mean [profiles.a]?"), (2, "did you mean [profiles.b]?")]),
        ("profile = { a = { client_id = 'x' } }", &[(1, "did you mean [profiles.a]?")]),
        ("[profile]\nclient_id = 'x'", &[(1, "unknown table [profile] (did you mean [profiles.NAME]?)")]),
        ("[Profiles.a]", &[(1, "did you mean [profiles.a]?")]),
        ("[profils.a]", &[(1, "did you mean [profiles.a]?")]),
        ("[[cluster]]\nname = 'a'", &[(1, "unknown table [[cluster]] (did you mean [[clusters]]?)")]),
        ("[cluster.a]\nserver = 'x'", &[(1, "unknown table [cluster.a] (did you mean [[clusters]]?)")]),
        ("[clusters]\nname = 'a'", &[(1, "clusters must be a list: [[clusters]]")]),
        ("[[profiles]]\nname = 'a'", &[(1, "profiles must be a table: [profiles.NAME]")]),
        ("[profiles.a]\nprofile = 'b'", &[(2, "unknown setting 'profile' here (a profile cannot name another one)")]),
        ("[settings]\nclient_id = 'x'", &[(1, "unknown table [settings]")]),
        ("[profiles.a.clusters]\nname = 'x'", &[(1, "unknown table [clusters]")]),
    ];
    for (text, expected) in cases {
        assert_said(text, expected);
    }
}

#[test]
fn a_line_that_is_no_toml_hides_no_other_mistake_and_makes_none() {
    assert_said(
        "issuer_url =\nclient_idd = 'x'\nscope = ['a', 1]\nx = = 1\n",
        &[(1, ""), (2, "did you mean 'client_id'?"), (3, "a list of quoted strings"), (4, "")],
    );
    // The setting that seems to be missing is in the line that cannot be read.
    assert_said("[[clusters]]\nname = 'prod'\nserver = https://a\n", &[(3, "")]);
    assert_said("[[clusters]]\nname = 'prod'\nserver = https://a\nnamspace = 'n'\n", &[(3, ""), (4, "namespace")]);
    assert_said("[[clusters]]\nname = 'prod'\nsever =\n", &[(3, "")]);
}

#[test]
fn a_secret_is_in_no_message() {
    let home = Home::new(Mode::Absent);
    let text = "client_secret = s3cret-of-mine\nlogin_timeout = 'soon'\nclient_secrett = 's3cret-of-mine'\n\
                [profile.a]\nclient_secret = 's3cret-of-mine'\n";
    let finished = check(&home, text);
    assert!(finished.stderr.contains("'client_secrett'") && !finished.stderr.contains("s3cret-of"), "{finished:#?}");
}

#[test]
fn lines_of_a_file_with_a_secret_are_shown_where_the_secret_cannot_be_in_them() {
    let home = Home::new(Mode::Absent);
    let text = "scope = 1\nclient_secret = 's3cret-of-mine'\nx = = 1\n[[clusters]]\nname = 1\nserver = https://a\n\
                [profiles.a]\nclient_secret = \"\"\"\ns3cret-of-mine\nx = s3cret-of-mine\"\"\" 1\n";
    let said = said(&home, text);
    for ((line, said), (expected, shown)) in
        said.iter().zip([(1, ": scope = 1"), (3, ": x = = 1"), (5, ": name = 1"), (6, ": server = https://a")])
    {
        assert!(*line == expected && said.ends_with(shown), "{said} is not {shown}");
    }
    let rest = &said[4..];
    assert!(!rest.is_empty() && rest.iter().all(|(line, said)| *line > 7 && said.ends_with(": ***")), "{rest:#?}");
}

#[test]
#[cfg(target_os = "linux")]
fn one_mistake_is_not_answered_with_the_same_command() {
    let home = Home::new(Mode::Absent);
    let finished = check(&home, "login_timeout = true\n");
    let hint = "\nhint: fix what is wrong and check again; 'kubekey config schema' lists all keys and their types\n";
    assert!(finished.code() == Some(2) && finished.stderr.ends_with(hint), "{finished:#?}");
    let etc = Etc::new(&[("config.toml", "login_timeout = true\n")]);
    let checked = home.run(&mut etc.over(home.kubekey().args(["config", "check"])));
    assert!(checked.code() == Some(2) && checked.stderr.ends_with(hint), "{checked:#?}");
    let shown = home.run(&mut etc.over(home.kubekey().args(["config", "show"])));
    let hint =
        "\nhint: check all files, or list all keys and their types:\n  kubekey config check\n  kubekey config schema\n";
    assert!(shown.code() == Some(2) && shown.stderr.ends_with(hint), "{shown:#?}");
}

#[test]
#[cfg(target_os = "linux")]
fn of_very_many_mistakes_the_first_are_named_and_the_others_counted() {
    let home = Home::new(Mode::Absent);
    let text: String = (0..20_000).map(|index| format!("key_{index} = 1\n")).collect();
    let finished = check(&home, &text);
    let lines: Vec<_> = finished.stderr.lines().collect();
    assert_eq!((finished.code(), lines.len()), (Some(2), 23), "{}", finished.stderr);
    assert!(lines[19].contains("new.toml line 20: unknown setting 'key_19'"), "{}", lines[19]);
    let count = format!("kubekey: 20000 mistakes in {}", home.path().join("new.toml").display());
    assert_eq!(lines[20..22], ["kubekey: and 19980 more", count.as_str()]);

    // A run names as many.
    let etc = Etc::new(&[("config.toml", &text)]);
    let shown = home.run(&mut etc.over(home.kubekey().args(["config", "show"])));
    assert_eq!((shown.code(), shown.stderr.lines().count()), (Some(0), 21), "{}", shown.stderr);
    let last = "kubekey: warning: and 19980 more unknown settings or tables\n";
    assert!(shown.stderr.ends_with(last), "{}", shown.stderr);
}

#[test]
fn a_long_line_is_shown_as_far_as_it_helps() {
    let home = Home::new(Mode::Absent);
    let finished = check(&home, &format!("scope = 1 # {}\n", "x".repeat(100_000)));
    assert!(finished.stderr.contains("xxx ...\n") && finished.stderr.len() < 600, "{finished:#?}");
}

#[test]
#[cfg(unix)]
fn a_file_in_utf_16_is_called_so_and_the_command_of_the_hint_makes_it_utf_8() {
    let home = Home::new(Mode::Absent);
    let text = "client_id = 'k' # ä\n";
    let utf_16 = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<_>>();
    let (little, big) = (utf_16(u16::to_le_bytes), utf_16(u16::to_be_bytes));
    for bytes in [[b"\xff\xfe", &*little].concat(), [b"\xfe\xff", &*big].concat()] {
        let file = home.path().join("my new.toml");
        fs::write(&file, bytes).unwrap();
        let refused = home.run(home.kubekey().args(["config", "check"]).arg(&file));
        let said =
            "cannot be read: it is UTF-16, as PowerShell's '>' writes it, and not UTF-8\nhint: save it as UTF-8:\n  ";
        assert!(refused.code() == Some(2) && refused.stderr.contains(said), "{refused:#?}");
        let command = refused.stderr.lines().last().unwrap();
        let mut shell = Command::new("/bin/sh");
        assert!(shell.args(["-c", command]).status().unwrap().success(), "{command}");
        assert_eq!(home.run(home.kubekey().args(["config", "check"]).arg(&file)).code(), Some(0));
    }
    let user = home.config().join("kubekey");
    fs::create_dir_all(&user).unwrap();
    for (bytes, words) in [(&*little, "it is UTF-16"), (b"# \n# \xe4\n", "it is not UTF-8 (line 2)")] {
        fs::write(user.join("config.toml"), bytes).unwrap();
        let finished = home.run(home.kubekey().args(["config", "show"]));
        assert!(finished.code() == Some(2) && finished.stderr.contains(words), "{finished:#?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn of_all_files_all_mistakes_are_named() {
    let home = Home::new(Mode::Absent);
    let etc = Etc::new(&[
        ("config.toml", "isuer_url = 'x'\nresponse_mode = 'post'\n"),
        ("config.d/10.toml", "issuer_url = 'https://login.example.com'\nclient_id = 'x'\n"),
        ("config.d/20.toml", "[profile.a]\n[[clusters]]\nname = 'c'\n"),
    ]);
    let finished = home.run(&mut etc.over(home.kubekey().args(["config", "check"])));
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(2), ""), "{finished:#?}");
    let lines: Vec<_> = finished.stderr.lines().collect();
    for (line, words) in lines.iter().zip([
        "/etc/kubekey/config.toml line 1: unknown setting 'isuer_url' (did you mean 'issuer_url'?)",
        "/etc/kubekey/config.toml line 2: response_mode 'post' cannot be used",
        "/etc/kubekey/config.d/20.toml line 1: unknown table [profile.a]",
        "/etc/kubekey/config.d/20.toml line 2, column 1: the cluster has no server",
        "4 mistakes in the configuration files",
        "hint: fix what is wrong and check again",
    ]) {
        assert!(line.contains(words), "{words}: {finished:#?}");
    }
    assert_eq!(lines.len(), 6, "{finished:#?}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_run_stops_at_the_first_mistake_and_names_what_was_meant() {
    let home = Home::new(Mode::Absent);
    for (text, words) in [
        ("[profile.staging]\nclient_id = 'x'\n", "unknown table [profile.staging] (did you mean [profiles.staging]?)"),
        ("[[clusters]]\nname = 'a'\nsever = 'https://a'\n", "unknown setting 'sever' (did you mean 'server'?)"),
    ] {
        let etc = Etc::new(&[("config.toml", text)]);
        let finished = home.run(&mut etc.over(&setup(&home)));
        assert_eq!((finished.code(), finished.stderr.lines().count()), (Some(2), 2), "{finished:#?}");
        assert!(finished.stderr.contains(words), "{finished:#?}");
    }
    // A table without effect is a warning, as a key is.
    let etc = Etc::new(&[("config.toml", "[[cluster]]\nname = 'a'\n")]);
    let finished = home.run(&mut etc.over(&setup(&home)));
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    assert!(
        finished.stderr.contains(
            "warning: /etc/kubekey/config.toml line 1: unknown table [[cluster]] (did you mean [[clusters]]?)"
        ),
        "{finished:#?}"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn the_certificates_that_installed_files_name_are_read_and_every_mistake_is_listed() {
    let home = Home::new(Mode::Absent);
    let etc = Etc::new(&[
        ("config.toml", "token_dir = 'rel'\ncertificate_authority = ['/nope.pem']\n"),
        ("config.d/1.toml", "certificate_authority_data = ['!!']\n"),
    ]);
    let finished = home.run(&mut etc.over(home.kubekey().args(["config", "check"])));
    assert_eq!(finished.code(), Some(2), "{finished:#?}");
    for words in [
        "line 1: token_dir 'rel'",
        "line 2: certificate_authority '/nope.pem'",
        "1.toml line 1: certificate_authority_data",
    ] {
        assert_eq!(finished.stderr.matches(words).count(), 1, "{words}: {finished:#?}");
    }
    // A file that is not installed may be for another machine.
    assert_eq!(check(&home, "certificate_authority = ['/nope.pem']\n").code(), Some(0));
}

#[test]
fn a_misspelled_variable_is_named_with_the_one_that_was_meant() {
    let home = Home::new(Mode::Absent);
    let mut check = home.kubekey();
    check.args(["config", "check"]).env("KUBEKEY_ISUER_URL", "https://login.example.com");
    // These are known, or like none that is.
    for name in ["KUBEKEY_LOG", "KUBEKEY_TEMPLATEDIR", "KUBEKEY_SET_CURRENT", "KUBEKEY_CONTEXT", "KUBEKEY_XYZ"] {
        check.env(name, "");
    }
    let finished = home.run(&mut check);
    let warning = "kubekey: warning: the variable KUBEKEY_ISUER_URL is ignored: did you mean KUBEKEY_ISSUER_URL?\n";
    assert!(finished.stderr.starts_with(warning), "{finished:#?}");
    assert_eq!((finished.code(), finished.stderr.matches("warning: ").count()), (Some(0), 1), "{finished:#?}");
}
