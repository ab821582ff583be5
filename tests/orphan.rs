//! A sign-in whose client ended while it waited for the user: kubectl with a time limit, an editor's stop button.

use std::fs::{self, File, Permissions};
use std::io::{PipeReader, Read, pipe};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::browser::Mode;
use crate::support::client::get;
use crate::support::home::Home;
use crate::support::process::Process;
use crate::support::provider::Provider;
use crate::support::run::{Running, by_a_command};
use crate::support::waiting::Waiting;

const DEADLINE: Duration = Duration::from_secs(30);

/// A client that runs kubekey and reads what it prints.
struct Client {
    process: Process,
    stdout: Option<PipeReader>,
}

/// A shell that runs `script`, which runs kubekey.
fn shell(home: &Home, provider: &Provider, script: &str) -> Command {
    let kubekey = home.kubekey_for(provider);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", script]).arg(kubekey.get_program()).current_dir(home.path()).env_clear();
    shell.envs(kubekey.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

impl Client {
    fn start(home: &Home, provider: &Provider, arguments: &[&str]) -> Self {
        Self::run(by_a_command(home.kubekey_for(provider).args(arguments), 1))
    }

    fn run(mut command: Command) -> Self {
        let (stdout, end) = pipe().expect("a pipe");
        command.stdin(Stdio::null()).stdout(end).stderr(Stdio::null());
        Client { process: Process::start(&mut command).expect("a shell"), stdout: Some(stdout) }
    }

    /// Ends only the client, as SIGKILL does: kubekey, its child, lives on.
    fn kill(&mut self) {
        self.process.kill().expect("a shell");
        self.stdout = None;
    }
}

/// A user whose client ended while kubekey waited for the browser, and the URL of that sign-in.
fn orphaned(arguments: &[&str]) -> (Home, Provider, String) {
    let (home, provider) = (Home::with_keyring(Mode::Note), Provider::start());
    let mut client = Client::start(&home, &provider, arguments);
    let local = home.browser.wait_for_url();
    client.kill();
    (home, provider, local)
}

fn lock_file(home: &Home) -> PathBuf {
    let mut files = fs::read_dir(home.runtime().join("kubekey")).expect("a folder").flatten().map(|entry| entry.path());
    files.find(|file| file.extension().is_some_and(|extension| extension == "lock")).expect("a lock")
}

fn wait_until(mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it does not come to that");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_next_run_opens_the_same_address_again_and_one_answer_serves_both() {
    let (home, provider, local) = orphaned(&[]);
    let next = Running::start(&mut home.kubekey_for(&provider));
    assert_eq!(home.browser.wait_for_urls(2)[1], local);
    next.wait_for_stderr(&format!("kubekey:   {local}"));
    home.browser.open(&local).last();
    let next = next.wait();
    let said = format!("kubekey: finish the sign-in to {} in your browser, at\n", provider.issuer());
    assert_eq!(next.stderr, format!("{said}kubekey:   {local}\n"));
    assert_eq!((next.token(), provider.count("/token")), (home.run(&mut home.kubekey_for(&provider)).token(), 1));
}

#[test]
fn who_waits_already_takes_part_when_the_client_ends() {
    let (home, provider) = (Home::with_keyring(Mode::Note), Provider::start());
    let mut client = Client::start(&home, &provider, &[]);
    let local = home.browser.wait_for_url();
    let next = Running::start(&mut home.kubekey_for(&provider));
    next.wait_for_stderr("waiting for another kubekey that is signing in");
    assert_eq!(home.browser.urls().len(), 1);
    client.kill();
    assert_eq!(home.browser.wait_for_urls(2)[1], local);
    home.browser.open(&local).last();
    next.wait().credential();
}

#[test]
fn of_many_that_take_part_one_opens_the_browser_and_all_print_the_address() {
    let (home, provider, local) = orphaned(&[]);
    let waiting: Vec<_> = (0..8).map(|_| Running::start(&mut home.kubekey_for(&provider))).collect();
    waiting.iter().for_each(|running| drop(running.wait_for_stderr(&format!("kubekey:   {local}"))));
    home.browser.wait_for_urls(2);
    home.browser.open(&local).last();
    let tokens: Vec<_> = waiting.into_iter().map(|running| running.wait().token()).collect();
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    assert_eq!((home.browser.urls().len(), provider.count("/token")), (2, 1));
    // The file that distinguishes them is removed with the lock.
    assert!(home.files().iter().all(|file| file.extension().is_none_or(|extension| extension != "again")));
}

#[test]
fn a_client_that_is_ended_again_and_again_opens_three_more_tabs_and_then_only_prints() {
    let (home, provider, local) = orphaned(&[]);
    for tabs in 2..=4 {
        let (stdout, end) = pipe().unwrap();
        let mut kubekey = home.kubekey_for(&provider);
        let mut next = Process::start(kubekey.stdout(end).stderr(Stdio::null())).unwrap();
        drop(kubekey);
        assert_eq!(home.browser.wait_for_urls(tabs)[tabs - 1], local);
        // No client waits for it any more, so it does not wait either.
        drop(stdout);
        wait_until(|| next.child().try_wait().unwrap().is_some());
        assert_eq!(next.child().wait().unwrap().code(), Some(3));
    }
    let next = Running::start(&mut home.kubekey_for(&provider));
    next.wait_for_stderr(&format!("kubekey:   {local}"));
    home.browser.open(&local).last();
    next.wait().credential();
    assert_eq!(home.browser.urls().len(), 4);
}

#[test]
fn one_that_nobody_answers_starts_no_pause_and_nobody_shares_its_failure() {
    let (home, provider, local) = orphaned(&["--login-timeout=3"]);
    let next = Running::start(&mut home.kubekey_for(&provider));
    let urls = home.browser.wait_for_urls(3);
    assert!(urls[1] == local && urls[2] != local, "{urls:?}");
    home.browser.open(&urls[2]).last();
    let next = next.wait();
    next.credential();
    assert!(!next.stderr.contains("timed out"), "{next:#?}");

    let (home, provider, local) = orphaned(&["--login-timeout=1"]);
    wait_until(|| Waiting::is_gone(&local));
    let next = Running::start(&mut home.kubekey_for(&provider));
    let local = home.browser.wait_for_urls(2).remove(1);
    home.browser.open(&local).last();
    next.wait().credential();
}

#[test]
fn a_refusal_of_the_provider_is_shared_with_those_who_take_part() {
    let (home, provider, local) = orphaned(&[]);
    provider.configure(|behaviour| behaviour.refusal = Some(("access_denied".into(), "not you".into())));
    let next = Running::start(&mut home.kubekey_for(&provider));
    home.browser.wait_for_urls(2);
    home.browser.open(&local).last();
    let next = next.wait();
    assert_eq!((next.code(), next.stdout.as_str()), (Some(3), ""), "{next:#?}");
    assert!(next.stderr.contains("not you (access_denied)"), "{next:#?}");
    assert_eq!(home.browser.urls().len(), 2);
}

#[test]
fn whoever_opens_it_late_has_the_whole_time() {
    let start = Instant::now();
    let (home, provider, local) = orphaned(&["--login-timeout=4"]);
    while start.elapsed() < Duration::from_secs(6) {
        get(&local).location().expect("a redirect to the provider");
        std::thread::sleep(Duration::from_millis(20));
    }
    home.browser.open(&local).last();
    wait_until(|| provider.count("/token") == 1);
    home.run(&mut home.kubekey_for(&provider)).credential();
}

#[test]
fn a_login_takes_part_and_asks_for_no_second_answer() {
    let (home, provider, local) = orphaned(&[]);
    let login = Running::start(home.kubekey_for(&provider).arg("login"));
    assert_eq!(home.browser.wait_for_urls(2)[1], local);
    home.browser.open(&local).last();
    let login = login.wait();
    assert!(login.stderr.contains("kubekey: signed in, with a token that is valid until"), "{login:#?}");
    assert_eq!((login.code(), home.browser.urls().len(), provider.count("/token")), (Some(0), 2, 1));
}

#[test]
fn a_wrapper_that_outlives_the_client_and_a_file_for_stdout_hide_nothing() {
    // The parent of kubekey lives on, but the reader of its output does not.
    let (home, provider) = (Home::with_keyring(Mode::Note), Provider::start());
    let mut client = Client::start(&home, &provider, &[]);
    let local = home.browser.wait_for_url();
    client.stdout = None;
    let next = Running::start(&mut home.kubekey_for(&provider));
    assert_eq!(home.browser.wait_for_urls(2)[1], local);
    home.browser.open(&local).last();
    next.wait().credential();

    // A file stays open: then the end of the parent decides.
    let (home, provider) = (Home::with_keyring(Mode::Note), Provider::start());
    let mut command = by_a_command(&home.kubekey_for(&provider), 1);
    command.stdout(File::create(home.path().join("stdout")).unwrap()).stderr(Stdio::null());
    let mut client = Process::start(&mut command).unwrap();
    let local = home.browser.wait_for_url();
    client.kill().unwrap();
    let next = Running::start(&mut home.kubekey_for(&provider));
    assert_eq!(home.browser.wait_for_urls(2)[1], local);
    home.browser.open(&local).last();
    next.wait().credential();
}

#[test]
fn a_run_that_somebody_reads_is_no_orphan_whoever_began_it() {
    // The wrapper has ended, by itself or to start a new session; the output is read all the same.
    for script in
        [r#""$0" & exit 0"#, r#"setsid "$0" & exit 0"#, r#"nohup "$0" 2>&1 & exit 0"#, r#"(exec "$0") & exit 0"#]
    {
        let (home, provider) = (Home::with_keyring(Mode::Note), Provider::start());
        let mut client = Client::run(shell(&home, &provider, script));
        client.process.child().wait().unwrap();
        let local = home.browser.wait_for_url();
        let next = Running::start(&mut home.kubekey_for(&provider));
        next.wait_for_stderr("waiting for another kubekey that is signing in");
        assert_eq!(home.browser.urls().len(), 1, "{script}");
        home.browser.open(&local).last();
        let mut printed = String::new();
        client.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
        assert!(printed.contains(&next.wait().token()), "{script}: {printed}");
        assert_eq!(home.browser.urls().len(), 1, "{script}");
    }
    // It ends while kubekey waits for the user.
    let (home, provider) = (Home::with_keyring(Mode::Note), Provider::start());
    let mut client = Client::start(&home, &provider, &[]);
    let local = home.browser.wait_for_url();
    client.process.kill().unwrap();
    let next = Running::start(&mut home.kubekey_for(&provider));
    next.wait_for_stderr("waiting for another kubekey that is signing in");
    home.browser.open(&local).last();
    next.wait().credential();
    assert_eq!(home.browser.urls().len(), 1);
}

#[test]
fn an_address_that_others_may_have_written_opens_nothing() {
    for (mode, url, is_printed) in [
        (0o644, None, false),
        (0o660, None, false),
        (0o600, Some("https://evil.example/x"), true),
        (0o600, Some("--evil"), true),
        (0o600, Some("file:///etc/passwd"), true),
    ] {
        let (home, provider, local) = orphaned(&[]);
        let lock = lock_file(&home);
        wait_until(|| fs::read_to_string(&lock).unwrap().ends_with(" abandoned"));
        let note = fs::read_to_string(&lock).unwrap();
        fs::write(&lock, note.replace(&local, url.unwrap_or(&local))).unwrap();
        fs::set_permissions(&lock, Permissions::from_mode(mode)).unwrap();
        let next = Running::start(&mut home.kubekey_for(&provider));
        match is_printed {
            true => drop(next.wait_for_stderr(&format!("kubekey:   {}", url.unwrap()))),
            false => drop(next.wait_for_stderr("waiting for another kubekey that is signing in")),
        }
        home.browser.open(&local).last();
        next.wait().credential();
        assert_eq!(home.browser.urls(), [local], "{mode:o} {url:?}");
    }
}

#[test]
fn a_code_whose_client_ended_is_shown_again_and_its_page_is_not_opened() {
    let (home, provider) = (Home::with_keyring(Mode::Note), Provider::start());
    provider.configure(|behaviour| behaviour.offers_device = true);
    let mut client = Client::start(&home, &provider, &["--flow=device"]);
    provider.wait_for("/token", 1);
    client.kill();
    let next = Running::start(home.kubekey_for(&provider).arg("--flow=device"));
    next.wait_for_stderr(&format!("finish the sign-in to {} on any device: open", provider.issuer()));
    next.wait_for_stderr("and enter the code WDJB-MJHT");
    provider.configure(|behaviour| behaviour.device_approved = true);
    next.wait().credential();
    assert_eq!((provider.count("/device_authorization"), home.browser.urls().len()), (1, 0));
}
