//! `kubekey setup` and the files: which one it writes, who else writes it, and what is left if it fails.

use std::fs::{self, Permissions};
#[cfg(unix)]
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
#[cfg(unix)]
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::browser::Mode;
use crate::support::home::Home;
#[cfg(unix)]
use crate::support::home::without_rights;
use crate::support::kubeconfig::{PLAIN, entry, kubectl, names, plain, setup, setup_in, view, without_prod};
use crate::support::process;
#[cfg(target_os = "linux")]
use crate::support::strace::{places_to_kill, strace};

const SIGKILL: i32 = 9;

#[cfg(unix)]
fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().mode() & 0o7777
}

#[test]
fn without_a_file_there_is_one_for_its_owner_alone() {
    let home = Home::new(Mode::Absent);
    assert_eq!(home.run(&mut setup(&home)).code(), Some(0));
    let file = home.path().join(".kube").join("config");
    #[cfg(unix)]
    assert_eq!((mode(&file), mode(&home.path().join(".kube"))), (0o600, 0o700));
    assert_eq!(view(&home, &file)["current-context"], "prod");
    assert_eq!(names(&home.path().join(".kube")), ["config"]);
}

#[test]
#[cfg_attr(windows, ignore = "wine sometimes cannot read what kubectl prints: 5 MB")]
fn a_large_file_is_changed_in_place() {
    let home = Home::new(Mode::Absent);
    let file = home.path().join("large");
    // As large as real certificates and tokens.
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
#[cfg(unix)]
fn a_link_stays_and_the_mode_too() {
    let home = Home::new(Mode::Absent);
    fs::create_dir(home.path().join("dotfiles")).unwrap();
    fs::create_dir(home.path().join(".kube")).unwrap();
    let (real, link) = (home.path().join("dotfiles").join("config"), home.path().join(".kube").join("config"));
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

/// Where kubectl itself adds a new context, and where it changes one.
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
                let output =
                    process::output(kubectl(home).arg("config").args(arguments).env("KUBECONFIG", list)).unwrap();
                assert!(output.status.success(), "{output:?}");
            }
        });
        assert_eq!(by_kubekey, by_kubectl, "{files:?}");
    }
}

#[test]
#[cfg(unix)]
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
#[cfg(unix)]
fn without_a_file_and_without_a_home_to_write_to_the_folder_is_named() {
    let home = Home::new(Mode::Absent);
    fs::set_permissions(home.path(), Permissions::from_mode(0o755)).unwrap();
    let closed = home.path().join("closed");
    fs::create_dir_all(closed.join("open").join(".kube")).unwrap();
    fs::set_permissions(closed.join("open").join(".kube"), Permissions::from_mode(0o555)).unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(0o555)).unwrap();
    let refused = |of: &Path| home.run(&mut without_rights(setup(&home).env("HOME", of)).0);
    let of_home = "set HOME to a folder that you can write to, or give a file with --kubeconfig\n";
    for (of, uncreatable) in
        [("/nonexistent", "/nonexistent/.kube"), ("/proc", "/proc/.kube"), ("closed", "closed/.kube")]
    {
        let (of, uncreatable) = (home.path().join(of), home.path().join(uncreatable));
        let finished = refused(&of);
        assert_eq!(finished.code(), Some(1), "{finished:#?}");
        let message = format!("kubekey: the folder {} cannot be created: ", uncreatable.display());
        assert!(finished.stderr.starts_with(&message) && finished.stderr.ends_with(of_home), "{finished:#?}");
    }
    let unreadable = home.path().join("unreadable");
    fs::create_dir(&unreadable).unwrap();
    fs::set_permissions(&unreadable, Permissions::from_mode(0o000)).unwrap();
    let finished = refused(&unreadable);
    let message =
        format!("kubekey: the folder {} cannot be read: Permission denied", unreadable.join(".kube").display());
    assert!(finished.stderr.starts_with(&message) && finished.stderr.ends_with(of_home), "{finished:#?}");
    let finished = refused(&closed.join("open"));
    let file = closed.join("open").join(".kube").join("config");
    let message = format!("kubekey: {} cannot be created: Permission denied", file.display());
    assert!(finished.stderr.starts_with(&message) && finished.stderr.ends_with(of_home), "{finished:#?}");
    let finished = home.run(&mut without_rights(&setup_in(&home, &closed.join("new").join("config"))).0);
    let hint = "make the folder writable, or give another file with --kubeconfig\n";
    assert!(finished.stderr.contains("/closed/new cannot be created: "), "{finished:#?}");
    assert!(finished.stderr.ends_with(hint), "{finished:#?}");
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
                // kubectl does not wait for a lock, so it must find the file unlocked now and then.
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
            while !process::output(&mut command).unwrap().status.success() {
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
    // kubectl reads once before it takes the lock, and removes what was added since: even its own changes.
    assert!((0..runs).filter(|index| has(format!("k{index}"))).count() > runs / 2);
    assert_eq!(home.run(&mut setup_in(&home, &file)).code(), Some(0));
}

