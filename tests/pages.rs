//! The pages, and templates of an administrator or the user that replace them.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::json;

use crate::support::browser::Mode;
use crate::support::client::{Page, get, send};
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::edit;
use crate::support::run::{Finished, Running};

struct Place {
    home: Home,
    provider: Provider,
}

impl Place {
    fn new() -> Self {
        Place { home: Home::with_keyring(Mode::Follow), provider: Provider::start() }
    }

    /// A folder of the user with this template, named by the original's variable.
    fn templates(&self, name: &str, text: &str) -> PathBuf {
        let dir = self.home.path().join("templates");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(name), text).unwrap();
        dir
    }

    fn sign_in_with(&self, dir: &PathBuf) -> (Page, Finished) {
        let info = json!({
            "kind": "ExecCredential",
            "apiVersion": "client.authentication.k8s.io/v1",
            "spec": { "cluster": { "server": "https://k8s.example.com:6443" }, "interactive": true },
        });
        let mut kubekey = self.home.kubekey_for(&self.provider);
        kubekey.env("KUBEKEY_TEMPLATEDIR", dir).env("KUBERNETES_EXEC_INFO", info.to_string());
        let finished = self.home.run(&mut kubekey);
        (self.home.browser.wait_for_journey().last().clone(), finished)
    }
}

#[test]
fn the_page_says_who_signed_in_where_and_that_the_tab_can_be_closed() {
    let place = Place::new();
    let (page, _) = place.sign_in_with(&place.home.path().join("runtime"));
    for words in [
        "Jane",
        "https://k8s.example.com:6443",
        &place.provider.client_id(),
        &place.provider.issuer(),
        "close this tab",
    ] {
        assert!(page.body.contains(words), "{words} is not in {page:#?}");
    }
}

