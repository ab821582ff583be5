//! kubekey as Homebrew installs it: with settings in the prefix.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::support::browser::Mode;
use crate::support::etc::Etc;
use crate::support::home::Home;
use crate::support::run::Finished;

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
        let program = folder.join("Cellar/kubekey/1/bin/kubekey");
        fs::copy(env!("CARGO_BIN_EXE_kubekey"), &program).unwrap();
        symlink("../Cellar/kubekey/1/bin/kubekey", folder.join("bin/kubekey")).unwrap();
        Prefix { home, folder }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder.join("etc/kubekey").join(name);
        fs::write(&file, text).unwrap();
        file
    }

    /// `kubekey config show` of the program at this path, on a computer with these files of the administrator.
    fn show(&self, program: &str, etc: &Etc) -> Finished {
        let mut command = Command::new(self.folder.join(program));
        let environment = self.home.kubekey();
        command.env_clear().envs(environment.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env_remove("KUBEKEY_TOKEN_STORAGE").args(["config", "show", "--output=json"]);
        self.home.run(&mut etc.over(&command))
    }
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
    fs::write(prefix.home.config().join("kubekey/config.toml"), "client_id = 'user'\n").unwrap();
    assert_eq!(show("bin/kubekey"), ("user".into(), "user".into()));
}

#[test]
fn a_program_elsewhere_reads_nothing_of_the_prefix() {
    let prefix = Prefix::new();
    prefix.write("config.toml", "client_id = 'prefix'\n");
    fs::copy(env!("CARGO_BIN_EXE_kubekey"), prefix.folder.join("bin/copy")).unwrap();
    assert_eq!(client(&prefix.show("bin/copy", &Etc::new(&[]))).0, "");
}

#[test]
fn who_owns_the_prefix_does_not_matter_and_it_holds_no_policy() {
    let prefix = Prefix::new();
    let file = prefix.write("config.toml", "client_id = 'prefix'\n");
    prefix.write("policy.toml", "no policy = at all");
    fs::set_permissions(&file, Permissions::from_mode(0o664)).unwrap();
    // Only root can give a file to somebody.
    let _ = chown(&file, Some(STRANGER), Some(STRANGER));
    let show = |etc: &Etc| prefix.show("bin/kubekey", etc);
    assert_eq!(client(&show(&Etc::new(&[]))).0, "prefix");

    let locked = show(&Etc::with_policy("locked_flags = ['client-id']"));
    assert!(locked.code() == Some(4) && locked.stderr.contains("client_id is locked"), "{locked:#?}");
    fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
    let open = show(&Etc::new(&[]));
    assert!(open.code() == Some(2) && open.stderr.contains("can be written by others"), "{open:#?}");
}
