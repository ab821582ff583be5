//! kubekey as installed by Homebrew: with settings in the prefix.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::browser::Mode;
use crate::support::etc::Etc;
use crate::support::home::Home;
use crate::support::kubeconfig::names;
use crate::support::run::Finished;
use crate::support::tls::COMPANY;

const STRANGER: u32 = 4711;

/// A prefix with the program in its Cellar, and a link to it in `bin`.
struct Prefix {
    home: Home,
    folder: PathBuf,
}

impl Prefix {
    fn new() -> Self {
        let home = Home::new(Mode::Absent);
        let folder = home.path().canonicalize().unwrap().join("brew");
        for name in ["Cellar/kubekey/1/bin", "bin", "etc/kubekey"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        let program = folder.join("Cellar").join("kubekey").join("1").join("bin/kubekey");
        copy_program(&program);
        symlink("../Cellar/kubekey/1/bin/kubekey", folder.join("bin").join("kubekey")).unwrap();
        Prefix { home, folder }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder.join("etc").join("kubekey").join(name);
        fs::write(&file, text).unwrap();
        file
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join("etc/kubekey").join(name)).unwrap()
    }

    /// The program at this path, without settings from the environment.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.folder.join(program));
        let environment = self.home.kubekey();
        command.env_clear().envs(environment.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env_remove("KUBEKEY_TOKEN_STORAGE");
        command
    }

    /// `kubekey config show` of the program at this path, on a machine with these files of the administrator.
    fn show(&self, program: &str, etc: &Etc) -> Finished {
        self.home.run(&mut etc.over(self.command(program).args(["config", "show", "--output=json"])))
    }

    /// What the formula runs after the installation, with an answer.
    fn set_up(&self, issuer: &str, etc: &Etc) -> Finished {
        let mut command = self.command("Cellar/kubekey/1/bin/kubekey");
        command.args(["setup", "--system", "--homebrew"]).env("HOMEBREW_OIDC_ISSUER_URL", issuer);
        command.env("HOMEBREW_OIDC_CLIENT_ID", "kubernetes").env("HOMEBREW_OIDC_CA", "/etc/company-ca.pem");
        self.home.run(&mut etc.over(&command))
    }
}

/// By another process: a child that another test starts meanwhile would inherit the open file, and Linux runs no file
/// that is open for writing.
fn copy_program(to: &Path) {
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_kubekey")).arg(to).status();
    assert!(copied.unwrap().success());
}

fn client(finished: &Finished) -> (String, String) {
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    let shown: Value = serde_json::from_str(&finished.stdout).unwrap();
    let client = &shown["settings"]["client_id"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&client["value"]), text(&client["origin"]["layer"]))
}

#[test]
fn the_settings_of_the_prefix_are_between_the_systems_and_the_users() {
    let prefix = Prefix::new();
    let etc = Etc::new(&[("config.toml", "client_id = 'system'\n")]);
    let show = |program: &str| client(&prefix.show(program, &etc));
    assert_eq!(show("bin/kubekey"), ("system".into(), "system".into()));
    prefix.write("config.toml", "client_id = 'prefix'\n");
    assert_eq!(show("bin/kubekey"), ("prefix".into(), "homebrew".into()));
    fs::create_dir_all(prefix.home.config().join("kubekey")).unwrap();
    fs::write(prefix.home.config().join("kubekey").join("config.toml"), "client_id = 'user'\n").unwrap();
    assert_eq!(show("bin/kubekey"), ("user".into(), "user".into()));
}

#[test]
fn a_program_elsewhere_reads_nothing_of_the_prefix() {
    let prefix = Prefix::new();
    prefix.write("config.toml", "client_id = 'prefix'\n");
    copy_program(&prefix.folder.join("bin").join("copy"));
    assert_eq!(client(&prefix.show("bin/copy", &Etc::new(&[]))).0, "");
}

#[test]
fn who_owns_the_prefix_does_not_matter_and_it_holds_no_policy() {
    let prefix = Prefix::new();
    let file = prefix.write("config.toml", "client_id = 'prefix'\n");
    prefix.write("policy.toml", "no policy = at all");
    fs::set_permissions(&file, Permissions::from_mode(0o664)).unwrap();
    // Only root can give a file to another user.
    let _ = chown(&file, Some(STRANGER), Some(STRANGER));
    let show = |etc: &Etc| prefix.show("bin/kubekey", etc);
    assert_eq!(client(&show(&Etc::new(&[]))).0, "prefix");

    let locked = show(&Etc::with_policy("locked_flags = ['client-id']"));
    assert!(locked.code() == Some(4) && locked.stderr.contains("client_id is locked"), "{locked:#?}");
    fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
    let open = show(&Etc::new(&[]));
    assert!(open.code() == Some(2) && open.stderr.contains("can be written by others"), "{open:#?}");
}

