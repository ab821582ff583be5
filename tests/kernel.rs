//! The kernel's keys: in front of the keyring, and in place of it.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::kernel;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::edit;
use crate::support::run::Finished;
use crate::support::strace::strace;

/// All for the possessor, view for the user: keyctl_setperm(3).
const OWN: u32 = 0x3f01_0000;

/// The name of the only credential in this home.
fn digest(home: &Home) -> String {
    home.state_file().file_stem().unwrap().to_string_lossy().into_owned()
}

fn fatten(provider: &Provider, bytes: usize) {
    let groups = "g".repeat(bytes);
    provider.configure(|behaviour| {
        behaviour.claims = edit(move |claims| {
            claims.insert("groups".into(), json!([groups]));
        });
    });
}

#[test]
fn in_front_of_a_keyring_it_holds_the_id_token_and_never_the_refresh_token() {
    let home = Home::with_keyring(Mode::Follow).store_in("auto");
    let provider = Provider::start();
    let token = home.run(&mut home.kubekey_for(&provider)).token();
    let digest = digest(&home);
    let kept = kernel::find("id_token", &digest).expect("the ID token");
    assert_eq!((kept.json["id_token"].as_str(), kept.permissions), (Some(&*token), OWN));
    assert!(kept.json.get("refresh_token").is_none(), "{}", kept.json);
    assert!(["59m", "60m", "1h"].contains(&&*kept.timeout), "an hour: {}", kept.timeout);
    assert_eq!(kernel::count(&digest), 1);
    assert!(home.saved().unwrap()["refresh_token"].is_string());

    // With the keyring stopped, only the kernel can have answered.
    home.keyring().pause();
    let finished = home.run(&mut home.kubekey_for(&provider));
    home.keyring().resume();
    assert_eq!((finished.token(), finished.stderr.as_str()), (token.clone(), ""));

    kernel::forget("id_token", &digest);
    assert_eq!(home.run(&mut home.kubekey_for(&provider)).token(), token, "it is in the keyring, too");
    home.log_out(&provider);
    assert_eq!((kernel::count(&digest), home.saved()), (0, None));
}

#[test]
fn without_a_keyring_it_holds_both_and_the_user_signs_in_once() {
    let home = Home::new(Mode::Follow).store_in("auto");
    let provider = Provider::start();
    let first = home.run(&mut home.kubekey_for(&provider)).token();
    let digest = digest(&home);
    let session = kernel::find("session", &digest).expect("the session");
    assert_eq!((session.permissions, session.json["subject"].as_str()), (OWN, Some("jane")));
    assert!(["11h", "12h"].contains(&&*session.timeout), "{}", session.timeout);
    assert_eq!(home.run(&mut home.kubekey_for(&provider)).token(), first);

    // As after the hour has passed.
    kernel::forget("id_token", &digest);
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_eq!((finished.stderr.as_str(), home.browser.urls().len()), ("", 1));
    assert_ne!(finished.token(), first);
    let after = kernel::find("session", &digest).expect("the session");
    assert_eq!(after.json["signed_in_at"], session.json["signed_in_at"], "twelve hours count from the sign-in");
    assert_ne!(after.json["refresh_token"], session.json["refresh_token"]);
    home.log_out(&provider);
    assert_eq!(kernel::count(&digest), 0);
}

#[test]
fn a_token_over_12_kib_is_not_kept_and_is_refreshed_each_time() {
    let home = Home::new(Mode::Follow).store_in("kernel");
    let provider = Provider::start();
    fatten(&provider, 9 * 1024);
    home.run(&mut home.kubekey_for(&provider)).credential();
    provider.forget_requests();
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_eq!((finished.stderr.as_str(), home.browser.urls().len(), provider.count("/token")), ("", 1, 1));
    home.log_out(&provider);
}

/// A user of this machine without other processes, or the user who runs the tests.
struct User(Option<u32>);

impl User {
    fn new(home: &Home) -> Self {
        let is_root = std::fs::metadata(home.path()).unwrap().uid() == 0;
        let user = is_root.then(|| 200_000 + std::process::id() % 100_000);
        if let Some(id) = user {
            let owner = format!("{id}:{id}");
            let folders = [home.path(), home.browser.folder()];
            assert!(Command::new("chown").arg("-R").arg(owner).args(folders).status().unwrap().success());
        }
        User(user)
    }

