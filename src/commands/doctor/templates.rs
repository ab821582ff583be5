//! Templates that replace the built-in pages of the browser.

use super::line::Line;
use crate::settings::Settings;
use crate::sign_in::overrides;

const CHECK: &str = "pages";

/// A line for each template, or one if there is none.
pub fn check(settings: &Settings) -> Vec<Line> {
    let lines = overrides(settings).into_iter().map(|found| match found.mistake {
        None => Line::ok(CHECK, format!("{} can be shown", found.path.display())),
        Some(why) => Line::error(
            CHECK,
            format!("{why}; the built-in page is shown instead"),
            "fix it, as docs/pages.md describes",
        ),
    });
    let lines: Vec<_> = lines.collect();
    match (lines.is_empty(), settings.template_dir.as_deref().filter(|dir| !dir.is_dir())) {
        (true, Some(dir)) => {
            let what = format!("the template folder {} is not a folder", dir.display());
            vec![Line::error(CHECK, what, "create it, or remove --template-dir; the built-in pages are shown")]
        }
        (true, None) => vec![Line::ok(CHECK, "the built-in ones")],
        (false, _) => lines,
    }
}
