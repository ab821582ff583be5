//! `kubekey status`: the saved sign-ins.

use std::io::Write;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::context::{name_of_context, read};
use super::listed::{SignIn, Users, sign_ins};
use super::refusal::{refusal, to_move, with_others};
use super::setup::offer;
use super::status_table::table;
use crate::cli::{OfContext, StatusOutput};
use crate::config::{Flags, Layers};
use crate::environment::variable;
use crate::error::{Error, ErrorKind, Result};
use crate::kubeconfig::{Contexts, command_of, of_file};
use crate::output::print;
use crate::policy::Policy;
use crate::terminal;

/// Lists the saved sign-ins, or that of one context.
///
/// # Errors
/// [`ErrorKind::SignIn`] if none can be used, after they have been printed. If the configuration, the policy or the settings
/// of that context cannot be used, as in a run of kubectl, which cannot use a sign-in then.
pub fn status(output: StatusOutput, of: &OfContext, out: &mut impl Write) -> Result<()> {
    let policy = Policy::load()?;
    let contexts = contexts(of)?;
    let is_one = of.context.is_some() || of.cluster.is_some();
    let known = contexts.as_ref().ok().filter(|_| is_one);
    let only = known.map(|contexts| chosen(contexts, output, of)).transpose()?;
    let users = contexts.as_ref().map(|contexts| Users::of(contexts, &policy)).unwrap_or_default();
    // A context may replace what is wrong, such as the profile.
    if let (Err(error), true) = (Layers::read(&Flags::default(), variable, None), users.is_empty()) {
        return Err(error);
    }
    report(&users, only.as_deref())?;
    let (mut all, now) = (sign_ins(&users, &policy.session_rules())?, Utc::now());
    let digest = only.as_deref().and_then(|name| users.digest_of(name));
    let elsewhere = all.iter().find(|one| digest == Some(&one.digest)).map(SignIn::place);
    all.retain(|one| only.as_ref().is_none_or(|only| one.contexts.contains(only)));
    match output {
        StatusOutput::Json => print(out, &format!("{:#}\n", as_json(&all, now)))?,
        _ => print(out, &table(&all, output == StatusOutput::Wide, now))?,
    }
    match all.iter().any(|one| one.is_usable(now)) {
        true => Ok(()),
        false => Err(none_usable(&message(all.is_empty(), elsewhere), only.as_deref(), &contexts, &users, of)),
    }
}

/// The contexts, or why they cannot be read, of which the user is warned.
///
/// # Errors
/// That one, if a context or a kubeconfig is asked for.
fn contexts(of: &OfContext) -> Result<Result<Contexts>> {
    match read(of) {
        Err(error) if of.is_asked() => Err(error),
        contexts => Ok(contexts.inspect_err(|error| terminal::warning(&error.to_string()))),
    }
}

/// Reports the contexts whose settings cannot be used.
///
/// # Errors
/// That of the requested context.
fn report(users: &Users, only: Option<&str>) -> Result<()> {
    for (name, error) in &users.unusable {
        match only {
            Some(only) if *only == *name => return Err(error.clone()),
            Some(_) => {}
            // It may have the name in it.
            None if error.to_string().contains(&format!("context '{name}'")) => terminal::warning(&error.to_string()),
            None => terminal::warning(&format!("context '{name}' cannot be used: {error}")),
        }
    }
    Ok(())
}

/// The name of the requested context, which must run kubekey.
fn chosen(contexts: &Contexts, output: StatusOutput, of: &OfContext) -> Result<String> {
    let command = match output {
        StatusOutput::Text => "status",
        StatusOutput::Wide => "status --output=wide",
        StatusOutput::Json => "status --output=json",
    };
    let name = name_of_context(contexts, of, command)?;
    match name.and_then(|name| contexts.find(name)) {
        Some(context) if context.is_ours() => Ok(context.name.to_owned()),
        found => Err(with_others(refusal(contexts, name, found.as_ref(), of), contexts, of, command)),
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
            "account_name": Some(&one.kept.account_name).filter(|name| !name.is_empty()),
            "contexts": one.contexts,
            "expires_at": time(one.expires_at.timestamp()),
            "refreshable": one.is_refreshable,
            "usable": one.is_usable(now),
            "token": if one.kept.is_access_token { "access_token" } else { "id_token" },
            "storage": one.kept.storage,
            "token_dir": one.kept.dir,
            "signed_in_at": time(one.kept.signed_in_at),
            "refreshed_at": one.refreshed_at().and_then(time),
        })
    };
    json!({ "sign_ins": all.iter().map(one).collect::<Vec<_>>() })
}

/// Why none can be used; `elsewhere` is where the requested context does not look for its sign-in.
fn message(is_empty: bool, elsewhere: Option<String>) -> String {
    match (is_empty, elsewhere) {
        (false, _) => "no saved sign-in can be used any more".to_owned(),
        (true, None) => "no sign-in is saved".to_owned(),
        (true, Some(place)) => format!(
            "no sign-in is saved where this context looks for it; there is one elsewhere ({place}), \
             made with another --token-storage or --token-dir"
        ),
    }
}

fn none_usable(message: &str, only: Option<&str>, contexts: &Result<Contexts>, users: &Users, of: &OfContext) -> Error {
    let error = Error::new(ErrorKind::SignIn, message);
    let file = of.kubeconfig.as_ref().map(|path| path.to_string_lossy());
    // One sign-in serves all contexts that share it.
    let names = only.map_or_else(|| users.one_for_each(), |only| vec![only]);
    let commands: Vec<_> = names.iter().map(|name| command_of("login", name, file.as_deref())).collect();
    let contexts = match contexts {
        Err(unreadable) => return error.hint(unreadable.what_to_do()).commands(unreadable.to_run().to_vec()),
        Ok(contexts) => contexts,
    };
    match (commands.is_empty(), offer(contexts, of.kubeconfig.as_ref())) {
        (false, _) => error.hint("sign in:").commands(commands),
        (true, _) if !users.unusable.is_empty() => error.hint("fix the settings of the contexts in the kubeconfig"),
        (true, Some(offer)) => error.hint(to_move(&offer)).commands([offer.command]),
        (true, None) => error.hint(format!(
            "run 'kubekey setup{}', which writes a context and offers to sign in",
            of_file(of.kubeconfig.as_ref())
        )),
    }
}
