//! Homes of another user: `sudo` that keeps `HOME`, and what such a run once left there.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::browser::Mode;
use crate::support::home::{Home, without_rights};
use crate::support::kubeconfig::{setup, setup_in};
use crate::support::provider::Provider;
use crate::support::run::Finished;

const JANE: u32 = 4711;
const NOBODY: u32 = 65534;

/// Only root can give a folder to another user.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn give(paths: &[&Path], owner: u32) {
    let chown = Command::new("chown").arg("-R").arg(format!("{owner}:{owner}")).args(paths).status();
    assert!(chown.expect("chown").success());
}

/// Everything in the home that another user owns.
fn of_others(home: &Home, owner: u32) -> Vec<PathBuf> {
    let mut folders = vec![home.path().to_path_buf()];
    let mut others = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of the home") {
            let (path, metadata) = entry.map(|entry| (entry.path(), entry.metadata().expect("an entry"))).expect("one");
            others.extend((metadata.uid() != owner).then(|| path.clone()));
            folders.extend(metadata.is_dir().then_some(path));
        }
    }
    others
}

/// Jane's home, with the folders that every home has or, as on the first day, without any.
fn home_of_jane(has_folders: bool) -> Home {
    let home = Home::new(Mode::Follow).store_in("kernel");
    for name in ["runtime", ".local", ".cache", ".config"].iter().filter(|_| !has_folders) {
        fs::remove_dir_all(home.path().join(name)).expect("a folder of the home");
    }
    give(&[home.path()], JANE);
    home
}

#[test]
fn root_makes_nothing_in_the_home_of_another_user_and_keeps_a_sign_in_in_the_kernel() {
    if !is_root() {
        return;
    }
    for has_folders in [true, false] {
        let (home, provider) = (home_of_jane(has_folders), Provider::start());
        let as_root = |arguments: &[&str]| {
            let mut kubekey = home.kubekey_for(&provider);
            kubekey.env_remove("XDG_STATE_HOME").env_remove("XDG_CACHE_HOME").env_remove("XDG_RUNTIME_DIR");
            home.run(kubekey.args(arguments))
        };
        let first = as_root(&[]);
        let token = first.token();
        let warnings: Vec<_> = first.stderr.lines().filter(|line| line.contains("warning: ")).collect();
        assert_eq!(warnings.len(), 1, "{first:#?}");
        let words = ["belongs to the user 4711, and kubekey runs as root: nothing is created there", "'sudo -H'"];
        assert!(words.iter().all(|words| warnings[0].contains(words)), "{first:#?}");
        assert_eq!(as_root(&[]).token(), token, "the kernel has it");
        assert_eq!(home.browser.urls().len(), 1);
        assert_eq!(as_root(&["login"]).code(), Some(0));
        assert_eq!(as_root(&["logout"]).code(), Some(0));
        assert_eq!(of_others(&home, JANE), Vec::<PathBuf>::new());
    }
}

#[test]
fn root_is_told_where_a_file_or_a_kubeconfig_of_another_user_would_be_made() {
    if !is_root() {
        return;
    }
    let (home, provider) = (home_of_jane(true), Provider::start());
    let mut in_file = home.kubekey_for(&provider);
    for folder in [None, Some("~/.kube/cache"), Some("~/t")] {
        in_file.args(["--token-storage=file"]).args(folder.map(|folder| format!("--token-dir={folder}")));
        let refused = home.run(&mut in_file);
        assert_eq!((refused.code(), home.browser.urls().len()), (Some(6), 0), "{refused:#?}");
        assert!(
            refused.stderr.contains("belongs to the user 4711, and kubekey runs as root\nhint: run it without sudo"),
            "{refused:#?}"
        );
        in_file = home.kubekey_for(&provider);
    }
    let of_root = tempfile::tempdir().unwrap();
    home.run(in_file.arg("--token-storage=file").arg("--token-dir").arg(of_root.path().join("t"))).credential();
    let folder = home.config().join("kubekey");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("config.toml"), "").unwrap();
    give(&[&folder], JANE);
    let of_jane = home.run(&mut home.kubekey_for(&provider));
    assert_eq!(of_jane.code(), Some(2), "{of_jane:#?}");
    assert!(of_jane.stderr.contains("its folder belongs to the user 4711\nhint: run it without sudo"), "{of_jane:#?}");
    fs::remove_dir_all(&folder).unwrap();
    let setup = home.run(&mut setup(&home));
    assert_eq!(setup.code(), Some(1), "{setup:#?}");
    let hint = "and kubekey runs as root\nhint: nothing was written; run it without sudo, or with 'sudo -H', which uses root's own home\n";
    assert!(setup.stderr.ends_with(hint), "{setup:#?}");
    assert_eq!(of_others(&home, JANE), Vec::<PathBuf>::new());
}

