//! The questions to a person at a terminal, for what neither flags nor files set. Each answer is checked immediately.

use std::path::Path;

use url::Url;

use super::authority::{Trust, read_authority, whole_paths};
use super::path_completion::paths;
use super::server::{check_name, check_server};
use super::sign_in::{SignIn, is_untrusted};
use crate::cli;
use crate::config::{Flags, Layers};
use crate::environment::variable;
use crate::error::{Error, ErrorKind, Result};
use crate::kubeconfig::KnownCluster;
use crate::policy::Policy;
use crate::terminal::{self, Question};
use crate::user;

/// The client ID in this documentation, and in that of many providers.
const CLIENT_ID: &str = "kubernetes";

const ISSUER_URL: &str = "https://login.example.com";

const AUTHORITY: &str = "PEM file with the CA of the API server";

const PROVIDER_AUTHORITY: &str = "PEM file with the CA of the provider";

/// The answer for no file.
const NO_FILE: &str = "none";

/// The answer to leave the CA of the kubeconfig unchanged.
const AS_IT_IS: &str = "as it is";

/// The longest part of an answer that an error repeats, in characters.
const LONGEST_QUOTED: usize = 60;

const ELLIPSIS: &str = "...";

/// Asks for the missing settings of a cluster and its provider. The defaults come from `known`, the cluster that an
/// earlier run wrote to the kubeconfig.
///
/// # Errors
/// [`ErrorKind::Failed`] if the input ends; [`ErrorKind::Usage`] if another given setting cannot be used.
pub fn complete(
    asked: &mut cli::Setup,
    authority: &mut Option<String>,
    flags: &mut Flags,
    known: Option<&KnownCluster>,
) -> Result<()> {
    let is_described = asked.server.is_some();
    if !is_described {
        let server = known.map_or("", |known| &known.server);
        asked.server = Some(ask("URL of the API server, such as https://k8s.example.com:6443", server, check_server)?);
    }
    // Another cluster may have the same provider, but not the same name or CA.
    let same = known.filter(|known| asked.server.as_deref() == Some(&known.server));
    if asked.cluster.is_none() {
        let host = asked.server.as_deref().and_then(|server| Url::parse(server).ok());
        let host = host.as_ref().and_then(Url::host_str).unwrap_or_default();
        let name = same.map_or(host, |known| &known.name);
        asked.cluster = Some(ask("name for the cluster", name, |name| check_name("cluster", name))?);
    }
    if !is_described && authority.is_none() {
        let default = match same {
            Some(KnownCluster { authority: Some(file), .. }) if Path::new(file).is_absolute() => file,
            Some(KnownCluster { authority: Some(_), .. } | KnownCluster { has_data: true, .. }) => AS_IT_IS,
            _ => NO_FILE,
        };
        *authority = ask_file(default, check_file)?;
    }
    provider(flags, &mut asked.offline, known)
}

/// Asks for the certificate authority of a server that replaces another one; `None` for the system's.
///
/// # Errors
/// [`ErrorKind::Failed`] if the input ends.
pub fn authority() -> Result<Option<Trust>> {
    ask_file(NO_FILE, |answer| check_file(answer)?.as_deref().map(read_authority).transpose())
}

/// Asks for the certificate authority of a provider that is not trusted, which may be that of the cluster, `authority`: a
/// company often has one of its own. Returns what `check` makes of the flags with it; `None` if a person takes the
/// provider unchecked.
///
/// # Errors
/// [`ErrorKind::Failed`] if the input ends; [`ErrorKind::Policy`] if no authority may be given.
pub fn provider_authority<T>(
    flags: &Flags,
    untrusted: &Error,
    authority: Option<&str>,
    check: impl Fn(&Flags) -> Result<T>,
) -> Result<Option<T>> {
    tell(untrusted, "");
    let answered = ask_with(&paths, PROVIDER_AUTHORITY, authority.unwrap_or(NO_FILE), |file| {
        if file == NO_FILE {
            return taken_anyway().map(|()| Ok(None));
        }
        let mut flags = flags.clone();
        let mut files = flags.replace("certificate-authority", &[]);
        files.extend(whole_paths(&[file.to_owned()])?);
        flags.replace("certificate-authority", &files);
        match check(&flags) {
            // No answer can change that.
            Err(error) if error.kind() == ErrorKind::Policy => Ok(Err(error)),
            checked => checked.map(|checked| Ok(Some(checked))),
        }
    });
    answered?
}

/// Asks a yes-or-no question; the end of the input means no.
pub fn confirm(question: &str, default: bool) -> bool {
    let default = if default { "yes" } else { "no" };
    let question = Question { text: question, default, recalled: "", complete: &|_| Vec::new() };
    let answers = std::iter::from_fn(|| terminal::ask(&question).map(|answer| answer.to_lowercase()));
    let mut answers = answers.filter_map(|answer| match answer.as_str() {
        "y" | "yes" => Some(true),
        "n" | "no" => Some(false),
        _ => None,
    });
    answers.next().unwrap_or(false)
}

