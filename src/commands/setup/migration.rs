//! `kubekey setup --from-kubelogin`, `--from-original`, `--from-auth-provider`: moves users of the kubeconfig who sign in
//! with another program to kubekey. Nothing else in the kubeconfig changes.

use std::io::Write;

use serde_json::{Value, json};

use super::entries::{self, Plugin};
use super::newcomer::{Newcomer, OF_ORIGINAL, Program, no_such, secrets};
use super::report::{self, Format};
use super::written::{files_of, write};
use crate::cli;
use crate::config::Flags;
use crate::error::{Error, ErrorKind, Result};
use crate::kubeconfig::{self, Contexts, Exec, LARGEST, Replacement};
use crate::policy::Policy;
use crate::terminal;

/// What is said about a user, with the user's name.
type Note = (String, String);

/// Moves the users, after a person has seen the changes. Returns whether anything was changed, or would be.
///
/// # Errors
/// [`ErrorKind::Usage`] for a user or a context that is not there or signs in in another way, [`ErrorKind::Failed`] if a
/// kubeconfig cannot be changed.
pub fn migrate(flags: &Flags, asked: &cli::Setup, out: &mut impl Write) -> Result<bool> {
    refuse_settings(flags)?;
    let format = Format::parse(asked.output.as_deref())?;
    let is_shown = terminal::is_interactive() && !asked.yes && !asked.dry_run;
    let files = files_of(asked)?;
    let contexts = Contexts::read(&files, LARGEST)?;
    let (replacements, notes) = replacements(&contexts, asked)?;
    notes.iter().for_each(|(user, note)| terminal::warning(&format!("user '{user}': {note}")));
    // A diff shows lines of other users, too.
    let secrets: Vec<_> = contexts.users().into_iter().flat_map(|(_, user)| secrets(user)).collect();
    let planned = || kubeconfig::plan_replacements(&files, &replacements, &secrets);
    let (changes, backups) = write(&files, asked.dry_run, is_shown, planned)?;
    let users: Vec<_> = replacements.iter().map(|moved| moved.entry.name.as_str()).collect();
    let notes: Vec<_> = notes.iter().map(|(user, note)| json!({ "user": user, "note": note })).collect();
    let document = json!({
        "changed": !changes.is_empty(),
        "dryRun": asked.dry_run,
        "users": users,
        "notes": notes,
        "files": report::documents(&changes, &backups, asked.dry_run),
    });
    report::print(format, asked.dry_run, &changes, &document, out)?;
    if format == Format::Text {
        report::notice_changes(&changes, asked.dry_run);
        if changes.is_empty() {
            terminal::notice("nothing is changed: no user of the kubeconfig can be moved");
        }
    }
    Ok(!changes.is_empty())
}

/// The users keep their own settings.
fn refuse_settings(flags: &Flags) -> Result<()> {
    match flags.0.first() {
        None => Ok(()),
        Some((key, _)) => {
            Err(Error::new(ErrorKind::Usage, format!("--{} has no effect on users who are moved", key.flag))
                .hint("remove it, and change the args of the user in the kubeconfig afterwards"))
        }
    }
}

/// The new entries of the users who are moved, and what is said about these and others.
fn replacements(contexts: &Contexts, asked: &cli::Setup) -> Result<(Vec<Replacement>, Vec<Note>)> {
    let (policy, plugin) = (Policy::load()?, Plugin::of(asked)?);
    let named = named(contexts, asked)?;
    let (mut replacements, mut notes) = (Vec::new(), Vec::new());
    for (name, user) in contexts.users() {
        if named.as_ref().is_some_and(|named| named != name) {
            continue;
        }
        let Some(program) = Program::of(user, asked.from) else {
            notes.extend(wrapper(user).filter(|_| asked.from.from_kubelogin).map(|note| (name.to_owned(), note)));
            continue;
        };
        match Newcomer::of(user, program, &policy) {
            Ok(newcomer) => {
                notes.extend(newcomer.notes.iter().map(|note| (name.to_owned(), note.clone())));
                replacements.push(replacement(name, (user, program), &plugin, newcomer));
            }
            Err(error) => notes.push((name.to_owned(), format!("stays as it is: {error}"))),
        }
    }
    Ok((replacements, notes))
}

/// The user of `--user` or `--context`.
fn named(contexts: &Contexts, asked: &cli::Setup) -> Result<Option<String>> {
    let of_file = kubeconfig::of_file(asked.kubeconfig.as_ref());
    let of_context = asked.context.as_deref().map(|name| match contexts.find(name) {
        Some(context) => Ok(context.user.to_owned()),
        None => Err(Error::new(ErrorKind::Usage, format!("the kubeconfig has no context '{name}'"))
            .hint(format!("'kubectl config get-contexts{of_file}' lists them"))),
    });
    let Some(name) = asked.user.clone().map(Ok).or(of_context).transpose()? else { return Ok(None) };
    let user = contexts.users().into_iter().find(|(user, _)| *user == name).map(|(_, user)| user);
    let is_ours = |user: &Value| Exec::read(&user["exec"]).is_some_and(|exec| exec.is_ours());
    match user {
        None => Err(Error::new(ErrorKind::Usage, format!("the kubeconfig has no user '{name}'"))
            .hint(format!("'kubectl config view{of_file}' shows the users"))),
        Some(user) if Program::of(user, asked.from).is_none() && !is_ours(user) => {
            Err(no_such(&format!("user '{name}'"), &of_file))
        }
        Some(_) => Ok(Some(name)),
    }
}

fn wrapper(user: &Value) -> Option<String> {
    let exec = Exec::read(&user["exec"])?;
    let command = exec.wrapper_of_kubelogin()?;
    Some(format!("stays as it is: it runs kubelogin by '{command}'; run kubekey in its place yourself"))
}

fn replacement(name: &str, (user, program): (&Value, Program), plugin: &Plugin, newcomer: Newcomer) -> Replacement {
    let mut entry = entries::user(name, plugin, newcomer.arguments);
    if let (Some(env), Program::Original) = (user["exec"]["env"].as_array(), program) {
        let is_kept = |pair: &&Value| OF_ORIGINAL.iter().all(|name| pair["name"] != *name);
        let kept: Vec<_> = env.iter().filter(is_kept).cloned().collect();
        entry.fields["exec"]["env"] = if kept.is_empty() { Value::Null } else { kept.into() };
    }
    Replacement { entry, removes: &["auth-provider"] }
}
