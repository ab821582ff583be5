//! Completion of a path that a person is typing.

use std::fs;

use crate::user;

/// All paths that begin with `typed`; folders end with a slash. Hidden files are included only if their dot was typed.
pub fn paths(typed: &str) -> Vec<String> {
    let (folder, start) = typed.rsplit_once('/').map_or(("", typed), |(folder, _)| typed.split_at(folder.len() + 1));
    let place = if folder.is_empty() { "./".into() } else { user::with_home(folder) };
    let Ok(entries) = fs::read_dir(place) else { return Vec::new() };
    let named = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let name = entry.file_name().into_string().ok()?;
        let is_meant = name.starts_with(start) && (start.starts_with('.') || !name.starts_with('.'));
        // `is_dir` follows links: a link to a folder gets a slash, too.
        let slash = if is_meant && entry.path().is_dir() { "/" } else { "" };
        is_meant.then(|| format!("{folder}{name}{slash}"))
    });
    let mut paths: Vec<_> = named.collect();
    paths.sort_unstable();
    paths
}