#[test]
#[cfg(target_os = "linux")]
fn a_run_killed_anywhere_leaves_the_old_file_or_the_new_one() {
    let home = Home::new(Mode::Follow);
    fs::create_dir(home.path().join("kube")).unwrap();
    let file = home.path().join("kube").join("config");
    let reset = || {
        fs::remove_dir_all(home.path().join("kube")).unwrap();
        fs::create_dir(home.path().join("kube")).unwrap();
        fs::write(&file, PLAIN).unwrap();
    };
    let command = || {
        let mut command = setup_in(&home, &file);
        // Without a log, whose every line would be another call to be killed at.
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
        let backup = fs::read_to_string(home.path().join("kube").join("config.kubekey-backup"));
        assert!(backup.as_deref().unwrap_or(PLAIN) == PLAIN, "killed at {place}");
        let _ = fs::remove_file(home.path().join("kube").join("config.lock"));
        assert_eq!(home.run(&mut command()).code(), Some(0));
        assert_eq!(names(&home.path().join("kube")), ["config", "config.kubekey-backup"], "{place}");
    }
    assert!(killed > places.len() * 2 / 3 && was_new > 0 && was_new < killed, "{killed}, {was_new}");
}

#[test]
#[cfg(unix)]
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
    let other = home.path().join("sub").join("../kubeconfig");
    let mut command = setup(&home);
    let finished = home.run(command.env("KUBECONFIG", format!("{}:{}", file.display(), other.display())));
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
}

/// With an ACL, the mode's group bits are its mask: without the ACL they would give the group access.
#[test]
#[cfg(unix)]
fn an_access_control_list_stays_on_the_file_and_on_its_copy() {
    const ACL: &str = "system.posix_acl_access";
    /// Version 2: the owner, user 1234, the group without rights, the mask, others. Each is tag, permissions, ID.
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

const MEBIBYTE: u64 = 1024 * 1024;

/// A sparse file with no content.
fn of_length(file: &Path, length: u64) {
    fs::File::create(file).unwrap().set_len(length).unwrap();
}

#[test]
fn a_file_that_is_too_large_is_refused_unread_and_a_smaller_one_beside_it_is_not() {
    let home = Home::new(Mode::Absent);
    fs::create_dir(home.path().join("kube")).unwrap();
    let (small, large) = (plain(&home), home.path().join("kube").join("large"));
    let both = std::env::join_paths([&small, &large]).unwrap();
    for length in [16 * MEBIBYTE + 1, MEBIBYTE * MEBIBYTE] {
        of_length(&large, length);
        for mut command in [setup_in(&home, &large), setup(&home)] {
            let finished = home.run(command.env("KUBECONFIG", &both));
            assert_eq!((finished.code(), finished.stdout.as_str()), (Some(1), ""), "{finished:#?}");
            let why = format!(
                "{} cannot be changed: it has {length} bytes, and no more than 16777216 are read\n",
                large.display()
            );
            assert!(finished.stderr.contains(&why), "{finished:#?}");
            assert!(finished.stderr.contains("give a smaller file with --kubeconfig"), "{finished:#?}");
            assert_eq!(finished.stderr.lines().count(), 2, "{finished:#?}");
            assert_eq!(
                (names(&home.path().join("kube")), fs::metadata(&large).unwrap().len()),
                (vec!["large".to_owned()], length)
            );
            assert_eq!(fs::read_to_string(&small).unwrap(), PLAIN);
        }
    }
    // As the hint says.
    assert_eq!(home.run(setup_in(&home, &small).env("KUBECONFIG", &both)).code(), Some(0));
    assert!(entry(&view(&home, &small), "clusters", "prod").is_some());
}

#[test]
fn a_file_is_not_made_larger_than_what_can_be_read_again() {
    let home = Home::new(Mode::Absent);
    let file = home.path().join("large");
    let text = format!("{PLAIN}# {}\n", "x".repeat(16 * MEBIBYTE as usize - PLAIN.len() - 3));
    fs::write(&file, &text).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().len(), 16 * MEBIBYTE);
    let finished = home.run(&mut setup_in(&home, &file));
    assert_eq!(finished.code(), Some(1), "{finished:#?}");
    assert!(finished.stderr.contains("and no more than 16777216 are read\n"), "{finished:#?}");
    assert!(fs::read_to_string(&file).unwrap() == text);
    // There is room for the entries.
    let length = text.len() - 2 * 1024;
    fs::write(&file, format!("{}\n", &text[..length])).unwrap();
    assert_eq!(home.run(&mut setup_in(&home, &file)).code(), Some(0));
}

#[test]
#[cfg(unix)]
fn what_is_no_file_is_not_waited_for() {
    let home = Home::new(Mode::Absent);
    let fifo = home.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    for (path, dry_run) in [(fifo.as_path(), true), (&fifo, false), (Path::new("/dev/zero"), true), (home.path(), true)]
    {
        let mut command = setup_in(&home, path);
        let finished = home.run(command.args(dry_run.then_some("--dry-run")));
        assert_eq!(finished.code(), Some(1), "{finished:#?}");
        let why = format!("{} cannot be changed: it is not a file\n", path.display());
        assert!(finished.stderr.contains(&why), "{finished:#?}");
    }
}
