//! Mistakes in what is given: flags, files, templates. Each is named, with what to do, before anything else happens.

use std::fs;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::run::Finished;

/// Arguments, and words of the message and of the hint.
type Mistake = (&'static [&'static str], &'static str, &'static str);

const FLAGS: [Mistake; 22] = [
    (
        &[
            "--listen-address=localhost:1",
            "--listen-address=localhost:2",
            "--redirect-url=http://localhost:1",
            "--redirect-url=http://localhost:2",
            "--redirect-url=http://localhost:3",
        ],
        "2 --listen-address and 3 --redirect-url are given",
        "give one --redirect-url for each --listen-address",
    ),
    (
        &["--listen-address=localhost:0", "--redirect-url=http://localhost:8000"],
        "it has a port, and --listen-address leaves the port open",
        "give the same port in both",
    ),
    (&["--listen-address=localhost:99999"], "the port is not a number up to 65535", "for example 127.0.0.1:8000"),
    (&["--listen-address=example.com:80"], "it is neither an IP address nor 'localhost'", "for example 127.0.0.1:8000"),
    (&["--prompt=always"], "it must be login, select_account, consent or none", ""),
    (&["--max-age=soon"], "it is not a time", "give seconds, or a number with a unit: 0, 900, 30m, 8h"),
    (&["--resource=k8s"], "it is not an absolute URI without '#'", "copy the identifier of the resource"),
    (&["--request-header=X:Y=1"], "it is not a header field", "write NAME=VALUE, for example X-Gateway-Key=VALUE"),
    (&["--request-header=novalue"], "it is not NAME=VALUE", ""),
    (
        &["--issuer-url=https://login.example.com/.well-known/openid-configuration"],
        "leave '/.well-known/openid-configuration' off",
        "it is the 'issuer' of the provider's discovery document",
    ),
    (&["--issuer-url=https://login.example.com/?a=b"], "an issuer URL cannot contain '?' or '#'", "for example"),
    (&["--issuer-url=https://login.example.com\\a"], "it contains a backslash", "for example"),
    (&["--flow=password"], "kubekey takes no passwords: they belong on the provider's own page", ""),
    (
        &["--profile=work"],
        "there is no such profile",
        "no configuration file has any; 'kubekey config show --origin' lists the files",
    ),
    (&["--oidc-pkce-method"], "--oidc-pkce-method has no value", "give it one, or remove it"),
    (&["--use-access-token=perhaps"], "it is neither true nor false", "give true or false, or remove it"),
    (&["--client-id=k\u{e4}se"], "it contains characters other than visible ASCII", "copy the client ID again"),
    (&["--scope=a\"b"], "a scope is visible ASCII without '\"' and '\\'", ""),
    (
        &["--login-timeout=2d"],
        "it is not a time between 1 second and 24 hours",
        "give seconds, or a number with a unit",
    ),
    (&["--post-login-url=http://example.com"], "it must begin with https://", "give a URL that begins with https://"),
    (&["--template-dir=pages"], "it is not an absolute path", "give the full path"),
    (
        &["--subject-token-variable=$TOKEN", "--flow=token-exchange"],
        "is not the name of a variable",
        "give the name, without '$', not the token",
    ),
];

/// A run with settings that are right but for these arguments.
fn run(home: &Home, arguments: &[&str]) -> Finished {
    let mut kubekey = home.kubekey();
    kubekey.env("KUBEKEY_ISSUER_URL", "https://login.example.com").env("KUBEKEY_CLIENT_ID", "kubernetes");
    home.run(kubekey.args(arguments))
}

#[test]
fn a_flag_that_cannot_be_used_is_named_with_what_to_give() {
    let home = Home::new(Mode::Absent);
    for (arguments, message, hint) in FLAGS {
        let finished = run(&home, arguments);
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(2), ""), "{arguments:?}: {finished:#?}");
        let (said, advice) = finished.stderr.split_once("\nhint: ").unwrap_or((&finished.stderr, ""));
        assert!(said.contains(message) && advice.contains(hint), "{arguments:?}: {message} {hint}: {finished:#?}");
    }
}

/// Texts of a policy, and what `config check` says.
const POLICIES: [(&str, &str); 9] = [
    (
        "allowed_servers = ['k8s.example.com']",
        "'k8s.example.com' is not a plain server URL such as https://k8s.example.com:6443",
    ),
    ("allowed_servers = ['']", "allowed_servers contains an empty string"),
    ("extra_ca = ['ca.pem']", "'ca.pem' is not an absolute path"),
    ("github_hosts = ['https://github.example.com']", "is not a host: write 'host' or 'host:port'"),
    ("allowed_flows = ['password']", "'password' is not a flow: use one of browser, "),
    ("locked_flags = ['--browser']", "'--browser' is not a flag: did you mean 'browser-command'?"),
    ("locked_flags = ['x']", "'x' is not a flag: write it without dashes in front, like 'browser-command'"),
    ("max_session = '1s'", "'1s' is not a time such as 12h, between one minute and ten years"),
    ("token_storage = ['cloud']", "'cloud' is not a token storage"),
];

