//! This program, and other copies of it on `PATH`.

use std::env::{self, consts};
use std::path::{Path, PathBuf};

use super::line::Line;

/// This version, and the system.
pub fn version() -> Line {
    let system = format!("{} on {} {}", env!("CARGO_PKG_VERSION"), consts::OS, consts::ARCH);
    Line::ok("version", system)
}

/// Which copy a command without a path runs.
pub fn on_this_path() -> Line {
    let mut found = on_path("kubekey");
    let mut seen = std::collections::HashSet::new();
    found.retain(|path| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())));
    let running = env::current_exe().and_then(|path| path.canonicalize()).ok();
    let is_running = |path: &PathBuf| path.canonicalize().ok() == running;
    let shown = |path: &PathBuf| path.display().to_string();
    match found.as_slice() {
        [] => Line::warning(
            "copies",
            "no kubekey is on PATH",
            "the kubeconfig must name it by its path; packages install it on PATH",
        ),
        [one] if is_running(one) => Line::ok("copies", format!("{} is the only one on PATH", shown(one))),
        [one] => Line::warning(
            "copies",
            format!("{} is on PATH, and another copy is running", shown(one)),
            "compare 'kubekey version' of both, and remove one of them",
        ),
        all => Line::warning(
            "copies",
            format!("{} copies are on PATH: {}", all.len(), all.iter().map(shown).collect::<Vec<_>>().join(", ")),
            "a command without a path runs the first: remove the others",
        ),
    }
}

/// The program that a command names: its path, or the first of its name on `PATH`.
pub fn program(command: &str) -> Option<PathBuf> {
    match Path::new(command).components().count() {
        1 => on_path(command).into_iter().next(),
        _ => Some(command.into()),
    }
}

/// The programs of this name on `PATH`, as client-go looks for them.
pub fn on_path(name: &str) -> Vec<PathBuf> {
    let listed = env::var_os("PATH").unwrap_or_default();
    let file =
        if name.ends_with(consts::EXE_SUFFIX) { name.to_owned() } else { format!("{name}{}", consts::EXE_SUFFIX) };
    let folders = env::split_paths(&listed).filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join(&file)).filter(|path| path.is_file()).collect()
}