    /// `command` as this user.
    fn run_as(&self, command: &Command) -> Command {
        let mut run = Command::new("setpriv");
        if let Some(id) = self.0 {
            run.args([format!("--reuid={id}"), format!("--regid={id}"), "--clear-groups".into()]);
        }
        run.arg(command.get_program()).args(command.get_args()).env_clear();
        run.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        run.current_dir(command.get_current_dir().expect("a home"));
        run
    }

    /// Changes this user's other keys, which count for the same quota.
    fn keyctl(&self, home: &Home, script: &str) {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", script]);
        shell.env("PATH", "/usr/bin:/bin").current_dir(home.path());
        let finished = home.run(&mut self.run_as(&shell));
        assert_eq!(finished.code(), Some(0), "{finished:#?}");
    }
}

#[test]
fn half_a_quota_is_enough_for_a_session_and_what_has_no_room_is_a_miss() {
    let home = Home::new(Mode::Follow).store_in("auto");
    let provider = Provider::start();
    let user = User::new(&home);
    user.keyctl(&home, "head -c 10000 /dev/zero | keyctl padd user fill @u");
    fatten(&provider, 7000);
    let first = home.run(&mut user.run_as(&home.kubekey_for(&provider)));
    first.credential();
    assert!(!first.stderr.contains("not saved"), "the session has room: {first:#?}");
    provider.forget_requests();
    let second = home.run(&mut user.run_as(&home.kubekey_for(&provider)));
    assert_eq!((second.stderr.as_str(), home.browser.urls().len(), provider.count("/token")), ("", 1, 1));
    assert_ne!(first.token(), second.token(), "the ID token had no room");

    fatten(&provider, 10);
    let third = home.run(&mut user.run_as(&home.kubekey_for(&provider)));
    provider.forget_requests();
    let fourth = home.run(&mut user.run_as(&home.kubekey_for(&provider)));
    assert_eq!((third.token(), provider.count_all()), (fourth.token(), 0), "one of usual size has");
    user.keyctl(&home, "keyctl clear @u");
}

/// Uses up the quota except for 200 bytes: with none left, the kernel does not even list the keys.
const FILL: &str = "spare=$(head -c 220 /dev/zero | keyctl padd user spare @u); for n in 4000 1000 250 60; do i=0; \
    while head -c $n /dev/zero | keyctl padd user fill-$n-$i @u >/dev/null 2>&1; do i=$((i+1)); done; done; \
    head -c 20 /dev/zero | keyctl pupdate $spare";

#[test]
fn where_the_quota_is_short_by_a_little_the_id_token_gives_way_to_the_session() {
    let home = Home::new(Mode::Follow).store_in("kernel");
    let provider = Provider::start();
    let user = User::new(&home);
    fatten(&provider, 1000);
    // Valid for some seconds, and due for a refresh at once.
    provider.configure(|behaviour| behaviour.lifetime = 20);
    let run = || home.run(&mut user.run_as(&home.kubekey_for(&provider)));
    let token = run().token();
    user.keyctl(&home, FILL);
    let deadline = Instant::now() + Duration::from_secs(30);
    let finished = loop {
        let finished = run();
        if finished.token() != token {
            break finished;
        }
        assert!(Instant::now() < deadline, "it is never refreshed");
    };
    assert_eq!((finished.stderr.as_str(), provider.count("/token")), ("", 2), "{finished:#?}");
    assert_eq!((home.browser.urls().len(), provider.revoked()), (1, 0));
    provider.configure(|behaviour| behaviour.lifetime = 5);

    // Ten times as long: now even that is not enough.
    provider.configure(|behaviour| behaviour.refresh_token_padding = 6000);
    let deadline = Instant::now() + Duration::from_secs(30);
    let finished = loop {
        let finished = run();
        if !finished.stderr.is_empty() {
            break finished;
        }
        assert!(Instant::now() < deadline, "it is never refreshed");
    };
    assert!(finished.stderr.contains("the kernel keyring is full (/proc/key-users shows the quota)"), "{finished:#?}");
    assert!(finished.stderr.contains("until it can, it is held in a file of this session"), "{finished:#?}");
    user.keyctl(&home, "keyctl clear @u");
    // The kernel frees removed keys some time later.
    let deadline = Instant::now() + Duration::from_secs(20);
    let is_parked = || home.files().iter().any(|file| file.extension().is_some_and(|end| end == "parked"));
    while is_parked() {
        assert!(Instant::now() < deadline, "it is never moved");
        run().credential();
    }
    assert_eq!((home.browser.urls().len(), provider.revoked()), (1, 0));
}

