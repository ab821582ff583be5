//! What a run with a fresh saved token does in the operating system: read that token, and print one line.

use std::fs;
use std::io::Write;
use std::process::Command;

use crate::support::browser::Mode;
use crate::support::etc::Etc;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::strace::strace;

/// What starts a thread or a process, changes a file or a key, or takes a lock: the beginnings of the calls' names.
const FORBIDDEN: [&str; 17] = [
    "add_key",
    "chmod",
    "clone",
    "fchmod",
    "fdatasync",
    "flock",
    "fork",
    "fsync",
    "ftruncate",
    "link",
    "mkdir",
    "pwrite",
    "rename",
    "symlink",
    "unlink",
    "vfork",
    "writev",
];

/// Where a run may read outside its home: settings, libraries, itself. No certificates, no resolver configuration.
const READABLE: [&str; 6] = ["/etc/kubekey", "/etc/passwd", "/etc/ld.so.", "/lib", "/proc/self/", "/usr/lib"];

/// All system calls of a run with a token in the kernel, on Debian 12, that links C's library as a release does. About 20
/// are its own; the rest start a process.
const CALLS: usize = 49;

/// Those of them before `main`. A program that is linked for an older C library, as the packages have it, needs more: threads
/// are in a library of their own there.
const LOADING_CALLS: usize = 29;

/// What the debug build of a run needs for a token in the kernel, and a little more: a run that starts doing
/// something else shows. What the release build may need, 2 million, is measured by the benchmark.
const INSTRUCTIONS: u64 = 5_300_000;

/// As many as a large fleet has.
const DROP_INS: usize = 20;

/// What the debug build needs for a policy, a system file and [`DROP_INS`] drop-ins, and half as much again.
const FLEET_INSTRUCTIONS: u64 = 2_500_000;

/// Uses the kernel's keys even if the tests run in a container, which has its own.
fn kubekey(home: &Home, provider: &Provider) -> Command {
    let mut command = home.kubekey_for(provider);
    // As the kubeconfigs of `setup` have it.
    command.arg("get-token").env("WSL_DISTRO_NAME", "of these tests").env_remove("KUBEKEY_LOG");
    command
}

/// The system calls of a warm run, `name(arguments...`, of all its threads.
struct Trace(Vec<String>);

impl Trace {
    /// Signs in, runs once more with the provider stopped, and checks what no store needs.
    fn of_a_warm_run(home: &Home) -> Self {
        Self::of_a_warm_run_in(home, |command| command)
    }

    /// The same on a machine that `over` puts the command on.
    fn of_a_warm_run_in(home: &Home, over: impl Fn(Command) -> Command) -> Self {
        let mut provider = Provider::start();
        let first = home.run(&mut over(kubekey(home, &provider))).token();
        provider.stop();
        let file = home.path().join("trace");
        let warm = home.run(&mut over(strace(&kubekey(home, &provider), &file, &["-f", "-s", "256"])));
        let text = fs::read_to_string(&file).expect("a trace");
        home.log_out(&provider);
        assert_eq!((warm.token(), warm.stderr.as_str()), (first, ""));
        // Each line begins with the thread.
        let calls = text.lines().filter_map(|line| Some(line.split_once(' ')?.1.trim_start().to_owned()));
        let trace = Self(calls.filter(|line| line.contains('(')).collect());
        trace.assert_that_it_only_reads(home);
        trace
    }

