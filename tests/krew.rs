//! kubekey as installed by krew: for kubectl alone, without a `kubekey` in the PATH.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::support::browser::Mode;
use crate::support::home::{Home, program};
use crate::support::kubeconfig::{entry, kubectl, view};
use crate::support::process;
use crate::support::provider::Provider;
use crate::support::tls::COMPANY;

/// A user with kubekey as krew installs it, a provider and an API server.
struct Krew {
    home: Home,
    root: PathBuf,
    provider: Provider,
    server: Provider,
}

impl Krew {
    fn new() -> Self {
        let home = Home::new(Mode::Follow).store_in("file");
        let root = home.path().canonicalize().unwrap().join(".krew");
        fs::create_dir_all(root.join("bin")).unwrap();
        let tls = COMPANY.server("127.0.0.1", |_| ());
        let server = Provider::start_at(Ipv4Addr::LOCALHOST.into(), Some(tls));
        fs::write(home.path().join("ca.pem"), COMPANY.pem()).unwrap();
        let krew = Krew { home, root, provider: Provider::start(), server };
        krew.install("v1.0.0");
        krew
    }

    /// Installs a version and removes all others, as `kubectl krew upgrade` does.
    fn install(&self, version: &str) {
        let store = self.root.join("store").join("kubekey");
        let _ = fs::remove_dir_all(&store);
        fs::create_dir_all(store.join(version)).unwrap();
        // By another process: a child that another test starts meanwhile would inherit the open file, and Linux runs no
        // file that is open for writing.
        let copied = Command::new("cp").arg(program()).arg(store.join(version).join("kubekey")).status();
        assert!(copied.unwrap().success());
        let link = self.link();
        let _ = fs::remove_file(&link);
        symlink(format!("../store/kubekey/{version}/kubekey"), link).unwrap();
    }

    fn link(&self) -> PathBuf {
        self.root.join("bin").join("kubectl-kubekey")
    }

    /// The real kubectl with these arguments, and with the folder of krew in the PATH or not.
    fn kubectl(&self, arguments: &[&str], is_in_path: bool) -> Output {
        let mut command = kubectl(&self.home);
        let kubekey = self.home.kubekey_for(&self.provider);
        command.envs(kubekey.get_envs().filter_map(|(name, value)| Some((name, value?))));
        // That of the browser.
        let own = kubekey.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value).unwrap();
        let mut path = own.to_owned();
        if is_in_path {
            path.push(":");
            path.push(self.root.join("bin"));
        }
        process::output(command.env("PATH", path).args(arguments)).expect("kubectl, see tests/install")
    }

    /// `kubectl kubekey setup` for the API server. Returns the command in the kubeconfig.
    fn setup(&self, arguments: &[&str]) -> String {
        let server = format!("--server={}", self.server.issuer());
        let fixed = ["kubekey", "setup", "--cluster=prod", &server, "--certificate-authority=ca.pem", "--yes"];
        let output = self.kubectl(&[&fixed[..], arguments].concat(), true);
        assert!(output.status.success(), "{output:?}");
        let view = view(&self.home, &self.home.path().join(".kube").join("config"));
        let user = entry(&view, "users", "kubekey-prod").unwrap();
        user["user"]["exec"]["command"].as_str().unwrap().to_owned()
    }

    /// How often the API server was called with the token of a user, by `kubectl get`.
    fn served(&self, is_in_path: bool) -> usize {
        self.server.forget_requests();
        let output = self.kubectl(&["get", "--raw", "/answer"], is_in_path);
        let requests = self.server.requests("/answer");
        let is_signed_in = |name: &str, value: &str| name == "authorization" && value.starts_with("Bearer ey");
        let count = requests.iter().filter(|one| one.headers.iter().any(|(name, value)| is_signed_in(name, value)));
        let count = count.count();
        assert!(count > 0, "{}", String::from_utf8_lossy(&output.stderr));
        count
    }
}

#[test]
fn the_kubeconfig_has_the_link_of_krew_which_works_without_a_path_and_after_an_upgrade() {
    let krew = Krew::new();
    assert_eq!(krew.setup(&[]), krew.link().to_str().unwrap());
    krew.served(false);
    krew.install("v1.0.1");
    krew.served(false);
    assert_eq!(krew.provider.count("/token"), 1, "the sign-in is still there after the upgrade");
}

#[test]
fn the_name_alone_is_that_of_the_plugin() {
    let krew = Krew::new();
    assert_eq!(krew.setup(&["--command-name"]), "kubectl-kubekey");
    krew.served(true);
}

#[test]
fn help_and_hints_name_commands_that_the_user_has() {
    let krew = Krew::new();
    let help = krew.kubectl(&["kubekey", "--help"], true);
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("Usage: kubectl kubekey [OPTIONS] [COMMAND]"), "{help}");
    let failed = krew.kubectl(&["kubekey", "setup", "--system", "--homebrew"], true);
    let failed = String::from_utf8(failed.stderr).unwrap();
    assert!(failed.contains("hint: run 'kubectl kubekey setup --system'"), "{failed}");
    let examined = krew.kubectl(&["kubekey", "doctor", "--context=nowhere"], true);
    let examined = String::from_utf8(examined.stdout).unwrap();
    assert!(!examined.contains("'kubekey "), "{examined}");
    let examined = krew.kubectl(&["kubekey", "doctor"], true);
    let examined = String::from_utf8(examined.stdout).unwrap();
    assert!(examined.contains("-> run 'kubectl kubekey setup'"), "{examined}");
}
