//! What a certificate says about itself: its name, and when it is valid.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::name::Name;

use crate::terminal;

/// The longest name that is shown, in characters: the rest of the message must stay visible.
const LONGEST_NAME: usize = 200;

/// The name that people know it by: 'CN=Example Root CA, O=Example'; empty if it has none of these parts. The
/// library's own format would show the whole name and add a list of all object identifiers, 190 KB, to the program.
pub fn name(name: &Name) -> String {
    let parts = [("CN", name.common_name()), ("OU", name.organization_unit()), ("O", name.organization())];
    let parts =
        parts.iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_ref().ok()?.as_ref()?.value())));
    parts.collect::<Vec<_>>().join(", ").chars().take(LONGEST_NAME).collect()
}

/// Formats a time from a certificate, given as the time since 1970.
pub fn date(time: Duration) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    DateTime::from_timestamp(seconds, 0).map(|date| date.format("%Y-%m-%d %H:%M UTC").to_string()).unwrap_or_default()
}

/// Warns about authorities that are not valid now, once per run for each `source`. They are trusted all the same: only
/// the name and the key of a trust anchor count (RFC 5280 §6.1.1), but other programs see that differently.
pub(super) fn warn_of_dates(source: &str, certificates: &[CertificateDer<'_>]) {
    static WARNED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let now = Duration::from_secs(Utc::now().timestamp().try_into().unwrap_or_default());
    let mut wrong = certificates.iter().filter_map(|certificate| out_of_date(certificate, now));
    let Some(first) = wrong.next() else { return };
    let others = match wrong.count() {
        0 => String::new(),
        others => format!(", and {others} more in it are out of date"),
    };
    let text = format!("{source}: {first}{others}; kubectl and browsers do not trust such a CA: replace it");
    if WARNED.lock().is_ok_and(|mut warned| warned.insert(text.clone())) {
        terminal::warning(&text);
    }
}

fn out_of_date(certificate: &CertificateDer<'_>, now: Duration) -> Option<String> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let (certificate, subject) = (certificate.tbs_certificate(), name(certificate.tbs_certificate().subject()));
    let validity = certificate.validity();
    let (from, to) = (validity.not_before.to_unix_duration(), validity.not_after.to_unix_duration());
    match now {
        now if now > to => Some(format!("the CA '{subject}' expired on {}", date(to))),
        now if now < from => Some(format!("the CA '{subject}' is not valid before {}", date(from))),
        _ => None,
    }
}
