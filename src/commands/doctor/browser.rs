//! The program that would open the browser.

use super::copies::program;
use super::line::Line;
use crate::config::Flow;
use crate::settings::Settings;
use crate::sign_in::{Verdict, launchers};

const CHECK: &str = "browser";

/// Whether it exists. It is not started.
pub fn check(settings: &Settings, verdict: Option<&Verdict>) -> Line {
    let programs = match launchers(settings) {
        Ok(programs) => programs,
        Err(why) => {
            return Line::warning(CHECK, format!("none is opened: {why}"), open_it_yourself(verdict));
        }
    };
    let is_there = |name: &&String| program(name).is_some_and(|path| path.is_file());
    match (programs.is_empty(), programs.iter().find(is_there)) {
        (true, _) => Line::ok(CHECK, "the system opens it"),
        (false, Some(program)) => Line::ok(CHECK, format!("{program} opens it")),
        (false, None) => Line::warning(
            CHECK,
            format!("none of these programs exists: {}", programs.join(", ")),
            "install one of them (package xdg-utils), or name another one with --browser-command",
        ),
    }
}

fn open_it_yourself(verdict: Option<&Verdict>) -> &'static str {
    match verdict.and_then(|verdict| verdict.flows.first()) {
        Some(Flow::Device) => "sign in with the code that kubekey prints, in a browser anywhere",
        _ => "open the URL that kubekey prints",
    }
}