/// `kubekey` as a user without rights who can reach the browser.
fn run_as(user: u32, home: &Home, provider: &Provider, storage: &str) -> Finished {
    command_as(user, home, provider, storage, &[])
}

/// The same with these further arguments.
fn command_as(user: u32, home: &Home, provider: &Provider, storage: &str, arguments: &[&str]) -> Finished {
    let mut kubekey = home.kubekey_for(provider);
    kubekey.arg(format!("--token-storage={storage}")).args(arguments);
    let (mut command, _program) = without_rights(&kubekey);
    home.run(command.uid(user).gid(user))
}

#[test]
fn what_root_once_left_in_a_home_is_named_with_the_command_that_helps() {
    if !is_root() {
        return;
    }
    for (left, made) in [(".local/state/kubekey", ".local/state/kubekey"), (".local", ".local/state/kubekey/tokens")] {
        let (home, provider) = (Home::new(Mode::Follow), Provider::start());
        give(&[home.path(), home.browser.folder()], NOBODY);
        fs::create_dir_all(home.path().join(made)).unwrap();
        fs::set_permissions(home.path().join(made), fs::Permissions::from_mode(0o700)).unwrap();
        let left = home.path().join(left);
        give(&[&left], 0);
        fs::set_permissions(&left, fs::Permissions::from_mode(0o700)).unwrap();
        let command = format!("sudo chown -R nobody {}", left.display());

        let locked_out = run_as(NOBODY, &home, &provider, "file");
        assert_eq!((locked_out.code(), home.browser.urls().len()), (Some(6), 0), "{locked_out:#?}");
        let words = format!("{} belongs to root\nhint: run '{command}'", left.display());
        assert!(locked_out.stderr.contains(&words), "{locked_out:#?}");
        let elsewhere = run_as(NOBODY, &home, &provider, "none");
        elsewhere.credential();
        let words =
            format!("warning: {} belongs to root: nothing can be saved there; run '{command}'\n", left.display());
        assert!(elsewhere.stderr.contains(&words), "{elsewhere:#?}");

        let chown = Command::new("sh").arg("-c").arg(command.trim_start_matches("sudo ")).status().unwrap();
        assert!(chown.success());
        let helped = run_as(NOBODY, &home, &provider, "file");
        helped.credential();
        assert!(!helped.stderr.contains("warning: "), "{helped:#?}");
    }
}

#[test]
fn who_has_the_home_of_another_user_is_told_to_set_home_and_not_to_take_it() {
    if !is_root() {
        return;
    }
    let (home, provider) = (Home::new(Mode::Follow), Provider::start());
    let (state, config) = (home.path().join(".local").join("state").join("kubekey"), home.config().join("kubekey"));
    fs::create_dir_all(&state).unwrap();
    fs::create_dir_all(&config).unwrap();
    give(&[home.path()], JANE);
    give(&[home.browser.folder()], NOBODY);
    for folder in [home.path(), &home.config()] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let hint = "HOME is a folder of the user 4711: set HOME to your own";
    let refused = [&[][..], &["login"]].map(|words| command_as(NOBODY, &home, &provider, "file", words));
    for refused in &refused {
        assert_eq!((refused.code(), home.browser.urls().len()), (Some(6), 0), "{refused:#?}");
        assert!(refused.stderr.ends_with(&format!("\nhint: {hint}\n")), "{refused:#?}");
        assert_eq!(refused.stderr.matches(hint).count(), 1, "{refused:#?}");
    }
    let warned = run_as(NOBODY, &home, &provider, "none");
    warned.credential();
    assert!(warned.stderr.contains(&format!("nothing can be saved there; {hint}\n")), "{warned:#?}");
    fs::write(config.join("config.toml"), "").unwrap();
    give(&[&config], JANE);
    let of_jane = run_as(NOBODY, &home, &provider, "none");
    assert_eq!(of_jane.code(), Some(2), "{of_jane:#?}");
    assert!(of_jane.stderr.ends_with(&format!("belongs to the user 4711\nhint: {hint}\n")), "{of_jane:#?}");
    for finished in refused.iter().chain([&warned, &of_jane]) {
        assert!(!finished.stderr.contains("chown"), "{finished:#?}");
    }
}

