//! Runs this program again with the settings of a context, as kubectl would.

use std::ffi::OsString;
use std::process::Command as Process;

use crate::cli::flags_of;
use crate::config::Flags;
use crate::config::keys::KEYS;
use crate::environment;
use crate::error::{Error, ErrorKind, Result};
use crate::kubeconfig::Context;
use crate::{log_level, terminal};

/// The variables of a kubeconfig's user that are taken over, besides `KUBEKEY_*`. All others are ignored: `config show`
/// with an untrusted kubeconfig must not run any code from it.
const VARIABLES: [&str; 25] = [
    "IDP_ISSUER_URL",
    "CLIENT_ID",
    "CLIENT_SECRET",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HOME",
    "PATH",
    "BROWSER",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "DBUS_SESSION_BUS_ADDRESS",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "XDG_CACHE_HOME",
    "TZ",
    "TMPDIR",
];

/// Runs this program again: the command line has `words` and the settings of the context, except those that `own`
/// replaces. A new process is needed because many variables of the kubeconfig's user are only read when a process
/// starts.
///
/// # Errors
/// [`ErrorKind::Usage`] if the settings of the context cannot be used, [`ErrorKind::Failed`] if the program cannot be
/// run.
pub fn run_anew(context: &Context<'_>, words: Vec<OsString>, own: &Flags) -> Result<()> {
    let Some(exec) = &context.exec else { return Ok(()) };
    let of_context = flags_of_user(context)?;
    terminal::notice(&format!("using the settings of context '{}'", context.name));
    let program = std::env::current_exe().map_err(|error| not_run(&error))?;
    let mut process = Process::new(program);
    // Hints repeat the name that the user called it by.
    #[cfg(unix)]
    if let Some(name) = std::env::args_os().next() {
        std::os::unix::process::CommandExt::arg0(&mut process, name);
    }
    let is_setup = words.first().is_some_and(|command| command == "setup");
    process.args(words);
    for (key, texts) in of_context.0.iter().filter(|(key, _)| !is_replaced(key.flag, own)) {
        // In `setup`, `--certificate-authority` is the cluster's.
        let of_issuer = if is_setup && key.flag == "certificate-authority" { "issuer-" } else { "" };
        process.args(texts.iter().map(|text| format!("--{of_issuer}{}={text}", key.flag)));
    }
    let hosts = of_context.1.redirect_host.iter();
    process.args(hosts.map(|host| format!("--oidc-redirect-url-hostname={host}")));
    process.envs(
        exec.env
            .iter()
            .filter(|(name, _)| is_taken(&environment::compared(name.as_ref())))
            .map(|(name, value)| (name, value)),
    );
    process.env("KUBERNETES_EXEC_INFO", context.exec_info());
    // What '--verbose' asked for.
    process.env("KUBEKEY_LOG", log_level::name());
    Err(not_run(&become_it(&mut process)))
}

/// The settings in the arguments of the context's user.
///
/// # Errors
/// [`ErrorKind::Usage`] if they cannot be used.
pub(super) fn flags_of_user(context: &Context<'_>) -> Result<Flags> {
    flags(context).map_err(|error| unusable(context, &error.to_string()))
}

/// The same, with an error that repeats none of these arguments.
///
/// # Errors
/// [`ErrorKind::Usage`] if they cannot be used.
pub(super) fn shareable_flags_of_user(context: &Context<'_>) -> Result<Flags> {
    flags(context).map_err(|error| unusable(context, &without_words(&error.to_string())))
}

fn flags(context: &Context<'_>) -> Result<Flags> {
    flags_of(context.exec.as_ref().map(|exec| exec.args.as_slice()).unwrap_or_default())
}

fn unusable(context: &Context<'_>, why: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("the args of context '{}' cannot be used: {why}", context.name))
        .hint("fix them in the kubeconfig: kubectl cannot use them either")
}

/// A message about arguments without what it quotes, unless that is a flag of kubekey with the name of its value. A quoted
/// word may have an apostrophe in it.
fn without_words(message: &str) -> String {
    let Some((before, rest)) = message.split_once('\'') else { return message.to_owned() };
    let (quoted, after) = rest.rsplit_once('\'').unwrap_or((rest, ""));
    let is_ours = KEYS.iter().any(|key| quoted == format!("--{} <{}>", key.flag, key.value_name));
    let shown = if is_ours { quoted } else { "..." };
    format!("{before}'{shown}'{after}")
}

/// Whether the variable of this name is taken over.
pub(super) fn is_taken(name: &str) -> bool {
    name.starts_with("KUBEKEY_") || VARIABLES.contains(&name)
}

/// Whether the user's own flags replace this flag of the context. What proves who the client is belongs to its own provider
/// and client, so another issuer or client ID replaces it, too.
fn is_replaced(flag: &str, own: &Flags) -> bool {
    let proofs = ["client-secret", "client-key", "subject-token", "github-audience"];
    let is_secret = proofs.iter().any(|proof| flag.starts_with(proof));
    let replaces = |own: &str| own == flag || is_secret && (own.starts_with("client-") || own == "issuer-url");
    own.0.iter().any(|(key, _)| replaces(key.flag))
}

/// Replaces this process; returns only if that fails.
#[cfg(unix)]
fn become_it(process: &mut Process) -> std::io::Error {
    std::os::unix::process::CommandExt::exec(process)
}

#[cfg(not(unix))]
fn become_it(process: &mut Process) -> std::io::Error {
    match process.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}

fn not_run(error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Failed, format!("kubekey cannot run itself with the settings of the context: {error}"))
        .hint("run the command again, or give the settings as flags: --issuer-url, --client-id")
}
