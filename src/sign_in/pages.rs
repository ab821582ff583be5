//! The pages the browser shows: compiled in, and each to be overridden by a file of an administrator or of the user.

use std::error::Error as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use askama::Template;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use crate::config::{Settings, platform};
use crate::error::{Error, root_cause};
use crate::oidc::Person;
use crate::terminal;
use crate::trusted_file::{self, Owner};

/// The largest template and the largest page made of it, in bytes: room for a logo inside.
const LARGEST_TEMPLATE: u64 = 1024 * 1024;
const LARGEST_PAGE: usize = 4 * 1024 * 1024;

const SIGNED_IN: &str = "signed_in.html";

/// How many instructions a template may run; ours needs a few hundred.
const FUEL: u64 = 100_000;

/// Makes the pages of one sign-in.
pub struct Pages<'a> {
    template_dir: Option<&'a Path>,
    cluster: &'a str,
    client_id: &'a str,
    issuer: &'a str,
}

/// The variables of `signed_in.html`; empty where nothing is known.
#[derive(Serialize, Template)]
#[template(path = "signed_in.html")]
struct SignedInPage<'a> {
    name: &'a str,
    email: &'a str,
    picture: &'a str,
    cluster: &'a str,
    client_id: &'a str,
    issuer: &'a str,
}

/// The variables of `sign_in_failed.html` that differ from page to page.
#[derive(Debug)]
pub struct FailedPage {
    title: &'static str,
    message: String,
    hint: String,
}

#[derive(Serialize, Template)]
#[template(path = "sign_in_failed.html")]
struct SignInFailedPage<'a> {
    title: &'a str,
    message: &'a str,
    hint: &'a str,
    cluster: &'a str,
    client_id: &'a str,
    issuer: &'a str,
}

impl FailedPage {
    /// The sign-in has ended with `error`.
    pub fn ended(error: &Error) -> Self {
        Self {
            title: "Sign-in failed",
            message: terminal::sanitise(&error.to_string()),
            hint: terminal::sanitise(&format!("{}. You can close this tab.", error.what_to_do())),
        }
    }

    /// A request that has nothing to do with the sign-in, for the reason given; the sign-in goes on.
    pub fn stray(why: &str) -> Self {
        Self {
            title: "Nothing to see here",
            message: format!("This request was not taken: {why}."),
            hint: "kubekey is still waiting for your sign-in. Open the address that it printed in the terminal.".into(),
        }
    }

    /// A request for a new beginning, which comes when the answer is there.
    pub fn late() -> Self {
        Self {
            title: "Nothing to see here",
            message: "kubekey has its answer already and ends the sign-in with it.".into(),
            hint: "You can close this tab.".into(),
        }
    }
}

impl<'a> Pages<'a> {
    /// Pages for this client, and for the cluster whose API server has this URL.
    pub fn new(settings: &'a Settings, cluster: Option<&'a str>) -> Self {
        Self {
            template_dir: settings.template_dir.as_deref(),
            cluster: cluster.unwrap_or_default(),
            client_id: settings.client_id.as_str(),
            issuer: settings.issuer_url.as_str(),
        }
    }

    /// The page of a sign-in that succeeded.
    pub fn signed_in(&self, person: &Person) -> String {
        let page = SignedInPage {
            name: &person.name,
            email: &person.email,
            picture: &person.picture,
            cluster: self.cluster,
            client_id: self.client_id,
            issuer: self.issuer,
        };
        self.render(SIGNED_IN, &page)
    }

    /// The page of anything else.
    pub fn failed(&self, page: &FailedPage) -> String {
        let page = SignInFailedPage {
            title: page.title,
            message: &page.message,
            hint: &page.hint,
            cluster: self.cluster,
            client_id: self.client_id,
            issuer: self.issuer,
        };
        self.render("sign_in_failed.html", &page)
    }

    /// The override of `name` if there is one that works, else the built-in page.
    fn render<T: Serialize + Template>(&self, name: &str, page: &T) -> String {
        if let Some((path, source)) = self.find_override(name) {
            match render_override(&path, &source, page) {
                Ok(html) => return html,
                Err(why) => terminal::warning(&format!("{why}; the built-in page is shown instead")),
            }
        }
        page.render().unwrap_or_else(|error| format!("<!doctype html><title>kubekey</title><p>{error}"))
    }

