//! The main job, with nothing but this repository: a sign-in with OpenID Connect that ends in a token for Kubernetes.
//!
//! ```sh
//! cargo run --example demo
//! cargo run --example demo -- --no-browser  # on a Linux desktop, but without its browser
//! ```
//!
//! An OpenID provider and an API endpoint run inside this program, on loopback; `kubekey` is run as `kubectl` runs it.
//! The API endpoint is a stand-in for an API server: it answers one question, and it verifies tokens with another
//! library than kubekey does. A real browser is used where there is one; else the demo follows the redirects itself.
//!
//! On Linux kubekey gets a home, a D-Bus session and a keyring of its own, so that none of yours is touched. On macOS and
//! Windows there is only the one keyring: what the demo saved there is removed at the end. These two were not tried.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the demo talks to the person who runs it")]

#[cfg(all(unix, not(target_os = "macos")))]
#[path = "../tests/support/browser.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod browser;
#[path = "../tests/support/canary.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod canary;
#[path = "../tests/support/client.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod client;
#[cfg(all(unix, not(target_os = "macos")))]
#[path = "../tests/support/keyring.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod keyring;
#[cfg(all(unix, not(target_os = "macos")))]
#[path = "../tests/support/process.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod process;
#[path = "../tests/support/provider/mod.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod provider;
#[path = "../tests/support/tls.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod tls;

use std::error::Error;
use std::io::{BufRead, BufReader, Read};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use client::Client;
use provider::Provider;
use provider::server::{Answer, Request, Server};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const REVIEWS: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

fn main() -> ExitCode {
    match demo() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn demo() -> Result<()> {
    let mut steps = Steps(0);
    let kubekey = build()?;
    steps.tell("kubekey is built.");
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.client_id = "kubernetes".into());
    steps.tell(&format!("An OpenID provider listens at {}. Jane has an account there.", provider.issuer()));
    let api = start_api(provider.issuer(), provider.client_id());
    let api_url = format!("http://127.0.0.1:{}", api.port());
    steps.tell(&format!("An API endpoint listens at {api_url}. It trusts that provider and nobody else."));
    let person = has_person();
    provider.configure(|behaviour| behaviour.interactive = person);
    let session = Session::start(person, &provider)?;
    steps.tell(session.keeps());

    let kubectl = Kubectl { kubekey, session, provider, api_url };
    steps.tell(if person {
        "kubekey runs, as kubectl would run it. Your browser opens: please press 'Sign in as Jane' there."
    } else {
        "kubekey runs, as kubectl would run it. The demo acts as the browser and follows each redirect."
    });
    let cold = kubectl.run_kubekey()?;
    kubectl.session.tell_journey();
    steps.tell(&format!("Jane is signed in, after {}. kubectl is given:", rounded(cold.took)));
    tell_json(&shortened(&cold.credential));
    let token = cold.credential["status"]["token"].as_str().ok_or("there is no token in the ExecCredential")?;
    steps.tell("The claims in that token:");
    tell_json(&claims(token)?);
    let who = kubectl.who_am_i(token)?;
    steps.tell(&format!("The API endpoint verifies the token and answers: you are {who}."));
    if kubectl.session.keeps_tokens() {
        steps.tell(&kubectl.run_warm(&cold)?);
    } else {
        steps.tell("There would be a second run now, without a browser; but nothing was kept to answer it from.");
    }
    println!("\nThat was all. Nothing of it is left.");
    Ok(())
}

/// Numbers what is told.
struct Steps(usize);

impl Steps {
    fn tell(&mut self, text: &str) {
        self.0 += 1;
        println!("{:2}. {text}", self.0);
    }
}

fn tell_json(value: &Value) {
    println!("{}", indented(&format!("{value:#}")));
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("      {line}")).collect::<Vec<_>>().join("\n")
}

fn rounded(took: Duration) -> String {
    format!("{} ms", took.as_millis())
}

