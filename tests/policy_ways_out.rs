//! Each way out for a token, under each key of the policy: refused, or a key that does not concern it.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{TimeDelta, Utc};
use clap::CommandFactory;
use kubekey::cli::Cli;
use kubekey::config::policy_keys::POLICY_KEYS;
use serde_json::{Value, json};

use crate::support::api_server::{ApiServer, kubeconfig};
use crate::support::browser::Mode;
use crate::support::etc::Etc;
use crate::support::home::{Home, program};
use crate::support::policy::assert_refused;
use crate::support::process;
use crate::support::provider::Provider;
use crate::support::run::{Finished, by_a_command};
use crate::support::tls::COMPANY;

const V1: &str = "client.authentication.k8s.io/v1";

/// The other token has a sign-in of its own.
const ACCESS_TOKEN: &str = "--use-access-token";

/// The columns of the table.
const WAYS: [&str; 10] = [
    "get-token",
    "get-token --use-access-token",
    "token",
    "whoami",
    "doctor",
    "login",
    "login --force-refresh",
    "logout",
    "logout --all",
    "setup --from",
];

/// The commands that send no token anywhere and print none.
const WITHOUT_TOKEN: [&str; 5] = ["status", "config", "pages", "completions", "version"];

/// What a key does to a way out.
#[derive(Clone, Copy, Debug)]
enum Cell {
    /// It is refused with these words, before anything is sent, opened or changed.
    Refused(&'static str),
    /// The user signs in, and the token is refused with these words: it is neither printed nor sent on.
    Rejected(&'static str),
    /// The saved sign-in is over for this reason: the user signs in again.
    Over(&'static str),
    /// No token is sent, because the saved one is over or is not the one that the policy wants.
    Unsent,
    /// It does not concern it.
    Free,
}
use Cell::{Free, Over, Refused, Rejected, Unsent};

/// The sign-in that is there before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Saved {
    Valid,
    Expired,
    /// Its token is valid, and the user signed in an hour ago.
    Old,
    Nothing,
}

/// A policy, and settings that break it.
struct Row {
    key: &'static str,
    policy: &'static str,
    /// Of the kubeconfig's user.
    args: &'static [&'static str],
    /// A field of the kubeconfig's cluster.
    cluster: Option<(&'static str, &'static str)>,
    names_cluster: bool,
    /// A line of the published file.
    published: &'static str,
    saved: Saved,
    /// In the order of [`WAYS`].
    cells: [Cell; 10],
}

const ROW: Row = Row {
    key: "",
    policy: "",
    args: &[],
    cluster: None,
    names_cluster: true,
    published: "",
    saved: Saved::Valid,
    cells: [Free; 10],
};

/// Wherever settings are used. A policy never keeps a sign-in: `logout --all` does without those that it forbids.
const fn everywhere(words: &'static str) -> [Cell; 10] {
    let mut cells = [Refused(words); 10];
    cells[8] = Free;
    cells
}

/// Wherever something is sent to the provider.
const fn of_provider(words: &'static str) -> [Cell; 10] {
    let mut cells = everywhere(words);
    cells[8] = Unsent;
    cells
}

/// As [`everywhere`], for a setting that a published file must not have.
const fn of_user(words: &'static str) -> [Cell; 10] {
    let mut cells = everywhere(words);
    cells[9] = Free;
    cells
}

/// Wherever a token is for a cluster.
const fn of_cluster(words: &'static str) -> [Cell; 10] {
    let mut cells = of_user(words);
    cells[7] = Free;
    cells
}

const NOT_BY_KUBEKEY: Cell = Refused("without certificate verification is not allowed by the policy");

const OF_CLUSTERS: [Row; 6] = [
    Row {
        key: "allowed_servers",
        policy: "allowed_servers = ['https://other.example']",
        cells: {
            let mut cells = of_cluster("a token for https://127.0.0.1:");
            cells[9] = Refused("cluster 'published': a token for https://127.0.0.1:");
            cells
        },
        ..ROW
    },
    Row {
        key: "allowed_servers",
        policy: "allowed_servers = ['SERVER']",
        cluster: Some(("proxy-url", "http://127.0.0.1:1")),
        cells: of_cluster("a token through the proxy http://127.0.0.1:1 is not allowed"),
        ..ROW
    },
    Row {
        key: "allowed_servers",
        policy: "allowed_servers = ['SERVER']",
        names_cluster: false,
        cells: of_cluster("a token for an unnamed cluster is not allowed"),
        ..ROW
    },
    Row {
        key: "require_cluster_info",
        policy: "require_cluster_info = true",
        names_cluster: false,
        cells: of_cluster("a token for an unnamed cluster is not allowed"),
        ..ROW
    },
    Row {
        key: "allow_insecure_tls",
        policy: "allow_insecure_tls = false",
        cluster: Some(("insecure-skip-tls-verify", "true")),
        cells: of_cluster("without certificate verification is not allowed"),
        ..ROW
    },
    // kubekey itself sends a token to no such server under any policy.
    Row {
        key: "allow_insecure_tls",
        policy: "allow_insecure_tls = true",
        cluster: Some(("insecure-skip-tls-verify", "true")),
        cells: [Free, Free, Free, NOT_BY_KUBEKEY, NOT_BY_KUBEKEY, Free, Free, Free, Free, Free],
        ..ROW
    },
];

const OF_SETTINGS: [Row; 13] = [
    Row {
        key: "locked_flags",
        policy: "locked_flags = ['scope']",
        args: &["--scope=groups"],
        published: "scope = ['groups']",
        cells: everywhere("is locked by the policy"),
        ..ROW
    },
    // The default of a policy that does not set it.
    Row {
        key: "locked_flags",
        policy: "refresh = true",
        args: &["--use-access-token"],
        cells: of_user("--use-access-token is locked by the policy"),
        ..ROW
    },
    Row {
        key: "allowed_issuers",
        policy: "allowed_issuers = ['https://login.example.com']",
        cells: of_provider("is not allowed by the policy"),
        ..ROW
    },
    Row {
        key: "allowed_client_ids",
        policy: "allowed_client_ids = ['another']",
        cells: of_provider("is not allowed by the policy"),
        ..ROW
    },
    Row {
        key: "token_storage",
        policy: "token_storage = ['kernel']",
        args: &["--token-storage=file"],
        cells: of_user("'file' is not allowed by the policy"),
        ..ROW
    },
    Row {
        key: "allow_insecure_tls",
        policy: "allow_insecure_tls = false",
        args: &["--insecure-skip-tls-verify"],
        cells: of_user("skipping certificate verification is not allowed"),
        ..ROW
    },
    Row {
        key: "required_acr",
        policy: "required_acr = ['phr']",
        args: &["--acr-values=pwd"],
        cells: of_user("is decided by the policy"),
        ..ROW
    },
    Row {
        key: "browser_command",
        policy: "browser_command = '/usr/bin/firefox %s'",
        args: &["--browser-command=/usr/bin/true"],
        cells: of_user("is decided by the policy"),
        ..ROW
    },
    Row {
        key: "listen_addresses",
        policy: "listen_addresses = ['127.0.0.1:0']",
        args: &["--listen-address=127.0.0.1:1"],
        published: "listen_address = ['127.0.0.1:1']",
        cells: everywhere("is decided by the policy"),
        ..ROW
    },
    Row {
        key: "post_login_url",
        policy: "post_login_url = 'https://intranet.example.com'",
        args: &["--post-login-url=https://evil.example"],
        cells: of_user("is decided by the policy"),
        ..ROW
    },
    Row {
        key: "template_dir",
        policy: "template_dir = '/usr/share/company'",
        args: &["--template-dir=/tmp"],
        cells: of_user("is decided by the policy"),
        ..ROW
    },
    // It adds to what is trusted.
    Row { key: "extra_ca", policy: "extra_ca = ['CA']", ..ROW },
    // It adds a host; any other is refused without it as well (`token_exchange.rs`).
    Row { key: "github_hosts", policy: "github_hosts = ['pipelines.github.example.com']", ..ROW },
];

const NO_ACR: Cell = Rejected("it has no 'acr', and the policy");
const NOT_THE_FLOW: Cell = Refused("the flow 'browser' is not allowed by the policy");
const NO_REFRESH: Cell = Over("does not allow refreshes");
const TOO_LONG: Cell = Over("the last sign-in was more than 20 min ago, the limit of the policy");

const OF_SIGN_INS: [Row; 4] = [
    Row {
        key: "allowed_flows",
        policy: "allowed_flows = ['paste']",
        saved: Saved::Nothing,
        cells: [
            NOT_THE_FLOW,
            NOT_THE_FLOW,
            NOT_THE_FLOW,
            NOT_THE_FLOW,
            Refused("the policy does not allow every flow"),
            NOT_THE_FLOW,
            NOT_THE_FLOW,
            Free,
            Free,
            Free,
        ],
        ..ROW
    },
    Row {
        key: "refresh",
        policy: "refresh = false",
        saved: Saved::Expired,
        cells: [NO_REFRESH, NO_REFRESH, NO_REFRESH, NO_REFRESH, Unsent, Free, NO_REFRESH, Free, Free, Free],
        ..ROW
    },
    Row {
        key: "max_session",
        policy: "max_session = '20m'",
        saved: Saved::Old,
        cells: [TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, Unsent, Free, TOO_LONG, Free, Free, Free],
        ..ROW
    },
    // A sign-in from before is not used.
    Row {
        key: "required_acr",
        policy: "required_acr = ['phr']",
        cells: [NO_ACR, NO_ACR, NO_ACR, NO_ACR, Unsent, NO_ACR, NO_ACR, Free, Free, Free],
        ..ROW
    },
];

#[test]
fn no_key_and_no_command_is_missing_in_the_table() {
    let rows = OF_CLUSTERS.iter().chain(&OF_SETTINGS).chain(&OF_SIGN_INS);
    let keys: BTreeSet<_> = rows.map(|row| row.key).collect();
    assert_eq!(keys, POLICY_KEYS.iter().map(|key| key.name).collect());
    let ways = WAYS.iter().filter_map(|way| way.split(' ').next());
    let commands: BTreeSet<_> = ways.chain(WITHOUT_TOKEN).map(str::to_owned).collect();
    let all = Cli::command();
    assert_eq!(commands, all.get_subcommands().map(|command| command.get_name().to_owned()).collect());
}

#[test]
fn a_cluster_that_the_policy_does_not_allow_gets_no_token_from_any_command() {
    OF_CLUSTERS.iter().for_each(check);
}

#[test]
fn a_setting_that_the_policy_does_not_allow_is_refused_by_every_command() {
    OF_SETTINGS.iter().for_each(check);
}

#[test]
fn a_sign_in_that_the_policy_does_not_allow_is_of_no_use_to_any_command() {
    OF_SIGN_INS.iter().for_each(check);
}

fn check(row: &Row) {
    let mut unchanged: Option<Place> = None;
    for (way, cell) in WAYS.into_iter().zip(row.cells) {
        let place = unchanged.take().filter(|place| place.has_sign_in_for(way)).map(|place| place.then(way));
        let place = place.unwrap_or_else(|| Place::new(row, way));
        place.check(cell);
        // What is refused has changed nothing: that was checked.
        unchanged = matches!(cell, Refused(_)).then_some(place);
    }
}

/// A user with a kubeconfig, and what the platform team published.
struct Place<'a> {
    home: Home,
    provider: Provider,
    server: ApiServer,
    row: &'a Row,
    way: &'static str,
}

