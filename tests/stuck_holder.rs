//! A run that holds the lock for longer than others wait: what they say, and that what they advise helps. Their clock runs
//! faster, so that no test takes minutes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::browser::Mode;
use crate::support::clock::sped_up;
use crate::support::etc::{Etc, without_runtime_folders};
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::run::{Finished, Running};
use crate::support::strace::strace;

const SPEED: u32 = 20;

/// A user whose sign-in is saved in a file: a keyring has less time if the clock is fast.
fn signed_in() -> (Home, Provider) {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    home.run(&mut home.kubekey_for(&provider)).credential();
    (home, provider)
}

/// A run that gives up after a sign-in of 1 s or a refresh of 120 s, and 10 s more.
fn waiter(home: &Home, provider: &Provider, words: &[&str]) -> Finished {
    let mut kubekey = home.kubekey_for(provider);
    let finished = home.run(sped_up(kubekey.args(words).arg("--login-timeout=1"), SPEED));
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(3), ""), "{finished:#?}");
    finished
}

/// Checks the error: what the holder has been doing, for how long at least, what is said of it, and the hint.
#[track_caller]
fn assert_ends(finished: &Finished, (doing, least): (&str, u64), holder: [&str; 2], hint: &str) {
    let (_, last) = finished.stderr.rsplit_once("kubekey: another kubekey has been ").expect("the message");
    let (what, rest) = last.split_once('\n').expect("a line");
    let (seconds, of_holder) = what.strip_prefix(doing).and_then(|rest| rest.split_once(" s ")).expect(doing);
    assert!(seconds.trim().parse::<u64>().unwrap() >= least, "{finished:#?}");
    let [start, end] = holder;
    assert!(of_holder.starts_with(start) && of_holder.ends_with(end), "{start} ... {end}: {finished:#?}");
    assert_eq!(rest, format!("hint: {hint}\n"), "{finished:#?}");
}

/// The commands of the hint, each alone in its line.
fn commands(finished: &Finished) -> Vec<String> {
    finished.stderr.lines().filter_map(|line| line.strip_prefix("  ")).map(str::to_owned).collect()
}

fn run_in_shell(command: &str) {
    assert!(Command::new("/bin/sh").args(["-c", command]).status().unwrap().success(), "{command}");
}

#[test]
fn a_sign_in_that_is_stopped_is_continued_or_ended_by_what_is_advised() {
    for which in [0, 1] {
        let (home, provider) = (Home::new(Mode::Note).store_in("file"), Provider::start());
        let mut first = Running::start(&mut home.kubekey_for(&provider));
        let local = home.browser.wait_for_url();
        first.signal("STOP");
        let second = waiter(&home, &provider, &[]);
        let id = first.id();
        let holder = [format!("(process {id} since "), format!(", at {local}) and is stopped")];
        let advice = "let it continue ('fg' in its terminal does that, too), or end it:";
        let hint = format!("{advice}\n  kill -CONT {id}\n  kill -KILL {id}");
        assert_ends(&second, ("signing in for", 11), holder.each_ref().map(String::as_str), &hint);
        run_in_shell(&commands(&second)[which]);
        if which == 0 {
            home.browser.open(&local).last();
            first.wait().credential();
        } else {
            let third = Running::start(&mut home.kubekey_for(&provider));
            home.browser.open(&home.browser.wait_for_urls(2)[1]).last();
            third.wait().credential();
        }
    }
}

/// A user, and the run that refreshes the token at a provider that does not answer.
fn refreshing() -> (Home, Provider, Running) {
    let (home, provider) = signed_in();
    provider.configure(|behaviour| behaviour.hold = vec!["/token"]);
    let first = Running::start(home.kubekey_for(&provider).arg("--force-refresh"));
    provider.wait_for("/token", 2);
    (home, provider, first)
}

