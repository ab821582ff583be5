//! Command lines and kubeconfigs of kubelogin's users.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::browser::Mode;
use crate::support::home::{Home, program};
use crate::support::kubeconfig::{kubectl, view};
use crate::support::process;
use crate::support::provider::Provider;
use crate::support::run::Finished;
use crate::support::tls::COMPANY;

/// kubelogin's two ports are there once for all tests.
static PORTS: Mutex<()> = Mutex::new(());

const REDIRECT_URIS: [&str; 2] = ["http://localhost:8000", "http://localhost:18000"];

fn ports() -> MutexGuard<'static, ()> {
    PORTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A provider where kubelogin is registered as its documentation says.
fn provider() -> Provider {
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.redirect_uris = REDIRECT_URIS.map(str::to_owned).to_vec());
    provider
}

/// The arguments of a user of kubelogin.
fn arguments(provider: &Provider) -> [String; 2] {
    [format!("--oidc-issuer-url={}", provider.issuer()), format!("--oidc-client-id={}", provider.client_id())]
}

#[test]
fn a_client_that_is_registered_for_kubelogin_works_unchanged() {
    let _ports = ports();
    let home = Home::with_keyring(Mode::Follow);
    let provider = provider();
    // Whoever has the port, kubekey takes the next one.
    for (first, occupied) in [("oidc-login", None), ("get-token", Some(TcpListener::bind("127.0.0.1:8000")))] {
        let mut kubekey = home.kubekey();
        kubekey.args([first].iter().filter(|first| **first == "oidc-login")).arg("get-token");
        home.run(kubekey.args(arguments(&provider))).credential();
        let request = provider.requests("/authorize").pop().unwrap();
        assert_eq!(request.param("scope"), Some("openid"));
        let redirect_uri = request.param("redirect_uri").unwrap();
        assert!(REDIRECT_URIS[usize::from(occupied.is_some())..].contains(&redirect_uri), "{redirect_uri}");
        home.keyring().clear();
    }
}

#[test]
fn settings_of_kubekey_override_kubelogins_defaults() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    let mut kubekey = home.kubekey();
    kubekey.args(arguments(&provider)).args(["--redirect-url=http://127.0.0.1/mine", "--scope=groups"]);
    home.run(&mut kubekey).credential();
    let request = provider.requests("/authorize").pop().unwrap();
    let redirect_uri = request.param("redirect_uri").unwrap();
    assert!(redirect_uri.starts_with("http://127.0.0.1:") && redirect_uri.ends_with("/mine"), "{redirect_uri}");
    assert_eq!(request.param("scope"), Some("openid groups"));
}

#[test]
fn the_log_level_is_a_number_and_the_version_is_v_alone() {
    let home = Home::new(Mode::Absent);
    let steps = |words: &[&str]| {
        let words = words.iter().chain(&["--oidc-issuer-url=http://127.0.0.1:1", "--oidc-client-id=x"]);
        home.run(home.kubekey().env_remove("KUBEKEY_LOG").arg("get-token").args(words)).log
    };
    for level in [["-v1"].as_slice(), &["-v=1"], &["--v", "1"], &["--v=1"], &["-v", "1"]] {
        assert!(steps(level).starts_with("kubekey: debug: "), "{level:?}");
    }
    assert_eq!((steps(&[]), steps(&["-v0"])), (String::new(), String::new()));
    assert_eq!(home.run(home.kubekey().arg("-v")).stdout, concat!("kubekey v", env!("CARGO_PKG_VERSION"), "\n"));
    for (word, why) in [
        ("-v=abc", "-v takes a number"),
        ("-vv", "-v takes a number"),
        ("-V1", "-V takes no value"),
        ("-h=no", "-h takes no value"),
    ] {
        let refused = home.run(home.kubekey().args(["login", word]));
        assert_eq!((refused.code(), refused.stdout.as_str()), (Some(2), ""), "{refused:#?}");
        assert!(
            refused.stderr.starts_with(&format!("kubekey: '{word}' cannot be used: {why}\nhint: ")),
            "{refused:#?}"
        );
    }
}

