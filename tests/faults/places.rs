//! Storage that can no longer be written: a file system that is full or read-only, a limit for files.

use std::path::Path;

use super::User;
use crate::support::etc::after_mounting;
use crate::support::run::Finished;
use crate::support::strace::strace;

/// What happens to the folder of the tokens, `$0`, before kubekey runs.
const FAULTS: [(&str, &str); 3] = [
    ("read-only", r#"/bin/mount --bind "$0" "$0" && /bin/mount -o remount,ro,bind "$0""#),
    (
        "full",
        r#"mkdir /tmp/kept-$$ && cp -p "$0"/* /tmp/kept-$$ && /bin/mount -t tmpfs -o size=32k,mode=700 tmpfs "$0" &&
            cp -p /tmp/kept-$$/* "$0" && rm -r /tmp/kept-$$ && { cat /dev/zero > "$0/filler" 2>/dev/null || true; }"#,
    ),
    ("limited", "ulimit -f 0"),
];

fn faulty(user: &User, fault: &str) -> Finished {
    user.home.run(&mut after_mounting(fault, &user.tokens(), &user.quiet()))
}

#[test]
fn what_cannot_be_kept_is_said_before_it_is_asked_for_and_parked_for_the_next_run() {
    for (name, fault) in FAULTS {
        let mut user = User::new("file");
        let finished = faulty(&user, fault);
        finished.credential();
        let lines: Vec<_> = finished.stderr.lines().collect();
        assert!(
            lines[0].starts_with("kubekey: warning: the refreshed sign-in cannot be saved"),
            "{name}: {finished:#?}"
        );
        assert!(lines[1].contains("until it can, it is held in "), "{name}: {finished:#?}");
        let next = user.home.run(&mut user.quiet());
        assert!(next.stderr.contains("could not be saved before is now saved (file)"), "{name}: {next:#?}");
        user.count(&next);
        let next = user.home.run(&mut user.quiet());
        assert_eq!(next.stderr, "", "{name}");
        user.count(&next);
        user.assert_nothing_lost(&format!("a place that is {name}"));
    }
}

#[test]
fn while_the_id_token_is_good_the_refresh_token_is_not_spent_for_what_cannot_be_kept() {
    for (name, fault) in FAULTS {
        let mut user = User::new("file");
        // Due for a refresh at once, and valid.
        user.provider.configure(|behaviour| behaviour.lifetime = 60);
        let token = user.home.run(&mut user.quiet()).token();
        let before = user.provider.count("/token");
        let finished = faulty(&user, fault);
        assert_eq!((finished.token(), finished.stderr.as_str()), (token, ""), "{name}");
        assert_eq!(user.provider.count("/token"), before, "{name}");
        let next = user.home.run(&mut user.quiet());
        user.count(&next);
        user.assert_nothing_lost(&format!("a good token in a place that is {name}"));
    }
}

#[test]
fn a_place_that_is_full_only_after_the_request_is_as_good() {
    let mut user = User::new("file");
    let before = user.provider.count("/token");
    // The first one reserves the room for it.
    let trace = ["-f", "-e", "trace=fsync", "-e", "inject=fsync:error=ENOSPC:when=2"];
    let finished = user.home.run(&mut strace(&user.quiet(), Path::new("/dev/null"), &trace));
    finished.credential();
    assert_eq!(user.provider.count("/token"), before + 1);
    assert!(finished.stderr.contains("until it can, it is held in "), "{finished:#?}");
    let next = user.home.run(&mut user.quiet());
    assert!(next.stderr.contains("is now saved (file)"), "{next:#?}");
    user.count(&next);
    user.assert_nothing_lost("a place that is full in the end");
}