#[test]
fn pages_run_no_script_are_not_kept_and_tell_nobody_where_they_were() {
    let place = Place::new();
    let (page, _) = place.sign_in_with(&place.home.path().join("runtime"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("script"), "{policy}");
    for (name, value) in
        [("cache-control", "no-store"), ("referrer-policy", "no-referrer"), ("x-content-type-options", "nosniff")]
    {
        assert_eq!(page.header(name), Some(value));
    }
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(!page.body.contains("<script"), "{page:#?}");
}

#[test]
fn a_picture_is_shown_only_over_https_and_names_are_escaped() {
    for (picture, shown) in
        [("https://img.example/jane.png", true), ("http://img.example/jane.png", false), ("javascript:alert(1)", false)]
    {
        let place = Place::new();
        place.provider.configure(|behaviour| {
            behaviour.claims = edit(move |claims| {
                claims.insert("picture".into(), picture.into());
                claims.insert("name".into(), "<b>\"Jane'</b>".into());
            });
        });
        let (page, _) = place.sign_in_with(&place.home.path().join("runtime"));
        assert_eq!(page.body.contains(picture), shown, "{picture}");
        assert!(!page.body.contains("<b>") && page.body.contains("&#60;b&#62;"), "{page:#?}");
    }
}

#[test]
fn whatever_a_page_shows_is_escaped() {
    const MARKUP: &str = "x\" onload='alert(1)'><img src=y>&lt;";
    let place = Place::new();
    place.provider.configure(|behaviour| {
        behaviour.client_id = format!("client {MARKUP}");
        behaviour.claims = edit(|claims| {
            claims.insert("name".into(), format!("name {MARKUP}").into());
            claims.insert("email".into(), format!("email {MARKUP}").into());
            claims.insert("picture".into(), format!("https://img.example/{MARKUP}").into());
        });
    });
    let info = json!({
        "kind": "ExecCredential",
        "apiVersion": "client.authentication.k8s.io/v1",
        "spec": { "cluster": { "server": format!("https://{MARKUP}") }, "interactive": true },
    });
    let escaped = "x&#34; onload=&#39;alert(1)&#39;&#62;&#60;img src=y&#62;&#38;lt;";
    for refusal in [None, Some(("error".to_owned(), format!("message {MARKUP}")))] {
        let shown: &[&str] = match refusal {
            None => &["name ", "email ", "https://img.example/", "https://", "client "],
            Some(_) => &["message ", "https://", "client "],
        };
        place.provider.configure(|behaviour| behaviour.refusal = refusal);
        let home = Home::new(Mode::Follow);
        home.run(home.kubekey_for(&place.provider).env("KUBERNETES_EXEC_INFO", info.to_string()));
        let page = home.browser.wait_for_journey().last().clone();
        assert!(!page.body.contains("<img src=y>") && !page.body.contains("onload='"), "{page:#?}");
        for before in shown {
            assert!(page.body.contains(&format!("{before}{escaped}")), "{before}: {page:#?}");
        }
    }
}

#[test]
fn a_template_of_the_users_own_has_the_same_variables_escaped() {
    let place = Place::new();
    place.provider.configure(|behaviour| {
        behaviour.claims = edit(|claims| {
            claims.insert("name".into(), "<i>Jane".into());
        });
    });
    let variables = "{{ name }}|{{ email }}|{{ picture }}|{{ cluster }}|{{ client_id }}|{{ issuer }}";
    let (page, finished) = place.sign_in_with(&place.templates("signed_in.html", variables));
    let expected = format!(
        "&lt;i&gt;Jane|jane@example.com||https:&#x2f;&#x2f;k8s.example.com:6443|{}|{}",
        place.provider.client_id(),
        place.provider.issuer().replace('/', "&#x2f;")
    );
    assert_eq!(page.body, expected);
    assert!(!finished.stderr.contains("warning"), "{finished:#?}");
}

#[test]
fn each_template_is_overridden_on_its_own() {
    let place = Place::new();
    place.provider.configure(|behaviour| behaviour.refusal = Some(("access_denied".into(), "no".into())));
    let (page, _) = place.sign_in_with(&place.templates("signed_in.html", "mine"));
    assert!(page.body.contains("Sign-in failed"), "{page:#?}");

    let place = Place::new();
    place.provider.configure(|behaviour| behaviour.refusal = Some(("access_denied".into(), "no".into())));
    let (page, _) =
        place.sign_in_with(&place.templates("sign_in_failed.html", "{{ title }}: {{ message }} / {{ hint }}"));
    assert!(
        page.body.starts_with("Sign-in failed: the provider refused the sign-in: no (access_denied) / "),
        "{page:#?}"
    );
}

#[test]
fn a_template_that_fails_is_named_with_its_line_and_the_built_in_page_is_shown() {
    for (template, line) in [
        ("one\ntwo {{ nmae }}", "signed_in.html line 2: undefined value: two {{ nmae }};"),
        ("one\n{% if %}", "signed_in.html line 2"),
        (&"{% if true %}".repeat(20_000), "signed_in.html"),
        (&format!("{{{{ {} }}}}", "[".repeat(50_000)), "signed_in.html"),
        ("{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}", "signed_in.html line 1"),
        ("{{ 'x' * 1000000000000 }}", "signed_in.html"),
        ("{% include '/etc/passwd' %}", "signed_in.html line 1"),
        (
            "{% for a in range(9999) %}{% for b in range(9999) %}{{ b }}{% endfor %}{% endfor %}",
            "signed_in.html line 1",
        ),
    ] {
        let place = Place::new();
        let (page, finished) = place.sign_in_with(&place.templates("signed_in.html", template));
        finished.credential();
        assert!(finished.stderr.contains("warning: ") && finished.stderr.contains(line), "{template}: {finished:#?}");
        assert!(page.body.contains("You are signed in as <bdi>Jane"), "{template}: {page:#?}");
    }
}

#[test]
fn a_template_that_is_too_large_is_not_used() {
    let place = Place::new();
    let (page, finished) = place.sign_in_with(&place.templates("signed_in.html", &"x".repeat(1024 * 1024 + 1)));
    finished.credential();
    assert!(finished.stderr.contains("larger than 1048576 bytes"), "{}", finished.stderr);
    assert!(page.body.contains("You are signed in as <bdi>Jane"));
}

#[test]
#[cfg(unix)]
fn a_template_that_others_can_write_is_not_used() {
    for (what, mode) in [("templates", 0o777), ("templates/signed_in.html", 0o666)] {
        let place = Place::new();
        let dir = place.templates("signed_in.html", "mine");
        fs::set_permissions(place.home.path().join(what), fs::Permissions::from_mode(mode)).unwrap();
        let (page, finished) = place.sign_in_with(&dir);
        assert!(finished.stderr.contains("can be written by others"), "{what}: {finished:#?}");
        assert!(page.body.contains("You are signed in as <bdi>Jane"), "{what}");
    }
}

#[test]
#[cfg(unix)]
fn what_is_not_a_file_is_not_waited_for() {
    let place = Place::new();
    let dir = place.templates("sign_in_failed.html", "mine");
    let made = std::process::Command::new("mkfifo").arg(dir.join("signed_in.html")).status().unwrap();
    assert!(made.success());
    let (page, finished) = place.sign_in_with(&dir);
    assert!(finished.stderr.contains("signed_in.html is not used: it is not a file"), "{finished:#?}");
    assert!(page.body.contains("You are signed in as <bdi>Jane"));
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let place = Place::new();
    let (page, finished) = place.sign_in_with(&place.home.path().join("nowhere"));
    finished.credential();
    assert!(finished.stderr.contains("nowhere is not a folder"), "{finished:#?}");
    assert!(page.body.contains("You are signed in as <bdi>Jane"));
}

#[test]
fn a_template_of_the_original_kubekey_is_honoured() {
    let place = Place::new();
    let template = "<title>{{.Name}}</title>\n{{- with .Picture}}<img src=\"{{.}}\">{{else}} no picture{{end}}";
    let (page, finished) = place.sign_in_with(&place.templates("html_ok.tmpl", template));
    assert_eq!(page.body, "<title>Jane Doe</title> no picture", "{finished:#?}");
    assert!(!finished.stderr.contains("warning"), "{finished:#?}");

    let place = Place::new();
    place.provider.configure(|behaviour| behaviour.refusal = Some(("access_denied".into(), "<no>".into())));
    let (page, _) = place.sign_in_with(&place.templates("html_fail.tmpl", "Failed: {{.Msg}}"));
    assert!(page.body.starts_with("Failed: the provider refused the sign-in: &lt;no&gt; "), "{page:#?}");

    let place = Place::new();
    place.templates("html_ok.tmpl", "old");
    assert_eq!(place.sign_in_with(&place.templates("signed_in.html", "new")).0.body, "new");
}

#[test]
fn a_template_of_the_original_that_does_more_is_named_with_its_line_and_the_built_in_page_is_shown() {
    for (template, line) in [
        ("<p>\n{{range .Names}}", "html_ok.tmpl line 2: kubekey does not know 'range .Names': {{range .Names}};"),
        ("<a href=\"{{.Picture}}\">", "html_ok.tmpl line 1: a value cannot be put into the attribute 'href'"),
    ] {
        let place = Place::new();
        let (page, finished) = place.sign_in_with(&place.templates("html_ok.tmpl", template));
        finished.credential();
        assert!(finished.stderr.contains("warning: ") && finished.stderr.contains(line), "{template}: {finished:#?}");
        assert!(page.body.contains("You are signed in as <bdi>Jane"), "{template}: {page:#?}");
    }
}

#[test]
fn nothing_is_read_from_the_current_directory() {
    let place = Place::new();
    fs::write(place.home.path().join("signed_in.html"), "from the current directory").unwrap();
    fs::create_dir(place.home.path().join("templates")).unwrap();
    fs::write(place.home.path().join("templates").join("signed_in.html"), "from the current directory").unwrap();
    place.home.run(&mut place.home.kubekey_for(&place.provider)).credential();
    assert!(place.home.browser.wait_for_journey().last().body.contains("You are signed in as <bdi>Jane"));
}

#[test]
fn the_built_in_templates_are_templates_to_start_from() {
    let built_in = Place::new();
    let (expected, _) = built_in.sign_in_with(&built_in.home.path().join("runtime"));
    let place = Place::new();
    let (page, finished) =
        place.sign_in_with(&place.templates("signed_in.html", include_str!("../templates/signed_in.html")));
    assert!(!finished.stderr.contains("warning"), "{finished:#?}");
    let plain = |page: &Page, provider: &Provider| {
        page.body
            .replace("&#x2f;", "/")
            .replace(&provider.issuer(), "ISSUER")
            .replace(&provider.client_id(), "CLIENT")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(plain(&page, &place.provider), plain(&expected, &built_in.provider));
}

#[test]
fn the_built_in_pages_are_written_to_start_from_and_no_page_is_overwritten() {
    let place = Place::new();
    let home = &place.home;
    let write = || home.run(home.kubekey().args(["pages", "--write", "my pages"]));
    let written = write();
    let dir = home.path().canonicalize().unwrap().join("my pages");
    assert_eq!((written.code(), written.stdout.as_str()), (Some(0), ""), "{written:#?}");
    let page = fs::read_to_string(dir.join("signed_in.html")).unwrap();
    fs::write(dir.join("signed_in.html"), page.replace("</body>", "<p>Ours.</p></body>")).unwrap();
    let (shown, finished) = place.sign_in_with(&dir);
    assert!(shown.body.contains("<p>Ours.</p>") && shown.body.contains("Jane Doe"), "{finished:#?}");
    assert!(!finished.stderr.contains("warning"), "{finished:#?}");
    fs::remove_file(dir.join("sign_in_failed.html")).unwrap();
    let again = write();
    assert_eq!(again.code(), Some(1), "{again:#?}");
    assert!(again.stderr.contains("kubekey overwrites no page"), "{again:#?}");
    assert!(!dir.join("sign_in_failed.html").exists(), "all or nothing");
}

/// The list of the preview, and its pages, by their path.
fn previewed(url: &str) -> (Page, Vec<Page>) {
    let list = get(url);
    let links = list.body.split("<a href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let pages = links.map(|path| get(&format!("{}{path}", url.trim_end_matches('/')))).collect();
    (list, pages)
}

#[test]
fn a_preview_shows_every_page_and_says_where_a_template_is_broken() {
    let home = Home::new(Mode::Note);
    let dir = home.path().join("mine");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("signed_in.html"), "<p>\n{{ name }} of {{ cluster }}").unwrap();
    let mut kubekey = home.kubekey();
    let running = Running::start(kubekey.current_dir(home.path()).args(["pages", "--preview", "--dir", "mine"]));
    let url = home.browser.wait_for_url();
    running.wait_for_stderr(&format!("  {url}"));
    let (list, pages) = previewed(&url);
    assert_eq!((list.status, pages.len()), (200, 7), "{list:#?}");
    assert!(pages.iter().all(|page| page.status == 200), "{pages:#?}");
    assert_eq!(pages[0].body, "<p>\nJane Doe of https:&#x2f;&#x2f;k8s.example.com:6443");
    for words in ["Sign-in failed", "Not signed in yet", "kubekey is still waiting", "already has the response"] {
        assert!(pages.iter().any(|page| page.body.contains(words)), "{words}: {pages:#?}");
    }

    fs::write(dir.join("signed_in.html"), "<p>\n{{ nme }}").unwrap();
    assert!(get(&format!("{url}signed-in")).body.contains("You are signed in as"));
    let warning = running.wait_for_stderr("signed_in.html line 2: ");
    assert!(warning.contains("the built-in page is shown instead"), "{warning}");

    assert_eq!(get(&format!("{url}elsewhere")).status, 404);
    assert_eq!(send("POST", &url, &[]).status, 405);
    assert_eq!(send("GET", &url, &[("Host", "rebound.example.com")]).status, 421);
}

#[test]
fn a_preview_of_the_originals_template_has_a_picture_and_says_where_a_user_has_none() {
    let home = Home::new(Mode::Note);
    let template = home.path().join("html_ok.tmpl");
    fs::write(&template, "<img src=\"{{.Picture}}\">").unwrap();
    let mut kubekey = home.kubekey();
    let running = Running::start(kubekey.args(["pages", "--preview", "--dir"]).arg(home.path()));
    let url = home.browser.wait_for_url();
    let page = get(&format!("{url}signed-in-with-picture"));
    assert!(page.body.starts_with("<img src=\"data:image/svg+xml,"), "{page:#?}");
    get(&format!("{url}signed-in"));
    running
        .wait_for_stderr("without a picture gets an image with an empty 'src': put it between '{{if .Picture}}' and");
}

#[test]
#[cfg(unix)]
fn a_preview_ends_with_ctrl_c_and_prints_its_address_where_there_is_no_browser() {
    let home = Home::new(Mode::Note);
    let running = Running::start(
        home.kubekey()
            .env("SSH_CONNECTION", "x")
            .env_remove("BROWSER")
            .env_remove("DISPLAY")
            .args(["pages", "--preview"]),
    );
    let url = running.wait_for_stderr("  http://127.0.0.1:");
    running.wait_for_stderr("Ctrl-C ends the preview");
    assert_eq!(get(url.trim_start_matches("kubekey:").trim()).status, 200);
    running.signal("INT");
    let finished = running.wait();
    assert!(!finished.status.success() && finished.stdout.is_empty(), "{finished:#?}");
    assert_eq!(home.browser.urls().len(), 0);
}

#[test]
fn pages_are_written_or_shown() {
    let home = Home::new(Mode::Note);
    for arguments in [&["pages"][..], &["pages", "--dir", "x"], &["pages", "--write", "x", "--preview"]] {
        assert_eq!(home.run(home.kubekey().args(arguments)).code(), Some(2), "{arguments:?}");
    }
}
