//! Mistakes in what is given: flags, files, templates. Each is named, with what to do, before anything else happens.

use std::fs;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::run::Finished;

/// Arguments, and words of the message and of the hint.
type Mistake = (&'static [&'static str], &'static str, &'static str);

const FLAGS: [Mistake; 26] = [
    (
        &["--redirect-url=http:///callback"],
        "--redirect-url 'http:///callback' cannot be used: it is not a plain http:// or https:// URL",
        "give the redirect URL as it is registered with the provider, for example http://localhost:8000/callback",
    ),
    (
        &["--redirect-url=http://localhost:8000 http://localhost:18000"],
        "--redirect-url 'http://localhost:8000 http://localhost:18000' cannot be used: it has a space in it",
        "give each one a --redirect-url of its own",
    ),
    (
        &["--listen-address", "127.0.0.1:8000 127.0.0.1:18000"],
        "it has a space in it",
        "give each one a --listen-address",
    ),
    (&["--oidc-redirect-url=http://localhost:1 http://localhost:2"], "it has a space in it", "give each one a "),
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

#[test]
fn a_variable_is_a_list_and_so_is_one_flag_of_what_is_no_address() {
    let home = Home::new(Mode::Absent);
    let urls = "http://localhost:8000 http://localhost:18000";
    let mut kubekey = home.kubekey();
    kubekey.args(["config", "check", "--scope=a b", "--resource=urn:a urn:b", "--redirect-url= http://localhost "]);
    assert_eq!(home.run(&mut kubekey).code(), Some(0));
    let mut kubekey = home.kubekey();
    kubekey.args(["config", "check"]).env("KUBEKEY_REDIRECT_URL", urls);
    assert_eq!(home.run(kubekey.env("KUBEKEY_LISTEN_ADDRESS", "127.0.0.1:8000 127.0.0.1:18000")).code(), Some(0));
}

#[test]
fn of_several_commands_that_may_be_meant_the_nearest_is_the_first() {
    let home = Home::new(Mode::Absent);
    for (typed, meant) in [("logn", "login or logout"), ("stauts", "status or setup")] {
        let finished = run(&home, &[typed]);
        assert!(finished.stderr.contains(&format!("hint: did you mean {meant}? ")), "{finished:#?}");
    }
}

#[test]
fn a_setting_counts_before_a_command_and_after_it() {
    let home = Home::new(Mode::Absent);
    let twice = run(&home, &["--client-id", "a", "config", "--flow=device", "show", "--client-id=b"]);
    assert_eq!((twice.code(), twice.stdout.as_str()), (Some(2), ""), "{twice:#?}");
    assert!(twice.stderr.contains("'--client-id <ID>' cannot be used multiple times"), "{twice:#?}");
    let list = ["--scope", "a", "--oidc-use-access-token", "config", "--oidc-extra-scope=b", "show", "--scope=c"];
    let list = run(&home, &list);
    assert!(list.stdout.contains("scope = [\"a\",\"b\",\"c\"]"), "{list:#?}");
    assert!(list.stdout.contains("use_access_token = true"), "{list:#?}");
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
