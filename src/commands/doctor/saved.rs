//! The saved sign-in, and for whom the API server takes the user.

use chrono::Utc;
use serde_json::Value;

use super::super::whoami::claims;
use super::line::Line;
use crate::api_server::ApiServer;
use crate::credential_key::CredentialKey;
use crate::exec_credential::ExecInfo;
use crate::kubeconfig::Context;
use crate::local_time;
use crate::policy::Policy;
use crate::settings::Settings;
use crate::sign_in::cool_down;
use crate::token::{IdToken, Saved};
use crate::token_cache::{TokenCache, Unlock};

/// Whether there is a valid token, and what the API server of `context` says about it. Returns also the names in the
/// token and in the server's response. Nobody is signed in, and nothing is refreshed.
pub fn check(
    settings: &Settings,
    exec_info: &ExecInfo,
    policy: &Policy,
    context: Option<&Context<'_>>,
) -> (Vec<Line>, Vec<String>) {
    let cache = TokenCache::new(settings);
    let saved = cache
        .load_from_kernel()
        .or_else(|| cache.load_parked())
        .map_or_else(|| cache.load(Unlock::Never).ok()?.1, Some);
    let Some(id_token) = saved.as_ref().and_then(|saved| saved.fresh(Utc::now())) else {
        return (vec![without_token(saved.as_ref())], Vec::new());
    };
    let until = local_time::format(id_token.expires_at, "%Y-%m-%d %H:%M:%S %:z");
    let mut lines = vec![Line::ok("sign-in", format!("a token is saved, and valid until {until}"))];
    let mut names = Vec::new();
    claims(id_token).values().for_each(|value| collect(value, &mut names));
    if let Some(context) = context {
        let (line, others) = ask(exec_info, policy, context, id_token);
        lines.push(line);
        names.extend(others);
    }
    (lines, names)
}

fn without_token(saved: Option<&Saved>) -> Line {
    match saved.is_some_and(|saved| saved.session.is_some()) {
        true => Line::ok("sign-in", "the saved token has expired; the next run of kubectl refreshes it"),
        false => Line::ok("sign-in", "no valid token is saved; the next run of kubectl signs you in"),
    }
}

/// The cool-down, while there is one.
pub fn cool_down(settings: &Settings) -> Option<Line> {
    let error = cool_down::check(settings, &CredentialKey::new(settings)).err()?;
    Some(Line::warning("cool-down", error.to_string(), error.what_to_do()))
}

/// Asks under the same conditions as `whoami`.
fn ask(exec_info: &ExecInfo, policy: &Policy, context: &Context<'_>, id_token: &IdToken) -> (Line, Vec<String>) {
    let user = policy
        .check_cluster(exec_info.cluster.as_ref())
        .and_then(|()| ApiServer::of(context, policy))
        .and_then(|server| server.who(id_token));
    match user {
        Err(error) => (Line::of("API server", &error), Vec::new()),
        Ok(user) => {
            let mut names = Vec::new();
            user.values().for_each(|value| collect(value, &mut names));
            (taken_for(user.get("username").and_then(Value::as_str).unwrap_or_default(), &user), names)
        }
    }
}

fn taken_for(username: &str, user: &serde_json::Map<String, Value>) -> Line {
    let groups = user.get("groups").and_then(Value::as_array).map(Vec::len).unwrap_or_default();
    match username {
        "system:anonymous" | "" => Line::error(
            "API server",
            "it did not see the token, and takes you for nobody",
            "a proxy in front of it may remove the header field Authorization: tell the cluster's administrator",
        ),
        name => Line::ok("API server", format!("it takes you for '{name}', with {groups} group(s)")),
    }
}

/// All strings in a value.
fn collect(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::String(text) => names.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        Value::Object(fields) => fields.values().for_each(|item| collect(item, names)),
        _ => {}
    }
}