/// The program as the first process of a container.
fn in_a_container(kubekey: &Command) -> Command {
    let mut contained = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        contained.arg("--map-root-user");
    }
    contained.args(["--pid", "--fork", "--kill-child", "--mount-proc"]).arg(kubekey.get_program()).env_clear();
    contained.envs(kubekey.get_envs().filter_map(|(name, value)| Some((name, value?))));
    contained
}

#[test]
fn in_a_container_it_is_not_used_and_one_line_says_what_to_do() {
    let home = Home::new(Mode::Follow).store_in("auto");
    let provider = Provider::start();
    let kubekey = home.kubekey_for(&provider);
    let mut contained = in_a_container(&kubekey);
    let finished = home.run(&mut contained);
    finished.credential();
    let warnings: Vec<_> = finished.stderr.lines().filter(|line| line.contains("warning")).collect();
    assert_eq!(warnings.len(), 1, "{finished:#?}");
    assert!(
        warnings[0].contains("not saved")
            && warnings[0].contains("--token-storage=file")
            && warnings[0].contains("in a container"),
        "{finished:#?}"
    );
    assert_eq!(kernel::count(&digest(&home)), 0);

    let examined = home.run(contained.arg("doctor"));
    let hint = "-> start a keyring, or set --token-storage=file where only you can read your home\n";
    assert!(examined.stdout.contains("each run signs in: ") && examined.stdout.contains(hint), "{examined:#?}");

    // Without a sign-in there is nothing to save.
    drop(provider);
    let mut contained = in_a_container(&kubekey);
    let finished = home.run(&mut contained);
    assert_eq!(finished.code(), Some(5), "{finished:#?}");
    assert!(!finished.stderr.contains("not saved"), "{finished:#?}");
}

#[test]
fn a_sign_in_in_a_keyring_that_does_not_answer_is_not_made_anew_elsewhere() {
    let mut home = Home::with_keyring(Mode::Follow).store_in("auto");
    let provider = Provider::start();
    let token = home.run(&mut home.kubekey_for(&provider)).token();
    let digest = digest(&home);
    kernel::forget("id_token", &digest);
    home.keyring().pause();
    let finished = home.run(&mut home.kubekey_for(&provider));
    home.keyring().resume();
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(6), ""), "{finished:#?}");
    assert!(finished.stderr.contains("in the keyring, which is not available"), "{finished:#?}");
    assert_eq!(home.run(&mut home.kubekey_for(&provider)).token(), token, "nothing is lost");

    home.keyring_mut().kill();
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_eq!((finished.code(), home.browser.urls().len()), (Some(6), 1), "{finished:#?}");
    assert!(finished.stderr.contains("'kubekey login'"), "{finished:#?}");

    // The command from the hint.
    let login = home.run(home.kubekey_for(&provider).arg("login"));
    assert_eq!((login.code(), login.stdout.as_str()), (Some(0), ""), "{login:#?}");
    let new = home.run(&mut home.kubekey_for(&provider)).token();
    assert_eq!(home.browser.urls().len(), 2);

    // The old sign-in must not come back with the keyring.
    home.start_keyring_again(true);
    kernel::forget("id_token", &digest);
    home.edit_state(|state| state["absent"] = serde_json::Value::Null);
    let renewed = home.run(&mut home.kubekey_for(&provider)).token();
    assert!(renewed != token && renewed != new, "a refreshed one of the new sign-in");
    assert_eq!((home.saved(), home.browser.urls().len()), (None, 2));
    home.log_out(&provider);
    assert_eq!(kernel::count(&digest), 0);
}

