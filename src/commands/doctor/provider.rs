//! The provider: its discovery document, its certificate, the proxy in between, its clock and its keys.

use chrono::{DateTime, TimeDelta, Utc};

use super::line::Line;
use crate::event_loop;
use crate::oidc::{Examination, examine, proxy_of_provider};
use crate::settings::Settings;

const CHECK: &str = "provider";

/// More than this is a warning: an ID token may be rejected, and a certificate may count as expired.
const LARGEST_SKEW: TimeDelta = TimeDelta::seconds(60);

/// What the provider says now; `None` if it cannot be used.
pub fn check(settings: &Settings) -> (Option<Examination>, Vec<Line>) {
    let proxy = match proxy_of_provider(settings) {
        Ok(proxy) => Line::ok("proxy", proxy.map_or_else(|| "none".to_owned(), |name| format!("{name} is used"))),
        Err(error) => return (None, vec![Line::of("proxy", &error)]),
    };
    let examined = event_loop::run(async {
        let found = examine(settings).await?;
        let now = Utc::now();
        let keys = found.provider.refetch_keys().await;
        Ok((found, keys, now))
    });
    match examined {
        Err(error) => (None, vec![proxy, Line::of(CHECK, &error)]),
        Ok((found, keys, now)) => {
            let keys = match keys {
                Ok(_) => Line::ok("keys", "they can be used"),
                Err(error) => Line::of("keys", &error),
            };
            let lines = vec![proxy, discovered(settings), clock(found.served_at, now), keys];
            (Some(found), lines)
        }
    }
}

fn discovered(settings: &Settings) -> Line {
    let issuer = settings.issuer_url.as_str();
    let found = format!("{issuer} has a discovery document");
    match (settings.tls.skips_verification, settings.issuer_url.url().scheme()) {
        (true, _) => Line::warning(
            CHECK,
            format!("{found}, and its certificate is not verified: anyone can intercept the connection"),
            "remove insecure-skip-tls-verify, and give its CA with --certificate-authority",
        ),
        (false, "https") => Line::ok(CHECK, format!("{found}, and its certificate is verified")),
        (false, _) => Line::ok(CHECK, format!("{found}, over http on this machine")),
    }
}

/// Compares the clocks. The response was on its way for a while, and the header has whole seconds.
fn clock(served_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Line {
    let Some(served_at) = served_at else { return Line::ok("clock", "the provider does not tell its time") };
    let ahead = now - served_at;
    let seconds = ahead.num_seconds().abs();
    match ahead.abs() > LARGEST_SKEW {
        false => Line::ok("clock", "at most a minute from the provider's"),
        true => Line::warning(
            "clock",
            format!("{seconds} s {} the provider's", if ahead > TimeDelta::zero() { "ahead of" } else { "behind" }),
            "set this machine's clock: tokens and certificates depend on it",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::Verdict;
    use super::*;

    #[test]
    fn a_clock_is_compared_in_both_directions() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        for (ahead, verdict, words) in [
            (0, Verdict::Ok, "at most a minute from the provider's"),
            (60, Verdict::Ok, "at most a minute from the provider's"),
            (61, Verdict::Warning, "61 s ahead of the provider's"),
            (-60, Verdict::Ok, "at most a minute from the provider's"),
            (-3600, Verdict::Warning, "3600 s behind the provider's"),
        ] {
            let line = clock(Some(now - TimeDelta::seconds(ahead)), now);
            assert_eq!((line.verdict, line.what.as_str()), (verdict, words), "{ahead}");
        }
    }
}
