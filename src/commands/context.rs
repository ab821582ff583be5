//! The settings of a kubeconfig's context, for commands that a person runs without settings of their own.

use std::ffi::OsString;
use std::path::PathBuf;

use super::context_run::{flags_of_user, run_anew};
use super::refusal::{no_current, refusal, with_commands, with_others};
use crate::cli::{Command, Config, Document, Format, OfContext, Output, Setup};
use crate::config::{Flags, Layers};
use crate::environment::variable;
use crate::error::{Error, ErrorKind, Result};
use crate::kubeconfig::{self, Context, Contexts, Files, command_of};
use crate::printable::is_plain;
use crate::shell::quoted;
use crate::terminal;

/// The settings that select the provider, client or profile. A user who gives one of these does not want those of a
/// context.
pub(super) const OWN: [&str; 3] = ["issuer-url", "client-id", "profile"];

/// Runs the command again, as kubectl would run kubekey for a context, if it must use that context's settings; returns
/// if the command must continue with its own.
///
/// # Errors
/// [`ErrorKind::Usage`] if the requested context does not run kubekey, or if there is no context and no other source
/// names the provider.
pub fn take_context(command: &Command, flags: &Flags) -> Result<()> {
    let (words, of) = match command {
        Command::GetToken => return refuse_by_hand(flags),
        Command::Login(of) => (vec!["login"], of),
        Command::Logout(asked) if asked.is_of_list() => return Ok(()),
        Command::Logout(asked) => {
            (["logout"].into_iter().chain(asked.browser.then_some("--browser")).collect(), &asked.of)
        }
        Command::Token { decode, of } => (["token"].into_iter().chain(decode.then_some("--decode")).collect(), of),
        Command::Whoami { output, of } => (words_in("whoami", *output), of),
        Command::Doctor(asked) => {
            let share = asked.share.then_some("--share");
            (words_in("doctor", asked.output).into_iter().chain(share).collect(), &asked.of)
        }
        Command::Setup(asked) if asked.print.print == Some(Document::KubeApiserver) => {
            return take_for_api_server(asked, flags);
        }
        Command::Config(Config::Show { origin, output, of }) => (words_of_show(*origin, *output), of),
        _ => return Ok(()),
    };
    match !of.is_asked() && has_own(flags) {
        _ if is_settled() => Ok(()),
        true if words[0] == "doctor" => Ok(()),
        true => {
            say_unused(flags);
            Ok(())
        }
        false => use_context(&words, of, flags),
    }
}

/// Returns only if the command must continue with its own settings. `doctor` reports by itself what is wrong with the
/// context, or that it is not used.
fn use_context(words: &[&str], of: &OfContext, flags: &Flags) -> Result<()> {
    let is_doctor = words[0] == "doctor";
    let is_enough = || is_doctor || !of.is_asked() && (words[0] == "config" || is_in_files(flags));
    let contexts = match read(of) {
        Err(_) if is_doctor => return Ok(()),
        Err(error) if is_enough() => {
            terminal::warning(&error.to_string());
            return Ok(());
        }
        contexts => contexts?,
    };
    let command = words.join(" ");
    let name = match name_of_context(&contexts, of, &command) {
        Err(_) if is_doctor => return Ok(()),
        name => name?,
    };
    match name.and_then(|name| contexts.find(name)) {
        Some(context) if is_doctor && flags_of_user(&context).is_err() => Ok(()),
        Some(context) if context.is_ours() => run_anew(&context, words_with(words, &context, of, flags), flags),
        found if words[0] == "config" && is_enough() => {
            let broken = broken(&contexts, found.as_ref()).filter(|_| !is_in_files(flags));
            broken.into_iter().for_each(|broken| terminal::warning(&broken));
            Ok(())
        }
        _ if is_enough() || (contexts.is_empty() && !of.is_asked()) => Ok(()),
        found => Err(with_others(refusal(&contexts, name, found.as_ref(), of), &contexts, of, &command)),
    }
}

/// Whether the caller has chosen the settings: kubectl, or [`run_anew`], sets the variable together with all the rest.
pub(super) fn is_settled() -> bool {
    variable("KUBERNETES_EXEC_INFO").is_some_and(|info| !info.is_empty())
}

/// Rejects a plugin run by hand without settings where a context already runs kubekey: the user needs `kubectl` or
/// `kubekey login`, not `kubekey setup`.
fn refuse_by_hand(flags: &Flags) -> Result<()> {
    if is_settled() || has_own(flags) || is_in_files(flags) {
        return Ok(());
    }
    let Ok(contexts) = Contexts::of_session() else { return Ok(()) };
    let Some(context) = current_of_ours(&contexts) else { return Ok(()) };
    let login = match is_plain(context.name) {
        true => format!(", or '{}' to sign in now", command_of("login", context.name, None)),
        false => String::new(),
    };
    Err(Error::new(ErrorKind::Usage, "no issuer URL is set: kubekey is run by kubectl, with the settings of a context")
        .hint(format!("run 'kubectl get pods'{login}")))
}

/// Tells who gives an issuer without a client ID, or the other way round, that the other one is not that of the context.
fn say_unused(flags: &Flags) {
    let Ok(layers) = Layers::read(flags, variable, None) else { return };
    let is_given = |flag: &str| layers.given.text(flag).is_some();
    let given = match (is_given("issuer-url"), is_given("client-id")) {
        (true, false) => "an issuer URL is given without a client ID",
        (false, true) => "a client ID is given without an issuer URL",
        _ => return,
    };
    let Ok(contexts) = Contexts::of_session() else { return };
    let Some(context) = current_of_ours(&contexts) else { return };
    let (name, is_usable) = (context.name, flags_of_user(&context).is_ok());
    let otherwise =
        if is_usable && is_plain(name) { format!("; --context {} uses them", quoted(name)) } else { String::new() };
    terminal::notice(&format!("{given}: the settings of the current context '{name}' are not used{otherwise}"));
}

