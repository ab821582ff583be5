//! The main job, with only this repository: a sign-in with OpenID Connect that ends in a token for Kubernetes.
//!
//! ```sh
//! cargo run --example demo
//! cargo run --example demo -- --no-browser  # on a Linux desktop, but without its browser
//! ```
//!
//! An OpenID provider and an API endpoint run inside this program, on loopback; `kubekey` runs as `kubectl` runs it.
//! The API endpoint is a stand-in for an API server: it answers one request, and it verifies tokens with another
//! library than kubekey does. If there is a real browser, it is used; otherwise the demo follows the redirects itself.
//!
//! On Linux kubekey gets a home, a D-Bus session and a keyring of its own, so that yours are not touched. On macOS and
//! Windows there is only one keyring: the demo removes at the end what it saved there. It was not tried on these two.

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
#[path = "../tests/support/launcher_unix.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod launcher;
#[cfg(all(unix, not(target_os = "macos")))]
#[path = "../tests/support/process.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod process;
#[path = "../tests/support/provider/mod.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod provider;
#[path = "../tests/support/said.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod said;
#[path = "../tests/support/tls.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod tls;

use std::error::Error;
use std::io::{BufRead, BufReader, Read};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
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

/// Tells this program to be `kubekey`: it contains all of it, so that nothing is compiled twice.
const BE_KUBEKEY: &str = "DEMO_IS_KUBEKEY";

fn main() -> ExitCode {
    if std::env::var_os(BE_KUBEKEY).is_some() {
        return kubekey::program::main().into();
    }
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
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.client_id = "kubernetes".into());
    steps.tell(&format!("An OpenID provider listens at {}. Jane has an account there.", provider.issuer()));
    let api = start_api(provider.issuer(), provider.client_id());
    let api_url = format!("http://127.0.0.1:{}", api.port());
    steps.tell(&format!("An API endpoint listens at {api_url}. It trusts that provider and nobody else."));
    let person = has_person();
    provider.configure(|behaviour| behaviour.interactive = person);
    let session = Session::start(person, &provider)?;
    steps.tell(session.about_storage());

    let kubectl = Kubectl { kubekey: std::env::current_exe()?, session, provider, api_url };
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
    if kubectl.session.saves_tokens() {
        steps.tell(&kubectl.run_warm(&cold)?);
    } else {
        steps.tell("There would be a second run now, without a browser; but nothing was kept to answer it from.");
    }
    println!("\nThat was all. Nothing of it is left.");
    Ok(())
}

/// Numbers the steps that are printed.
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

/// Removes variables of this program from the environment of the one that it starts.
fn unset(command: &mut Command, variable: impl Fn(&str) -> bool) {
    for (name, _) in std::env::vars_os() {
        if variable(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
}

/// An API endpoint that answers one request, `kubectl auth whoami`.
fn start_api(issuer: String, client_id: String) -> Server {
    Server::start(Ipv4Addr::LOCALHOST.into(), 0, None, Arc::new(|| None), move |request| {
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

/// Verifies a token as an API server does: with the keys that the issuer publishes, for this one client, and not
/// expired.
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

/// What a run of kubekey needs, and what kubectl would do with its result.
struct Kubectl {
    kubekey: PathBuf,
    session: Session,
    provider: Provider,
    api_url: String,
}

/// A run that succeeded.
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
            .env(BE_KUBEKEY, "1")
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

    /// Runs kubekey again and checks that it needed neither the browser nor the provider.
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

/// Whether a person will use the browser. Only on Linux and its relatives can the demo do without one.
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
        /// The demo's own, if no person is to see one.
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
            let mut variables = variables(home.path(), &launcher, keyring.as_ref());
            if !person {
                // Without a screen kubekey starts no launcher.
                variables.push(("DISPLAY", ":4711".into()));
            }
            if person {
                write_launcher(&launcher.join("xdg-open"), &variables)?;
            }
            Ok(Session { keyring, browser, variables, _home: home })
        }

        pub fn apply(&self, command: &mut Command) {
            command.envs(self.variables.iter().cloned());
        }

        pub fn saves_tokens(&self) -> bool {
            self.keyring.is_some()
        }

        pub fn about_storage(&self) -> &'static str {
            if self.saves_tokens() {
                "kubekey gets a home and a keyring of its own, so that yours are not touched."
            } else {
                "There is no dbus-daemon or no gnome-keyring-daemon here, so kubekey gets no keyring and keeps nothing."
            }
        }

        /// Prints the pages that the demo's own browser visited.
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

    /// Writes a launcher that runs the desktop's own one in the person's own environment: it restores what was changed
    /// for kubekey, or the browser would start with an empty profile, or without a display.
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

    use std::io;
    use std::process::Command;

    use super::BE_KUBEKEY;
    use super::provider::Provider;

    pub struct Session {
        logout: Command,
    }

    impl Session {
        pub fn start(_person: bool, provider: &Provider) -> io::Result<Self> {
            let mut logout = Command::new(std::env::current_exe()?);
            logout.env(BE_KUBEKEY, "yes").arg("logout");
            logout.arg(format!("--issuer-url={}", provider.issuer()));
            logout.arg(format!("--client-id={}", provider.client_id()));
            Ok(Session { logout })
        }

        pub fn apply(&self, _command: &mut Command) {}

        pub fn saves_tokens(&self) -> bool {
            true
        }

        pub fn about_storage(&self) -> &'static str {
            "kubekey saves the sign-in in your keyring; the demo removes it at the end."
        }

        pub fn tell_journey(&self) {}
    }

    impl Drop for Session {
        fn drop(&mut self) {
            if !self.logout.status().is_ok_and(|status| status.success()) {
                eprintln!("demo: the item 'kubekey' of 127.0.0.1 is left in your keyring");
            }
        }
    }
}
