//! The only writer to stderr. Each message is one line, in which text from outside is made harmless.

use std::collections::BTreeSet;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use terminal_size::{Height, Width, terminal_size_of};

use crate::color::{self, Style};
#[cfg(unix)]
use crate::controlling_terminal::is_in_foreground;
use crate::environment::variable;
use crate::error::Error;
#[cfg(unix)]
use crate::line_editor;
use crate::log_level::{Level, is_on};
use crate::paragraph::{hang, wrap};
use crate::printable::{is_plain, sanitise, sanitise_whole};
use crate::qr_code;
use crate::quoted_command::with_plain_commands;

/// Tells the user what kubekey is doing and what they can do.
pub fn notice(text: &str) {
    if is_on(Level::Info) {
        write_line("kubekey: ", text, None);
    }
}

/// Tells the user what they must do for the run to continue, and where: printed at every level.
pub fn request(text: &str) {
    write_line("kubekey: ", text, None);
}

/// The same for a URL, which is useless in part.
pub fn request_whole(url: &str) {
    write(&format!("kubekey:   {}\n", sanitise_whole(url)));
}

/// Tells the user about something that went wrong and did not stop the run.
pub fn warning(text: &str) {
    if is_on(Level::Warn) {
        write_line("kubekey: warning: ", text, Some(color::WARNING));
    }
}

/// The same, with the commands that help.
pub fn warning_to_run(text: &str, commands: &[String]) {
    warning(text);
    if is_on(Level::Warn) {
        write_commands(commands);
    }
}

/// Tells the user why the run failed and what to do next.
pub fn error(error: &Error) {
    write_line("kubekey: ", &error.to_string(), Some(color::ERROR));
    if !error.what_to_do().is_empty() {
        write_line("hint: ", error.what_to_do(), Some(color::HINT));
    }
    write_commands(error.to_run());
}

/// Each alone in its line, to be copied, and whole.
fn write_commands(commands: &[String]) {
    all_typed(commands).iter().for_each(|command| write(&format!("  {command}\n")));
}

/// The same for several, of which those that cannot be shown are mentioned once.
pub fn all_typed(commands: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    commands.iter().map(|command| typed(command)).filter(|command| seen.insert(command.clone())).collect()
}

/// A command that begins with this program's name, as the user must type it. One with a name that cannot be shown as it is
/// would be about something else.
pub fn typed(command: &str) -> String {
    if !is_plain(command) {
        return "(a command is left out: a name in it has invisible characters)".to_owned();
    }
    sanitise_whole(&match command.strip_prefix("kubekey ") {
        Some(arguments) => format!("{} {arguments}", called()),
        None => command.to_owned(),
    })
}

/// Prints a line of the log, which `log::start` has enabled.
pub(crate) fn log(level: &'static str, text: &str) {
    write(&format!("kubekey: {level}{}\n", in_sentence(text)));
}

/// Whether a person can read what is asked here, and answer it.
#[expect(clippy::disallowed_methods, reason = "nothing is written")]
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Whether a person sees what is printed on standard output.
pub fn is_shown() -> bool {
    io::stdout().is_terminal()
}

/// A question that is answered with one line.
pub struct Question<'a> {
    /// The question itself.
    pub text: &'a str,
    /// The meaning of an empty answer; it is shown if there is one.
    pub default: &'a str,
    /// What the up arrow brings back.
    pub recalled: &'a str,
    /// Lists what Tab can complete the start of an answer to.
    pub complete: &'a dyn Fn(&str) -> Vec<String>,
}

/// Asks the user for one line, without the spaces around it. `None` at the end of the input.
pub fn ask(question: &Question<'_>) -> Option<String> {
    let Question { text, default, recalled, complete } = question;
    let shown = if default.is_empty() { String::new() } else { format!(" [{default}]") };
    let answer = read_line(&format!("kubekey: {}: ", sanitise(&format!("{text}{shown}"))), recalled, complete)?;
    Some(if answer.trim().is_empty() { (*default).to_owned() } else { answer.trim().to_owned() })
}

#[cfg(unix)]
fn read_line(question: &str, recalled: &str, complete: &dyn Fn(&str) -> Vec<String>) -> Option<String> {
    match is_dumb() {
        true => read_plain_line(question),
        false => line_editor::read(question, recalled, complete, &write).unwrap_or_else(|_| read_plain_line(question)),
    }
}

/// The Windows console has line editing of its own.
#[cfg(not(unix))]
fn read_line(question: &str, _recalled: &str, _complete: &dyn Fn(&str) -> Vec<String>) -> Option<String> {
    read_plain_line(question)
}

fn read_plain_line(question: &str) -> Option<String> {
    write(question);
    let mut line = Vec::new();
    let is_read = io::stdin().lock().read_until(b'\n', &mut line).is_ok_and(|length| length > 0);
    if !line.ends_with(b"\n") {
        write("\n");
    }
    is_read.then(|| String::from_utf8_lossy(&line).into_owned())
}