/// The API server's configuration is for the provider of the requested context, or else of the current one unless another
/// provider is set.
fn take_for_api_server(asked: &Setup, flags: &Flags) -> Result<()> {
    let (context, kubeconfig) = (asked.context.clone(), asked.kubeconfig.as_ref().map(PathBuf::from));
    let of = OfContext { context, cluster: None, kubeconfig };
    if is_settled() || asked.cluster.is_some() || (!of.is_asked() && has_own(flags)) {
        return Ok(());
    }
    let contexts = match read(&of) {
        Err(error) if !of.is_asked() => {
            terminal::warning(&error.to_string());
            return Ok(());
        }
        contexts => contexts?,
    };
    let name = of.context.as_deref().or(contexts.current.as_deref());
    let found = name.and_then(|name| contexts.find(name));
    let Some(context) = found.as_ref().filter(|context| context.is_ours()) else {
        let words = "setup --print kube-apiserver";
        let error = || with_others(refusal(&contexts, name, found.as_ref(), &of), &contexts, &of, words);
        return if of.is_asked() { Err(error()) } else { Ok(()) };
    };
    let mut own = flags.clone();
    own.replace("certificate-authority", &asked.issuer_certificate_authority);
    run_anew(context, std::env::args_os().skip(1).collect(), &own)
}

/// The current context, if its user runs kubekey.
fn current_of_ours(contexts: &Contexts) -> Option<Context<'_>> {
    contexts.find(contexts.current.as_deref()?).filter(Context::is_ours)
}

/// The name of the requested context: with `--cluster` the current one if it is for that cluster, else the only one.
pub(super) fn name_of_context<'a>(
    contexts: &'a Contexts,
    of: &'a OfContext,
    subcommand: &str,
) -> Result<Option<&'a str>> {
    let Some(cluster) = &of.cluster else { return Ok(of.context.as_deref().or(contexts.current.as_deref())) };
    let mut all = contexts.ours();
    all.retain(|context| context.cluster == cluster);
    let Some(first) = all.first() else {
        let error = Error::new(ErrorKind::Usage, format!("no context for the cluster '{cluster}' runs kubekey"));
        return Err(with_others(error, contexts, of, subcommand));
    };
    if contexts.current.as_deref() == Some(first.name) || all.iter().all(|context| context.user == first.user) {
        return Ok(Some(first.name));
    }
    let error = Error::new(ErrorKind::Usage, format!("several users have a context for the cluster '{cluster}'"));
    Err(with_commands(error.hint("use one of the contexts:"), &all, of, subcommand))
}

fn words_in(command: &'static str, output: Format) -> Vec<&'static str> {
    [command].into_iter().chain((output == Format::Json).then_some("--output=json")).collect()
}

fn words_of_show(origin: bool, output: Output) -> Vec<&'static str> {
    let json = (output == Output::Json).then_some("--output=json");
    ["config", "show"].into_iter().chain(json).chain(origin.then_some("--origin")).collect()
}

/// The words of this command line that the new run needs.
fn words_with(words: &[&str], context: &Context<'_>, of: &OfContext, flags: &Flags) -> Vec<OsString> {
    let flag = |name: &str, value: &std::ffi::OsStr| {
        let mut flag = OsString::from(format!("--{name}="));
        flag.push(value);
        flag
    };
    let (of_command, names): (Vec<&str>, Vec<_>) = words.iter().partition(|word| word.starts_with("--"));
    let mut all: Vec<OsString> = names.iter().map(OsString::from).collect();
    let own = flags.0.iter().flat_map(|(key, texts)| texts.iter().map(|text| flag(key.flag, text.as_ref())));
    all.extend(own);
    // kubelogin's defaults hold there, too.
    all.extend(flags.1.redirect_host.iter().map(|host| flag("oidc-redirect-url-hostname", host.as_ref())));
    // Between the caller's own settings and those of the context, so that a hint can tell which are which.
    all.push(flag("context", context.name.as_ref()));
    all.extend(of.kubeconfig.iter().map(|path| flag("kubeconfig", path.as_os_str())));
    all.extend(of_command.iter().map(OsString::from));
    all
}

fn has_own(flags: &Flags) -> bool {
    let is_flag =
        flags.0.iter().any(|(key, texts)| OWN.contains(&key.flag) && texts.iter().any(|text| !text.is_empty()));
    let variables = ["IDP_ISSUER_URL", "KUBEKEY_ISSUER_URL", "KUBEKEY_CLIENT_ID", "KUBEKEY_PROFILE"];
    is_flag || variables.into_iter().any(|name| variable(name).is_some_and(|value| !value.is_empty()))
}

fn is_in_files(flags: &Flags) -> bool {
    Layers::read(flags, variable, None).is_ok_and(|layers| layers.given.text("issuer-url").is_some())
}

pub(super) fn read(of: &OfContext) -> Result<Contexts> {
    if let Some(path) = of.kubeconfig.as_deref().filter(|path| path.try_exists().is_ok_and(|is_there| !is_there)) {
        return Err(Error::new(ErrorKind::Usage, format!("{} does not exist", path.display()))
            .hint("fix the path after --kubeconfig, or leave it out"));
    }
    Contexts::read(&Files::find(of.kubeconfig.as_deref())?, kubeconfig::LARGEST)
}

/// Why the current context is broken; kubectl cannot use it either.
fn broken(contexts: &Contexts, found: Option<&Context<'_>>) -> Option<String> {
    match (found, &contexts.current) {
        (Some(context), _) => context.lacks(),
        (None, Some(name)) => Some(no_current(name)),
        (None, None) => None,
    }
}
