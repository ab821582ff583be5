//! How and when the provider authenticated the user: the claims `acr` and `auth_time`, and what about an accepted ID token
//! the user should know, because the cluster cannot say it.

use chrono::{DateTime, TimeDelta, Utc};

use super::access_token;
use super::id_token::Claims;
use crate::kubeconfig::login_command_with;
use crate::secret::Secret;
use crate::settings::{Prompt, Settings};

/// The largest ID token that API servers and proxies usually take in a header, in bytes.
const LARGEST: usize = 8 * 1024;

/// How far the provider may round its times.
const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// OpenID Connect Core §3.1.3.7 step 13: the user was authenticated at most `max_age` before the request, which was sent at
/// `asked_at`. Both times of the comparison are the provider's: this machine's clock may be wrong.
pub(super) fn check_max_age(
    claims: &Claims,
    max_age: TimeDelta,
    asked_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), String> {
    let Some(auth_time) = claims.auth_time() else {
        return Err("it does not say when you were authenticated ('auth_time'), although max_age was requested".into());
    };
    let since = claims.iat - auth_time;
    let is_recent = since <= max_age + (now - asked_at) + LEEWAY;
    let (since, max_age) = (since.num_seconds(), max_age.num_seconds());
    is_recent
        .then_some(())
        .ok_or_else(|| format!("you were authenticated {since} s before it was issued, and max_age is {max_age} s"))
}

/// OpenID Connect Core §12.2: a refresh does not authenticate the user again.
pub(super) fn check_unchanged(claims: &Claims, auth_time: Option<i64>) -> Result<(), String> {
    let now = claims.auth_time().map(|time| time.timestamp());
    match auth_time.zip(now).filter(|(before, now)| before != now) {
        Some((before, now)) => Err(format!("its 'auth_time' is {now}, but that of the session is {before}")),
        None => Ok(()),
    }
}

/// What the user should know after a sign-in: of this ID token, and of the token that the cluster gets.
pub(super) fn remarks(claims: &Claims, token: &Secret, settings: &Settings) -> Vec<String> {
    let (mut remarks, length) = (Vec::new(), token.expose().len());
    let which = if settings.use_access_token { "access token" } else { "ID token" };
    let asked = &settings.request.acr_values;
    if !asked.is_empty() && !asked.iter().any(|acr| claims.acr() == Some(acr)) {
        let got = claims.acr().map_or_else(|| "has no 'acr'".to_owned(), |acr| format!("has the 'acr' '{acr}'"));
        remarks.push(format!("the ID token {got}, and requested was '{}'", asked.join(" ")));
    }
    remarks.extend(settings.request.account.as_deref().and_then(|account| of_other_person(account, claims, settings)));
    if settings.use_access_token {
        remarks.extend(access_token::other_issuer(token, settings));
    } else if claims.has_groups_elsewhere() {
        remarks.push(
            "you are in more groups than fit into the ID token, so it names none, and the cluster sees you without groups: \
             have the provider's administrator limit this claim (in Microsoft Entra to 'Groups assigned to the application')"
                .to_owned(),
        );
    }
    if length > LARGEST {
        remarks.push(format!(
            "the {which} has {length} bytes; many API servers and proxies reject more than {LARGEST} in a header (HTTP 431 or \
             401): have the provider's administrator put fewer groups and claims into it"
        ));
    }
    remarks
}

/// A browser in which another person is signed in may return that one in silence. Only an account that is an address says
/// who was meant; any other is a name of the user's choice.
fn of_other_person(account: &str, claims: &Claims, settings: &Settings) -> Option<String> {
    let names = claims.names();
    let is_other = account.contains('@') && !names.iter().any(|name| name.eq_ignore_ascii_case(account));
    let who = names.first().filter(|_| is_other)?;
    let what_to_do = match settings.request.prompt {
        Some(Prompt::SelectAccount) => "choose the other one when you sign in again".to_owned(),
        _ => format!("run {}", login_command_with("--prompt=select_account")),
    };
    Some(format!("you are signed in as {who}, and --account is {account}: if that is not meant, {what_to_do}"))
}
