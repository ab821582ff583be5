//! The pages in the browser: compiled in, and each replaceable by a file of the administrator or the user.

use std::io;
use std::path::{Path, PathBuf};

use askama::Template;
use serde::Serialize;

use super::template::render_override;
use crate::config::platform;
use crate::error::Error;
use crate::oidc::Person;
use crate::oidc::refusal::Unproven;
use crate::printable;
use crate::settings::Settings;
use crate::terminal;
use crate::trusted_file::{self, Owner};

/// The largest template, in bytes: it may contain a logo.
const LARGEST_TEMPLATE: u64 = 1024 * 1024;

const SIGNED_IN: &str = "signed_in.html";

const FAILED: &str = "sign_in_failed.html";

/// The built-in pages, which work as templates, with their names.
pub const BUILT_IN_PAGES: [(&str, &str); 2] = [
    (SIGNED_IN, include_str!("../../templates/signed_in.html")),
    (FAILED, include_str!("../../templates/sign_in_failed.html")),
];

/// Renders the pages of one sign-in.
pub struct Pages<'a> {
    template_dir: Option<&'a Path>,
    cluster: &'a str,
    client_id: &'a str,
    issuer: &'a str,
}

/// The variables of `signed_in.html`; empty where a value is unknown.
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
    /// The sign-in ended with `error`.
    pub fn ended(error: &Error) -> Self {
        Self {
            title: "Sign-in failed",
            message: printable::sanitise(&error.to_string()),
            hint: printable::sanitise(&format!("{}. You can close this tab.", error.what_to_do())),
        }
    }

    /// A request that does not belong to the sign-in, for this reason; the sign-in continues.
    pub fn stray(why: &str) -> Self {
        Self {
            title: "Nothing to see here",
            message: format!("This request was rejected: {why}."),
            hint: "kubekey is still waiting for your sign-in. Open the URL that it printed in the terminal.".into(),
        }
    }

    /// An error that the provider may have sent; the sign-in continues.
    pub fn unproven(error: Unproven) -> Self {
        let Unproven { code, words } = error;
        Self {
            title: "Not signed in yet",
            message: format!(
                "An error arrived: {words} ({code}). It does not say for which sign-in, so kubekey keeps waiting."
            ),
            hint: "To try again, open the URL that kubekey printed in the terminal.".into(),
        }
    }

    /// A request to start again, after the response arrived.
    pub fn late() -> Self {
        Self {
            title: "Nothing to see here",
            message: "kubekey already has the response and is finishing the sign-in.".into(),
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

    /// The page after a successful sign-in.
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

    /// The page after anything else.
    pub fn failed(&self, page: &FailedPage) -> String {
        let page = SignInFailedPage {
            title: page.title,
            message: &page.message,
            hint: &page.hint,
            cluster: self.cluster,
            client_id: self.client_id,
            issuer: self.issuer,
        };
        self.render(FAILED, &page)
    }

    /// The override of `name` if it works, else the built-in page.
    fn render<T: Serialize + Template>(&self, name: &str, page: &T) -> String {
        if let Some((path, source)) = self.find_override(name) {
            match render_override(&path, &source, page) {
                Ok(html) => return html,
                Err(why) => terminal::warning(&format!("{why}; the built-in page is shown instead")),
            }
        }
        page.render().unwrap_or_else(|error| format!("<!doctype html><title>kubekey</title><p>{error}"))
    }

    /// The first file of this name in the user's folder and the system's folders, with its text.
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

/// A template that replaces a built-in page.
pub struct Override {
    /// Its file.
    pub path: PathBuf,
    /// What is wrong with it, and where; then the built-in page is shown.
    pub mistake: Option<String>,
}

/// The templates that would be used, rendered for nobody.
pub fn overrides(settings: &Settings) -> Vec<Override> {
    let pages = Pages::new(settings, None);
    let (client_id, issuer) = (pages.client_id, pages.issuer);
    let signed_in = SignedInPage { name: "", email: "", picture: "", cluster: "", client_id, issuer };
    let failed = SignInFailedPage { title: "", message: "", hint: "", cluster: "", client_id, issuer };
    let rendered = |name: &str, render: &dyn Fn(&Path, &str) -> Result<String, String>| {
        let (path, source) = pages.find_override(name)?;
        let mistake = render(&path, &source).err();
        Some(Override { path, mistake })
    };
    let signed_in = rendered(SIGNED_IN, &|path, source| render_override(path, source, &signed_in));
    let failed = rendered(FAILED, &|path, source| render_override(path, source, &failed));
    signed_in.into_iter().chain(failed).collect()
}

/// Warns of a template of the original kubekey: it has another syntax and is not used.
fn warn_of_original(dir: &Path, name: &str) {
    let original = dir.join(if name == SIGNED_IN { "html_ok.tmpl" } else { "html_fail.tmpl" });
    if original.exists() {
        let original = original.display();
        terminal::warning(&format!("{original} is no longer used: convert it to {name} as described in docs/pages.md"));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page<'a>(name: &'a str, picture: &'a str) -> SignedInPage<'a> {
        SignedInPage { name, email: name, picture, cluster: name, client_id: name, issuer: name }
    }

    /// The characters that make up a page's structure.
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
