//! What a person at a terminal is asked, where neither a flag nor a file says it. Each answer is checked at once.

use url::Url;

use super::server::{check_name, check_server};
use super::sign_in::SignIn;
use super::wanted::read_authority;
use crate::cli;
use crate::config::{Flags, Layers, Policy, platform, variable};
use crate::error::{Error, ErrorKind, Result};
use crate::terminal;

/// The client ID of the documentation, and of many providers' own.
const CLIENT_ID: &str = "kubernetes";

const ISSUER_URL: &str = "https://login.example.com";

/// What stands for no file.
const NO_FILE: &str = "none";

/// Asks for what is missing of a cluster and of the provider to sign in with.
///
/// # Errors
/// [`ErrorKind::Failed`] if the input ends; [`ErrorKind::Usage`] for what else was given and cannot be used.
pub fn complete(asked: &mut cli::Setup, authority: &mut Option<String>, flags: &mut Flags) -> Result<()> {
    let is_described = asked.server.is_some();
    if !is_described {
        asked.server = Some(ask("address of the API server, as https://k8s.example.com:6443", "", check_server)?);
    }
    if asked.cluster.is_none() {
        let host = asked.server.as_deref().and_then(|server| Url::parse(server).ok());
        let host = host.as_ref().and_then(Url::host_str).unwrap_or_default();
        asked.cluster = Some(ask("name for the cluster", host, |name| check_name("cluster", name))?);
    }
    if !is_described && authority.is_none() {
        *authority = ask("file with the certificate authority of the API server, in PEM", NO_FILE, check_file)?;
    }
    provider(flags, asked.offline)
}

/// Whether a yes is the answer; at the end of the input it is not.
pub fn confirm(question: &str) -> bool {
    let answers = std::iter::from_fn(|| terminal::ask(question, "yes").map(|answer| answer.to_lowercase()));
    let mut answers = answers.filter_map(|answer| match answer.as_str() {
        "y" | "yes" => Some(true),
        "n" | "no" => Some(false),
        _ => None,
    });
    answers.next().unwrap_or(false)
}

/// The policy's word comes later: what it does not allow ends the run, and is not asked for again.
fn provider(flags: &mut Flags, is_offline: bool) -> Result<()> {
    let given = Layers::read(flags, variable, None)?.given;
    let is_missing = |flag| given.text(flag).is_none();
    let resolve = |flags: &Flags| SignIn::resolve(flags, &Policy::default(), None);
    let mut draft = flags.clone();
    for (flag, example) in [("issuer-url", ISSUER_URL), ("client-id", CLIENT_ID)] {
        if is_missing(flag) {
            draft.replace(flag, &[example.to_owned()]);
        }
    }
    // No answer would mend what is wrong with the other settings.
    resolve(&draft)?;
    if is_missing("issuer-url") {
        draft = ask(&format!("issuer URL of the provider, as {ISSUER_URL}"), "", |issuer_url| {
            let draft = with(&draft, "issuer-url", issuer_url);
            let sign_in = resolve(&draft)?;
            if is_offline { Ok(draft) } else { sign_in.check_provider().map(|()| draft) }
        })?;
    }
    if is_missing("client-id") {
        draft = ask("client ID registered with the provider", CLIENT_ID, |client_id| {
            let draft = with(&draft, "client-id", client_id);
            resolve(&draft).map(|_| draft)
        })?;
    }
    *flags = draft;
    Ok(())
}

fn with(flags: &Flags, flag: &'static str, text: &str) -> Flags {
    let mut flags = flags.clone();
    flags.replace(flag, &[text.to_owned()]);
    flags
}

/// Asks until the answer is good, and says of each other one why it is not.
fn ask<T>(question: &str, default: &str, check: impl Fn(&str) -> Result<T>) -> Result<T> {
    loop {
        let answer = terminal::ask(question, default).ok_or_else(|| {
            Error::new(ErrorKind::Failed, "nothing was written: a question was not answered")
                .hint("all of them can be given as flags: 'kubekey setup --help'")
        })?;
        match check(&answer) {
            Ok(good) => return Ok(good),
            Err(error) => terminal::error(&error),
        }
    }
}

fn check_file(answer: &str) -> Result<Option<String>> {
    if answer == NO_FILE {
        return Ok(None);
    }
    // There is no shell to do it.
    let path = platform::with_home(answer).to_string_lossy().into_owned();
    read_authority(&path).map(|_| Some(path))
}