/// The same of a configuration file.
const FILES: [(&str, &str); 6] = [
    ("clusters = ['a']", "a cluster must be a table"),
    ("[[clusters]]\nname = 'a'\nserver = 'https://k8s.example.com?a'", "a server URL cannot contain '?' or '#'"),
    (
        "[[clusters]]\nname = 'a'\nserver = 'https://k8s'\ncertificate_authority = '/ca'\ncertificate_authority_data = 'YQ=='",
        "certificate_authority and certificate_authority_data cannot be used together",
    ),
    (
        "[[clusters]]\nname = 'a'\nserver = 'https://k8s'\nissuer_url = 'https://a.example'",
        "unknown setting 'issuer_url'",
    ),
    ("[profiles]\nclient_id = 'a'", "a profile must be a table: [profiles.NAME]"),
    ("browser_command = \"C:\\edge.exe\"", "'\\e' in double quotes is the escape character"),
];

#[test]
fn a_mistake_in_a_file_is_named_before_the_file_is_installed() {
    let home = Home::new(Mode::Absent);
    let file = home.path().join("new.toml");
    let check = |text: &str, arguments: &[&str], code: i32, words: &str| {
        fs::write(&file, text).unwrap();
        let finished = home.run(home.kubekey().args(["config", "check"]).args(arguments).arg(&file));
        assert_eq!(finished.code(), Some(code), "{text}: {finished:#?}");
        assert!(finished.stderr.contains(words) && finished.stderr.contains("\nhint: "), "{words}: {finished:#?}");
    };
    POLICIES.iter().for_each(|(text, words)| check(text, &["--policy"], 4, words));
    FILES.iter().for_each(|(text, words)| check(text, &[], 2, words));
    fs::write(&file, "a = 1").unwrap();
    let nowhere = home.run(home.kubekey().args(["config", "check", "/nowhere"]));
    assert!(
        nowhere.stderr.contains("hint: give a file in the format of config.toml, or with --policy"),
        "{nowhere:#?}"
    );
}

/// The original's templates, and kubekey's own, each with what is wrong.
const TEMPLATES: [(&str, &str, &str); 17] = [
    ("html_ok.tmpl", "{{with .Name}}a", "its {{end}} is missing"),
    ("html_ok.tmpl", "{{.}}", "'.' is a value only inside {{with}}"),
    ("html_ok.tmpl", "{{with .Name}}{{.Name}}{{end}}", "inside {{with}} there is only '.', and not '.Name'"),
    ("html_ok.tmpl", "{{.Nmae}}", "'.Nmae' is not a field (there is .Name"),
    ("html_ok.tmpl", "{{else}}", "there is no {{if}} for it"),
    ("html_ok.tmpl", "{{end}}", "there is no {{if}} for it"),
    ("html_ok.tmpl", "{{if .Name}}a{{else}}b{{else}}c{{end}}", "there is an {{else}} already"),
    (
        "html_ok.tmpl",
        "{{if .Name}}<p title=\"{{end}}",
        "the branches of its {{if}} end at different places of the HTML",
    ),
    ("html_ok.tmpl", "{{.Name", "its '}}' is missing"),
    ("html_ok.tmpl", "{{/* a */ .Name}}", "a comment must be alone in its braces"),
    ("html_ok.tmpl", "{{ }}", "there is nothing in its braces"),
    ("html_ok.tmpl", "{{range .Name}}{{end}}", "kubekey does not know 'range .Name'"),
    ("html_ok.tmpl", "<script>{{.Name}}</script>", "a value cannot be put into 'script'"),
    ("html_ok.tmpl", "<p title={{.Name}}>", "a value in an attribute needs quotes around it"),
    ("html_ok.tmpl", "<p {{.Name}}>", "a value cannot be a part of a tag"),
    ("html_ok.tmpl", "<p onclick=\"{{.Name}}\">", "a value cannot be put into the attribute 'onclick'"),
    ("html_ok.tmpl", "<!DOCTYPE {{.Name}}>", "a value cannot be put here"),
];

#[test]
fn what_is_wrong_in_a_template_is_named_with_its_line() {
    let home = Home::new(Mode::Absent);
    let folder = home.path().join("templates");
    let flag = format!("--template-dir={}", folder.display());
    let doctor = |name: &str, text: &str, words: &str| {
        _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(name), text).unwrap();
        let found = run(&home, &["doctor", "--issuer-url=http://127.0.0.1:9", &flag]);
        assert!(found.stdout.contains(words), "{text}: {words}: {found:#?}");
    };
    TEMPLATES.iter().for_each(|(name, text, words)| doctor(name, text, words));
    let endless = format!("{{% for a in range(9000) %}}{}{{% endfor %}}", "x".repeat(1000));
    doctor("signed_in.html", &endless, "the page is larger than 4194304 bytes");
    doctor("signed_in.html", "<p>", "signed_in.html can be shown");
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

#[test]
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