/// The provider answers now, and the refresh ends well.
fn answer(home: &Home, provider: &Provider, first: Running) {
    provider.configure(|behaviour| behaviour.hold = vec![]);
    let token = first.wait().token();
    assert_eq!(home.run(&mut home.kubekey_for(provider)).token(), token);
    assert_eq!((provider.count("/token"), provider.revoked(), home.browser.urls().len()), (2, 0, 1));
}

#[test]
fn a_refresh_that_is_stopped_is_continued_and_never_ended() {
    let (home, provider, mut first) = refreshing();
    first.signal("STOP");
    let second = waiter(&home, &provider, &["--force-refresh"]);
    let id = first.id();
    let hint = format!("let it continue ('fg' in its terminal does that, too):\n  kill -CONT {id}");
    let holder = [&*format!("(process {id} since "), ") and is stopped"];
    assert_ends(&second, ("refreshing a token for", 130), holder, &hint);
    run_in_shell(&commands(&second)[0]);
    answer(&home, &provider, first);
}

#[test]
fn a_refresh_that_takes_long_is_waited_for() {
    let (home, provider, mut first) = refreshing();
    let second = waiter(&home, &provider, &["--force-refresh"]);
    let holder = [&*format!("(process {} since ", first.id()), ")"];
    let hint = "wait until it ends, then run the command again";
    assert_ends(&second, ("refreshing a token for", 130), holder, hint);
    answer(&home, &provider, first);
}

#[test]
fn a_logout_that_takes_long_is_waited_for_or_ended() {
    let (home, provider) = signed_in();
    provider.configure(|behaviour| (behaviour.offers_revocation, behaviour.hold) = (true, vec!["/revoke"]));
    // What was noted before the provider offered that.
    fs::remove_dir_all(home.cache().join("kubekey")).unwrap();
    let mut first = Running::start(home.kubekey_for(&provider).arg("logout"));
    provider.wait_for("/revoke", 1);
    let second = waiter(&home, &provider, &["logout"]);
    let holder = [&*format!("(process {} since ", first.id()), ")"];
    let hint = "wait until it ends, or end that process, then run the command again";
    assert_ends(&second, ("running for", 11), holder, hint);
    run_in_shell(&format!("kill {}", first.id()));
    assert_eq!(home.log_out(&provider).code(), Some(0));
}

/// The session's lock of this user, as a run opens it.
fn lock(home: &Home, provider: &Provider) -> PathBuf {
    let trace = home.path().join("trace");
    home.run(&mut strace(&home.kubekey_for(provider), &trace, &["-f", "-s", "300", "-e", "trace=/^open"])).credential();
    let trace = fs::read_to_string(&trace).unwrap();
    let mut paths = trace.lines().filter_map(|line| line.split('"').nth(1)).map(PathBuf::from);
    let is_lock =
        |path: &PathBuf| path.extension().is_some_and(|end| end == "lock") && path.starts_with(home.runtime());
    paths.find(is_lock).expect("a lock")
}

#[test]
fn a_lock_that_is_never_the_file_of_its_name_is_done_without() {
    let (home, provider) = (Home::new(Mode::Follow), Provider::start());
    let lock = lock(&home, &provider);
    // Nowhere else can there be one.
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    let mut kubekey = home.kubekey_for(&provider);
    kubekey.env("XDG_STATE_HOME", file);
    // Each attempt looks at it for the fourth time to see whether it is still there.
    let options = ["-f", "-P", lock.to_str().unwrap(), "-e", "inject=/^(statx|lstat):error=ENOENT:when=4+4"];
    let traced = strace(&kubekey, Path::new("/dev/null"), &options);
    let no_home = Etc::new(&[]).with_users("root:x:0:0::/nowhere:/bin/sh\n");
    let finished = home.run(&mut without_runtime_folders(&no_home.over(&traced)));
    finished.credential();
    let warning = format!(
        "kubekey: warning: cannot create a lock, so several sign-ins may start at once ({}: it disappears; ",
        lock.display()
    );
    assert!(finished.stderr.contains(&warning), "{finished:#?}");
}
