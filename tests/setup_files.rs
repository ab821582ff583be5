//! `kubekey setup` and the files: which one it writes, with whom it shares it, and what is left when it cannot.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::browser::Mode;
use crate::support::home::{Home, without_rights};
use crate::support::kubeconfig::{PLAIN, entry, kubectl, names, plain, setup, setup_in, view, without_prod};
use crate::support::strace::{places_to_kill, strace};

const SIGKILL: i32 = 9;

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().mode() & 0o7777
}

#[test]
fn without_a_file_there_is_one_for_its_owner_alone() {
    let home = Home::new(Mode::Absent);
    assert_eq!(home.run(&mut setup(&home)).code(), Some(0));
    let file = home.path().join(".kube/config");
    assert_eq!((mode(&file), mode(&home.path().join(".kube"))), (0o600, 0o700));
    assert_eq!(view(&home, &file)["current-context"], "prod");
    assert_eq!(names(&home.path().join(".kube")), ["config"]);
}

#[test]
fn a_large_file_is_changed_in_place() {
    let home = Home::new(Mode::Absent);
    let file = home.path().join("large");
    // As large as real certificates and tokens are.
    let data = "x".repeat(1_000);
    let clusters = (0..2_600).map(|i| {
        format!(
            "- cluster:\n    certificate-authority-data: {data}\n    server: https://k{i}.example.com\n  name: k{i}\n"
        )
    });
    let users = (0..2_600).map(|i| format!("- name: u{i}\n  user:\n    token: {data}\n"));
    let text = format!("clusters:\n{}users:\n{}", clusters.collect::<String>(), users.collect::<String>());
    assert!(text.len() > 5_000_000, "{}", text.len());
    fs::write(&file, &text).unwrap();
    let before = view(&home, &file);
    let finished = home.run(&mut setup_in(&home, &file));
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    let after = view(&home, &file);
    assert!(entry(&after, "clusters", "prod").is_some());
    assert!(without_prod(after) == without_prod(before));
}

#[test]
fn a_link_stays_and_the_mode_too() {
    let home = Home::new(Mode::Absent);
    fs::create_dir(home.path().join("dotfiles")).unwrap();
    fs::create_dir(home.path().join(".kube")).unwrap();
    let (real, link) = (home.path().join("dotfiles/config"), home.path().join(".kube/config"));
    symlink("../dotfiles/config", &link).unwrap();
    fs::write(&real, PLAIN).unwrap();
    fs::set_permissions(&real, Permissions::from_mode(0o640)).unwrap();
    assert_eq!(home.run(&mut setup(&home)).code(), Some(0));
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("../dotfiles/config"));
    assert!(entry(&view(&home, &real), "clusters", "prod").is_some());
    assert_eq!((mode(&real), mode(&real.with_file_name("config.kubekey-backup"))), (0o640, 0o640));
    fs::remove_file(&real).unwrap();
    assert_eq!(home.run(&mut setup(&home)).code(), Some(0));
    assert!(entry(&view(&home, &real), "clusters", "prod").is_some(), "a link that leads nowhere yet");
}

/// Where kubectl itself puts a new context, and where it changes one.
#[test]
fn of_several_files_it_changes_the_one_that_kubectl_does() {
    const OTHER: &str = "kind: Config\ncontexts:\n- name: prod\n  context: {cluster: x, user: x}\n";
    for files in [["a", "b"], ["missing", "b"], ["missing", "missing2"], ["a", "missing"], ["", "b"]] {
        let changed_by = |run: &dyn Fn(&Home, &str)| {
            let home = Home::new(Mode::Absent);
            fs::write(home.path().join("a"), PLAIN).unwrap();
            fs::write(home.path().join("b"), OTHER).unwrap();
            let list = files
                .map(|file| if file.is_empty() { String::new() } else { home.path().join(file).display().to_string() });
            run(&home, &list.join(":"));
            let is_changed = |name: &&str, list: &str| {
                let text = fs::read_to_string(home.path().join(name)).unwrap_or_default();
                text.contains(list) && text != PLAIN && text != OTHER
            };
            let with = |text: &str| {
                ["a", "b", "missing", "missing2"].into_iter().filter(|name| is_changed(name, text)).collect::<Vec<_>>()
            };
            (with("kubekey-prod"), with("k8s.example.com"))
        };
        let by_kubekey = changed_by(&|home, list| {
            assert_eq!(home.run(setup(home).env("KUBECONFIG", list)).code(), Some(0), "{list}");
        });
        let by_kubectl = changed_by(&|home, list| {
            for arguments in [
                ["set-cluster", "prod", "--server=https://k8s.example.com:6443"],
                ["set-credentials", "kubekey-prod", "--exec-command=kubekey"],
                ["set-context", "prod", "--user=kubekey-prod"],
            ] {
                let output = kubectl(home).arg("config").args(arguments).env("KUBECONFIG", list).output().unwrap();
                assert!(output.status.success(), "{output:?}");
            }
        });
        assert_eq!(by_kubekey, by_kubectl, "{files:?}");
    }
}

