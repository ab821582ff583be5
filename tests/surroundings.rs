//! Surroundings in which kubekey cannot do what it is asked: no home, a folder that is gone, a full disk, a policy that
//! cannot be read, entries that cannot be taken over.

use std::fs;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::run::Finished;

/// A run that starts in a folder which is removed meanwhile.
#[cfg(target_os = "linux")]
fn in_a_removed_folder(home: &Home, arguments: &[&str], variable: (&str, &str)) -> Finished {
    let kubekey = home.kubekey();
    let mut shell = std::process::Command::new("/bin/sh");
    shell
        .args(["-c", r#"/bin/mkdir gone && cd gone && /bin/rmdir ../gone && exec "$0" "$@""#])
        .arg(kubekey.get_program());
    shell.args(arguments).env_clear().envs(kubekey.get_envs().filter_map(|(name, value)| Some((name, value?))));
    crate::support::run::Running::start(shell.env(variable.0, variable.1).current_dir(home.path())).wait()
}

#[test]
#[cfg(target_os = "linux")]
fn a_relative_path_in_a_folder_that_is_gone_is_named() {
    let home = Home::new(Mode::Absent);
    let setup = [
        "setup",
        "--cluster=a",
        "--server=https://k8s.example.com",
        "--offline",
        "--yes",
        "--issuer-url=https://a.example",
        "--client-id=a",
    ];
    for (arguments, variable, words) in [
        (
            &["--certificate-authority=ca.pem"][..],
            ("A", ""),
            "kubekey: --certificate-authority 'ca.pem' cannot be used: ",
        ),
        (
            &["--issuer-certificate-authority=ca.pem"],
            ("A", ""),
            "kubekey: --issuer-certificate-authority 'ca.pem' cannot be used: ",
        ),
        (&[], ("KUBECONFIG", "config"), "kubekey: KUBECONFIG cannot be used: "),
    ] {
        let finished = in_a_removed_folder(&home, &[&setup[..], arguments].concat(), variable);
        assert_eq!(finished.code(), Some(2), "{words}: {finished:#?}");
        assert!(finished.stderr.contains(words) && finished.stderr.contains("\nhint: give "), "{words}: {finished:#?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_user_without_a_home_is_told_what_to_set() {
    use std::os::unix::process::CommandExt;

    use crate::support::home::without_rights;
    use crate::support::provider::Provider;

    const UNKNOWN: u32 = 4711;
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let (home, provider) = (Home::new(Mode::Absent), Provider::start());
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let published = folder.path().join("published.toml");
    fs::write(&published, "issuer_url = 'https://a.example'\nclient_id = 'a'\n[[clusters]]\nname = 'a'\nserver = 'https://k8s.example.com'\n").unwrap();
    let from = format!("--from={}", published.display());
    for (arguments, message, hint) in [
        (&["login", "--context=a"][..], "no home folder was found for the kubeconfig", "give --kubeconfig FILE"),
        (&["get-token", "--token-storage=file"], "no folder for tokens was found", "set HOME, or give --token-dir"),
        (
            &["setup", "--yes", &from, "--kubeconfig=/tmp/none"],
            "no folder for your configuration was found",
            "set HOME",
        ),
        (
            &["get-token", "--login-timeout=1"],
            "cannot create a lock, so several sign-ins may start at once (HOME is not set)",
            "",
        ),
    ] {
        let mut kubekey = home.kubekey_for(&provider);
        for name in ["HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"] {
            kubekey.env_remove(name);
        }
        if arguments[0] != "get-token" {
            kubekey.env_remove("KUBEKEY_ISSUER_URL").env_remove("KUBEKEY_CLIENT_ID");
        }
        let (mut command, _program) = without_rights(kubekey.args(arguments).current_dir("/"));
        let finished = home.run(command.uid(UNKNOWN).gid(UNKNOWN));
        assert!(finished.stderr.contains(message) && finished.stderr.contains(hint), "{message}: {finished:#?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_folder_of_pages_that_cannot_be_used_is_named() {
    let home = Home::new(Mode::Absent);
    let nowhere = home.path().join("nowhere").display().to_string();
    for (arguments, hint) in [
        (["--write", "/proc/nowhere/pages"], "hint: give a folder that you can write to"),
        (["--dir", &*nowhere], "hint: give --dir the folder with your templates"),
    ] {
        let words: &[&str] = if arguments[0] == "--dir" { &["pages", "--preview"] } else { &["pages"] };
        let finished = home.run(home.kubekey().args(words).args(arguments));
        assert!(finished.code() == Some(1) || finished.code() == Some(2), "{finished:#?}");
        assert!(finished.stderr.contains(hint), "{hint}: {finished:#?}");
    }
}

// Paths without a drive are relative on Windows.
#[test]
#[cfg(unix)]
fn what_is_left_out_of_a_setup_is_named() {
    let home = Home::new(Mode::Absent);
    let file = home.path().join("file");
    let source = file.display().to_string();
    let said = |text: &str, arguments: &[&str], words: &str| {
        fs::write(&file, text).unwrap();
        let finished = home.run(home.kubekey().arg("setup").args(arguments));
        assert!(finished.stderr.contains(words), "{words}: {finished:#?}");
    };
    let cluster =
        "issuer_url = 'https://a.example'\nclient_id = 'a'\n[[clusters]]\nname = 'a'\nserver = 'https://k8s'\n";
    let authority = format!("{cluster}certificate_authority = '/nowhere/ca.pem'\n");
    said(
        &authority,
        &["--system", "--dry-run", "--answers", &source],
        "cluster 'a': /nowhere/ca.pem does not exist yet",
    );
    let elsewhere = format!("listen_address = ['0.0.0.0:8000']\n{cluster}");
    said(&elsewhere, &["--dry-run", "--from", &source], "is not on the user's own machine");
    let exec = |env: &str, args: &str| {
        format!(
            "apiVersion: v1\nkind: Config\nusers:\n- name: me\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      \
             command: {env}\n      args: [{args}]\n"
        )
    };
    let of_kubelogin = exec("kubelogin", "get-token, --oidc-issuer-url=https://a.example, --oidc-client-id=a, -v1");
    said(
        &of_kubelogin,
        &["--from-kubelogin", "--dry-run", "--kubeconfig", &source],
        "-v is left out: KUBEKEY_LOG=debug prints the steps of a run",
    );
    let variables = ["IDP_ISSUER_URL", "https://a.example", "CLIENT_ID", "a", "KUBEKEY_TEMPLATEDIR", "/pages"];
    let env: String =
        variables.chunks(2).map(|pair| format!("\n      - {{name: {}, value: {}}}", pair[0], pair[1])).collect();
    let of_original = exec(&format!("kubekey\n      env:{env}"), "");
    said(
        &of_original,
        &["--from-original", "--dry-run", "--kubeconfig", &source],
        "pages have other names and variables here",
    );
    let folder = home.config().join("kubekey");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), "[profiles.work]\nissuer_url = 'https://a.example'\nclient_id = 'a'\naccount = 'me'\n[[clusters]]\nname = 'a'\nserver = 'https://k8s'\nprofile = 'work'\n").unwrap();
    said("", &["--print=onboarding"], "of profile 'work' is left out: a published file cannot have it");
}

#[test]
#[cfg(target_os = "linux")]
fn a_policy_in_another_encoding_is_for_the_administrator_to_save() {
    use crate::support::etc::Etc;
    let (home, etc) = (Home::new(Mode::Absent), Etc::with_policy(""));
    let bytes: Vec<u8> = "\u{feff}refresh = false\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(etc.path("policy.toml"), bytes).unwrap();
    let mut kubekey = home.kubekey();
    let finished = home.run(&mut etc.over(kubekey.arg("login")));
    assert_eq!(finished.code(), Some(4), "{finished:#?}");
    assert!(finished.stderr.contains("\nhint: your administrator must save it as UTF-8:\n  iconv "), "{finished:#?}");
}

#[test]
#[cfg(target_os = "linux")]
fn by_hand_a_policy_about_servers_asks_for_a_context() {
    use crate::support::etc::Etc;
    let (home, etc) = (Home::new(Mode::Absent), Etc::with_policy("allowed_servers = ['https://k8s.example.com']"));
    let mut kubekey = home.kubekey();
    kubekey.env("KUBEKEY_ISSUER_URL", "https://login.example.com").env("KUBEKEY_CLIENT_ID", "kubernetes");
    let finished = home.run(&mut etc.over(kubekey.arg("token")));
    assert_eq!(finished.code(), Some(4), "{finished:#?}");
    let hint = "hint: 'kubekey setup' writes a context for a cluster; name it with --context\n";
    assert!(finished.stderr.contains(hint), "{finished:#?}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_folder_of_kubekeys_own_takes_no_tokens() {
    use crate::support::provider::Provider;
    let (home, provider) = (Home::new(Mode::Follow), Provider::start());
    home.run(&mut home.kubekey_for(&provider)).credential();
    let own = format!("--token-dir={}", home.state().join("kubekey").display());
    let finished = home.run(home.kubekey_for(&provider).args(["--token-storage=file", &own]));
    assert!(finished.stderr.contains("is kubekey's own folder for other files"), "{finished:#?}");
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_is_an_error_with_its_cause() {
    use crate::support::run::Running;
    let home = Home::new(Mode::Absent);
    for words in [
        "config schema",
        "setup --print kuberc",
        "setup --cluster a --server https://k8s.example.com --offline --yes --output json",
        "completions bash",
    ] {
        let kubekey = home.kubekey();
        let mut shell = std::process::Command::new("/bin/sh");
        shell.args(["-c", &format!("exec \"$0\" {words} >/dev/full")]).arg(kubekey.get_program()).env_clear();
        shell.envs(kubekey.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(home.path());
        shell.env("KUBEKEY_ISSUER_URL", "https://login.example.com").env("KUBEKEY_CLIENT_ID", "kubernetes");
        let finished = Running::start(&mut shell).wait();
        assert_eq!(finished.code(), Some(1), "{words}: {finished:#?}");
        assert!(
            finished.stderr.contains("written: No space left") || finished.stderr.contains("output: No space left"),
            "{words}: {finished:#?}"
        );
        assert!(finished.stderr.contains("\nhint: "), "{words}: {finished:#?}");
    }
}