/// The binary of this repository, built in the way the demo was built. Cargo says where it put it.
fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let mut command = Command::new(cargo);
    command.args(["build", "--bin", "kubekey", "--message-format=json-render-diagnostics"]);
    command.arg("--manifest-path").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    // Set by `cargo run`; build scripts that look at them would run anew, and half the dependencies be built again.
    let of_run = |name: &str| ["CARGO_MANIFEST_", "CARGO_PKG_"].iter().any(|start| name.starts_with(start));
    unset(&mut command, of_run);
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("kubekey could not be built, see above".into());
    }
    let messages = String::from_utf8(output.stdout)?;
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "kubekey")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .ok_or_else(|| "cargo did not say where it put kubekey".into())
}

/// Keeps variables of this program from the one that is started.
fn unset(command: &mut Command, variable: impl Fn(&str) -> bool) {
    for (name, _) in std::env::vars_os() {
        if variable(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
}

/// An API endpoint that knows one question, `kubectl auth whoami`.
fn start_api(issuer: String, client_id: String) -> Server {
    Server::start(Ipv4Addr::LOCALHOST.into(), 0, None, move |request| {
        let answer = self_subject_review(&request, &issuer, &client_id);
        async move { answer }
    })
}

fn self_subject_review(request: &Request, issuer: &str, client_id: &str) -> Answer {
    if (&*request.method, &*request.path) != ("POST", REVIEWS) {
        return Answer::json(404, &json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404}));
    }
    let bearer = request.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
    let verified = bearer.ok_or_else(|| "no bearer token".into()).and_then(|token| verify(token, issuer, client_id));
    match verified {
        Ok(claims) => Answer::json(
            201,
            &json!({
                "kind": "SelfSubjectReview",
                "apiVersion": "authentication.k8s.io/v1",
                "status": {"userInfo": {"username": claims["email"], "groups": claims["groups"]}},
            }),
        ),
        Err(error) => Answer::json(
            401,
            &json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 401, "message": error.to_string()}),
        ),
    }
}

/// As an API server does it: with the keys that the issuer publishes, for the one client, and not expired.
fn verify(token: &str, issuer: &str, client_id: &str) -> Result<Value> {
    let http = Client::default();
    let discovery = http.send("GET", &format!("{issuer}/.well-known/openid-configuration"), &[], "")?;
    let discovery: Value = serde_json::from_str(&discovery.body)?;
    let jwks = http.send("GET", discovery["jwks_uri"].as_str().ok_or("no jwks_uri")?, &[], "")?;
    let jwks: JwkSet = serde_json::from_str(&jwks.body)?;
    let key_id = jsonwebtoken::decode_header(token)?.kid.ok_or("the token names no key")?;
    let key = jwks.find(&key_id).ok_or("the token's key is not one of the issuer's")?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[client_id]);
    let verified = jsonwebtoken::decode::<Value>(token, &DecodingKey::from_jwk(key)?, &validation)?;
    Ok(verified.claims)
}

/// All that a run of kubekey needs, and what kubectl would do with its result.
struct Kubectl {
    kubekey: PathBuf,
    session: Session,
    provider: Provider,
    api_url: String,
}

/// A run that went well.
struct Run {
    credential: Value,
    said: String,
    took: Duration,
}

impl Kubectl {
    fn run_kubekey(&self) -> Result<Run> {
        let mut command = Command::new(&self.kubekey);
        unset(&mut command, is_setting);
        self.session.apply(&mut command);
        let exec_info = json!({
            "kind": "ExecCredential",
            "apiVersion": "client.authentication.k8s.io/v1",
            "spec": {"interactive": true, "cluster": {"server": self.api_url}},
        });
        command
            .env("KUBERNETES_EXEC_INFO", exec_info.to_string())
            .env("IDP_ISSUER_URL", self.provider.issuer())
            .env("CLIENT_ID", self.provider.client_id())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let started = Instant::now();
        let mut child = command.spawn()?;
        let stderr = child.stderr.take().expect("piped");
        let echo = std::thread::spawn(move || echo(stderr));
        let mut stdout = String::new();
        child.stdout.take().expect("piped").read_to_string(&mut stdout)?;
        let said = echo.join().expect("the echo of stderr");
        let status = child.wait()?;
        let took = started.elapsed();
        if !status.success() {
            return Err(format!("kubekey ended with {status}, see above").into());
        }
        Ok(Run { credential: serde_json::from_str(&stdout)?, said, took })
    }

