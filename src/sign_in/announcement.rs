//! Showing a sign-in to the user: its URL in words, and a browser.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use url::Url;

use super::launcher::launch;
use crate::loopback_host::is_loopback_host;
use crate::oidc::device::DeviceRequest;
use crate::printable;
use crate::settings::{Opener, Settings};
use crate::token_cache::{PlaceCode, SignInPlace};
use crate::{controlling_terminal, local_time, terminal};

/// Prints the URL of the sign-in, and opens a browser there, unless there is a reason for `no_browser`; the returned flag
/// becomes false if none is opened. Then the URL is printed on the controlling terminal, too: a program may read stderr
/// without showing it.
pub fn announce(settings: &Settings, url: &str, no_browser: Option<&str>) -> Arc<AtomicBool> {
    announce_as("sign in to", settings, url, no_browser)
}

/// The same for the end of the provider's session.
pub fn announce_sign_out(settings: &Settings, url: &str, no_browser: Option<&str>) -> Arc<AtomicBool> {
    announce_as("sign out of", settings, url, no_browser)
}

fn announce_as(verb: &str, settings: &Settings, url: &str, no_browser: Option<&str>) -> Arc<AtomicBool> {
    let whose = no_browser.map_or("your browser", |_| "a browser on your own machine");
    let what = format!("{verb} {} in {whose}, at", settings.issuer_url.as_str());
    let why = no_browser.map(|why| format!("no browser can be opened here: {why}"));
    let lines: Vec<_> = why.into_iter().chain(lines(what, url)).collect();
    say(&lines);
    let opener = if no_browser.is_some() { &Opener::Nobody } else { &settings.opener };
    open(opener, url, lines)
}

/// Prints the URL of the preview, and opens it as [`announce`] does.
pub fn announce_preview(opener: &Opener, url: &str, no_browser: Option<&str>) {
    let why = no_browser.map(|why| format!("no browser can be opened here: {why}"));
    let how = "reload a page after a change to its template; Ctrl-C ends the preview".to_owned();
    let lines = why.into_iter().chain(lines("the pages, with sample data, are at".to_owned(), url)).chain([how]);
    say(&lines.collect::<Vec<_>>());
    launch(if no_browser.is_some() { &Opener::Nobody } else { opener }, url.to_owned(), || {});
}

/// Prints where to enter a code, and which. The provider's page is not opened: a browser is opened only at our own URLs.
pub fn announce_code(settings: &Settings, request: &DeviceRequest, no_browser: Option<&str>) {
    let why = no_browser.map(|why| format!("no browser can be opened here: {why}"));
    let what = format!("sign in to {} on any device", settings.issuer_url.as_str());
    let (page, complete) = (request.page.as_str(), request.complete_page.as_ref().map(Url::as_str));
    let code = PlaceCode { text: request.user_code.clone(), until: request.expires_at };
    let without_picture = code_lines(&format!("{what}: open"), page, complete, &code);
    let below_picture = code_lines(&format!("{what}: scan this, or open"), page, None, &code);
    say(why.as_slice());
    let lines: Vec<_> = why.iter().chain(&below_picture).map(|line| in_one_line(line)).collect();
    let is_drawn = terminal::show_qr_code(complete.unwrap_or(page), &lines);
    say(if is_drawn { &below_picture } else { &without_picture });
    let all = why.iter().chain(&without_picture);
    controlling_terminal::print(&all.map(|line| in_one_line(line)).collect::<Vec<_>>());
}

/// Prints the URL to open in any browser, and what to paste: the one at which the browser ends, or the code that its last
/// page shows. `is_beside` a listener that only a browser with a tunnel reaches.
pub fn announce_paste(settings: &Settings, url: &str, shows_code: bool, is_beside: bool) {
    let how = match is_beside {
        true => "or in any browser, open".to_owned(),
        false => format!("sign in to {} in any browser: open", settings.issuer_url.as_str()),
    };
    let what = match shows_code {
        true => "at the end paste the code that the last page shows here, and press Enter (it stays hidden)",
        false => "at the end the page fails to load: paste its URL here, and press Enter (it stays hidden)",
    };
    let warning = "give it to nobody else, and paste none that you were sent";
    terminal::request(&how);
    terminal::request_whole(url);
    [what, warning].into_iter().for_each(terminal::request);
}

