//! Opening the user's browser: a program that gets our own URL, without a shell in between.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::browser_process::run_first;
use super::desktop;
use crate::settings::Opener;
use crate::{shell, terminal};

/// Is replaced by the URL in a command; without it the URL comes last.
const PLACEHOLDER: &str = "%s";

/// What separates the commands in `BROWSER`.
const SEPARATOR: char = if cfg!(windows) { ';' } else { ':' };

/// Opens the browser; the returned flag becomes false if that fails, after `otherwise` was called. The launcher may block or
/// fail: the URL is printed as well, so this run continues in either case.
pub fn launch(opener: &Opener, url: String, otherwise: impl Fn() + Clone + Send + 'static) -> Arc<AtomicBool> {
    let launched = Arc::new(AtomicBool::new(*opener != Opener::Nobody));
    let (told, opener, failed) = (launched.clone(), opener.clone(), otherwise.clone());
    let attempt = move || {
        if let Err(why) = open(&opener, &url) {
            terminal::warning(&format!("no browser was opened ({why}): open the URL yourself"));
            failed();
            told.store(false, Ordering::Relaxed);
        }
    };
    if !launched.load(Ordering::Relaxed) || thread::Builder::new().spawn(attempt).is_err() {
        otherwise();
        launched.store(false, Ordering::Relaxed);
    }
    launched
}

/// The programs that [`launch`] would run, in this order; empty where the system opens the browser itself.
///
/// # Errors
/// Why there is none, in words.
pub fn programs(opener: &Opener) -> Result<Vec<String>, String> {
    let program = |command: &str| shell::split(command).map(|words| words[0].clone());
    match opener {
        Opener::Nobody => Err("--skip-open-browser is set".to_owned()),
        Opener::Command(command) => Ok(vec![program(command)?]),
        Opener::Variable(commands) if commands.split(SEPARATOR).any(|command| !command.trim().is_empty()) => {
            commands.split(SEPARATOR).filter(|command| !command.trim().is_empty()).map(program).collect()
        }
        Opener::Variable(_) | Opener::Desktop => desktop::programs(),
    }
}

/// A browser that the user chose is not replaced by another one, which may have another person's profile.
fn open(opener: &Opener, url: &str) -> Result<(), String> {
    match opener {
        Opener::Nobody => Ok(()),
        Opener::Command(command) => run_first([chosen(command, url)]),
        Opener::Variable(commands) if commands.split(SEPARATOR).any(|command| !command.trim().is_empty()) => {
            let commands = commands.split(SEPARATOR).filter(|command| !command.trim().is_empty());
            run_first(commands.map(|command| chosen(command, url)))
        }
        // `xdg-open` would use the variable, which is empty or must not be used.
        Opener::Variable(_) | Opener::Desktop => desktop::open(url),
    }
}

/// A command of the user's, with our URL as, or in, one of its arguments.
fn chosen(command: &str, url: &str) -> Result<Command, String> {
    let words = shell::split(command)?;
    let mut chosen = Command::new(&words[0]);
    chosen.args(words[1..].iter().map(|word| word.replace(PLACEHOLDER, url)));
    if !words[1..].iter().any(|word| word.contains(PLACEHOLDER)) {
        chosen.arg(url);
    }
    Ok(chosen)
}
