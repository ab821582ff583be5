//! Bringing up the user's browser: a program that is given our own URL, without a shell in between.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::config::{Opener, platform};
use crate::{log, terminal};

/// A program that fails later than this was a browser that somebody closed, and no launcher that found none.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Stands for the URL in a command; without it the URL comes last.
const PLACEHOLDER: &str = "%s";

/// What separates the commands in `BROWSER`.
const SEPARATOR: char = if cfg!(windows) { ';' } else { ':' };

/// What a desktop opens URLs with, in the order of trying. There is no shell among them: on Windows and in WSL that would
/// be PowerShell.
const DESKTOP: &[&[&str]] = if cfg!(target_os = "macos") {
    &[&["/usr/bin/open"]]
} else if cfg!(windows) {
    WINDOWS
} else {
    &[&["xdg-open"], &["gio", "open"], &["kde-open6"], &["kde-open5"], &["kde-open"]]
};
const WINDOWS: &[&[&str]] = &[&["rundll32.exe", "url.dll,FileProtocolHandler"], &["explorer.exe"]];

/// Brings up the browser; what is returned turns false if that fails. The launcher may block or fail: the address is
/// printed as well, so neither changes anything for this run.
pub fn launch(opener: &Opener, url: String) -> Arc<AtomicBool> {
    let launched = Arc::new(AtomicBool::new(*opener != Opener::Nobody));
    let (told, opener) = (launched.clone(), opener.clone());
    let attempt = move || {
        if let Err(why) = open(&opener, &url) {
            told.store(false, Ordering::Relaxed);
            terminal::warning(&format!("no browser was opened ({why}): open the address yourself"));
        }
    };
    if launched.load(Ordering::Relaxed) && thread::Builder::new().spawn(attempt).is_err() {
        launched.store(false, Ordering::Relaxed);
    }
    launched
}

/// What the user chose is not replaced by another browser: it may have another person's profile.
fn open(opener: &Opener, url: &str) -> Result<(), String> {
    match opener {
        Opener::Nobody => Ok(()),
        Opener::Command(command) => run_first([split(command)], url),
        Opener::Variable(commands) if commands.split(SEPARATOR).any(|command| !command.trim().is_empty()) => {
            run_first(commands.split(SEPARATOR).filter(|command| !command.trim().is_empty()).map(split), url)
        }
        // `xdg-open` would heed the variable, which is empty or not to be heeded.
        Opener::Variable(_) | Opener::Desktop => run_first(desktop().map(Ok), url),
    }
}

fn desktop() -> impl Iterator<Item = Vec<String>> {
    // The browser that a person in WSL looks at is that of Windows.
    let is_wsl = cfg!(target_os = "linux") && std::env::var_os("WSL_DISTRO_NAME").is_some();
    let launchers = if is_wsl { WINDOWS } else { &[] }.iter().chain(DESKTOP);
    launchers.map(|words| words.iter().map(|word| (*word).to_owned()).collect())
}

/// The words of a command, as a shell would split them, and nothing else that a shell would do.
fn split(command: &str) -> Result<Vec<String>, String> {
    // To kubelogin the whole text is one program, which may have spaces in its path.
    if Path::new(command).is_absolute() && Path::new(command).exists() {
        return Ok(vec![command.to_owned()]);
    }
    // A path on Windows is full of what quotes the next character elsewhere.
    let text = if cfg!(windows) { command.replace('\\', r"\\") } else { command.to_owned() };
    match shlex::split(&text) {
        None => Err(format!("a quote in '{command}' does not end")),
        Some(words) if words.is_empty() => Err("the browser command is empty".into()),
        Some(words) => Ok(words),
    }
}

/// Runs the commands until one does not fail.
fn run_first(commands: impl IntoIterator<Item = Result<Vec<String>, String>>, url: &str) -> Result<(), String> {
    let mut reasons = Vec::new();
    for command in commands {
        match command.and_then(|words| run(&words, url)) {
            Ok(()) => return Ok(()),
            Err(why) => reasons.push(why),
        }
    }
    Err(reasons.join("; "))
}

/// Runs one command, and waits to see whether it fails at once.
fn run(words: &[String], url: &str) -> Result<(), String> {
    let program = &words[0];
    let start = Instant::now();
    let mut child = start_detached(&mut command(words, url)).map_err(|error| format!("{program}: {error}"))?;
    log::debug(format_args!("launcher: {program} was started"));
    match child.wait() {
        Ok(status) if !status.success() && start.elapsed() < AT_ONCE => Err(format!("{program}: {status}")),
        _ => Ok(()),
    }
}

/// The command with our URL as, or in, one of its arguments, and without what is none of a browser's business.
fn command(words: &[String], url: &str) -> Command {
    let mut arguments: Vec<_> = words[1..].iter().map(|word| word.replace(PLACEHOLDER, url)).collect();
    if !words[1..].iter().any(|word| word.contains(PLACEHOLDER)) {
        arguments.push(url.to_owned());
    }
    let mut command = Command::new(&words[0]);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let is_ours = name.to_str().is_some_and(|name| name.starts_with("KUBEKEY_"));
        let is_secret = name == "CLIENT_SECRET" || name == "KUBERNETES_EXEC_INFO";
        if is_ours || is_secret || (leads_on(&name) && (name == "BROWSER" || platform::is_environment_distrusted())) {
            command.env_remove(name);
        }
    }
    // What opens an address is said by files of the home.
    if let (true, Some(home)) = (platform::is_environment_distrusted(), platform::home_dir()) {
        command.env("HOME", home);
    }
    command
}

/// Whether a launcher would run what this variable names instead of the desktop's browser. `BROWSER` has had its turn.
fn leads_on(name: &OsStr) -> bool {
    const NAMES: [&str; 5] = ["BROWSER", "XDG_DATA_HOME", "XDG_DATA_DIRS", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"];
    NAMES.iter().any(|leading| name == *leading)
}

/// Apart from the terminal's other programs, so that Ctrl-C ends kubekey and not the user's browser.
fn start_detached(command: &mut Command) -> io::Result<Child> {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(windows)]
    std::os::windows::process::CommandExt::creation_flags(command, 0x0000_0200); // CREATE_NEW_PROCESS_GROUP
    command.spawn()
}
