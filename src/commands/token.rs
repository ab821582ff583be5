//! `kubekey token`: the ID token for a script, or what it says.

use std::io::Write;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::span::relative;
use crate::error::Result;
use crate::local_time;
use crate::output::print;
use crate::printable::sanitise_whole;
use crate::token::{self, IdToken};

/// The claims that are times in Unix seconds (RFC 7519 §4.1, OpenID Connect Core §2 and §5.1).
const TIMES: [&str; 5] = ["exp", "iat", "nbf", "auth_time", "updated_at"];

/// Prints the token, or with `decode` its header and its claims. The signature is left out, so that what is printed
/// can be shown to others without being of use to them.
///
/// # Errors
/// If standard output cannot be written to.
pub fn token(id_token: &IdToken, decode: bool, out: &mut impl Write) -> Result<()> {
    let jwt = id_token.jwt.expose();
    if !decode {
        return print(out, &format!("{jwt}\n"));
    }
    let now = Utc::now();
    let Some((header, claims)) = token::objects(jwt) else {
        // RFC 6749 §1.4: an access token may be a string that says something only to the provider.
        let end = local_time::format(id_token.expires_at, "%Y-%m-%d %H:%M:%S %:z");
        return print(
            out,
            &format!("opaque, without claims\nexpires  {end} ({})\n", relative(id_token.expires_at, now)),
        );
    };
    print(out, &format!("header\n{}\nclaims\n{}", lines(&header, now), lines(&claims, now)))
}

/// A line for each field, aligned.
pub(super) fn lines(fields: &Map<String, Value>, now: DateTime<Utc>) -> String {
    let width = fields.keys().map(|name| sanitise_whole(name).chars().count()).max().unwrap_or_default();
    let line = |(name, value): (&String, &Value)| {
        let name = sanitise_whole(name);
        format!("  {name:width$}  {}\n", sanitise_whole(&in_words(&name, value, now)))
    };
    fields.iter().map(line).collect()
}

fn in_words(name: &str, value: &Value, now: DateTime<Utc>) -> String {
    let time = value.as_f64().filter(|_| TIMES.contains(&name));
    match (time.and_then(|seconds| DateTime::from_timestamp(seconds as i64, 0)), value) {
        (Some(time), _) => {
            format!("{} ({})", local_time::format(time, "%Y-%m-%d %H:%M:%S %:z"), relative(time, now))
        }
        (None, Value::String(text)) => text.clone(),
        (None, Value::Array(items)) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        }
        (None, other) => other.to_string(),
    }
}
