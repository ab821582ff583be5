//! Durations as people write them.

use std::time::Duration;

/// Parses seconds, or a number with one of the units s, m, h, d; `None` for anything else, and for zero.
pub fn parse(text: &str) -> Option<Duration> {
    let (digits, seconds_in_one) = match text.as_bytes().last()? {
        b's' => (&text[..text.len() - 1], 1),
        b'm' => (&text[..text.len() - 1], 60),
        b'h' => (&text[..text.len() - 1], 60 * 60),
        b'd' => (&text[..text.len() - 1], 24 * 60 * 60),
        _ => (text, 1),
    };
    let number = digits.parse::<u64>().ok()?.checked_mul(seconds_in_one)?;
    Some(Duration::from_secs(number)).filter(|time| !time.is_zero())
}
