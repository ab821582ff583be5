//! Times in the user's time zone.

use std::path::Path;

use chrono::{DateTime, Local, Utc};

/// Formats the time in the user's time zone, with a format string of `chrono`; in UTC if `TZ` names a path that is not a file.
pub fn format(time: DateTime<Utc>, form: &str) -> String {
    match is_readable() {
        true => time.with_timezone(&Local).format(form).to_string(),
        false => time.format(form).to_string(),
    }
}

/// `TZ` may be a path, and opening a FIFO there would block.
fn is_readable() -> bool {
    let zone = std::env::var("TZ").unwrap_or_default();
    let path = Path::new(zone.strip_prefix(':').unwrap_or(&zone));
    !path.is_absolute() || path.is_file()
}