/// The page's URL has its own line, to be copied whole.
fn code_lines(how: &str, page: &str, complete: Option<&str>, code: &PlaceCode) -> Vec<String> {
    let host = Url::parse(page).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let mut lines = vec![how.to_owned(), format!("  {page}"), format!("and enter the code {}", code.text)];
    if let Some(complete) = complete {
        lines.extend(["or open the page that has the code in its address:".to_owned(), format!("  {complete}")]);
    }
    let end = local_time::format(code.until, "%H:%M");
    lines.push(format!("it belongs to {host} and ends at {end}; give it to nobody"));
    lines
}

/// Shows the user a sign-in that another run started whose command has ended: its terminal and its tab may be closed.
/// Several runs may wait for it, of which one `opens` the browser.
pub fn announce_again(settings: &Settings, place: &SignInPlace, opens: bool) {
    let url = &place.url;
    if let Some(code) = &place.code {
        let what = format!("finish the sign-in to {} on any device: open", settings.issuer_url.as_str());
        return say(&code_lines(&what, url, None, code));
    }
    let what = format!("finish the sign-in to {} in your browser, at", settings.issuer_url.as_str());
    let lines = lines(what, url);
    say(&lines);
    if opens && is_of_kubekey(settings, url) {
        open(&settings.opener, url, lines);
    }
}

/// The URL has its own line, to be copied whole.
fn lines(what: String, url: &str) -> Vec<String> {
    let mut lines = vec![what, format!("  {url}")];
    let tunnel = tunnel(url);
    lines.extend(tunnel.map(|command| format!("to open it on your own machine, first run there: {command}")));
    lines
}

/// Where a browser can open `url`, for the end of a sentence: in an SSH session, the user's browser is elsewhere.
pub fn where_to_open(url: &str, no_browser: Option<&str>) -> &'static str {
    // The next sign-in has another port, so this one's command would not help.
    match (tunnel(url), no_browser) {
        (Some(_), Some(_)) => "in a browser on your own machine, after the printed 'ssh -L'",
        (Some(_), None) => "in a browser on this machine, or on your own after the printed 'ssh -L'",
        (None, Some(_)) => "in a browser that reaches this machine's loopback addresses",
        (None, None) => "in a browser on this machine",
    }
}

/// In an SSH session, the command that lets a browser on the user's own machine reach `url`.
fn tunnel(url: &str) -> Option<String> {
    std::env::var_os("SSH_CONNECTION")?;
    let host = url.split_once("://").and_then(|(_, rest)| rest.split('/').next()).unwrap_or_default();
    let port = host.rsplit_once(':').map_or("80", |(_, port)| port);
    let here = host_name().filter(|name| is_plain(name)).unwrap_or_else(|| "THIS-HOST".to_owned());
    is_plain(host).then(|| format!("ssh -L {port}:{host} {here}"))
}

/// Whether a word means itself in a command that will be copied into a shell, and is no option.
fn is_plain(word: &str) -> bool {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "_.:[]-".contains(character);
    !word.is_empty() && !word.starts_with('-') && word.chars().all(is_plain)
}

/// The name of this host.
#[cfg(unix)]
fn host_name() -> Option<String> {
    rustix::system::uname().nodename().to_str().ok().map(str::to_owned)
}

#[cfg(windows)]
fn host_name() -> Option<String> {
    crate::environment::variable("COMPUTERNAME")
}

fn say(lines: &[String]) {
    lines.iter().for_each(|line| terminal::request(line));
}

fn open(opener: &Opener, url: &str, lines: Vec<String>) -> Arc<AtomicBool> {
    let lines: Vec<_> = lines.iter().map(|line| in_one_line(line)).collect();
    launch(opener, url.to_owned(), move || controlling_terminal::print(&lines))
}

fn in_one_line(line: &str) -> String {
    printable::sanitise(&format!("kubekey: {line}"))
}

/// Whether a run with these settings could have this URL. It was read from a file, and will become an argument of a program.
fn is_of_kubekey(settings: &Settings, url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let is_named = || {
        let own = settings.loopback_addresses.iter().filter_map(|address| Url::parse(&address.redirect_uri(0)).ok());
        own.into_iter().any(|own| own.host_str() == url.host_str() && own.scheme() == url.scheme())
    };
    (url.scheme() == "http" && is_loopback_host(url.host())) || is_named()
}