#[test]
fn a_logout_does_not_forget_that_the_keyring_has_an_old_sign_in() {
    let mut home = Home::with_keyring(Mode::Follow).store_in("auto");
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    home.keyring_mut().kill();
    assert_eq!(home.run(home.kubekey_for(&provider).arg("login")).code(), Some(0));
    let logout = home.log_out(&provider);
    assert_eq!(logout.code(), Some(6), "{logout:#?}");
    home.start_keyring_again(true);
    assert_eq!((home.log_out(&provider).code(), home.saved()), (Some(0), None));
}

#[test]
fn a_session_that_the_kernel_kept_too_long_is_not_used() {
    let home = Home::new(Mode::Follow).store_in("auto");
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.lifetime = 5);
    home.run(&mut home.kubekey_for(&provider)).credential();
    let digest = digest(&home);
    let mut session = kernel::find("session", &digest).unwrap().json;
    session["signed_in_at"] = (chrono::Utc::now().timestamp() - 13 * 60 * 60).into();
    kernel::replace("session", &digest, &session);
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert_eq!(home.browser.urls().len(), 2);
    home.log_out(&provider);
}

#[test]
fn what_was_kept_in_the_kernel_because_somebody_asked_for_it_is_no_business_of_auto() {
    let home = Home::with_keyring(Mode::Follow).store_in("auto");
    let provider = Provider::start();
    let in_kernel = || home.run(home.kubekey_for(&provider).arg("--token-storage=kernel"));
    let by_auto = || home.run(&mut home.kubekey_for(&provider));
    let token = in_kernel().token();
    let of_auto = by_auto().token();
    assert_ne!((of_auto, home.browser.urls().len()), (token.clone(), 1), "each has its own");
    assert_eq!(home.run(home.kubekey_for(&provider).arg("login")).code(), Some(0));
    assert_eq!((in_kernel().token(), home.browser.urls().len()), (token, 3));
    // Without its ID token, the credential is refreshed with its own refresh token.
    kernel::forget("id_token", &format!("{}-kernel", digest(&home)));
    let refreshed = in_kernel();
    refreshed.credential();
    assert_eq!((home.browser.urls().len(), provider.revoked()), (3, 0), "{refreshed:#?}");
    by_auto().credential();
    assert_eq!(home.browser.urls().len(), 3);

    home.log_out(&provider);
    in_kernel().credential();
    assert_eq!(home.browser.urls().len(), 4, "all places are forgotten");
    home.log_out(&provider);
}

#[test]
fn a_keyring_that_came_back_locked_is_told_from_one_that_was_locked() {
    let mut home = Home::with_keyring(Mode::Follow).store_in("auto");
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    kernel::forget("id_token", &digest(&home));
    home.keyring().lock();
    let locked = home.run(&mut home.kubekey_for(&provider));
    assert_eq!(locked.code(), Some(6));
    assert!(!locked.stderr.contains("started again"), "{locked:#?}");

    let before = home.keyring_mut().process();
    home.keyring_mut().kill();
    home.start_keyring_again(false);
    let after = home.keyring_mut().process();
    let restarted = home.run(&mut home.kubekey_for(&provider));
    assert_eq!(restarted.code(), Some(6));
    let expected = format!("was restarted: process {before} is now process {after}");
    assert!(restarted.stderr.contains(&expected), "{restarted:#?}");
}

#[test]
fn a_keyring_that_cannot_take_a_sign_in_is_found_out_before_it_and_the_kernel_takes_it() {
    for has_collection in [true, false] {
        let mut home = Home::with_keyring(Mode::Follow).store_in("auto");
        let provider = Provider::start();
        home.keyring_mut().kill();
        if !has_collection {
            std::fs::remove_dir_all(home.path().join(".local").join("share").join("keyrings")).unwrap();
        }
        home.start_keyring_again(false);
        let token = home.run(&mut home.kubekey_for(&provider)).token();
        assert_eq!(home.run(&mut home.kubekey_for(&provider)).token(), token);
        assert_eq!(home.browser.urls().len(), 1);

        let strict = home.run(home.kubekey_for(&provider).args(["--token-storage", "keyring"]));
        assert_eq!((strict.code(), home.browser.urls().len()), (Some(6), 1), "{strict:#?}");
        let why = if has_collection { "the keyring is locked" } else { "no default collection" };
        assert!(strict.stderr.contains(why), "{strict:#?}");
        home.log_out(&provider);
    }
}

