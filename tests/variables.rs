//! The variables that kubekey reads, and whether a policy lets them decide: the table of docs/security.md, compared with
//! the source of all platforms, and with what a run does.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Strings in the files that read variables which look like the name of one.
const NO_VARIABLES: [&str; 16] = [
    "ACCOUNT",
    "ALLUSERSPROFILE",
    "CARGO_PKG_VERSION",
    "CLUSTER",
    "CONTEXT",
    "DIR",
    "FILE",
    "HOST",
    "ISSUER",
    "LOG",
    "NAME",
    "PARAMETER",
    "PROFILE",
    "RESOURCE",
    "SERVER",
    "TEMPLATEDIR",
];

/// The variables of the flags, whose names are made from the table of keys.
const MADE: &str = "KUBEKEY_*";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The rows of the table: the names in the first cell, and the last cell.
pub fn table() -> Vec<(String, String)> {
    let text = fs::read_to_string(root().join("docs/security.md")).unwrap();
    let table = text.split_once("### Variables\n").expect("the table's heading").1;
    let rows = table.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let rows = rows.take_while(|line| line.starts_with('|')).flat_map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let names = cells[1].split('`').skip(1).step_by(2).map(str::to_owned);
        names.map(move |name| (name, cells[cells.len() - 2].to_owned())).collect::<Vec<_>>()
    });
    rows.collect()
}

fn files(dir: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let program = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
            let program: Vec<_> = program.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            found.push((path.display().to_string(), program.join("\n")));
        }
    }
}

/// The names of variables in a file that reads some, whether in the call, in a constant or in a list.
fn names(program: &str) -> Vec<String> {
    const READS: [&str; 8] = [
        "env::var",
        "var_os(",
        "vars_os(",
        "variable(\"",
        "variable(name)",
        "absolute_path",
        "environment(",
        "(self.variable)",
    ];
    if !READS.iter().any(|read| program.contains(read)) {
        return Vec::new();
    }
    let is_name = |text: &&str| {
        let is_inside = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        text.len() > 1 && text.bytes().all(is_inside) && text.starts_with(|first: char| first.is_ascii_uppercase())
    };
    // Those that are in lower case by custom: of proxies, and of systemd's and Podman's containers.
    let is_lower = |text: &&str| text.ends_with("_proxy") || *text == "container";
    let strings = program.split('"').skip(1).step_by(2);
    strings.filter(|text| is_name(text) || is_lower(text)).map(str::to_owned).collect()
}

#[test]
fn the_table_has_every_variable_that_the_source_reads_and_no_other() {
    let mut sources = Vec::new();
    files(&root().join("src"), &mut sources);
    let read: BTreeSet<_> = sources.iter().flat_map(|(_, program)| names(program)).collect();
    let read: BTreeSet<_> = read.into_iter().filter(|name| !NO_VARIABLES.contains(&&**name)).collect();
    let listed: BTreeSet<_> = table().into_iter().map(|(name, _)| name).filter(|name| name != MADE).collect();
    let missing: Vec<_> = read.difference(&listed).filter(|name| !name.starts_with("KUBEKEY_")).collect();
    assert!(missing.is_empty(), "not in the table of docs/security.md: {missing:?}");
    let stale: Vec<_> = listed.difference(&read).collect();
    assert!(stale.is_empty(), "read by no source file: {stale:?}");
}

#[test]
fn the_table_says_of_each_variable_whether_it_decides() {
    let table = table();
    assert!(table.len() > 20, "{table:?}");
    for (name, decides) in &table {
        assert!(["no", "yes", "locked"].iter().any(|word| decides.starts_with(word)), "{name}: {decides}");
    }
    let names: BTreeSet<_> = table.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), table.len(), "a variable is there twice: {table:?}");
}