/// Draws the QR code of a URL, if stderr is a terminal that can show it together with `lines`. Returns whether it did.
#[expect(clippy::disallowed_methods, reason = "nothing is written")]
pub fn show_qr_code(url: &str, lines: &[String]) -> bool {
    let size = terminal_size_of(io::stderr()).filter(|_| io::stderr().is_terminal() && draws_blocks());
    let drawn = size.and_then(|(Width(columns), Height(rows))| {
        let columns = usize::from(columns).max(1);
        let rows_of = |line: &String| line.chars().count().div_ceil(columns).max(wrap(line, columns).lines().count());
        let others: usize = lines.iter().map(rows_of).sum();
        // The cursor has a line of its own, below all others.
        qr_code::lines(url, columns, usize::from(rows).saturating_sub(others + 1))
    });
    drawn.iter().flatten().for_each(|line| write(&format!("{line}\n")));
    drawn.is_some()
}

/// Whether the terminal has the block characters.
fn draws_blocks() -> bool {
    // locale(7): the first of these that is set decides.
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    let is_utf8 = locale.is_some_and(|locale| locale.to_ascii_lowercase().replace('-', "").contains("utf8"));
    !is_dumb() && (is_utf8 || cfg!(windows))
}

/// A terminal within an editor has no cursor to move.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb")
}

/// Shows a text of several lines as it is, except for characters that are not text.
pub fn show(text: &str) {
    text.lines().for_each(|line| write(&format!("{}\n", sanitise_whole(line))));
}

fn write_line(label: &str, text: &str, style: Option<Style>) {
    let line = format!("{label}{}", in_sentence(text));
    // What is set in, such as a URL, is there to be copied.
    let columns = columns().filter(|_| !text.starts_with("  "));
    let line = columns.map(|columns| wrap(&line, columns)).unwrap_or(line);
    let line = style.map(|style| color::with_label(&line, label.trim_end(), style)).unwrap_or(line);
    write(&format!("{line}\n"));
}

/// A text for standard output beside its label, which breaks at words if that is a terminal; with the commands as the user
/// must type them.
pub fn beside(label: &str, text: &str) -> String {
    let text = in_sentence(text);
    match width(terminal_size_of(io::stdout()).filter(|_| is_shown())) {
        Some(columns) => hang(label, &text, columns),
        None => format!("{label}{text}"),
    }
}

/// The width of the terminal, if stderr is one.
#[expect(clippy::disallowed_methods, reason = "nothing is written")]
fn columns() -> Option<usize> {
    width(terminal_size_of(io::stderr()).filter(|_| io::stderr().is_terminal()))
}

fn width(size: Option<(Width, Height)>) -> Option<usize> {
    let (Width(columns), _) = size?;
    (columns > 0).then_some(usize::from(columns))
}

/// Whether the last line is a countdown, which the next message replaces.
static COUNTS_DOWN: AtomicBool = AtomicBool::new(false);

/// Shows how long a wait still lasts, in a line that it rewrites, if that is seen and disturbs nobody: a program like k9s has the
/// terminal in raw mode, and draws on it. Windows' consoles may not know how to erase a line.
#[cfg(unix)]
pub fn count_down(what: &str, left: Duration) {
    let seconds = left.as_secs();
    let line = format!("kubekey: {what}, {}:{:02} left, Ctrl-C to stop", seconds / 60, seconds % 60);
    let fits = columns().is_some_and(|columns| line.len() < columns);
    if fits && is_on(Level::Info) && !is_dumb() && takes_lines() {
        COUNTS_DOWN.store(false, Ordering::Relaxed);
        write(&format!("\r{line}\x1b[K"));
        COUNTS_DOWN.store(true, Ordering::Relaxed);
    }
}

/// Windows' older consoles cannot erase a line.
#[cfg(not(unix))]
pub fn count_down(_what: &str, _left: Duration) {}

/// Removes the line of [`count_down`]: the terminal is another program's now.
pub fn end_countdown() {
    write("");
}

/// Whether the terminal gives programs whole lines, and this run is in its foreground.
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "nothing is written")]
fn takes_lines() -> bool {
    use rustix::termios::{LocalModes, tcgetattr};
    let stderr = io::stderr();
    is_in_foreground(&stderr) && tcgetattr(&stderr).is_ok_and(|modes| modes.local_modes.contains(LocalModes::ICANON))
}

/// How the user calls this program: krew installs it as a plugin of kubectl alone, without a `kubekey` in the PATH.
pub fn called() -> &'static str {
    let name = std::env::args_os().next().map(PathBuf::from);
    let is_plugin = name.is_some_and(|path| path.file_stem().is_some_and(|name| name == "kubectl-kubekey"));
    if is_plugin { "kubectl kubekey" } else { "kubekey" }
}

/// A text from outside or with names from there as one line that is safe to print, and with the commands in it to be copied.
pub fn in_sentence(text: &str) -> String {
    as_typed(&sanitise(&with_plain_commands(text)))
}

/// The text with the commands in it, which are quoted, as the user must type them.
pub fn as_typed(text: &str) -> String {
    text.replace("'kubekey ", &format!("'{} ", called()))
}

/// The only way to stderr: everywhere else `clippy.toml` forbids the functions of the standard library.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
fn write(text: &str) {
    let erased = if COUNTS_DOWN.swap(false, Ordering::Relaxed) { "\r\x1b[K" } else { "" };
    // A closed stderr is not a reason to fail, and a failure could not be reported.
    let _ = io::stderr().lock().write_all(format!("{erased}{text}").as_bytes());
}