#[test]
fn what_is_read_only_stays_and_nothing_is_left_beside_it() {
    let home = Home::new(Mode::Absent);
    let folder = home.path().join("kube");
    fs::create_dir(&folder).unwrap();
    let file = folder.join("config");
    fs::write(&file, PLAIN).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o444)).unwrap();
    let refused = |what: &str| {
        // No folder is read-only for root.
        let finished = match what {
            "folder" => home.run(&mut without_rights(&setup_in(&home, &file)).0),
            _ => home.run(&mut setup_in(&home, &file)),
        };
        assert_eq!(finished.code(), Some(1), "{what}: {finished:#?}");
        assert!(finished.stderr.contains("cannot be changed"), "{what}: {finished:#?}");
        assert_eq!(finished.stderr.lines().count(), 2, "{what}: {finished:#?}");
        assert_eq!(
            (fs::read_to_string(&file).unwrap().as_str(), names(&folder)),
            (PLAIN, vec!["config".to_owned()]),
            "{what}"
        );
    };
    refused("file");
    fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o555)).unwrap();
    fs::set_permissions(home.path(), Permissions::from_mode(0o755)).unwrap();
    refused("folder");
}

#[test]
fn another_programs_lock_is_awaited_and_named() {
    let home = Home::new(Mode::Absent);
    let file = plain(&home);
    let lock = home.path().join("kubeconfig.lock");
    fs::write(&lock, "").unwrap();
    let finished = home.run(&mut setup_in(&home, &file));
    assert_eq!((finished.code(), fs::read_to_string(&file).unwrap().as_str()), (Some(1), PLAIN), "{finished:#?}");
    assert!(finished.stderr.contains(&format!("remove {}", lock.display())), "{finished:#?}");
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(500));
            fs::remove_file(&lock).unwrap();
        });
        assert_eq!(home.run(&mut setup_in(&home, &file)).code(), Some(0));
    });
    assert!(!lock.exists());
}

#[test]
fn nothing_of_kubectl_is_lost_when_it_writes_at_the_same_time() {
    const RUNS: usize = 20;
    let home = Home::new(Mode::Absent);
    let file = plain(&home);
    let by_kubectl = AtomicUsize::new(0);
    let runs = thread::scope(|scope| {
        let kubekey = scope.spawn(|| {
            let mut runs = 0;
            while by_kubectl.load(Ordering::Relaxed) < RUNS {
                // kubectl does not wait for a lock, so it has to find it free now and then.
                if runs > 2 * by_kubectl.load(Ordering::Relaxed) + 1 {
                    thread::sleep(Duration::from_millis(1));
                    continue;
                }
                let mut command = setup_in(&home, &file);
                let finished = home.run(command.arg(format!("--context=k{runs}")).arg(format!("--user=u{runs}")));
                assert_eq!(finished.code(), Some(0), "{finished:#?}");
                runs += 1;
            }
            runs
        });
        for index in 0..RUNS {
            let mut command = kubectl(&home);
            command.args(["config", "set-context", &format!("c{index}"), "--user=me", "--kubeconfig"]).arg(&file);
            while !command.output().unwrap().status.success() {
                assert!(!kubekey.is_finished());
            }
            by_kubectl.store(index + 1, Ordering::Relaxed);
        }
        kubekey.join().unwrap()
    });
    assert!(runs > RUNS / 2, "kubekey came to write {runs} times");
    let after = view(&home, &file);
    let has = |name: String| entry(&after, "contexts", &name).is_some();
    assert_eq!((0..RUNS).find(|index| !has(format!("c{index}"))), None, "a change of kubectl's is lost");
    // kubectl reads once before it takes the lock, and removes what was added since: it does so to itself, too.
    assert!((0..runs).filter(|index| has(format!("k{index}"))).count() > runs / 2);
    assert_eq!(home.run(&mut setup_in(&home, &file)).code(), Some(0));
}