#[test]
fn a_session_without_a_keyring_is_remembered_for_a_minute() {
    let mut home = Home::with_keyring(Mode::Follow).store_in("auto");
    let provider = Provider::start();
    home.keyring_mut().kill();
    home.run(&mut home.kubekey_for(&provider)).credential();
    home.start_keyring_again(true);
    let digest = digest(&home);
    kernel::forget("id_token", &digest);
    kernel::forget("session", &digest);
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert_eq!((home.saved(), kernel::count(&digest)), (None, 2), "it was not asked");

    kernel::forget("id_token", &digest);
    kernel::forget("session", &digest);
    home.edit_state(|state| state["absent"][1] = (chrono::Utc::now().timestamp() - 60).into());
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert!(home.saved().is_some(), "after a minute it is asked again");
    home.log_out(&provider);
}

#[test]
fn a_kernel_that_keeps_nothing_is_named_with_the_other_storages() {
    let (home, provider) = (Home::new(Mode::Note).store_in("kernel"), Provider::start());
    let refusing = |arguments: &[&str]| {
        let options = ["-f", "-e", "trace=keyctl", "-e", "inject=keyctl:error=ENOSYS"];
        home.run(&mut strace(home.kubekey_for(&provider).args(arguments), Path::new("/dev/null"), &options))
    };
    let words = "the kernel's keys are not available here";
    let finished = refusing(&[]);
    let hint = "hint: give another --token-storage: auto, keyring, file or none";
    assert_eq!((finished.code(), provider.count("/authorize")), (Some(6), 0), "{finished:#?}");
    assert!(finished.stderr.contains(&format!("{words}\n{hint}\n")), "{finished:#?}");
    let examined = refusing(&["doctor"]);
    let line = format!("{:8} {:13} {words}\n", "warning", "kernel keys");
    assert!(examined.stdout.contains(&line), "{examined:#?}");
    assert!(
        examined.stdout.contains("-> without them each run asks the keyring, which takes longer\n"),
        "{examined:#?}"
    );
}

/// A run on a machine with the kernel's keys, where this system call fails.
fn without(call: &str, error: &str, home: &Home, command: &mut Command) -> Finished {
    let (trace, inject) = (format!("trace={call}"), format!("inject={call}:error={error}"));
    // Containers have no keys of their own, but WSL does.
    command.env("WSL_DISTRO_NAME", "of these tests");
    home.run(&mut strace(command, Path::new("/dev/null"), &["-f", "-e", &trace, "-e", &inject]))
}

#[test]
fn a_kernel_that_keeps_no_keys_is_named_before_the_sign_in() {
    let provider = Provider::start();
    let home = Home::new(Mode::Follow).store_in("kernel");
    let finished = without("keyctl", "ENOSYS", &home, &mut home.kubekey_for(&provider));
    assert_eq!((finished.code(), home.browser.urls().len()), (Some(6), 0), "{finished:#?}");
    let hint = "hint: give another --token-storage: auto, keyring, file or none\n";
    assert!(finished.stderr.contains("kubekey: the kernel's keys are not available here\n"), "{finished:#?}");
    assert!(finished.stderr.contains(hint), "{finished:#?}");
    let home = Home::new(Mode::Follow).store_in("auto");
    for (call, error, why) in [
        ("keyctl", "ENOSYS", "the kernel's keys are not available here"),
        ("add_key", "EDQUOT", "the kernel keyring is full (/proc/key-users shows the quota)"),
    ] {
        let finished = without(call, error, &home, home.kubekey_for(&provider).arg("doctor"));
        assert!(finished.stdout.contains(&format!("warning  kernel keys   {why}\n")), "{finished:#?}");
        let advice = "-> without them each run asks the keyring, which takes longer\n";
        assert!(finished.stdout.contains(advice), "{finished:#?}");
    }
}
