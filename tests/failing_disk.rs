//! A disk that fails between two steps of one run: what is said, and that each file is the old or the new one.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::browser::Mode;
use crate::support::etc::{Etc, after_mounting};
use crate::support::home::Home;
use crate::support::kubeconfig::{PLAIN, plain, setup_in};
use crate::support::provider::Provider;
use crate::support::run::Finished;
use crate::support::strace::strace;

/// How many links Linux follows.
const LINKS: usize = 40;

/// What a file system does once it has become read-only after an error.
const READ_ONLY: &str = "Read-only file system (os error 30)";

/// The same command on a machine where these system calls fail: a pattern of their names, and the error. With a path,
/// only those that name it.
fn failing(command: &Command, calls: &[(&str, &str)], path: Option<&Path>) -> Command {
    let mut options = vec!["-f".to_owned()];
    for (call, error) in calls {
        options.extend(["-e".to_owned(), format!("inject={call}:error={error}")]);
    }
    let path = path.map(|path| path.display().to_string());
    options.extend(path.into_iter().flat_map(|path| ["-P".to_owned(), path]));
    strace(command, Path::new("/dev/null"), &options)
}

#[track_caller]
fn assert_fails(finished: &Finished, message: &str, hint: &str) {
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(1), ""), "{finished:#?}");
    assert!(finished.stderr.contains(&format!("kubekey: {message}\nhint: {hint}\n")), "{message}: {finished:#?}");
}

/// The files of the home that a setup may write, apart from what the test put there.
fn written(home: &Home) -> Vec<PathBuf> {
    let folders = [home.config().join("kubekey"), home.path().join(".kube")];
    home.files().into_iter().filter(|file| folders.iter().any(|folder| file.starts_with(folder))).collect()
}

/// A user who takes over what was published in a file.
struct Newcomer {
    home: Home,
    config: PathBuf,
    kubeconfig: PathBuf,
}

impl Newcomer {
    fn new() -> Self {
        let home = Home::new(Mode::Follow);
        let published = "issuer_url = 'https://login.example.com'\nclient_id = 'kubernetes'\n\
                         [[clusters]]\nname = 'prod'\nserver = 'https://k8s.example.com'\n";
        fs::write(home.path().join("published.toml"), published).unwrap();
        let (config, kubeconfig) = (home.config().join("kubekey/config.toml"), home.path().join(".kube/config"));
        Self { home, config, kubeconfig }
    }

    fn setup(&self) -> Command {
        let mut kubekey = self.home.kubekey();
        kubekey.args(["setup", "--offline", "--yes", "--from"]).arg(self.home.path().join("published.toml"));
        kubekey
    }

    /// Runs it again, as the hint says.
    fn succeeds(&self) {
        let finished = self.home.run(&mut self.setup());
        assert_eq!(finished.code(), Some(0), "{finished:#?}");
        assert!(self.config.exists() && self.kubeconfig.exists());
    }
}

#[test]
fn a_configuration_that_cannot_be_read_or_written_changes_nothing() {
    let user = Newcomer::new();
    let folder = user.config.parent().unwrap();
    fs::write(folder, "").unwrap();
    let message = format!("{} cannot be read: Not a directory (os error 20)", user.config.display());
    assert_fails(&user.home.run(&mut user.setup()), &message, "fix that, and run the command again");
    fs::remove_file(folder).unwrap();

    let finished = user.home.run(&mut failing(&user.setup(), &[("/^rename", "EROFS")], None));
    let message = format!("{} cannot be written: {READ_ONLY}", user.config.display());
    assert_fails(&finished, &message, "nothing was written; fix the cause and run the command again");
    assert_eq!(written(&user.home), Vec::<PathBuf>::new());
    user.succeeds();
}

#[test]
fn a_configuration_that_cannot_be_taken_back_is_named() {
    let user = Newcomer::new();
    fs::create_dir(user.kubeconfig.parent().unwrap()).unwrap();
    fs::write(&user.kubeconfig, PLAIN).unwrap();
    fs::set_permissions(&user.kubeconfig, Permissions::from_mode(0o444)).unwrap();
    let finished = user.home.run(&mut failing(&user.setup(), &[("/^unlink", "EROFS")], Some(&user.config)));
    let warning =
        format!("kubekey: warning: {} was written and cannot be undone: {READ_ONLY}\n", user.config.display());
    assert!(finished.stderr.contains(&warning), "{finished:#?}");
    let message = format!("{} cannot be changed: it is read-only", user.kubeconfig.display());
    assert_fails(&finished, &message, "nothing was written; fix the file, or give another one with --kubeconfig");
    assert_eq!(fs::read_to_string(&user.kubeconfig).unwrap(), PLAIN);
    fs::set_permissions(&user.kubeconfig, Permissions::from_mode(0o600)).unwrap();
    user.succeeds();
}

