//! The questions to a person at a terminal, for what neither flags nor files set. Each answer is checked immediately.

use std::path::Path;

use url::Url;

use super::authority::{Trust, read_authority, whole_paths};
use super::dialog::{ask, ask_with, confirm, tell};
use super::path_completion::paths;
use super::server::{check_name, check_server};
use super::sign_in::{SignIn, is_untrusted};
use crate::cli;
use crate::config::keys::Key;
use crate::config::{Flags, Layers};
use crate::environment::variable;
use crate::error::{Error, ErrorKind, Result};
use crate::kubeconfig::KnownCluster;
use crate::policy::Policy;
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

/// Asks for the missing settings of a cluster and its provider. The defaults come from `known`, the cluster that an
/// earlier run wrote to the kubeconfig.
///
/// # Errors
/// [`ErrorKind::Failed`] if the input ends; [`ErrorKind::Usage`] if another given setting cannot be used.
pub fn complete(
    asked: &mut cli::Setup,
    authority: &mut Option<String>,
    flags: &mut Flags,
    policy: &Policy,
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
    provider(flags, policy, known, |draft, issuer_url| {
        check_issuer(draft, issuer_url, &mut asked.offline, policy, authority.as_deref())
    })
}

/// Asks for the certificate authority of a server that replaces another one; `None` for the system's.
///
/// # Errors
/// [`ErrorKind::Failed`] if the input ends.
pub fn authority() -> Result<Option<Trust>> {
    ask_file(NO_FILE, |answer| check_file(answer)?.as_deref().map(read_authority).transpose())
}

/// Asks for the certificate authority of a provider that is not trusted, which may be that of the cluster, `authority`: a
/// company often has one of its own. Adds it to the flags, and returns what `check` makes of these; `None` if a person takes
/// the provider unchecked.
///
/// # Errors
/// [`ErrorKind::Failed`] if the input ends; and what else than the authority `check` rejects.
pub fn provider_authority<T>(
    flags: &mut Flags,
    untrusted: &Error,
    authority: Option<&str>,
    check: impl Fn(&Flags) -> Result<T>,
) -> Result<Option<T>> {
    tell(untrusted, "");
    let answered = ask_with(&paths, PROVIDER_AUTHORITY, authority.unwrap_or(NO_FILE), |file| {
        if file == NO_FILE {
            return taken_anyway().map(|()| Ok(None));
        }
        let mut with_file = flags.clone();
        let mut files = with_file.replace("certificate-authority", &[]);
        files.extend(whole_paths(&[file.to_owned()])?);
        with_file.replace("certificate-authority", &files);
        match check(&with_file) {
            Err(error) if error.kind() == ErrorKind::Usage || is_untrusted(&error) => Err(error),
            // Another file would change nothing.
            checked => {
                *flags = with_file;
                Ok(checked.map(Some))
            }
        }
    });
    answered?
}

/// Asks for the provider. The policy is checked later: a setting that it does not allow ends the run, and the question
/// is not repeated. `check` is for an issuer, which may change the flags.
fn provider(
    flags: &mut Flags,
    policy: &Policy,
    known: Option<&KnownCluster>,
    mut check: impl FnMut(&mut Flags, &str) -> Result<()>,
) -> Result<()> {
    let given = Layers::read(flags, variable, None)?.given;
    let is_missing = |flag| given.text(flag).is_none();
    let mut draft = flags.clone();
    for (flag, example) in [("issuer-url", ISSUER_URL), ("client-id", CLIENT_ID)] {
        if is_missing(flag) {
            draft.replace(flag, &[example.to_owned()]);
        }
    }
    // No answer can fix a mistake in the other settings.
    resolve(&draft)?;
    let known_text = |flag| known.and_then(|known| known.setting(flag));
    if is_missing("issuer-url") {
        let question = format!("issuer URL of the provider, such as {ISSUER_URL}");
        ask(&question, known_text("issuer-url").unwrap_or_default(), |issuer_url| {
            draft.replace("issuer-url", &[issuer_url.to_owned()]);
            resolve(&draft)?;
            // A slash at the end is the spelling that is most often wrong.
            let bare = |url: &str| url.trim_end_matches('/').to_owned();
            let same = known.filter(|known| known.setting("issuer-url").map(bare) == Some(bare(issuer_url)));
            same.iter().for_each(|known| recall(&mut draft, known, policy));
            check(&mut draft, issuer_url)
        })?;
    }
    if is_missing("client-id") {
        let default = known_text("client-id").unwrap_or(CLIENT_ID);
        ask("client ID registered with the provider", default, |client_id| {
            draft.replace("client-id", &[client_id.to_owned()]);
            resolve(&draft).map(drop)
        })?;
    }
    *flags = draft;
    Ok(())
}

fn resolve(flags: &Flags) -> Result<SignIn> {
    SignIn::resolve(flags, &Policy::default(), None, None)
}

/// Adds the other settings that an earlier run wrote for the same provider, as far as they can still be used and
/// the policy allows: only a secret is given anew.
fn recall(flags: &mut Flags, known: &KnownCluster, policy: &Policy) {
    let given: Vec<_> = flags.0.iter().map(|(key, _)| key.flag).collect();
    for (flag, text) in known.settings() {
        let Some(key) = Key::of_flag(flag) else { continue };
        if key.kind.is_secret() || given.contains(&key.flag) {
            continue;
        }
        let mut with_it = flags.clone();
        let mut texts = with_it.replace(key.flag, &[]);
        texts.push(text.to_owned());
        with_it.replace(key.flag, &texts);
        let is_authority = key.flag.starts_with("certificate-authority");
        let is_usable = |it: &SignIn| !is_authority || it.settings.tls.certificates().is_ok();
        if resolve(&with_it).is_ok_and(|it| policy.check_given(&it.given).is_ok() && is_usable(&it)) {
            *flags = with_it;
        }
    }
}

/// Checks the provider of these flags, which get its CA if that is missing.
fn check_issuer(
    draft: &mut Flags,
    issuer_url: &str,
    is_offline: &mut bool,
    policy: &Policy,
    authority: Option<&str>,
) -> Result<()> {
    if *is_offline {
        return Ok(());
    }
    // The policy may name a CA. What it does not allow is said later.
    let check =
        |flags: &Flags| SignIn::resolve(flags, policy, None, None).or_else(|_| resolve(flags))?.check_provider();
    let checked = match check(draft) {
        Err(error) if is_untrusted(&error) => provider_authority(draft, &error, authority, check),
        checked => checked.map(Some),
    };
    match checked {
        Ok(Some(())) => {}
        Ok(None) => *is_offline = true,
        Err(error) => {
            take_anyway(error, issuer_url)?;
            *is_offline = true;
        }
    }
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

fn ask_file<T>(default: &str, check: impl Fn(&str) -> Result<T>) -> Result<T> {
    ask_with(&paths, AUTHORITY, default, check)
}

fn check_file(answer: &str) -> Result<Option<String>> {
    if [NO_FILE, AS_IT_IS].contains(&answer) {
        return Ok(None);
    }
    // No shell has expanded the `~`.
    let path = user::with_home(answer).to_string_lossy().into_owned();
    read_authority(&path).map(|_| Some(path))
}
