//! What killed runs leave beside the files they were about to replace.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::run::Running;
use crate::support::strace::strace;

const DEADLINE: Duration = Duration::from_secs(20);

/// The temporary files in this home.
fn remains(home: &Home) -> Vec<PathBuf> {
    home.files().into_iter().filter(|file| file.extension().is_some_and(|extension| extension == "new")).collect()
}

/// The program under strace, which does this at the renaming of a file with that number.
fn at_rename(command: &Command, number: usize, what: &str) -> Command {
    let inject = format!("inject=/^rename:{what}:when={number}");
    strace(command, Path::new("/dev/null"), &["-e", "trace=/^rename", "-e", &inject])
}

#[test]
fn the_next_run_removes_what_a_killed_one_left_of_every_kind() {
    let provider = Provider::start();
    for (storage, number, kind) in [
        ("file", 1, ".cache/kubekey/metadata-"),
        ("file", 2, ".cache/kubekey/metadata-"),
        ("file", 3, ".local/state/kubekey/tokens/"),
        ("auto", 1, ".local/state/kubekey/"),
    ] {
        let home = Home::new(Mode::Follow).store_in(storage);
        let kubekey = || home.kubekey_for(&provider);
        let killed = home.run(&mut at_rename(&kubekey(), number, "signal=KILL"));
        assert_eq!(killed.code(), None, "{killed:#?}");
        let left = remains(&home);
        let start = home.path().join(kind).into_os_string().into_string().unwrap();
        assert!(matches!(&left[..], [file] if file.to_str().unwrap().starts_with(&start)), "{kind}: {left:?}");
        home.run(&mut kubekey()).credential();
        assert_eq!(remains(&home), Vec::<PathBuf>::new(), "{kind}");
        home.log_out(&provider);
    }
}

#[test]
fn what_a_run_in_another_container_is_writing_stays_until_it_is_killed() {
    let home = Home::new(Mode::Follow).store_in("file");
    let provider = Provider::start();
    let mut container = Command::new("unshare");
    let namespaces = ["--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--"];
    let paused = at_rename(&home.kubekey_for(&provider), 1, "delay_enter=60s");
    container.args(namespaces).arg(paused.get_program()).args(paused.get_args()).env_clear();
    container.envs(paused.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(home.path());
    let writer = Running::start(&mut container);
    let held = written(&home);

    // Another credential at the same provider, so that both write the provider's metadata.
    let another = || home.run(home.kubekey_for(&provider).args(["--scope", "groups", "login"]));
    assert_eq!(another().code(), Some(0));
    assert_eq!(remains(&home).as_slice(), std::slice::from_ref(&held));

    drop(writer);
    wait_until(|| File::open(&held).unwrap().try_lock().is_ok());
    for file in fs::read_dir(home.cache().join("kubekey")).unwrap().flatten().map(|entry| entry.path()) {
        if file.extension().is_some_and(|extension| extension == "json") {
            fs::remove_file(file).unwrap();
        }
    }
    assert_eq!(another().code(), Some(0));
    assert_eq!(remains(&home), Vec::<PathBuf>::new());
}

/// Waits for a temporary file with content: then it is locked, too.
fn written(home: &Home) -> PathBuf {
    wait_until(|| remains(home).iter().any(|file| fs::metadata(file).is_ok_and(|metadata| metadata.len() > 0)));
    remains(home).remove(0)
}

fn wait_until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it does not come to that");
        std::thread::sleep(Duration::from_millis(5));
    }
}