#[test]
fn the_installation_writes_the_settings_of_the_prefix_and_nothing_else() {
    let prefix = Prefix::new();
    fs::remove_dir(prefix.folder.join("etc/kubekey")).unwrap();
    let etc = Etc::new(&[]);
    let finished = prefix.set_up("https://login.example.com", &etc);
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    for line in ["issuer_url = \"https://login.example.com\"", "certificate_authority = [\"/etc/company-ca.pem\"]"] {
        assert!(prefix.read("config.toml").lines().any(|other| other == line), "{line}");
    }
    assert_eq!(client(&prefix.show("bin/kubekey", &etc)), ("kubernetes".into(), "homebrew".into()));
    assert_eq!((names(&etc.path("")), names(&prefix.folder.join("etc/kubekey"))), (vec![], vec!["config.toml".into()]));
}

#[test]
fn a_variable_may_name_several_files_of_the_providers_ca() {
    let (prefix, etc) = (Prefix::new(), Etc::new(&[]));
    // For whoever owns the prefix, it need not be readable by all.
    let files = ["a.pem", "b.pem"].map(|name| {
        let file = prefix.home.path().join(name);
        fs::write(&file, COMPANY.pem()).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        file.display().to_string()
    });
    let mut command = prefix.command("Cellar/kubekey/1/bin/kubekey");
    command.args(["setup", "--system", "--homebrew"]).env("HOMEBREW_OIDC_CA", files.join(":"));
    let finished = prefix.home.run(&mut etc.over(&command));
    assert_eq!((finished.code(), finished.stderr.contains("warning")), (Some(0), false), "{finished:#?}");
    let line = format!("certificate_authority = [\"{}\",\"{}\"]", files[0], files[1]);
    assert!(prefix.read("config.toml").lines().any(|other| other == line), "{line}");
}

#[test]
fn an_edited_file_stays_and_the_new_one_is_beside_it() {
    let prefix = Prefix::new();
    let etc = Etc::new(&[]);
    assert_eq!(prefix.set_up("https://one.example.com", &etc).code(), Some(0));
    assert_eq!(prefix.set_up("https://two.example.com", &etc).code(), Some(0));
    let unedited = prefix.read("config.toml");
    assert!(unedited.contains("https://two.example.com"), "{unedited}");
    let edited = format!("{unedited}# mine\n");
    prefix.write("config.toml", &edited);
    assert_eq!(prefix.set_up("", &etc).code(), Some(0));
    assert_eq!(prefix.set_up("https://three.example.com", &etc).code(), Some(0));
    assert_eq!(prefix.read("config.toml"), edited);
    assert!(prefix.read("config.toml.new").contains("https://three.example.com"));
}

#[test]
fn an_answer_that_cannot_be_used_or_is_locked_writes_nothing() {
    let prefix = Prefix::new();
    let wrong = prefix.set_up("not a url", &Etc::new(&[]));
    assert!(wrong.code() == Some(2) && wrong.stderr.contains("HOMEBREW_OIDC_ISSUER_URL"), "{wrong:#?}");
    let locked = prefix.set_up("https://login.example.com", &Etc::with_policy("locked_flags = ['issuer-url']"));
    assert!(locked.code() == Some(4) && locked.stderr.contains("issuer_url is locked"), "{locked:#?}");
    assert_eq!(names(&prefix.folder.join("etc/kubekey")), [""; 0]);
}

#[test]
fn a_program_elsewhere_has_no_prefix_to_set_up() {
    let home = Home::new(Mode::Absent);
    let finished = home.run(home.kubekey().args(["setup", "--system", "--homebrew"]));
    assert!(finished.code() == Some(1) && finished.stderr.contains("not installed by Homebrew"), "{finished:#?}");
}

#[test]
fn without_an_answer_the_file_says_nothing_and_the_command_that_sets_it_works() {
    let (prefix, etc) = (Prefix::new(), Etc::new(&[]));
    let run = |words: &[&str]| {
        let finished = prefix.home.run(&mut etc.over(prefix.command("bin/kubekey").args(words)));
        assert_eq!(finished.code(), Some(0), "{finished:#?}");
        finished
    };
    let empty = run(&["setup", "--system", "--homebrew"]);
    let said = [empty.stdout, empty.stderr].concat().split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, command) = said.split_once("fill in issuer_url and client_id, or run 'kubekey ").expect("a command");
    let command = command.split('\'').next().unwrap().replace("URL", "https://login.example.com");
    run(&command.replace("ID", "kubernetes").split(' ').collect::<Vec<_>>());
    assert_eq!(client(&prefix.show("bin/kubekey", &etc)), ("kubernetes".into(), "homebrew".into()));
}