    /// Runs kubekey again and makes sure that it needed nobody.
    fn run_warm(&self, cold: &Run) -> Result<String> {
        let asked = self.provider.count_all();
        let warm = self.run_kubekey()?;
        if warm.credential != cold.credential || !warm.said.is_empty() || self.provider.count_all() != asked {
            return Err("the second run was to be answered from the keyring, and was not".into());
        }
        let took = rounded(warm.took);
        Ok(format!("kubekey runs again: the same token after {took}, from the keyring. No browser, nothing asked."))
    }

    fn who_am_i(&self, token: &str) -> Result<String> {
        let headers = [("authorization", &*format!("Bearer {token}")), ("content-type", "application/json")];
        let review = json!({"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"});
        let url = format!("{}{REVIEWS}", self.api_url);
        let answer = Client::default().send("POST", &url, &headers, &review.to_string())?;
        let body: Value = serde_json::from_str(&answer.body)?;
        match body["status"]["userInfo"]["username"].as_str() {
            Some(user) if answer.status == 201 => Ok(user.to_string()),
            _ => Err(format!("the API endpoint did not accept the token: {body}").into()),
        }
    }
}

/// Whether kubekey, or the HTTP client in it, would take this variable as a setting.
fn is_setting(variable: &str) -> bool {
    let name = variable.to_uppercase();
    name.starts_with("KUBEKEY_")
        || name.ends_with("_PROXY")
        || ["CLIENT_ID", "CLIENT_SECRET", "IDP_ISSUER_URL"].contains(&&*name)
}

fn echo(stderr: impl Read) -> String {
    let mut said = String::new();
    for line in BufReader::new(stderr).lines().map_while(std::result::Result::ok) {
        println!("{}", indented(&line));
        said += &line;
    }
    said
}

fn shortened(credential: &Value) -> Value {
    let mut credential = credential.clone();
    if let Some(token) = credential["status"]["token"].as_str() {
        let start: String = token.chars().take(24).collect();
        credential["status"]["token"] = format!("{start}... ({} characters)", token.len()).into();
    }
    credential
}

fn claims(token: &str) -> Result<Value> {
    let payload = token.split('.').nth(1).ok_or("the token is no JWT")?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?)
}