    /// The first file of this name in the user's folder and the system's, with its text.
    fn find_override(&self, name: &str) -> Option<(PathBuf, String)> {
        if let Some(dir) = self.template_dir.filter(|dir| !dir.is_dir()) {
            terminal::warning(&format!("the template folder {} is not a folder", dir.display()));
        }
        let system = platform::system_template_dirs();
        let own = self.template_dir.filter(|dir| dir.is_dir()).map(|dir| (dir.to_owned(), Owner::User));
        let dirs = own.into_iter().chain(system.into_iter().map(|dir| (dir, Owner::System)));
        for (dir, owner) in dirs {
            let path = dir.join(name);
            match trusted_file::read(&path, owner, LARGEST_TEMPLATE) {
                Ok(source) => return Some((path, source)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => warn_of_original(&dir, name),
                Err(error) => terminal::warning(&format!("{} is not used: {error}", path.display())),
            }
        }
        None
    }
}

/// A template of the original kubekey is in another language and not used: that must not go unsaid.
fn warn_of_original(dir: &Path, name: &str) {
    let original = dir.join(if name == SIGNED_IN { "html_ok.tmpl" } else { "html_fail.tmpl" });
    if original.exists() {
        let original = original.display();
        terminal::warning(&format!("{original} is not used any more: make it {name}, as docs/pages.md says"));
    }
}

/// Renders the text of the template at `path`.
///
/// # Errors
/// What is wrong with it, and where.
pub fn render_override(path: &Path, source: &str, page: &impl Serialize) -> Result<String, String> {
    let name = path.display().to_string();
    let mut environment = Environment::new();
    // Said here, and not left to the ending of the file's name.
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    // A misspelt variable is an error with a line, not a gap on the page that nobody sees.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    // A namespace can hold itself, and to print that overflows the stack.
    environment.remove_global("namespace");
    let describe = |error: minijinja::Error| {
        let what = error.detail().map(str::to_owned).or_else(|| error.source().map(root_cause));
        let what = what.unwrap_or_else(|| error.kind().to_string());
        let line = error.line().and_then(|line| Some((line, source.lines().nth(line.checked_sub(1)?)?.trim())));
        match line {
            Some((line, text)) => format!("{name} line {line}: {what}: {text}"),
            None => format!("{name}: {what}"),
        }
    };
    environment.add_template(&name, source).map_err(describe)?;
    let template = environment.get_template(&name).map_err(describe)?;
    let mut html = Capped(Vec::new());
    template.render_captured_to(Serde(page), &mut html).map_err(describe)?;
    String::from_utf8(html.0).map_err(|error| format!("{name}: {error}"))
}

/// Takes at most [`LARGEST_PAGE`] bytes.
struct Capped(Vec<u8>);

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LARGEST_PAGE {
            return Err(io::Error::other(format!("the page is larger than {LARGEST_PAGE} bytes")));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page<'a>(name: &'a str, picture: &'a str) -> SignedInPage<'a> {
        SignedInPage { name, email: name, picture, cluster: name, client_id: name, issuer: name }
    }

    /// What makes up a page's structure.
    fn markup(html: &str) -> Vec<char> {
        html.chars().filter(|character| "<>\"'".contains(*character)).collect()
    }

    proptest! {
        #[test]
        fn no_text_changes_the_structure_of_a_page(text in "[<>&\"'/a-z{}%#= \\PC]{1,40}") {
            let plain = page("x", "https://x").render().unwrap();
            prop_assert_eq!(markup(&page(&text, &text).render().unwrap()), markup(&plain));

            let source = "<a title=\"{{ name }}\" class='{{ picture }}'>{{ issuer }}</a>";
            let render = |page: &SignedInPage<'_>| render_override(Path::new("a page"), source, page).unwrap();
            prop_assert_eq!(markup(&render(&page(&text, &text))), markup(source));
        }
    }
}