impl<'a> Place<'a> {
    fn new(row: &'a Row, way: &'static str) -> Self {
        let server = ApiServer::start(Some(COMPANY.server("127.0.0.1", |_| ())));
        let place =
            Place { home: Home::new(Mode::Follow).store_in("file"), provider: Provider::start(), server, row, way };
        place.provider.configure(|behaviour| behaviour.offers_revocation = true);
        if row.saved != Saved::Nothing {
            place.sign_in();
        }
        place.write();
        place.provider.forget_requests();
        place
    }

    /// The same place for the next way.
    fn then(self, way: &'static str) -> Self {
        self.provider.forget_requests();
        Place { way, ..self }
    }

    fn has_sign_in_for(&self, way: &str) -> bool {
        self.way.ends_with(ACCESS_TOKEN) == way.ends_with(ACCESS_TOKEN)
    }

    fn sign_in(&self) {
        let mut kubekey = self.home.kubekey_for(&self.provider);
        kubekey.args(self.way.ends_with(ACCESS_TOKEN).then_some(ACCESS_TOKEN));
        self.home.run(&mut kubekey).credential();
        let folder = fs::read_dir(self.home.state().join("kubekey/tokens")).unwrap();
        for file in folder.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
            let Ok(mut set) = serde_json::from_slice::<Value>(&fs::read(&file).unwrap()) else { continue };
            match self.row.saved {
                Saved::Expired => set["expires_at"] = 1.into(),
                Saved::Old => set["signed_in_at"] = (Utc::now() - TimeDelta::hours(1)).timestamp().into(),
                Saved::Valid | Saved::Nothing => {}
            }
            fs::write(&file, set.to_string()).unwrap();
        }
    }

    fn cluster(&self) -> Value {
        let mut cluster = json!({ "server": self.server.url() });
        match self.row.cluster {
            Some((field, "true")) => cluster[field] = true.into(),
            other => {
                cluster["certificate-authority-data"] = STANDARD.encode(COMPANY.pem()).into();
                other.into_iter().for_each(|(field, value)| cluster[field] = value.into());
            }
        }
        cluster
    }

    fn args(&self) -> Vec<String> {
        let settings =
            [format!("--issuer-url={}", self.provider.issuer()), format!("--client-id={}", self.provider.client_id())];
        settings.into_iter().chain(self.row.args.iter().map(|&arg| arg.to_owned())).collect()
    }

    fn write(&self) {
        let exec = json!({
            "apiVersion": V1,
            "command": program(),
            "args": self.args(),
            "interactiveMode": "IfAvailable",
            "provideClusterInfo": self.row.names_cluster,
        });
        fs::create_dir_all(self.home.path().join(".kube")).unwrap();
        fs::write(self.home.path().join(".kube/config"), kubeconfig(&self.cluster(), &exec)).unwrap();
        let (issuer, client, url) = (self.provider.issuer(), self.provider.client_id(), self.server.url());
        let published = format!(
            "issuer_url = '{issuer}'\nclient_id = '{client}'\n{}\n[[clusters]]\nname = 'published'\nserver = '{url}'\n",
            self.row.published
        );
        fs::write(self.home.path().join("published.toml"), published).unwrap();
        fs::write(self.home.path().join("ca.pem"), COMPANY.pem()).unwrap();
    }

    /// The command as kubectl or a person runs it.
    fn command(&self) -> Command {
        let mut kubekey = self.home.kubekey();
        kubekey.args(self.way.split(' '));
        if self.way.starts_with("get-token") {
            let mut spec = json!({ "interactive": false });
            if self.row.names_cluster {
                spec["cluster"] = self.cluster();
            }
            let info = json!({ "apiVersion": V1, "kind": "ExecCredential", "spec": spec });
            let given = self.args().into_iter().filter(|arg| !self.way.contains(&**arg));
            kubekey.args(given).env("KUBERNETES_EXEC_INFO", info.to_string());
        }
        if self.way == "setup --from" {
            kubekey.arg(self.home.path().join("published.toml")).arg("--yes");
        }
        kubekey
    }

    fn policy(&self) -> Etc {
        let ca = self.home.path().join("ca.pem").display().to_string();
        let policy = self.row.policy.replace("SERVER", &self.server.url()).replace("CA", &ca);
        let unlocked = if self.row.key == "locked_flags" { "" } else { "\nlocked_flags = []" };
        Etc::with_policy(&(policy + unlocked))
    }

    /// What the user has, and how often the browser was opened.
    fn all(&self) -> (Vec<(PathBuf, Vec<u8>)>, usize) {
        let folders = [self.home.state().join("kubekey/tokens"), self.home.config(), self.home.path().join(".kube")];
        let files = self.home.files().into_iter().filter(|file| folders.iter().any(|folder| file.starts_with(folder)));
        let mut all: Vec<_> = files.map(|file| (file.clone(), fs::read(file).unwrap())).collect();
        all.sort();
        (all, self.home.browser.urls().len())
    }

    fn check(&self, cell: Cell) {
        let (before, policy) = (self.all(), self.policy());
        // Each is another command, so that no run shares the failure of the last one.
        let finished = self.run(by_a_command(&policy.over(&self.command()), 1));
        let what = format!("{} under '{}': {cell:?}: {finished:#?}", self.way, self.row.policy);
        match cell {
            Refused(words) if self.way == "doctor" => {
                assert!(finished.code() == Some(1) && finished.stdout.contains(words), "{what}");
            }
            Refused(words) => {
                assert_refused(&finished, words);
                assert_eq!(self.provider.count_all(), 0, "{what}");
            }
            Rejected(words) => assert_refused(&finished, words),
            Over(words) => {
                assert!(finished.code() == Some(0) && finished.stderr.contains(words), "{what}");
                assert_eq!(self.home.browser.urls().len(), before.1 + 1, "{what}");
            }
            Unsent => assert_eq!((finished.code(), self.provider.count("/revoke")), (Some(0), 0), "{what}"),
            Free => self.check_free(&finished, &what),
        }
        if matches!(cell, Refused(_)) {
            assert!(self.all() == before, "{what}");
        }
        let grants = self.provider.requests("/token");
        let refreshes = grants.iter().filter(|request| request.param("grant_type") == Some("refresh_token"));
        assert!(matches!(cell, Free) || refreshes.count() == 0, "{what}");
        let is_sent = matches!(cell, Over(_)) && self.way == "whoami"
            || matches!(cell, Free) && ["whoami", "doctor"].contains(&self.way);
        assert_eq!(self.server.tokens().len(), usize::from(is_sent), "{what}");
    }

    /// A token alone is no secret that the output must not have.
    fn run(&self, mut command: Command) -> Finished {
        if self.way != "token" {
            return self.home.run(&mut command);
        }
        let started = Instant::now();
        let output = process::output(command.env("KUBEKEY_LOG", "info")).expect("kubekey");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        Finished { status: output.status, stdout, stderr, log: String::new(), took: started.elapsed() }
    }

    /// It does all that it does without a policy.
    fn check_free(&self, finished: &Finished, what: &str) {
        assert_eq!(finished.code(), Some(0), "{what}");
        match self.way.split(' ').next() {
            Some("get-token" | "token") => assert!(!finished.stdout.is_empty(), "{what}"),
            Some("login") => assert!(finished.stderr.contains("signed in"), "{what}"),
            Some("logout") => {
                // One sign-in is that of the settings, which the policy changes.
                let is_found = self.way == "logout --all" || self.row.key != "required_acr";
                let revoked = usize::from(is_found && self.row.saved != Saved::Nothing);
                assert_eq!(self.provider.count("/revoke"), revoked, "{what}");
            }
            Some("setup") => assert!(self.home.config().join("kubekey/config.toml").exists(), "{what}"),
            _ => {}
        }
    }
}