#[test]
fn a_run_killed_anywhere_leaves_the_old_file_or_the_new_one() {
    let home = Home::new(Mode::Follow);
    fs::create_dir(home.path().join("kube")).unwrap();
    let file = home.path().join("kube/config");
    let reset = || {
        fs::remove_dir_all(home.path().join("kube")).unwrap();
        fs::create_dir(home.path().join("kube")).unwrap();
        fs::write(&file, PLAIN).unwrap();
    };
    let command = || {
        let mut command = setup_in(&home, &file);
        // Each line of the log would be one more place to be killed at.
        command.env_remove("KUBEKEY_LOG");
        command
    };
    reset();
    let trace = home.path().join("trace");
    assert_eq!(home.run(&mut strace(&command(), &trace, &["-s", "512"])).code(), Some(0));
    let new = fs::read_to_string(&file).unwrap();
    let places = places_to_kill(&trace, "config.lock");
    let (mut killed, mut was_new) = (0, 0);
    for (place, options) in &places {
        reset();
        let finished = home.run(&mut strace(&command(), Path::new("/dev/null"), options));
        killed += usize::from(finished.status.signal() == Some(SIGKILL));
        let text = fs::read_to_string(&file).unwrap();
        was_new += usize::from(text == new);
        assert!(text == PLAIN || text == new, "killed at {place}: {text}");
        let backup = fs::read_to_string(home.path().join("kube/config.kubekey-backup"));
        assert!(backup.as_deref().unwrap_or(PLAIN) == PLAIN, "killed at {place}");
        let _ = fs::remove_file(home.path().join("kube/config.lock"));
        assert_eq!(home.run(&mut command()).code(), Some(0));
        assert_eq!(names(&home.path().join("kube")), ["config", "config.kubekey-backup"], "{place}");
    }
    assert!(killed > places.len() * 2 / 3 && was_new > 0 && was_new < killed, "{killed}, {was_new}");
}

#[test]
fn of_several_files_all_are_changed_or_none() {
    let home = Home::new(Mode::Absent);
    let (one, two) = (home.path().join("one"), home.path().join("two"));
    let first = "clusters:\n- name: prod\n  cluster: {server: \"https://k8s.example.com\"}\n";
    fs::write(&one, first).unwrap();
    fs::write(&two, "users:\n- name: kubekey-prod\n  user:\n    exec: {command: old}\n").unwrap();
    fs::set_permissions(&two, Permissions::from_mode(0o444)).unwrap();
    let finished = home.run(setup(&home).env("KUBECONFIG", format!("{}:{}", one.display(), two.display())));
    assert_eq!((finished.code(), fs::read_to_string(&one).unwrap().as_str()), (Some(1), first), "{finished:#?}");
}

#[test]
fn one_file_by_two_names_is_not_waited_for() {
    let home = Home::new(Mode::Absent);
    let file = plain(&home);
    fs::create_dir(home.path().join("sub")).unwrap();
    let other = home.path().join("sub/../kubeconfig");
    let mut command = setup(&home);
    let finished = home.run(command.env("KUBECONFIG", format!("{}:{}", file.display(), other.display())));
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
}

/// With a list the mode's bits for the group are the list's mask: without the list they would let the group in.
#[test]
fn an_access_control_list_stays_on_the_file_and_on_its_copy() {
    const ACL: &str = "system.posix_acl_access";
    /// Version 2: the owner, user 1234, the group with nothing, the mask, others. Each is tag, permissions, ID.
    const ENTRIES: [(u16, u16, u32); 5] =
        [(1, 6, u32::MAX), (2, 4, 1234), (4, 0, u32::MAX), (16, 4, u32::MAX), (32, 0, u32::MAX)];
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in ENTRIES {
        list.extend(tag.to_le_bytes());
        list.extend(permissions.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    let home = Home::new(Mode::Absent);
    let file = plain(&home);
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    if rustix::fs::setxattr(&file, ACL, &list, rustix::fs::XattrFlags::empty()).is_err() {
        return; // The file system has none.
    }
    assert_eq!(home.run(&mut setup_in(&home, &file)).code(), Some(0));
    for path in [file.clone(), file.with_file_name("kubeconfig.kubekey-backup")] {
        let mut found = [0; 256];
        let length = rustix::fs::getxattr(&path, ACL, &mut found).expect("a list");
        assert_eq!(found[..length], list, "{}", path.display());
    }
}

#[test]
fn a_dry_run_shows_no_secret_of_the_neighbours() {
    let home = Home::new(Mode::Absent);
    let file = plain(&home);
    let finished =
        home.run(setup_in(&home, &file).args(["--dry-run", "--client-secret=s3cret", "--include-client-secret"]));
    assert!(finished.stdout.contains("token: ***") && finished.stdout.contains("--client-secret=***"), "{finished:#?}");
    assert!(!finished.stdout.contains("abc") && !finished.stdout.contains("s3cret"), "{finished:#?}");
}
