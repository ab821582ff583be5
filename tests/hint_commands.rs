//! The commands in hints: each is taken out of what the program printed, run by a shell in the same home, and does what the
//! hint says.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::support::api_server::kubeconfig;
use crate::support::browser::Mode;
use crate::support::home::{Home, program};
use crate::support::kubeconfig::{kubectl, plain, setup, setup_in};
use crate::support::provider::Provider;
use crate::support::provider::behaviour::edit;
use crate::support::run::{Finished, Running};

/// A user with a provider, who types `kubekey` and `kubectl`.
struct Place {
    home: Home,
    provider: Provider,
}

impl Place {
    fn new() -> Self {
        Self { home: Home::new(Mode::Follow).store_in("file"), provider: Provider::start() }
    }

    /// With a context `prod` that runs kubekey; it is the current one or none is.
    fn with_context(current: &str) -> Self {
        let place = Self::new();
        let args = [
            format!("--issuer-url={}", place.provider.issuer()),
            format!("--client-id={}", place.provider.client_id()),
        ];
        let exec = json!({
            "apiVersion": "client.authentication.k8s.io/v1", "command": "kubekey", "args": args,
            "interactiveMode": "IfAvailable",
        });
        let text = kubeconfig(&json!({ "server": "https://127.0.0.1:9" }), &exec);
        fs::create_dir_all(place.home.path().join(".kube")).unwrap();
        let text = text.replace(r#""current-context":"prod""#, &format!(r#""current-context":"{current}""#));
        fs::write(place.home.path().join(".kube/config"), text).unwrap();
        place
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        self.home.run(self.home.kubekey().args(arguments))
    }

    /// The command in a shell of this user. The tests may run as root, who has no `sudo`.
    fn shell(&self, command: &str) -> Command {
        let kubekey = self.home.kubekey();
        let mut shell = Command::new("/bin/sh");
        shell.env_clear().current_dir(self.home.path());
        shell.envs(kubekey.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let of = |program: PathBuf| program.parent().unwrap().display().to_string();
        let tools = of(PathBuf::from(kubectl(&self.home).get_program()));
        let path = kubekey.get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap().display();
        shell.env("PATH", format!("{}:{tools}:{path}", of(program())));
        shell.args(["-c", command]);
        shell
    }

    fn type_in(&self, command: &str) -> Finished {
        Running::start(&mut self.shell(command)).wait()
    }

    /// Runs the command that begins so and is in the output, and returns what that printed.
    #[track_caller]
    fn follow(&self, printed: &Finished, beginning: &str) -> Finished {
        let all = commands_in(&format!("{}{}", printed.stderr, printed.stdout));
        let found = all.iter().find(|command| command.starts_with(beginning));
        let command = found.unwrap_or_else(|| panic!("no command {beginning}: {all:?} in {printed:#?}"));
        self.type_in(command)
    }

    #[track_caller]
    fn follow_with_success(&self, printed: &Finished, beginning: &str) -> Finished {
        let finished = self.follow(printed, beginning);
        assert_eq!(finished.code(), Some(0), "{beginning}: {finished:#?}");
        finished
    }
}

/// Programs that hints name.
const PROGRAMS: [&str; 8] = ["kubekey ", "kubectl ", "chmod ", "sudo ", "chown ", "iconv ", "openssl ", "base64 "];

/// The commands in a text: alone in an indented line, or in quotes.
fn commands_in(printed: &str) -> Vec<String> {
    let is_command = |text: &&str| PROGRAMS.iter().any(|program| text.starts_with(program));
    let alone = printed.lines().filter(|line| line.starts_with("  ")).map(str::trim).filter(is_command);
    let quoted = printed.match_indices('\'').map(|(at, _)| &printed[at + 1..]).filter(is_command);
    let quoted = quoted.filter_map(|rest| rest.split_once('\'')).map(|(command, _)| command);
    alone.chain(quoted).map(str::to_owned).collect()
}

#[test]
fn the_commands_to_sign_in_and_out_do_so() {
    let place = Place::with_context("");
    let lost = place.run(&["login"]);
    assert_eq!(lost.code(), Some(2), "{lost:#?}");
    place.follow_with_success(&lost, "kubekey login --context prod");
    assert_eq!(place.run(&["status"]).code(), Some(0));

    // Another client's sign-in is not the one that is saved.
    let mut other = place.home.kubekey_for(&place.provider);
    let other = place.home.run(other.env("KUBEKEY_CLIENT_ID", "another").arg("logout"));
    let removed = place.follow_with_success(&other, "kubekey logout --issuer ");
    assert!(removed.stderr.contains("removed the sign-in"), "{removed:#?}");

    let signed_out = place.run(&["status"]);
    assert_eq!(signed_out.code(), Some(3), "{signed_out:#?}");
    place.follow_with_success(&signed_out, "kubekey login --context prod");
    assert_eq!(place.run(&["status"]).code(), Some(0));
    assert_eq!(place.home.browser.urls().len(), 2);
}

#[test]
fn a_long_command_is_printed_whole() {
    let place = Place::with_context("");
    let (file, name) = (place.home.path().join(".kube/config"), "p".repeat(700));
    fs::write(&file, fs::read_to_string(&file).unwrap().replace("\"prod\"", &format!("\"{name}\""))).unwrap();
    let lost = place.run(&["login"]);
    place.follow_with_success(&lost, &format!("kubekey login --context {name}"));
}

#[test]
fn by_hand_the_hint_is_the_command_that_signs_in() {
    let place = Place::with_context("prod");
    let refused = place.run(&["get-token"]);
    assert_eq!(refused.code(), Some(2), "{refused:#?}");
    place.follow_with_success(&refused, "kubekey login --context prod");
}

#[test]
fn an_issuer_of_another_spelling_is_printed_as_a_shell_takes_it() {
    let place = Place::new();
    // As a provider may name itself: the shell would run a part of it.
    place.provider.configure(|behaviour| behaviour.issuer_path = "/a&b;c".to_owned());
    let issuer = place.provider.issuer();
    let out = place.home.run(place.home.kubekey_for(&place.provider).arg("logout"));
    assert!(out.stderr.contains(&format!("run 'kubekey logout --issuer \"{issuer}\"'")), "{out:#?}");
    let removed = place.follow_with_success(&out, "kubekey logout --issuer ");
    assert!(removed.stderr.contains(&format!("there is no saved sign-in to {issuer}")), "{removed:#?}");
    let wrong = format!("{issuer}/");
    place.provider.configure(move |behaviour| {
        let theirs = wrong.trim_end_matches('/').to_owned();
        behaviour.discovery = edit(move |document| drop(document.insert("issuer".into(), theirs.clone().into())));
    });
    let mut kubekey = place.home.kubekey_for(&place.provider);
    let other = place.home.run(kubekey.env("KUBEKEY_ISSUER_URL", format!("{issuer}/")));
    let quoted = format!("use exactly this: --issuer-url=\"{issuer}\"\n");
    assert!(other.stderr.contains(&quoted), "{other:#?}");
}

#[test]
fn the_commands_about_the_configuration_show_what_is_wrong() {
    let place = Place::new();
    let file = place.home.config().join("kubekey/config.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "login_timeout = 9\nlogin_timeout = 8\n").unwrap();
    let broken = place.home.run(&mut place.home.kubekey_for(&place.provider));
    assert_eq!(broken.code(), Some(2), "{broken:#?}");
    let found = place.follow(&broken, "kubekey config check");
    assert!(found.code() == Some(2) && found.stderr.contains("config.toml line 2"), "{found:#?}");
    let schema = place.follow_with_success(&broken, "kubekey config schema");
    assert!(schema.stdout.contains("login_timeout"), "{schema:#?}");
    place.follow_with_success(&found, "kubekey config schema");

    fs::write(&file, "").unwrap();
    let unknown = place.run(&["login", "--profile=work"]);
    let shown = place.follow_with_success(&unknown, "kubekey config show --origin");
    assert!(shown.stdout.contains("config.toml") || shown.stdout.contains("issuer_url"), "{shown:#?}");
}

#[test]
fn chmod_ends_what_is_wrong_about_a_file() {
    let place = Place::new();
    let secret = place.home.path().join("it's a secret");
    fs::write(&secret, "s3cret-of-the-client").unwrap();
    let set_mode = |file: &PathBuf, mode: u32| fs::set_permissions(file, Permissions::from_mode(mode)).unwrap();
    set_mode(&secret, 0o644);
    place.provider.configure(|behaviour| behaviour.client_secret = Some("s3cret-of-the-client".into()));
    let run = || {
        let mut kubekey = place.home.kubekey_for(&place.provider);
        kubekey.env("KUBEKEY_LOG", "warn").arg("--force-refresh");
        place.home.run(kubekey.arg("--client-secret-file").arg(&secret))
    };
    let exposed = run();
    exposed.credential();
    assert!(exposed.stderr.contains("to fix that, run:\n  chmod 600 "), "{exposed:#?}");
    place.follow_with_success(&exposed, "chmod 600 ");
    assert_eq!(run().stderr, "");

    let file = place.home.config().join("kubekey/config.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "").unwrap();
    set_mode(&file, 0o666);
    let open = run();
    assert_eq!(open.code(), Some(2), "{open:#?}");
    place.follow_with_success(&open, "chmod go-w ");
    set_mode(&file.parent().unwrap().to_owned(), 0o777);
    place.follow_with_success(&run(), "chmod go-w ");
    run().credential();
}

#[test]
fn the_commands_of_kubectl_help_to_find_names() {
    let place = Place::with_context("nowhere");
    let other = place.follow(&place.run(&["doctor"]), "kubekey doctor --context prod");
    assert!(other.stdout.contains("the context 'prod' for the cluster"), "{other:#?}");
    for (flag, hint) in [("--context=nobody", "kubectl config get-contexts"), ("--user=nobody", "kubectl config view")]
    {
        let unknown = place.run(&["setup", "--from-kubelogin", flag]);
        assert_eq!(unknown.code(), Some(2), "{unknown:#?}");
        place.follow_with_success(&unknown, hint);
    }
    let text = "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\ncredentialPluginPolicy: DenyAll\n";
    fs::write(place.home.path().join(".kube/kuberc"), text).unwrap();
    let printed = place.follow_with_success(&place.run(&["doctor"]), "kubekey setup --print kuberc");
    assert!(printed.stdout.contains("credentialPluginPolicy: Allowlist"), "{printed:#?}");
}

#[test]
fn a_cluster_of_another_server_is_removed_by_the_command() {
    let place = Place::new();
    let file = plain(&place.home);
    let mut taken = setup_in(&place.home, &file);
    let refused = place.home.run(taken.args(["--cluster=old"]));
    let refused = if refused.code() == Some(2) {
        let mut other = place.home.kubekey();
        other.args(["setup", "--cluster=old", "--server=https://k8s.example.com:6443", "--offline"]);
        other.args(["--issuer-url=https://login.example.com", "--client-id=kubernetes", "--kubeconfig"]).arg(&file);
        place.home.run(&mut other)
    } else {
        refused
    };
    assert!(refused.stderr.contains("it has another cluster 'old'"), "{refused:#?}");
    place.follow_with_success(&refused, "kubectl config delete-cluster old --kubeconfig ");
    assert!(!fs::read_to_string(&file).unwrap().contains("old.example.com"));
}

#[test]
fn the_commands_that_convert_a_certificate_do_so() {
    let place = Place::new();
    let made = "openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -subj /CN=ca 2>/dev/null && \
                openssl x509 -in c.pem -outform der -out FILE.cer";
    assert_eq!(place.type_in(made).code(), Some(0));
    let der = format!("--certificate-authority={}", place.home.path().join("FILE.cer").display());
    let refused = place.home.run(place.home.kubekey_for(&place.provider).arg(der));
    assert_eq!(refused.code(), Some(2), "{refused:#?}");
    place.follow_with_success(&refused, "openssl x509 ");
    let data = place.follow_with_success(&refused, "base64 ").stdout;
    let pem = format!("--certificate-authority={}", place.home.path().join("FILE.pem").display());
    let data = format!("--certificate-authority-data={}", data.trim());
    place.home.run(place.home.kubekey_for(&place.provider).args([pem, data])).credential();
}

#[test]
fn help_and_pages_are_where_the_hint_says() {
    let place = Place::new();
    let missing = place.run(&["setup", "--cluster=a", "--server=https://k8s.example.com", "--certificate-authority="]);
    assert_eq!(missing.code(), Some(2), "{missing:#?}");
    let help = place.follow_with_success(&missing, "kubekey setup --help");
    assert!(help.stdout.contains("--cluster"), "{help:#?}");
    for wrong in ["--isuer-url=a", "stats"] {
        let help = place.follow_with_success(&place.run(&[wrong]), "kubekey --help");
        assert!(help.stdout.contains("--issuer-url") && help.stdout.contains("status"), "{help:#?}");
    }
    let written = place.run(&["pages", "--write", "my pages"]);
    let commands = commands_in(&written.stderr);
    let preview = commands.iter().find(|command| command.starts_with("kubekey pages --preview --dir ")).unwrap();
    Running::start(&mut place.shell(&format!("exec {preview}"))).wait_for_stderr("http://127.0.0.1:");
}

#[test]
fn the_command_to_try_a_context_is_one_of_kubectl() {
    let place = Place::new();
    let done = place.home.run(&mut setup(&place.home));
    assert_eq!(done.code(), Some(0), "{done:#?}");
    let (_, command) = done.stderr.split_once("try it: ").unwrap_or_else(|| panic!("{done:#?}"));
    // No server is there: kubectl fails after it has read the context.
    let tried = place.type_in(&command.lines().next().unwrap().replace("get pods", "config view --minify"));
    assert!(tried.code() == Some(0) && tried.stdout.contains("https://k8s.example.com:6443"), "{tried:#?}");
}