#[test]
fn settings_for_all_users_that_cannot_be_written_or_removed_stay_as_they_were() {
    let (home, etc) = (Home::new(Mode::Follow), Etc::new(&[]));
    let setup = |arguments: &[&str]| {
        let mut kubekey = home.kubekey();
        kubekey.env_remove("KUBEKEY_TOKEN_STORAGE").args(["setup", "--system"]).args(arguments);
        kubekey
    };
    let run = |command: &Command| home.run(&mut etc.in_place(command));
    let file = || fs::read_to_string(etc.path("config.toml")).ok();
    let [first, second] = [&["--client-id=first"][..], &["--client-id=second"]].map(setup);

    let finished = run(&failing(&first, &[("/^rename", "EROFS")], None));
    let message = format!("/etc/kubekey/config.toml cannot be written: {READ_ONLY}");
    let hint = "the file was not changed; fix the cause and run the command again";
    assert_fails(&finished, &message, hint);
    assert_eq!(fs::read_dir(etc.path("")).unwrap().count(), 0);
    assert_eq!(run(&first).code(), Some(0));
    let before = file();
    assert_fails(&run(&failing(&second, &[("/^rename", "EROFS")], None)), &message, hint);
    assert_eq!((file(), fs::read_dir(etc.path("")).unwrap().count()), (before.clone(), 1));

    let finished = run(&failing(&setup(&["--remove"]), &[("/^unlink", "EROFS")], None));
    let message = format!("/etc/kubekey/config.toml cannot be removed: {READ_ONLY}");
    assert_fails(&finished, &message, "fix the cause and run the command again, or remove the file yourself");
    assert_eq!(file(), before);
    assert_eq!((run(&setup(&["--remove"])).code(), file()), (Some(0), None));
}

#[test]
fn a_kubeconfig_behind_as_many_links_as_the_system_follows_stays() {
    let home = Home::new(Mode::Follow);
    let file = plain(&home);
    let link = |number: usize| home.path().join(format!("link-{number}"));
    symlink(&file, link(1)).unwrap();
    (2..=LINKS).for_each(|number| symlink(link(number - 1), link(number)).unwrap());
    let finished = home.run(&mut setup_in(&home, &link(LINKS)));
    let message = format!("{} cannot be changed: too many links", link(LINKS).display());
    assert_fails(&finished, &message, "nothing was written; fix the file, or give another one with --kubeconfig");
    assert_eq!(fs::read_to_string(&file).unwrap(), PLAIN);
    assert_eq!(home.run(&mut setup_in(&home, &link(LINKS - 1))).code(), Some(0));
    assert!(fs::symlink_metadata(link(1)).unwrap().is_symlink());
}

#[test]
fn pages_are_written_all_or_none() {
    let home = Home::new(Mode::Follow);
    let folder = home.path().join("pages");
    let mut kubekey = home.kubekey();
    kubekey.arg("pages").arg("--write").arg(&folder);
    let last = folder.join("sign_in_failed.html");
    let finished = home.run(&mut failing(&kubekey, &[("write", "ENOSPC")], Some(&last)));
    let message = format!("{} cannot be written: No space left on device (os error 28)", last.display());
    assert_fails(&finished, &message, "free some space, or give another folder");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    assert_eq!(home.run(&mut kubekey).code(), Some(0));
}

/// Mounts `$0` read-only, and something empty where a session has its folder.
const READ_ONLY_HOME: &str = r#"/bin/mount --bind "$0" "$0" && /bin/mount -o remount,bind,ro "$0" && if [ -d /run/user ]; then /bin/mount -t tmpfs tmpfs /run/user; fi"#;

/// No file can be replaced, and the kernel has no room.
const NO_ROOM: [(&str, &str); 2] = [("/^rename", "ENOSPC"), ("add_key", "EDQUOT")];

#[test]
fn a_sign_in_that_nothing_can_hold_is_used_once() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    let finished = home.run(&mut failing(&home.kubekey_for(&provider), &NO_ROOM, None));
    let token = finished.token();
    let warning = "kubekey: warning: this sign-in is not saved, so the next run will ask you to sign in: ";
    assert!(finished.stderr.contains(warning), "{finished:#?}");
    assert!(finished.stderr.contains(".json: No space left on device (os error 28)\n"), "{finished:#?}");
    assert_ne!(home.run(&mut home.kubekey_for(&provider)).token(), token);
    assert_eq!(home.browser.urls().len(), 2);
}

#[test]
fn a_spent_refresh_token_that_cannot_be_removed_is_replaced_by_the_login_that_is_advised() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    let token = home.run(&mut home.kubekey_for(&provider)).token();
    let kubekey = failing(home.kubekey_for(&provider).arg("--force-refresh"), &NO_ROOM[1..], None);
    let finished = home.run(&mut after_mounting(READ_ONLY_HOME, home.path(), &kubekey));
    assert_ne!(finished.token(), token);
    let warning = "kubekey: warning: the used-up refresh token could not be removed; if it is sent again, the provider may \
                   end all of your sessions: run 'kubekey login' with the same settings as soon as you can\n";
    assert!(finished.stderr.contains(warning), "{finished:#?}");
    assert_eq!(home.run(home.kubekey_for(&provider).arg("login")).code(), Some(0));
    let next = home.run(home.kubekey_for(&provider).arg("--force-refresh"));
    next.credential();
    assert_eq!((provider.revoked(), home.browser.urls().len(), next.stderr.as_str()), (0, 2, ""), "{next:#?}");
}