#[test]
fn after_two_dashes_no_word_is_a_flag_of_kubelogin() {
    let home = Home::new(Mode::Absent);
    for word in ["--username", "--oidc-use-pkce", "-v1", "-v=abc"] {
        let checked = home.run(home.kubekey().args(["config", "check", "--", word]));
        assert_eq!(checked.code(), Some(2), "{checked:#?}");
        assert!(checked.stderr.contains(word), "it is the name of a file: {checked:#?}");
    }
}

/// A kubeconfig of kubelogin for this API server.
fn kubeconfig(api: &Provider, provider: &Provider) -> Value {
    let arguments: Vec<_> =
        ["oidc-login", "get-token"].map(str::to_owned).into_iter().chain(arguments(provider)).collect();
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "kubectl",
        "args": arguments,
        "interactiveMode": "IfAvailable",
    });
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "prod", "cluster": {
            "server": api.issuer(),
            "certificate-authority-data": STANDARD.encode(COMPANY.pem()),
        }}],
        "contexts": [{"name": "prod", "context": {"cluster": "prod", "user": "oidc"}}],
        "current-context": "prod",
        "users": [{"name": "oidc", "user": {"exec": exec}}],
    })
}

/// The token that kubectl sends to the API server.
fn token_by_kubectl(home: &Home, api: &Provider, file: &Path) -> String {
    let mut command = kubectl(home);
    home.browser.offer_to(&mut command);
    command.env("KUBEKEY_TOKEN_STORAGE", "keyring").arg("--kubeconfig").arg(file).args(["get", "--raw", "/whoami"]);
    let output = process::output(&mut command).expect("kubectl, see tests/install");
    let requests = api.requests("/whoami");
    let sent = requests.last().and_then(|request| request.header("authorization"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    sent.and_then(|sent| sent.strip_prefix("Bearer ")).unwrap_or_else(|| panic!("no token: {stderr}")).to_owned()
}

#[test]
fn a_kubeconfig_of_kubelogin_with_another_command_gets_a_token_through_kubectl() {
    let _ports = ports();
    let (home, provider) = (Home::with_keyring(Mode::Follow), provider());
    let api = Provider::start_at([127, 0, 0, 1].into(), Some(COMPANY.server("127.0.0.1", |_| ())));
    let mut kubeconfig = kubeconfig(&api, &provider);
    let exec = &mut kubeconfig["users"][0]["user"]["exec"];
    exec["command"] = program().to_string_lossy().into();
    exec["args"].as_array_mut().unwrap().remove(0);
    let file = home.path().join("kubeconfig");
    fs::write(&file, kubeconfig.to_string()).unwrap();
    let token = token_by_kubectl(&home, &api, &file);
    assert_eq!((token.split('.').count(), provider.count("/token")), (3, 1));
}

#[test]
fn a_user_who_was_moved_gets_a_token_through_kubectl() {
    let _ports = ports();
    let (home, provider) = (Home::with_keyring(Mode::Follow), provider());
    let api = Provider::start_at([127, 0, 0, 1].into(), Some(COMPANY.server("127.0.0.1", |_| ())));
    let file = home.path().join("kubeconfig");
    fs::write(&file, kubeconfig(&api, &provider).to_string()).unwrap();
    let moved = home.run(home.kubekey().args(["setup", "--from-kubelogin", "--kubeconfig"]).arg(&file));
    assert_eq!(moved.code(), Some(0), "{moved:#?}");
    let args = view(&home, &file)["users"][0]["user"]["exec"]["args"].to_string();
    assert!(!args.contains("oidc-"), "{args}");
    let token = token_by_kubectl(&home, &api, &file);
    assert_eq!((token.split('.').count(), provider.count("/token")), (3, 1));
    let request = provider.requests("/authorize").pop().unwrap();
    assert_eq!(request.param("scope"), Some("openid"));
}

#[test]
fn kubelogins_defaults_hold_for_the_commands_that_a_person_runs_and_are_written_by_setup() {
    let (home, provider) = (Home::new(Mode::Absent), Provider::start());
    let file = home.path().join("kubeconfig");
    let mut kubeconfig = kubeconfig(&provider, &provider);
    kubeconfig["users"][0]["user"]["exec"]["command"] = "kubekey".into();
    fs::write(&file, kubeconfig.to_string()).unwrap();
    let finished =
        home.run(home.kubekey().args(["config", "show", "--output=json", "--context=prod", "--kubeconfig"]).arg(&file));
    let shown: Value = serde_json::from_str(&finished.stdout).unwrap_or_else(|_| panic!("{finished:#?}"));
    assert_eq!(shown["settings"]["redirect_url"]["value"], json!(REDIRECT_URIS));
    assert_eq!(shown["settings"]["scope"]["value"], json!(["openid"]));
    let new = home.path().join("new");
    let cluster = ["setup", "--cluster=prod", "--server=https://k8s.example.com", "--kubeconfig"];
    assert_eq!(home.run(home.kubekey().args(cluster).arg(&new).args(arguments(&provider))).code(), Some(0));
    let args = view(&home, &new)["users"][0]["user"]["exec"]["args"].to_string();
    assert!(args.contains("--redirect-url=http://localhost:18000") && args.contains("--scope=openid"), "{args}");
}

/// What kubekey does about a flag.
enum Done {
    /// It is this setting, with this value.
    Setting(&'static str, Value),
    /// It is accepted, and nothing changes.
    Accepted,
    /// It is accepted, and a warning names it.
    Warned,
    /// It is refused by its name, with this reason.
    Refused(&'static str),
}

use Done::{Accepted, Refused, Setting, Warned};

/// Each flag of the page, with words and what they do.
fn table() -> Vec<(&'static str, &'static [&'static str], Done)> {
    vec![
        (
            "--oidc-issuer-url",
            &["--oidc-issuer-url=https://x.example"],
            Setting("issuer_url", json!("https://x.example")),
        ),
        ("--oidc-client-id", &["--oidc-client-id", "x"], Setting("client_id", json!("x"))),
        ("--oidc-client-secret", &["--oidc-client-secret=x"], Setting("client_secret", json!("***"))),
        (
            "--oidc-redirect-url",
            &["--oidc-redirect-url=http://localhost:8080/cb"],
            Setting("redirect_url", json!(["http://localhost:8080/cb"])),
        ),
        ("--oidc-extra-scope", &["--oidc-extra-scope=email,groups"], Setting("scope", json!(["email,groups"]))),
        ("--oidc-use-access-token", &["--oidc-use-access-token"], Setting("use_access_token", json!(true))),
        ("--oidc-use-access-token", &["--oidc-use-access-token=false"], Setting("use_access_token", json!(false))),
        ("--oidc-request-header", &["--oidc-request-header=x-gateway=kubernetes"], Accepted),
        ("--force-refresh", &["--force-refresh"], Setting("force_refresh", json!(true))),
        ("--token-cache-dir", &["--token-cache-dir=~/tokens"], Setting("token_dir", json!("~/tokens"))),
        ("--token-cache-storage", &["--token-cache-storage=disk"], Setting("token_storage", json!("disk"))),
        ("--token-cache-storage", &["--token-cache-storage=keyring"], Setting("token_storage", json!("keyring"))),
        ("--token-cache-storage", &["--token-cache-storage=none"], Setting("token_storage", json!("none"))),
        (
            "--certificate-authority",
            &["--certificate-authority=~/ca.pem"],
            Setting("certificate_authority", json!(["~/ca.pem"])),
        ),
        (
            "--certificate-authority-data",
            &["--certificate-authority-data=eA=="],
            Setting("certificate_authority_data", json!(["eA=="])),
        ),
        (
            "--insecure-skip-tls-verify",
            &["--insecure-skip-tls-verify"],
            Setting("insecure_skip_tls_verify", json!(true)),
        ),
        ("--tls-renegotiation-once", &["--tls-renegotiation-once"], Warned),
        ("--tls-renegotiation-freely", &["--tls-renegotiation-freely"], Warned),
        ("--tls-renegotiation-freely", &["--tls-renegotiation-freely=false"], Accepted),
        ("--oidc-pkce-method", &["--oidc-pkce-method=auto"], Accepted),
        ("--oidc-pkce-method", &["--oidc-pkce-method", "S256"], Accepted),
        ("--oidc-pkce-method", &["--oidc-pkce-method=no"], Refused("=no is refused: kubekey always uses PKCE")),
        ("--oidc-pkce-method", &["--oidc-pkce-method=plain"], Refused(" 'plain' cannot be used")),
        ("--oidc-use-pkce", &["--oidc-use-pkce"], Accepted),
        ("--grant-type", &["--grant-type=device-code"], Setting("flow", json!("device-code"))),
        ("--grant-type", &["--grant-type=authcode"], Setting("flow", json!("authcode"))),
        ("--grant-type", &["--grant-type=client-credentials"], Setting("flow", json!("client-credentials"))),
        ("--grant-type", &["--grant-type=token-exchange"], Setting("flow", json!("token-exchange"))),
        ("--grant-type", &["--grant-type", "password"], Refused("=password is refused")),
        ("--listen-address", &["--listen-address=127.0.0.1:1"], Setting("redirect_url", json!(["http://localhost:1"]))),
        ("--skip-open-browser", &["--skip-open-browser"], Setting("skip_open_browser", json!(true))),
        ("--browser-command", &["--browser-command=firefox"], Setting("browser_command", json!("firefox"))),
        ("--authentication-timeout-sec", &["--authentication-timeout-sec=60"], Setting("login_timeout", json!("60"))),
        ("--local-server-cert", &["--local-server-cert=/x.pem"], Setting("local_server_cert", json!("/x.pem"))),
        ("--local-server-key", &["--local-server-key=/x.pem"], Setting("local_server_key", json!("/x.pem"))),
        (
            "--open-url-after-authentication",
            &["--open-url-after-authentication=https://x.example"],
            Setting("post_login_url", json!("https://x.example")),
        ),
        (
            "--oidc-auth-request-extra-params",
            &["--oidc-auth-request-extra-params=ttl=1"],
            Setting("auth_param", json!(["ttl=1"])),
        ),
        (
            "--token-exchange-resource",
            &["--token-exchange-resource=https://k8s.example.com"],
            Setting("resource", json!(["https://k8s.example.com"])),
        ),
        (
            "--token-exchange-audience",
            &["--token-exchange-audience=k8s"],
            Setting("auth_param", json!(["audience=k8s"])),
        ),
        (
            "--token-exchange-requested-token-type",
            &["--token-exchange-requested-token-type=id-token"],
            Setting("auth_param", json!(["requested_token_type=urn:ietf:params:oauth:token-type:id_token"])),
        ),
        (
            "--token-exchange-subject-token",
            &["--token-exchange-subject-token=secret"],
            Refused("is refused: every program on this machine can read"),
        ),
        (
            "--token-exchange-subject-token-type",
            &["--token-exchange-subject-token-type", "urn:x"],
            Setting("auth_param", json!(["subject_token_type=urn:x"])),
        ),
        (
            "--token-exchange-actor-token",
            &["--token-exchange-actor-token=secret"],
            Refused("is not part of this version"),
        ),
        (
            "--token-exchange-actor-token-type",
            &["--token-exchange-actor-token-type=jwt"],
            Refused("is not part of this version"),
        ),
        ("--username", &["--username=jane"], Refused("is refused: kubekey takes no passwords")),
        ("--password", &["--password", "secret"], Refused("is refused: kubekey takes no passwords")),
        ("-v", &["-v1"], Accepted),
        (
            "--oidc-redirect-url-hostname",
            &["--oidc-redirect-url-hostname=127.0.0.1"],
            Setting("redirect_url", json!(["http://127.0.0.1:8000", "http://127.0.0.1:18000"])),
        ),
        (
            "--oidc-redirect-url-authcode-keyboard",
            &["--oidc-redirect-url-authcode-keyboard=urn:ietf:wg:oauth:2.0:oob"],
            Setting("paste_redirect_url", json!("urn:ietf:wg:oauth:2.0:oob")),
        ),
        ("--listen-port", &["--listen-port=9000"], Setting("listen_address", json!(["127.0.0.1:9000"]))),
        ("--force-keyring", &["--force-keyring"], Setting("token_storage", json!("keyring"))),
        ("--no-keyring", &["--no-keyring"], Setting("token_storage", json!("file"))),
    ]
}

/// The flag of each row of the page, and what kubekey does.
fn rows(page: &str) -> Vec<(String, String)> {
    let (_, flags) = page.split_once("## Flags").unwrap();
    let rows = flags.lines().filter(|line| line.starts_with("| `-"));
    rows.map(|line| {
        let cells: Vec<_> = line.split(" | ").collect();
        (cells[0].split('`').nth(1).unwrap().to_owned(), cells[2].trim_end_matches(" |").to_owned())
    })
    .collect()
}

#[test]
fn each_flag_of_kubelogin_does_what_the_page_says() {
    let home = Home::new(Mode::Absent);
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/kubelogin.md")).unwrap();
    let rows = rows(&page);
    let mut named: Vec<_> = table().iter().map(|(flag, ..)| *flag).collect();
    named.dedup();
    assert_eq!(rows.iter().map(|(flag, _)| flag.as_str()).collect::<Vec<_>>(), named);
    for (flag, words, done) in table() {
        let said = &rows.iter().find(|(row, _)| row == flag).unwrap().1;
        let finished = shown(&home, words);
        match done {
            Setting(name, value) => {
                assert!(said.starts_with("the same"), "{flag}: {said}");
                let shown: Value = serde_json::from_str(&finished.stdout).unwrap();
                assert_eq!(shown["settings"][name]["value"], value, "{words:?}: {finished:#?}");
            }
            Accepted => assert_eq!((finished.code(), finished.stderr.as_str()), (Some(0), ""), "{words:?}"),
            Warned => {
                assert!(said.starts_with("warns"), "{flag}: {said}");
                let warning = format!("kubekey: warning: {flag} has no effect");
                assert!(finished.code() == Some(0) && finished.stderr.starts_with(&warning), "{finished:#?}");
            }
            Refused(why) => {
                assert!(said.contains("refuses"), "{flag}: {said}");
                let error = format!("kubekey: {flag}{}{why}", if why.starts_with(['=', ' ']) { "" } else { " " });
                assert!(finished.code() == Some(2) && finished.stderr.starts_with(&error), "{finished:#?}");
                assert!(finished.stderr.contains("\nhint: ") && !finished.stderr.contains("secret"), "{finished:#?}");
            }
        }
    }
}

/// The settings for these words of a user of kubelogin.
fn shown(home: &Home, words: &[&str]) -> Finished {
    let mut kubekey = home.kubekey();
    kubekey.env_remove("KUBEKEY_TOKEN_STORAGE").args(["config", "show", "--output=json"]);
    let given = ["--oidc-issuer-url=https://login.example.com", "--oidc-client-id=kubernetes"];
    let name = |word: &str| word.split('=').next().map(str::to_owned);
    let others = given.iter().filter(|given| words.iter().all(|word| name(word) != name(given)));
    home.run(kubekey.args(others).args(words))
}