#[test]
fn a_logout_without_a_lock_says_nothing_of_sign_ins_that_could_start_at_once() {
    if !is_root() {
        return;
    }
    let (home, provider) = (Home::new(Mode::Follow), Provider::start());
    give(&[home.browser.folder()], JANE);
    for name in [".local", "runtime"] {
        fs::remove_dir_all(home.path().join(name)).unwrap();
    }
    chown(home.path(), Some(0), Some(0)).unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let run = |arguments: &[&str]| command_as(JANE, &home, &provider, "none", arguments);
    let warning = "cannot create a lock";
    let signed_in = run(&[]);
    assert!(signed_in.stderr.contains(warning), "{signed_in:#?}");
    let logout = run(&["logout"]);
    assert_eq!((logout.code(), logout.stderr.contains(warning)), (Some(0), false), "{logout:#?}");
}

#[test]
fn a_user_without_a_name_in_a_home_of_root_is_none_of_these() {
    if !is_root() {
        return;
    }
    for mode in [0o777, 0o755] {
        let (home, provider) = (Home::new(Mode::Follow), Provider::start());
        give(&[home.browser.folder()], JANE);
        for name in [".local", ".local/state", ".cache", ".config", "runtime"] {
            let _ = fs::remove_dir(home.path().join(name));
        }
        let _ = fs::remove_dir_all(home.path().join(".local"));
        chown(home.path(), Some(0), Some(0)).unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(mode)).unwrap();
        let finished = run_as(JANE, &home, &provider, if mode == 0o777 { "file" } else { "none" });
        finished.credential();
        assert!(!finished.stderr.contains("belongs to"), "{finished:#?}");
    }
}

#[test]
fn the_hint_of_a_setup_as_root_names_a_command_that_works() {
    if !is_root() {
        return;
    }
    let home = home_of_jane(true);
    let without_sudo = {
        let command = setup(&home);
        let (mut command, _program) = without_rights(&command);
        home.run(command.uid(JANE).gid(JANE))
    };
    assert_eq!(without_sudo.code(), Some(0), "{without_sudo:#?}");
    let with_home_of_root = Home::new(Mode::Absent);
    assert_eq!(home.run(&mut setup(&with_home_of_root)).code(), Some(0), "as with sudo -H");
    let elsewhere = home_of_jane(true);
    let refused = home.run(&mut setup_in(&with_home_of_root, &elsewhere.path().join("new")));
    assert_eq!(refused.code(), Some(1), "{refused:#?}");
    assert!(refused.stderr.ends_with("\nhint: nothing was written; run it as the user 4711\n"), "{refused:#?}");
    assert_eq!(of_others(&elsewhere, JANE), Vec::<PathBuf>::new());
}

#[test]
fn root_forgets_no_sign_in_of_another_user_and_says_so() {
    if !is_root() {
        return;
    }
    let (home, provider) = (Home::new(Mode::Follow), Provider::start());
    give(&[home.path(), home.browser.folder()], JANE);
    run_as(JANE, &home, &provider, "file").credential();
    let token = home.files().into_iter().find(|path| path.parent().unwrap().ends_with("tokens")).expect("a token");
    let state = token.parent().unwrap().with_file_name(token.file_name().unwrap());
    fs::write(&state, "{}").unwrap();
    give(&[home.path()], JANE);
    let issuer = provider.issuer();
    let as_root =
        |storage: &str| home.run(home.kubekey_for(&provider).arg(format!("--token-storage={storage}")).arg("logout"));
    let before = home.files();
    for storage in ["file", "kernel"] {
        let logout = as_root(storage);
        assert_eq!(logout.code(), Some(6), "{logout:#?}");
        let words = "belongs to the user 4711, and kubekey runs as root\nhint: run it without sudo";
        assert!(logout.stderr.contains(words) && !logout.stderr.contains("removed"), "{logout:#?}");
        assert_eq!(home.files(), before, "{logout:#?}");
    }
    fs::remove_file(&token).unwrap();
    let before = home.files();
    let logout = as_root("kernel");
    assert_eq!(logout.code(), Some(0), "{logout:#?}");
    let words = format!("root has no saved sign-in to {issuer}; those of the user 4711 were not changed\n");
    assert!(logout.stderr.contains("run it without sudo") && logout.stderr.ends_with(&words), "{logout:#?}");
    assert_eq!(home.files(), before, "{logout:#?}");
    assert_eq!(of_others(&home, JANE), Vec::<PathBuf>::new());
}
