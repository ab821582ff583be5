//! A time as a person says it: "in 54 min", "3 d ago".

use chrono::{DateTime, TimeDelta, Utc};

/// `time` as seen at `now`, in the largest unit of which there are at least two.
pub fn relative(time: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match time - now {
        left if left >= TimeDelta::seconds(1) => format!("in {}", in_unit(left)),
        left if left > TimeDelta::seconds(-1) => "now".to_owned(),
        left => format!("{} ago", in_unit(-left)),
    }
}

fn in_unit(time: TimeDelta) -> String {
    let units = [(time.num_days(), "d"), (time.num_hours(), "h"), (time.num_minutes(), "min")];
    let (number, unit) = units.into_iter().find(|(number, _)| *number >= 2).unwrap_or((time.num_seconds(), "s"));
    format!("{number} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_in_the_largest_unit_of_which_there_are_two() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        for (seconds, words) in [
            (0, "now"),
            (1, "in 1 s"),
            (119, "in 119 s"),
            (120, "in 2 min"),
            (3241, "in 54 min"),
            (7199, "in 119 min"),
            (7200, "in 2 h"),
            (172_799, "in 47 h"),
            (172_800, "in 2 d"),
            (-1, "1 s ago"),
            (-7200, "2 h ago"),
        ] {
            assert_eq!(relative(now + TimeDelta::seconds(seconds), now), words);
        }
    }
}