/// Asks for the provider. The policy is checked later: a setting that it does not allow ends the run, and the question
/// is not repeated. So is the trust in it: the policy may name its CA.
fn provider(flags: &mut Flags, is_offline: &mut bool, known: Option<&KnownCluster>) -> Result<()> {
    let given = Layers::read(flags, variable, None)?.given;
    let is_missing = |flag| given.text(flag).is_none();
    let resolve = |flags: &Flags| SignIn::resolve(flags, &Policy::default(), None, None);
    let mut draft = flags.clone();
    for (flag, example) in [("issuer-url", ISSUER_URL), ("client-id", CLIENT_ID)] {
        if is_missing(flag) {
            draft.replace(flag, &[example.to_owned()]);
        }
    }
    // No answer can fix a mistake in the other settings.
    resolve(&draft)?;
    let known = |flag| known.and_then(|known| known.setting(flag));
    if is_missing("issuer-url") {
        let question = format!("issuer URL of the provider, such as {ISSUER_URL}");
        (draft, *is_offline) = ask(&question, known("issuer-url").unwrap_or_default(), |issuer_url| {
            let draft = with(&draft, "issuer-url", issuer_url);
            let sign_in = resolve(&draft)?;
            match if *is_offline { Ok(()) } else { sign_in.check_provider() } {
                Err(error) if !is_untrusted(&error) => take_anyway(error, issuer_url).map(|()| (draft, true)),
                _ => Ok((draft, *is_offline)),
            }
        })?;
    }
    if is_missing("client-id") {
        let default = known("client-id").unwrap_or(CLIENT_ID);
        draft = ask("client ID registered with the provider", default, |client_id| {
            let draft = with(&draft, "client-id", client_id);
            resolve(&draft).map(|_| draft)
        })?;
    }
    *flags = draft;
    Ok(())
}

/// A person may accept a provider that cannot be reached; it is then not checked again.
fn take_anyway(error: Error, answer: &str) -> Result<()> {
    if error.kind() != ErrorKind::Unreachable {
        return Err(error);
    }
    tell(&error, answer);
    taken_anyway()
}

fn taken_anyway() -> Result<()> {
    match confirm("use it anyway?", false) {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Unreachable, "")),
    }
}

fn with(flags: &Flags, flag: &'static str, text: &str) -> Flags {
    let mut flags = flags.clone();
    flags.replace(flag, &[text.to_owned()]);
    flags
}

fn ask<T>(question: &str, default: &str, check: impl Fn(&str) -> Result<T>) -> Result<T> {
    ask_with(&|_| Vec::new(), question, default, check)
}

fn ask_file<T>(default: &str, check: impl Fn(&str) -> Result<T>) -> Result<T> {
    ask_with(&paths, AUTHORITY, default, check)
}

/// Asks until the answer is valid, and prints why each other one is not. If the right answer is known, it is the next
/// default.
fn ask_with<T>(
    complete: &dyn Fn(&str) -> Vec<String>,
    text: &str,
    default: &str,
    check: impl Fn(&str) -> Result<T>,
) -> Result<T> {
    let (mut default, mut recalled) = (default.to_owned(), String::new());
    loop {
        let question = Question { text, default: &default, recalled: &recalled, complete };
        let answer = terminal::ask(&question).ok_or_else(|| {
            Error::new(ErrorKind::Failed, "nothing was written: a question was not answered")
                .hint("every answer can be given as a flag: 'kubekey setup --help' lists them")
        })?;
        match check(&answer) {
            Ok(good) => return Ok(good),
            Err(error) => {
                tell(&error, &answer);
                default = right_issuer(&error).unwrap_or(default);
            }
        }
        recalled = answer;
    }
}

/// Prints what is wrong with an answer. Flags are removed from the error: none was given, and none can be given now.
fn tell(error: &Error, answer: &str) {
    let message = shortened(&error.to_string(), answer);
    let of_answer = message.strip_prefix("--").and_then(|message| message.split_once(' ')).map(|(_, rest)| rest);
    let told = Error::new(error.kind(), of_answer.unwrap_or(&message));
    match (error.what_to_do(), right_issuer(error)) {
        _ if message.is_empty() => {}
        (_, Some(issuer)) => terminal::error(&told.hint(format!("press Enter to take {issuer}"))),
        (hint, None) if hint.contains("--") => terminal::error(&told),
        (hint, None) => terminal::error(&told.hint(hint)),
    }
}

/// The issuer of the provider, if it differs from the answer.
fn right_issuer(error: &Error) -> Option<String> {
    let (_, quoted) = error.what_to_do().split_once("--issuer-url=")?;
    shlex::split(quoted)?.into_iter().next()
}

/// The message with a long answer shortened; the up arrow recalls the whole answer.
fn shortened(message: &str, answer: &str) -> String {
    let is_long = |text: &&str| text.chars().count() > LONGEST_QUOTED;
    let whole = user::with_home(answer);
    let quoted = [answer, whole.to_str().unwrap_or_default()];
    quoted.iter().filter(|text| is_long(text)).fold(message.to_owned(), |message, text| {
        let start: String = text.chars().take(LONGEST_QUOTED - ELLIPSIS.len()).collect();
        message.replace(text, &(start + ELLIPSIS))
    })
}

fn check_file(answer: &str) -> Result<Option<String>> {
    if [NO_FILE, AS_IT_IS].contains(&answer) {
        return Ok(None);
    }
    // No shell has expanded the `~`.
    let path = user::with_home(answer).to_string_lossy().into_owned();
    read_authority(&path).map(|_| Some(path))
}
