//! The pages in the browser: compiled in, and each replaceable by a file of the administrator or the user.

use std::io;
use std::path::{Path, PathBuf};

use askama::Template;
use serde::Serialize;

use super::failed_page::FailedPage;
use super::original_template::render_original;
use super::template::render_override;
use crate::config::platform;
use crate::oidc::Person;
use crate::settings::Settings;
use crate::terminal;
use crate::trusted_file::{self, Owner};

/// The largest template, in bytes: it may contain a logo.
const LARGEST_TEMPLATE: u64 = 1024 * 1024;

const SIGNED_IN: &str = "signed_in.html";

const FAILED: &str = "sign_in_failed.html";

/// The same pages in the original kubekey, whose templates are in another language.
const ORIGINALS: [(&str, &str); 2] = [(SIGNED_IN, "html_ok.tmpl"), (FAILED, "html_fail.tmpl")];

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
    /// The same in parts, between which a line may break.
    name_parts: Vec<&'a str>,
    email: &'a str,
    /// As `name_parts`.
    email_parts: Vec<&'a str>,
    picture: &'a str,
    cluster: &'a str,
    client_id: &'a str,
    issuer: &'a str,
}

#[derive(Serialize, Template)]
#[template(path = "sign_in_failed.html")]
struct SignInFailedPage<'a> {
    /// `failed`, or `notice` for what concerns nobody's sign-in.
    kind: &'a str,
    title: &'a str,
    message: &'a str,
    hint: &'a str,
    cluster: &'a str,
    client_id: &'a str,
    issuer: &'a str,
}

#[derive(Template)]
#[template(path = "preview.html")]
struct PreviewPage<'a> {
    pages: &'a [(&'a str, &'a str)],
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

    /// Pages for a preview.
    pub fn sample(template_dir: Option<&'a Path>) -> Self {
        Self {
            template_dir,
            cluster: "https://k8s.example.com:6443",
            client_id: "kubernetes",
            issuer: "https://login.example.com",
        }
    }

    /// The list of the pages of a preview, each with its path.
    pub fn list(pages: &[(&str, &str)]) -> String {
        built_in(&PreviewPage { pages })
    }

    /// The page after a successful sign-in.
    pub fn signed_in(&self, person: &Person) -> String {
        self.render(SIGNED_IN, &self.of_person(person), &[("Name", &person.name), ("Picture", &person.picture)])
    }

    fn of_person<'b>(&'b self, person: &'b Person) -> SignedInPage<'b> {
        SignedInPage {
            name: &person.name,
            name_parts: parts(&person.name),
            email: &person.email,
            email_parts: parts(&person.email),
            picture: &person.picture,
            cluster: self.cluster,
            client_id: self.client_id,
            issuer: self.issuer,
        }
    }

    /// The page after anything else.
    pub fn failed(&self, page: &FailedPage) -> String {
        self.render(FAILED, &self.of_failure(page), &[("Msg", &page.message)])
    }

    fn of_failure<'b>(&'b self, page: &'b FailedPage) -> SignInFailedPage<'b> {
        SignInFailedPage {
            kind: page.kind,
            title: page.title,
            message: &page.message,
            hint: &page.hint,
            cluster: self.cluster,
            client_id: self.client_id,
            issuer: self.issuer,
        }
    }

    /// The override of `name` if it works, else the built-in page. `fields` are those of the original's template.
    fn render<T: Serialize + Template>(&self, name: &str, page: &T, fields: &[(&str, &str)]) -> String {
        match self.render_override(name, page, fields) {
            Some((_, Ok(html))) => html,
            Some((_, Err(why))) => {
                terminal::warning(&format!("{why}; the built-in page is shown instead"));
                built_in(page)
            }
            None => built_in(page),
        }
    }

    /// The file that overrides `name`, and the page that it makes, or what is wrong with it.
    fn render_override<T: Serialize>(
        &self,
        name: &str,
        page: &T,
        fields: &[(&str, &str)],
    ) -> Option<(PathBuf, Result<String, String>)> {
        let (path, source) = self.find_override(name)?;
        let html = match path.ends_with(name) {
            true => render_override(&path, &source, page),
            false => render_original(&path, &source, fields),
        };
        Some((path, html))
    }

    /// The first file of this name, or of the original's name for it, in the user's folder and the system's folders, with its text.
    fn find_override(&self, name: &str) -> Option<(PathBuf, String)> {
        if let Some(dir) = self.template_dir.filter(|dir| !dir.is_dir()) {
            terminal::warning(&format!("the template folder {} is not a folder", dir.display()));
        }
        let system = platform::system_template_dirs();
        let own = self.template_dir.filter(|dir| dir.is_dir()).map(|dir| (dir.to_owned(), Owner::User));
        let dirs = own.into_iter().chain(system.into_iter().map(|dir| (dir, Owner::System)));
        let original = ORIGINALS.iter().find(|(of, _)| *of == name).map(|(_, original)| *original);
        let names: Vec<_> = [name].into_iter().chain(original).collect();
        for (path, owner) in dirs.flat_map(|(dir, owner)| names.iter().map(move |name| (dir.join(name), owner))) {
            match trusted_file::read(&path, owner, LARGEST_TEMPLATE) {
                Ok(source) => return Some((path, source)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => terminal::warning(&format!("{} is not used: {error}", path.display())),
            }
        }
        None
    }
}

/// The parts of an address, between which a line may break; a name is one part.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.char_indices().skip(1).find(|(_, c)| text.contains('@') && matches!(c, '@' | '.')) {
        let (part, others) = rest.split_at(at.0);
        parts.push(part);
        rest = others;
    }
    parts.push(rest);
    parts
}

fn built_in(page: &impl Template) -> String {
    page.render().unwrap_or_else(|error| format!("<!doctype html><title>kubekey</title><p>{error}"))
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
    let (nobody, late) = (Person::default(), FailedPage::late());
    let (signed_in, failed) = (pages.of_person(&nobody), pages.of_failure(&late));
    let found = [
        pages.render_override(SIGNED_IN, &signed_in, &[("Name", ""), ("Picture", "")]),
        pages.render_override(FAILED, &failed, &[("Msg", "")]),
    ];
    found.into_iter().flatten().map(|(path, html)| Override { path, mistake: html.err() }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page<'a>(name: &'a str, picture: &'a str) -> SignedInPage<'a> {
        let (name_parts, email_parts) = (vec![name], vec![name]);
        SignedInPage {
            name,
            name_parts,
            email: name,
            email_parts,
            picture,
            cluster: name,
            client_id: name,
            issuer: name,
        }
    }

    /// The characters that make up a page's structure.
    fn markup(html: &str) -> Vec<char> {
        html.chars().filter(|character| "<>\"'".contains(*character)).collect()
    }

    #[test]
    fn an_address_has_parts_and_a_name_has_none() {
        for (text, expected) in [
            ("", &[""][..]),
            ("J. R. Doe", &["J. R. Doe"]),
            ("jane.doe@example.com", &["jane", ".doe", "@example", ".com"]),
            ("@.", &["@", "."]),
        ] {
            assert_eq!(parts(text), expected);
        }
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
