//! Times for people, by the clock on their wall.

use std::path::Path;

use chrono::{DateTime, Local, Utc};

/// The time in the user's time zone, in the form that `chrono` describes; in UTC where `TZ` names no time zone's file.
pub fn format(time: DateTime<Utc>, form: &str) -> String {
    match is_readable() {
        true => time.with_timezone(&Local).format(form).to_string(),
        false => time.format(form).to_string(),
    }
}

/// `TZ` may hold a path, and a FIFO there would be waited for.
fn is_readable() -> bool {
    let zone = std::env::var("TZ").unwrap_or_default();
    let path = Path::new(zone.strip_prefix(':').unwrap_or(&zone));
    !path.is_absolute() || path.is_file()
}
