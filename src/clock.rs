//! This machine's clock, checked before anything depends on it: with a time that is far off, libraries panic.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::DateTime;

use crate::error::{Error, ErrorKind, Result};

/// The first second of the year 9999, in Unix seconds. HTTP (RFC 9110 §5.6.7) and RFC 3339 have years of four digits, and
/// a run that starts before this second ends long before the year 10000.
const END: i64 = 253_370_764_800;

/// Rejects a clock that is set to a time before 1970 or after 9998.
///
/// # Errors
/// [`ErrorKind::Failed`], with the time of the clock.
pub fn check() -> Result<()> {
    check_at(SystemTime::now())
}

fn check_at(now: SystemTime) -> Result<()> {
    let seconds = seconds(now);
    if (0..END).contains(&seconds) {
        return Ok(());
    }
    let says = match DateTime::from_timestamp(seconds, 0) {
        // Years of more than four digits have a sign.
        Some(time) => time.format("%Y-%m-%d %H:%M UTC").to_string().trim_start_matches('+').to_owned(),
        None => format!("{seconds} s since 1970"),
    };
    let message =
        format!("this machine's clock is set to {says}, and kubekey works only in the years from 1970 to 9998");
    Err(Error::new(ErrorKind::Failed, message).hint("set this machine's clock, and run the command again"))
}

/// Unix seconds, rounded down.
fn seconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => {
            let before = before.duration();
            let whole = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
            -whole - i64::from(before.subsec_nanos() > 0)
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use super::{END, check_at};

    fn why(now: SystemTime) -> Option<String> {
        check_at(now).err().map(|error| error.to_string())
    }

    #[test]
    fn a_clock_is_refused_before_1970_and_after_9998() {
        let start_of_9999 = UNIX_EPOCH + Duration::from_secs(END as u64);
        for now in [UNIX_EPOCH, SystemTime::now(), start_of_9999 - Duration::from_nanos(1)] {
            assert_eq!(why(now), None, "{now:?}");
        }
        for (now, says) in [
            (UNIX_EPOCH - Duration::from_nanos(1), "1969-12-31 23:59 UTC"),
            (start_of_9999, "9999-01-01 00:00 UTC"),
            (start_of_9999 + Duration::from_secs(365 * 24 * 60 * 60), "10000-01-01 00:00 UTC"),
            (UNIX_EPOCH + Duration::from_secs(i64::MAX as u64), "9223372036854775807 s since 1970"),
            (UNIX_EPOCH - Duration::from_secs(i64::MAX as u64), "-9223372036854775807 s since 1970"),
        ] {
            let why = why(now).expect("an error");
            assert!(why.starts_with(&format!("this machine's clock is set to {says}, ")), "{why}");
        }
    }
}