    fn assert_that_it_only_reads(&self, home: &Home) {
        assert_eq!(self.calls("execve").len(), 1, "{self}");
        let forbidden = self.0.iter().filter(|call| FORBIDDEN.iter().any(|name| call.starts_with(name)));
        assert_eq!(forbidden.collect::<Vec<_>>(), Vec::<&String>::new(), "{self}");
        let opened = [self.calls("open"), self.calls("openat")].concat();
        assert!(!opened.is_empty(), "{self}");
        for call in opened {
            assert!(!["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|mode| call.contains(mode)), "{call}");
            let path = call.split('"').nth(1).unwrap_or_default();
            let is_readable = READABLE.iter().any(|start| path.starts_with(start));
            assert!(is_readable || path.starts_with(home.path().to_str().unwrap()), "{call}");
        }
        let printed = self.calls("write").into_iter().filter(|call| call.starts_with("write(1, "));
        assert_eq!(printed.count(), 1, "{self}");
    }

    /// No connection, and no event loop that could wait for one.
    fn assert_that_it_talks_to_nobody(&self) {
        for name in ["socket", "connect", "epoll_create1", "eventfd2", "socketpair", "pipe2"] {
            assert_eq!(self.calls(name), Vec::<&str>::new(), "{self}");
        }
        assert_eq!(self.calls("write").len(), 1, "{self}");
    }

    fn assert_that_one_key_is_read(&self) {
        let operations: Vec<_> = self.calls("keyctl").iter().map(|call| call.split(',').next().unwrap()).collect();
        assert_eq!(
            operations,
            ["keyctl(KEYCTL_GET_PERSISTENT", "keyctl(KEYCTL_SEARCH", "keyctl(KEYCTL_READ"],
            "{self}"
        );
    }

    /// How many follow the loading of libraries: first `main` looks whether the standard streams are open.
    fn calls_after_loading(&self) -> usize {
        let first = self.0.iter().position(|call| call.starts_with("ppoll(")).expect("the start of main");
        self.0.len() - first
    }

    fn calls(&self, name: &str) -> Vec<&str> {
        let is_meant = |line: &&str| line.split_once('(').is_some_and(|(called, _)| called == name);
        self.0.iter().map(String::as_str).filter(is_meant).collect()
    }
}

impl std::fmt::Display for Trace {
    fn fmt(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        out.write_str(&self.0.join("\n"))
    }
}

#[test]
fn a_token_in_a_file_is_read_and_printed() {
    let home = Home::new(Mode::Follow).store_in("file");
    let trace = Trace::of_a_warm_run(&home);
    trace.assert_that_it_talks_to_nobody();
    assert_eq!(trace.calls("keyctl"), Vec::<&str>::new());
}

#[test]
fn a_token_in_the_kernel_is_read_and_printed() {
    let home = Home::new(Mode::Follow).store_in("kernel");
    let trace = Trace::of_a_warm_run(&home);
    trace.assert_that_it_talks_to_nobody();
    trace.assert_that_one_key_is_read();
}

#[test]
fn a_token_in_the_kernel_spares_the_keyring() {
    let home = Home::with_keyring(Mode::Follow).store_in("auto");
    let trace = Trace::of_a_warm_run(&home);
    trace.assert_that_it_talks_to_nobody();
    trace.assert_that_one_key_is_read();
    let calls = LOADING_CALLS + trace.calls_after_loading();
    assert!(calls <= CALLS, "{calls} calls: {trace}");
}

#[test]
fn no_other_file_gets_the_place_of_a_closed_stream() {
    let home = Home::new(Mode::Follow);
    let file = home.path().join("trace");
    let traced = strace(home.kubekey().arg("version"), &file, &["-e", "trace=openat,write"]);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", r#"exec "$0" "$@" <&- >&- 2>&-"#]).arg(traced.get_program()).args(traced.get_args()).env_clear();
    let finished = home.run(shell.envs(traced.get_envs().filter_map(|(name, value)| Some((name, value?)))));
    let trace = fs::read_to_string(&file).expect("a trace");
    let opened = trace.lines().filter(|call| call.contains("/dev/null") && call.ends_with(" = 1")).count();
    assert_eq!((opened, finished.code()), (1, Some(0)), "{trace}");
}

#[test]
fn a_token_in_the_keyring_takes_one_socket_and_no_thread() {
    let home = Home::with_keyring(Mode::Follow);
    let trace = Trace::of_a_warm_run(&home);
    let (sockets, connections) = (trace.calls("socket"), trace.calls("connect"));
    assert!(matches!(sockets[..], [socket] if socket.starts_with("socket(AF_UNIX, ")), "{trace}");
    let bus = format!("sun_path=\"{}/bus\"", home.path().display());
    assert!(matches!(connections[..], [connection] if connection.contains(&bus)), "{trace}");
    assert_eq!(trace.calls("keyctl"), Vec::<&str>::new());
}

#[test]
fn each_file_of_the_administrator_is_read_once() {
    let home = Home::new(Mode::Follow).store_in("file");
    let etc = fleet();
    let trace = Trace::of_a_warm_run_in(&home, |command| etc.over(&command));
    trace.assert_that_it_talks_to_nobody();
    let opened = trace.calls("openat").into_iter().filter(|call| call.contains("/etc/kubekey/"));
    let mut opened: Vec<_> = opened.filter_map(|call| call.split('"').nth(1)).collect();
    opened.sort_unstable();
    let drop_ins = (0..DROP_INS).map(|number| format!("/etc/kubekey/config.d/{number:02}.toml"));
    let mut expected = vec!["/etc/kubekey/config.d".to_owned()];
    expected.extend(drop_ins);
    expected.extend(["config.toml", "policy.toml"].map(|name| format!("/etc/kubekey/{name}")));
    assert_eq!(opened, expected, "{trace}");
}

#[test]
fn a_token_in_the_kernel_takes_few_instructions() {
    let home = Home::new(Mode::Follow).store_in("kernel");
    let collected = instructions(&home, |command| command);
    assert!(collected < INSTRUCTIONS, "{collected} instructions");
}

#[test]
fn the_files_of_an_administrator_take_few_instructions() {
    let home = Home::new(Mode::Follow).store_in("file");
    let (none, etc) = (Etc::new(&[]), fleet());
    let plain = instructions(&home, |command| none.over(&command));
    let with_files = instructions(&home, |command| etc.over(&command));
    // For those who run this with a release build: docs/performance.md.
    let _ = writeln!(std::io::stdout(), "{with_files} instructions with the files, {plain} without");
    assert!(with_files < plain + FLEET_INSTRUCTIONS, "{with_files} instructions instead of {plain}");
}

/// A machine with a policy, a system file and drop-ins.
fn fleet() -> Etc {
    let drop_ins =
        (0..DROP_INS).map(|number| (format!("config.d/{number:02}.toml"), "login_timeout = \"3m\"\n".to_owned()));
    let policy = "locked_flags = ['token-dir', 'template-dir']\nrequire_cluster_info = false\n";
    let system = "scope = ['openid', 'email']\nresponse_mode = 'auto'\n\
                  [profiles.staging]\nissuer_url = 'https://staging.example.com'\n\
                  [[clusters]]\nname = 'prod'\nserver = 'https://k8s.example.com:6443'\n";
    let others = [("policy.toml", policy), ("config.toml", system)].map(|(name, text)| (name.into(), text.into()));
    let files: Vec<(String, String)> = drop_ins.chain(others).collect();
    Etc::new(&files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>())
}

/// What a run with a saved token takes.
fn instructions(home: &Home, over: impl Fn(Command) -> Command) -> u64 {
    let provider = Provider::start();
    home.run(&mut over(kubekey(home, &provider))).credential();
    let plain = kubekey(home, &provider);
    let mut valgrind = Command::new("/usr/bin/valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(plain.get_program()).env_clear();
    valgrind.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(home.path());
    let counted = home.run(&mut over(valgrind));
    home.log_out(&provider);
    counted.credential();
    let collected = counted.stderr.lines().find_map(|line| line.split_once("Collected : "));
    collected.and_then(|(_, number)| number.trim().parse().ok()).expect("a number")
}
