//! The structure of `src`: imports point from top to bottom, and no two files import each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The modules directly in `src`, from top to bottom. A module imports only modules below it.
const ROOMS: [&str; 57] = [
    "main",
    "lib",
    "program",
    "told",
    "commands",
    "get_token",
    "early_refresh",
    "renewal",
    "sign_in",
    "token_cache",
    "state",
    "kept",
    "credential_key",
    "api_server",
    "oidc",
    "settings",
    "policy",
    "kubeconfig",
    "cli",
    "config",
    "exec_credential",
    "token",
    // The words that all others use.
    "event_loop",
    "output",
    "reader",
    "clock",
    "local_time",
    "own_file",
    "trusted_file",
    "loopback_host",
    "log",
    "terminal",
    "hidden_lines",
    "line_editor",
    "color",
    "controlling_terminal",
    "qr_code",
    "quoted_command",
    "log_level",
    "paragraph",
    "printable",
    "error",
    "secret",
    "atomic_file",
    "temporary_file",
    "encoding",
    "foreign",
    "shell",
    "user",
    "user_folders",
    "environment",
    "signals",
    "access",
    "busy_file",
    "windows_name",
    "security_descriptor",
    "windows",
];

/// A file's module: its path from `crate`.
type Module = Vec<String>;

struct Import {
    line: usize,
    /// The path from `crate` down to the item.
    path: Vec<String>,
    /// Whether it re-exports the item, as `mod.rs` does for its files.
    is_reexport: bool,
}

#[test]
fn a_room_imports_only_rooms_below_it() {
    let depth = |room: &str| ROOMS.iter().position(|known| *known == room);
    let mut wrong = Vec::new();
    for (path, module, source) in sources() {
        let Some(own) = depth(&module[0]) else {
            wrong.push(format!("{}: not in the list of rooms of tests/rooms.rs", path.display()));
            continue;
        };
        for import in imports(&module, &source) {
            if depth(&import.path[0]).is_some_and(|other| other < own) {
                let Import { line, path: other, .. } = import;
                wrong.push(format!(
                    "{}:{line}: '{}' imports '{}', a room above it",
                    path.display(),
                    module[0],
                    other[0]
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let files: BTreeMap<Module, Vec<Import>> =
        sources().into_iter().map(|(_, module, source)| (module.clone(), imports(&module, &source))).collect();
    let below: BTreeMap<&Module, BTreeSet<Module>> = files
        .iter()
        .map(|(module, imports)| {
            let imports = imports.iter().filter(|import| !import.is_reexport);
            let others = imports.filter_map(|import| home(&import.path, &files)).filter(|other| other != module);
            (module, others.collect())
        })
        .collect();
    let circles: Vec<_> = below.keys().filter_map(|module| circle(module, &below)).collect();
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

fn sources() -> Vec<(PathBuf, Module, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(root.join("src")).unwrap().with_extension("");
                let mut module: Module = relative.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
                module.pop_if(|name| name == "mod");
                let source = fs::read_to_string(&path).unwrap();
                sources.push((path.strip_prefix(root).unwrap().to_owned(), module, source));
            }
        }
    }
    assert!(sources.len() > 100, "src is elsewhere");
    sources
}

/// What a file imports from this crate, without its tests.
fn imports(module: &Module, source: &str) -> Vec<Import> {
    let code = source.split("\nmod tests {").next().unwrap();
    let lines: Vec<_> = code.lines().map(|line| line.split("//").next().unwrap()).collect();
    let mut imports = Vec::new();
    let mut rest = lines.iter().enumerate();
    while let Some((index, line)) = rest.next() {
        let (line_number, is_inner) = (index + 1, line.starts_with(' '));
        let is_reexport = line.trim_start().starts_with("pub");
        let Some((_, tree)) = line.split_once("use ").filter(|(before, _)| is_reexport || before.trim().is_empty())
        else {
            let paths = paths(line).into_iter().filter_map(|path| absolute(module, path, is_inner));
            imports.extend(paths.map(|path| Import { line: line_number, path, is_reexport: false }));
            continue;
        };
        let mut tree = tree.to_owned();
        while !tree.contains(';') {
            tree.push_str(rest.next().unwrap().1.trim());
        }
        let paths = leaves(tree.split(';').next().unwrap());
        let paths = paths.iter().filter_map(|path| absolute(module, path, is_inner));
        imports.extend(paths.map(|path| Import { line: line_number, path, is_reexport }));
    }
    imports
}

/// The paths of more than one name in a line of code.
fn paths(line: &str) -> Vec<&str> {
    let words = line.split(|character: char| !character.is_alphanumeric() && !"_:".contains(character));
    words.map(|word| word.trim_end_matches(':')).filter(|word| word.contains("::")).collect()
}

/// The paths of a tree such as `use a::{b, c::{d, e}}`.
fn leaves(tree: &str) -> Vec<String> {
    let Some((prefix, inner)) = tree.split_once('{') else {
        return vec![tree.split(" as ").next().unwrap().trim().to_owned()];
    };
    let inner = inner.rsplit_once('}').unwrap().0;
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for character in inner.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(character);
    }
    let parts = parts.iter().filter(|part| !part.trim().is_empty());
    parts.flat_map(|part| leaves(part.trim())).map(|leaf| format!("{}{leaf}", prefix.trim())).collect()
}

/// The path from `crate`; `None` for another crate's. In a module within a file, `super` is the file.
fn absolute(module: &Module, path: &str, is_inner: bool) -> Option<Vec<String>> {
    let mut names: Vec<_> = path.split("::").filter(|name| *name != "self").collect();
    let supers = names.iter().take_while(|name| **name == "super").count();
    let base = match *names.first()? {
        "crate" => &[],
        "super" => &module[..(module.len() + usize::from(is_inner)).checked_sub(supers)?],
        _ if is_own_file(module, names[0]) => &module[..],
        _ => return None,
    };
    names.drain(..supers.max(usize::from(names[0] == "crate")));
    let path: Vec<_> = base.iter().cloned().chain(names.into_iter().map(str::to_owned)).collect();
    (!path.is_empty()).then_some(path)
}

/// Whether the module's folder has a file of this name.
fn is_own_file(module: &Module, name: &str) -> bool {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(module.join("/"));
    folder.join(name).with_extension("rs").exists() || folder.join(name).join("mod.rs").exists()
}

/// The file that defines an item, even if another one re-exports it.
fn home(path: &[String], files: &BTreeMap<Module, Vec<Import>>) -> Option<Module> {
    let (module, item) =
        (1..=path.len()).rev().map(|length| path.split_at(length)).find(|(module, _)| files.contains_key(*module))?;
    let handed_on = files[module]
        .iter()
        .find(|import| import.is_reexport && item.first().is_some_and(|item| import.path.last() == Some(item)));
    match handed_on {
        Some(import) if import.path != path => home(&import.path, files),
        _ => Some(module.to_vec()),
    }
}

/// The shortest way from a file back to itself.
fn circle(start: &Module, below: &BTreeMap<&Module, BTreeSet<Module>>) -> Option<String> {
    let mut ways: Vec<Vec<&Module>> = vec![vec![start]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in &below[way[way.len() - 1]] {
                if next == start {
                    let names = way.iter().chain([&start]).map(|module| module.join("/"));
                    return Some(names.collect::<Vec<_>>().join(" -> "));
                }
                if seen.insert(next) {
                    longer.push(way.iter().copied().chain([next]).collect());
                }
            }
        }
        ways = longer;
    }
    None
}