/// Whether a person will see the browser. On systems other than Linux and its like there is no way around it.
fn has_person() -> bool {
    if cfg!(any(target_os = "macos", windows)) {
        return true;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has_launcher = std::env::split_paths(&path).any(|folder| folder.join("xdg-open").is_file());
    let has_display = ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    let declined = std::env::args().any(|argument| argument == "--no-browser");
    has_launcher && has_display && !declined
}

#[cfg(all(unix, not(target_os = "macos")))]
use private::Session;
#[cfg(all(unix, not(target_os = "macos")))]
mod private {
    //! A home, a D-Bus session, a keyring and a browser for kubekey alone.

    use std::ffi::OsString;
    use std::fs::{self, DirBuilder};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    use std::path::Path;
    use std::process::Command;

    use tempfile::TempDir;

    use super::browser::{Browser, Mode};
    use super::keyring::Keyring;
    use super::provider::Provider;

    pub struct Session {
        keyring: Option<Keyring>,
        /// The demo's own, when nobody is to see one.
        browser: Option<Browser>,
        variables: Vec<(&'static str, OsString)>,
        _home: TempDir,
    }

    impl Session {
        pub fn start(person: bool, _provider: &Provider) -> io::Result<Self> {
            let home = TempDir::with_prefix("kubekey-demo-")?;
            for name in ["runtime", "launcher"] {
                DirBuilder::new().mode(0o700).create(home.path().join(name))?;
            }
            let keyring = match Keyring::start(home.path()) {
                Ok(keyring) => Some(keyring),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(error),
            };
            let browser = if person { None } else { Some(Browser::install(Mode::Follow)?) };
            let launcher = match &browser {
                Some(browser) => browser.folder().to_path_buf(),
                None => home.path().join("launcher"),
            };
            let variables = variables(home.path(), &launcher, keyring.as_ref());
            if person {
                write_launcher(&launcher.join("xdg-open"), &variables)?;
            }
            Ok(Session { keyring, browser, variables, _home: home })
        }

        pub fn apply(&self, command: &mut Command) {
            command.envs(self.variables.iter().cloned());
        }

        pub fn keeps_tokens(&self) -> bool {
            self.keyring.is_some()
        }

        pub fn keeps(&self) -> &'static str {
            if self.keeps_tokens() {
                "kubekey gets a home and a keyring of its own, so that yours are not touched."
            } else {
                "There is no dbus-daemon or no gnome-keyring-daemon here, so kubekey gets no keyring and keeps nothing."
            }
        }

        /// Shows the way that the demo's own browser went.
        pub fn tell_journey(&self) {
            let Some(browser) = &self.browser else {
                return;
            };
            for page in browser.wait_for_journey().pages {
                let place = page.url.split('?').next().unwrap_or_default();
                println!("      browser: {} {place}", page.status);
            }
        }
    }

    fn variables(home: &Path, launcher: &Path, keyring: Option<&Keyring>) -> Vec<(&'static str, OsString)> {
        let no_bus = || format!("unix:path={}/no-bus", home.display());
        let bus = keyring.map_or_else(no_bus, |keyring| keyring.address().to_string());
        let mut path = launcher.as_os_str().to_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        vec![
            ("HOME", home.into()),
            ("XDG_RUNTIME_DIR", home.join("runtime").into()),
            ("XDG_STATE_HOME", home.join("state").into()),
            ("XDG_CACHE_HOME", home.join("cache").into()),
            ("XDG_CONFIG_HOME", home.join("config").into()),
            ("DBUS_SESSION_BUS_ADDRESS", bus.into()),
            ("PATH", path),
        ]
    }

    /// A launcher that is the desktop's own, in the person's own environment: what was changed for kubekey is changed
    /// back, or the browser would start with an empty profile, or on no display.
    fn write_launcher(file: &Path, changed: &[(&'static str, OsString)]) -> io::Result<()> {
        let mut script = "#!/bin/sh\n".to_string();
        for (name, _) in changed {
            script += &match std::env::var(name) {
                Ok(value) => format!("export {name}='{}'\n", value.replace('\'', r"'\''")),
                Err(_) => format!("unset {name}\n"),
            };
        }
        fs::write(file, script + "exec xdg-open \"$@\"\n")?;
        fs::set_permissions(file, fs::Permissions::from_mode(0o755))
    }
}

#[cfg(any(target_os = "macos", windows))]
use desktop::Session;
#[cfg(any(target_os = "macos", windows))]
mod desktop {
    //! The user's own keyring and browser: macOS and Windows have no others.

    use std::error::Error;
    use std::process::Command;

    use kubekey::config::given::Given;
    use kubekey::config::{Policy, Settings};
    use kubekey::token_cache::CredentialKey;

    use super::provider::Provider;

    pub struct Session {
        saved: keyring::Entry,
    }

    impl Session {
        pub fn start(_person: bool, provider: &Provider) -> Result<Self, Box<dyn Error>> {
            let (issuer, client_id) = (provider.issuer(), provider.client_id());
            let given = Given::of_flags(&[("issuer-url", &issuer), ("client-id", &client_id)]);
            let settings =
                Settings::resolve(&given, |_| None, &Policy::default()).map_err(|error| error.to_string())?;
            let saved = keyring::Entry::new("kubekey", &CredentialKey::new(&settings).digest)?;
            Ok(Session { saved })
        }

        pub fn apply(&self, _command: &mut Command) {}

        pub fn keeps_tokens(&self) -> bool {
            true
        }

        pub fn keeps(&self) -> &'static str {
            "kubekey saves the sign-in in your keyring; the demo removes it at the end."
        }

        pub fn tell_journey(&self) {}
    }

    impl Drop for Session {
        fn drop(&mut self) {
            match self.saved.delete_credential() {
                Ok(()) | Err(keyring::Error::NoEntry) => {}
                Err(error) => eprintln!("demo: the item 'kubekey' of 127.0.0.1 is left in your keyring: {error}"),
            }
        }
    }
}
