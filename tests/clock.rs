//! A machine whose clock is far off, or jumps.

use chrono::{DateTime, Utc};

use crate::support::browser::Mode;
use crate::support::clock::off_by;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::edit;

const YEAR: i64 = 365 * 24 * 60 * 60;

/// Half a minute before the end of the last year in which kubekey works.
const LAST: i64 = 253_370_764_800 - 30;

/// How far off the clock is, if it shows this time.
fn from_now(seconds: i64) -> i64 {
    seconds - Utc::now().timestamp()
}

fn time(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text).expect("a time").timestamp()
}

#[test]
fn a_clock_before_1970_or_after_9998_is_named_by_every_command() {
    let home = Home::new(Mode::Follow).store_in("file");
    let provider = Provider::start();
    let hint = "hint: set this machine's clock, and run the command again";
    for (clock, says) in [
        (time("1969-12-31T23:59:00Z"), "1969-12-31 23:59 UTC"),
        (time("1601-06-01T00:00:00Z"), "1601-06-01 00:00 UTC"),
        (time("9999-06-01T00:00:00Z"), "9999-06-01 00:00 UTC"),
        (time("9999-12-31T23:59:00Z") + 60, "10000-01-01 00:00 UTC"),
    ] {
        let words = format!(
            "kubekey: this machine's clock is set to {says}, and kubekey works only in the years from 1970 to 9998\n{hint}"
        );
        for arguments in ["", "get-token", "login", "logout", "config show", "setup --dry-run", "--token-storage=vault"]
        {
            let mut command = off_by(home.kubekey_for(&provider), from_now(clock));
            let finished = home.run(command.args(arguments.split_whitespace()));
            assert_eq!((finished.code(), finished.stdout.as_str()), (Some(1), ""), "{arguments}: {finished:#?}");
            assert_eq!(finished.stderr.trim_end(), words, "{arguments}");
        }
        for arguments in ["--help", "--version"] {
            let finished = home.run(off_by(home.kubekey(), from_now(clock)).arg(arguments));
            assert_eq!((finished.code(), finished.stderr.as_str()), (Some(0), ""), "{arguments}: {finished:#?}");
        }
    }
    assert_eq!((provider.count_all(), home.browser.urls().len()), (0, 0));
}

#[test]
fn a_clock_in_a_year_that_no_calendar_has_is_named_in_seconds() {
    let home = Home::new(Mode::Absent);
    // The year 287169; the last one that is counted is 262142.
    let finished = home.run(&mut off_by(home.kubekey(), from_now(9_000_000_000_000)));
    let start = "kubekey: this machine's clock is set to 90000000000";
    assert!(finished.stderr.starts_with(start), "{finished:#?}");
    assert!(finished.stderr.contains(" s since 1970, and kubekey works only in the years "), "{finished:#?}");
    assert_eq!(finished.code(), Some(1));
}

#[test]
fn at_both_ends_of_what_it_can_show_a_user_signs_in_and_the_token_is_kept() {
    for clock in [30, LAST] {
        let home = Home::new(Mode::Follow).store_in("file");
        let provider = Provider::start();
        let off = from_now(clock);
        provider.configure(|behaviour| behaviour.clock = off);
        let run = || home.run(&mut off_by(home.kubekey_for(&provider), off));
        let token = run().token();
        assert_eq!(run().token(), token);
        provider.configure(|behaviour| behaviour.lifetime = 5);
        let login = home.run(off_by(home.kubekey_for(&provider), off).arg("login"));
        assert!(login.stderr.contains("signed in as Jane Doe"), "{login:#?}");
        assert_ne!(run().token(), token, "refreshed");
        assert_eq!(home.browser.urls().len(), 2);
    }
}

#[test]
fn a_token_that_never_expires_is_shown_in_every_time_zone() {
    let provider = Provider::start();
    // The last second of the calendar.
    provider.configure(|behaviour| {
        behaviour.claims = edit(|claims| {
            claims.insert("exp".into(), 8_210_266_876_799_i64.into());
        });
    });
    for zone in ["UTC", "Asia/Tokyo", "America/Los_Angeles", "AAA-24"] {
        let home = Home::new(Mode::Follow).store_in("file");
        let login = home.run(home.kubekey_for(&provider).arg("login").env("TZ", zone));
        assert!(login.stderr.contains("with a token that is valid until +26214"), "{zone}: {login:#?}");
        let credential = home.run(&mut home.kubekey_for(&provider)).credential();
        assert_eq!(credential["status"]["expirationTimestamp"], "9999-12-31T23:59:59Z");
    }
}

#[test]
fn a_clock_that_jumps_between_two_runs_costs_no_sign_in() {
    let home = Home::new(Mode::Follow).store_in("file");
    let provider = Provider::start();
    let at = |seconds| home.run(&mut off_by(home.kubekey_for(&provider), seconds));
    let token = at(0).token();
    assert_eq!(at(-YEAR).token(), token, "set back");
    let ahead = at(from_now(LAST));
    assert_eq!((ahead.code(), ahead.stdout.as_str()), (Some(3), ""), "{ahead:#?}");
    assert!(ahead.stderr.contains("ahead of the provider's"), "{ahead:#?}");
    assert!(ahead.stderr.contains("hint: set this machine's clock"), "{ahead:#?}");
    assert_eq!(at(0).token(), token);
    // The run with the wrong clock has used up the refresh token, and saved the new one.
    provider.configure(|behaviour| behaviour.clock = 2 * 60 * 60);
    assert_ne!(at(2 * 60 * 60).token(), token);
    assert_eq!(home.browser.urls().len(), 1);
}
