//! `kubekey status`: the saved sign-ins.

use std::io::Write;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::context::{name_of_context, read, refusal, with_others};
use super::listed::{SignIn, sign_ins, users};
use super::output::print;
use super::status_table::table;
use crate::cli::{OfContext, StatusOutput};
use crate::error::{Error, ErrorKind, Result};
use crate::kubeconfig::{Contexts, command_of};
use crate::log;
use crate::policy::Policy;

/// The maximum number of commands in the hint.
const MOST_NAMED: usize = 5;

/// Lists the saved sign-ins, or that of one context.
///
/// # Errors
/// [`ErrorKind::SignIn`] if none can be used, after they have been printed.
pub fn status(output: StatusOutput, of: &OfContext, out: &mut impl Write) -> Result<()> {
    let policy = Policy::load()?;
    let contexts = read(of).inspect_err(|error| log::debug(format_args!("kubeconfig: {error}")));
    let is_one = of.context.is_some() || of.cluster.is_some();
    let only = match &contexts {
        Ok(contexts) if is_one => Some(chosen(contexts, of)?),
        _ => None,
    };
    let contexts = match contexts {
        Err(error) if is_one || of.kubeconfig.is_some() => return Err(error),
        contexts => contexts.ok(),
    };
    let users = contexts.as_ref().map(|contexts| users(contexts, &policy)).unwrap_or_default();
    let mut all = sign_ins(&users, &policy.session_rules());
    all.retain(|one| only.as_ref().is_none_or(|only| one.contexts.contains(only)));
    let now = Utc::now();
    match output {
        StatusOutput::Json => print(out, &format!("{:#}\n", as_json(&all, now)))?,
        _ => print(out, &table(&all, output == StatusOutput::Wide, now))?,
    }
    match all.iter().any(|one| one.is_usable(now)) {
        true => Ok(()),
        false => Err(none_usable(all.is_empty(), only.as_deref(), contexts.as_ref(), of)),
    }
}

/// The name of the requested context, which must run kubekey.
fn chosen(contexts: &Contexts, of: &OfContext) -> Result<String> {
    let name = name_of_context(contexts, of, "status")?;
    match name.and_then(|name| contexts.find(name)) {
        Some(context) if context.is_ours() => Ok(context.name.to_owned()),
        found => Err(with_others(refusal(name, found.as_ref(), of), contexts, of, "status")),
    }
}

fn as_json(all: &[SignIn], now: DateTime<Utc>) -> Value {
    let time =
        |seconds: i64| DateTime::from_timestamp(seconds, 0).filter(|_| seconds > 0).map(|time| time.to_rfc3339());
    let one = |one: &SignIn| {
        json!({
            "issuer": one.kept.issuer,
            "client_id": one.kept.client_id,
            "account": one.kept.account,
            "contexts": one.contexts,
            "expires_at": time(one.expires_at.timestamp()),
            "refreshable": one.is_refreshable,
            "usable": one.is_usable(now),
            "storage": one.kept.storage,
            "token_dir": one.kept.dir,
            "signed_in_at": time(one.kept.signed_in_at),
            "refreshed_at": one.refreshed_at().and_then(time),
        })
    };
    json!({ "sign_ins": all.iter().map(one).collect::<Vec<_>>() })
}

fn none_usable(is_empty: bool, only: Option<&str>, contexts: Option<&Contexts>, of: &OfContext) -> Error {
    let message = if is_empty { "no sign-in is saved" } else { "no saved sign-in can be used any more" };
    let error = Error::new(ErrorKind::SignIn, message);
    let file = of.kubeconfig.as_ref().map(|path| path.to_string_lossy());
    let ours = contexts.map(Contexts::ours).unwrap_or_default();
    let names = ours.iter().map(|context| context.name).filter(|name| only.is_none_or(|only| only == *name));
    let commands: Vec<_> = names.map(|name| command_of("login", name, file.as_deref())).take(MOST_NAMED).collect();
    match commands.is_empty() {
        true => error.hint("run 'kubekey setup', which writes a context and offers to sign in"),
        false => error.hint("sign in:").commands(commands),
    }
}
