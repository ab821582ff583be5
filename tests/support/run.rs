//! A running program, and what it printed when it has ended.

use std::io::Read;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::process::Process;
use super::{canary, said};

/// No test hangs: a program that takes longer is killed, and the test fails.
const DEADLINE: Duration = Duration::from_secs(30);

/// A running process; killed when it is dropped.
pub struct Running {
    process: Process,
    /// What must stay until it has ended.
    _kept: Option<Box<dyn std::any::Any>>,
    stdout: Arc<Output>,
    stderr: Arc<Output>,
    started: Instant,
}

impl Running {
    pub fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = Instant::now();
        let mut process = Process::start(command).expect("a program that starts");
        let stdout = Output::collect(process.child().stdout.take().expect("piped"));
        let stderr = Output::collect(process.child().stderr.take().expect("piped"));
        Running { process, _kept: None, stdout, stderr, started }
    }

    /// Starts it with something that it needs until its end.
    pub fn start_with(command: &mut Command, kept: impl std::any::Any) -> Self {
        Running { _kept: Some(Box::new(kept)), ..Self::start(command) }
    }

    /// Waits for a line on stderr that contains this string, and returns it.
    pub fn wait_for_stderr(&self, text: &str) -> String {
        self.stderr.wait_for_line(text, self.deadline())
    }

    /// The process ID.
    pub fn id(&mut self) -> u32 {
        self.process.child().id()
    }

    /// Sends a signal by its name without `SIG`.
    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// The same for a process that may have ended.
    #[cfg(unix)]
    pub fn signal_if_running(&self, name: &str) {
        self.process.signal_if_running(name);
    }

    /// Waits for its end, and for the end of its output: `kubectl` too waits until no process has that open.
    pub fn wait(mut self) -> Finished {
        let status = loop {
            if let Some(status) = self.try_wait() {
                break status;
            }
            let so_far = self.stderr.text();
            assert!(Instant::now() < self.deadline(), "still running after: {so_far}");
            std::thread::sleep(Duration::from_millis(2));
        };
        let took = self.started.elapsed();
        let stdout = self.stdout.wait_for_end(self.deadline());
        let stderr = self.stderr.wait_for_end(self.deadline());
        canary::assert_none_but_tokens_in(&stdout);
        canary::assert_none_in(&stderr, "stderr");
        let (log, stderr) = stderr.split_inclusive('\n').partition(|line| is_log(line));
        Finished { status, stdout, stderr, log, took }
    }

    fn deadline(&self) -> Instant {
        self.started + DEADLINE
    }

    fn try_wait(&mut self) -> Option<ExitStatus> {
        self.process.child().try_wait().expect("a child")
    }
}

/// A line that is there only because the tests run at the highest log level.
fn is_log(line: &str) -> bool {
    ["kubekey: debug: ", "kubekey: trace: "].iter().any(|label| line.starts_with(label))
}

/// The same program run this many times by one parent process, as by one kubectl; the parent exits like the last run.
#[cfg(unix)]
pub fn by_a_command(program: &Command, times: usize) -> Command {
    let script = format!("{}; exit $code", vec![r#""$0" "$@"; code=$?"#; times].join("; "));
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &script]).arg(program.get_program()).args(program.get_args());
    with_surroundings_of(program, command)
}

/// The same program run this many times by one parent process, as by one kubectl; the parent exits like the last run.
#[cfg(windows)]
pub fn by_a_command(program: &Command, times: usize) -> Command {
    use std::os::windows::process::CommandExt;

    let words: Vec<_> = std::iter::once(program.get_program()).chain(program.get_args()).collect();
    let line: Vec<_> = words.iter().map(|word| format!("\"{}\"", word.display())).collect();
    let mut command = Command::new("cmd");
    command.raw_arg(format!("/d /s /c \"{}\"", vec![line.join(" "); times].join(" & ")));
    with_surroundings_of(program, command)
}

/// The command with the program's environment and folder.
fn with_surroundings_of(program: &Command, mut command: Command) -> Command {
    command.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = program.get_current_dir() {
        command.current_dir(folder);
    }
    command
}

/// What a program printed, and how it ended.
#[derive(Debug)]
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: String,
    /// What users see.
    pub stderr: String,
    /// What the highest log level adds to it.
    pub log: String,
    pub took: Duration,
}

impl Finished {
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The ExecCredential of a run that must have succeeded.
    pub fn credential(&self) -> Value {
        assert!(self.status.success(), "{self:#?}");
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is not one JSON document: {error}: {self:#?}"))
    }

    /// The ID token in the ExecCredential.
    pub fn token(&self) -> String {
        let credential = self.credential();
        let token = credential["status"]["token"].as_str();
        token.expect("a token in the ExecCredential").to_string()
    }

    /// The claims of that token, unverified.
    pub fn claims(&self) -> Value {
        let token = self.token();
        let payload = token.split('.').nth(1).expect("a JWT");
        let payload = URL_SAFE_NO_PAD.decode(payload).expect("base64");
        serde_json::from_slice(&payload).expect("claims in JSON")
    }
}

/// What came out of a pipe so far.
#[derive(Default)]
struct Output {
    read: Mutex<(Vec<u8>, bool)>,
    changed: Condvar,
}

impl Output {
    fn collect(mut pipe: impl Read + Send + 'static) -> Arc<Self> {
        let output = Arc::new(Output::default());
        let writer = output.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let length = pipe.read(&mut buffer).expect("a pipe that can be read");
                let mut read = writer.read.lock().expect("the output");
                read.0.extend_from_slice(&buffer[..length]);
                read.1 = length == 0;
                writer.changed.notify_all();
                if length == 0 {
                    return said::note(&read.0);
                }
            }
        });
        output
    }

    fn text(&self) -> String {
        let read = self.read.lock().expect("the output");
        String::from_utf8_lossy(&read.0).into_owned()
    }

    fn wait_for_end(&self, deadline: Instant) -> String {
        self.wait(deadline, |_, ended| ended);
        let read = self.read.lock().expect("the output");
        let text = String::from_utf8(read.0.clone()).expect("output in UTF-8");
        assert!(read.1, "the process ended, but somebody holds its output open: {text}");
        text
    }

    fn wait_for_line(&self, part: &str, deadline: Instant) -> String {
        let find = |text: &[u8]| {
            let text = String::from_utf8_lossy(text);
            let complete = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            complete.map(str::trim_end).find(|line| line.contains(part)).map(String::from)
        };
        self.wait(deadline, |text, ended| ended || find(text).is_some());
        let text = self.text();
        find(text.as_bytes()).unwrap_or_else(|| panic!("no line with {part:?} in: {text}"))
    }

    fn wait(&self, deadline: Instant, ready: impl Fn(&[u8], bool) -> bool) {
        let patience = deadline.saturating_duration_since(Instant::now());
        let read = self.read.lock().expect("the output");
        let waited = self.changed.wait_timeout_while(read, patience, |(text, ended)| !ready(text, *ended));
        drop(waited.expect("the output"));
    }
}
