//! Which tests run on which platform: `tests/platforms.txt` says it of each, so that none goes missing in silence.

use std::collections::BTreeMap;
use std::process::Command;

use crate::support::home::absolute;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/platforms.txt");

/// Rewrites the file for this platform.
const UPDATE: &str = "UPDATE_PLATFORMS";

/// The platforms of each test, by its name.
type Platforms = BTreeMap<String, Vec<String>>;

#[test]
fn each_test_runs_where_the_list_says() {
    let listed = listed();
    let this = with_this_platform(&listed, &tests_of_this_program());
    if std::env::var_os(UPDATE).is_some() {
        let lines = this.iter().map(|(name, platforms)| format!("{name} {}\n", platforms.join(" ")));
        std::fs::write(absolute(FILE), lines.collect::<String>()).expect("a file of ours");
        return;
    }
    let differs = |name: &&String| this.get(*name) != listed.get(*name);
    let wrong: Vec<_> = this.keys().chain(listed.keys()).filter(differs).collect();
    assert!(
        wrong.is_empty(),
        "if that is meant, run this test with {UPDATE}=1 on {}: {wrong:#?}",
        std::env::consts::OS
    );
}

fn listed() -> Platforms {
    let text = std::fs::read_to_string(absolute(FILE)).unwrap_or_default();
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    text.lines().filter_map(|line| words(line).split_first().map(|(name, on)| (name.clone(), on.to_vec()))).collect()
}

fn tests_of_this_program() -> Vec<String> {
    let listed =
        Command::new(std::env::current_exe().expect("this program")).args(["--list", "--format=terse"]).output();
    let text = String::from_utf8(listed.expect("this program").stdout).expect("UTF-8");
    text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect()
}

/// What the list must be: unchanged for other platforms.
fn with_this_platform(listed: &Platforms, tests: &[String]) -> Platforms {
    let this = std::env::consts::OS;
    let mut platforms = listed.clone();
    platforms.values_mut().for_each(|on| on.retain(|name| name != this));
    for test in tests {
        let on = platforms.entry(test.clone()).or_default();
        on.push(this.to_owned());
        on.sort();
    }
    platforms.retain(|_, on| !on.is_empty());
    platforms
}
