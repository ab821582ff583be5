//! Several runs of one user, whose environments differ, with one store.

use super::{User, tell, tries};
use crate::support::etc::Etc;
use crate::support::run::Running;

/// What `su`, a snap, a sandboxed editor and `sudo -E` change.
const MOVED: [&[(&str, &str)]; 5] = [
    &[("XDG_RUNTIME_DIR", "runtime-2")],
    &[("XDG_RUNTIME_DIR", "runtime-2"), ("XDG_STATE_HOME", "state-2"), ("XDG_CACHE_HOME", "cache-2")],
    &[("XDG_RUNTIME_DIR", "")],
    &[("HOME", "home-2"), ("XDG_RUNTIME_DIR", "runtime-2"), ("XDG_STATE_HOME", "")],
    &[("TMPDIR", "tmp-2"), ("XDG_STATE_HOME", "state-2"), ("XDG_RUNTIME_DIR", "")],
];

/// On a machine whose user database has this home: no other user's home can be written to.
fn run_with(user: &User, changes: &[(&str, &str)]) -> Running {
    let home = user.home.path();
    let etc = Etc::new(&[]).with_users(&format!("root:x:0:0::{}:/bin/sh\n", home.display()));
    // As in a container, whose machine ID differs.
    let etc = if changes.is_empty() { etc } else { etc.with_machine_id("0123456789abcdef0123456789abcdef") };
    let mut command = user.kubekey();
    for (name, value) in changes {
        match *value {
            "" => command.env_remove(name),
            folder => command.env(name, home.join(folder)),
        };
    }
    Running::start_with(&mut etc.over(&command), etc)
}

#[test]
fn runs_with_other_folders_spend_a_refresh_token_once() {
    for storage in ["file", "kernel", "keyring"] {
        let mut rounds = 0;
        for changes in MOVED {
            for _ in 0..tries(1, 14) {
                let mut user = User::new(storage);
                user.provider.configure(|behaviour| (behaviour.hold, behaviour.lifetime) = (vec!["/token"], 3600));
                let before = user.provider.count("/token");
                let first = run_with(&user, &[]);
                user.provider.wait_for("/token", before + 1);
                let second = run_with(&user, changes);
                second.wait_for_stderr("waiting for another kubekey that is refreshing a token (process ");
                user.provider.configure(|behaviour| behaviour.hold = vec![]);
                let second = second.wait();
                assert_eq!(first.wait().token(), second.token(), "{storage}: {changes:?}");
                assert_eq!(user.provider.count("/token"), before + 1, "{storage}: {changes:?}");
                user.count(&second);
                rounds += user.finish(storage);
            }
        }
        tell(&format!("two runs with other folders, {storage}: {rounds} tries, 0 sessions lost, 0 families revoked"));
    }
}

#[test]
fn many_runs_at_once_spend_each_refresh_token_once() {
    for storage in ["file", "kernel", "keyring", "auto"] {
        let mut user = User::new(storage);
        for _ in 0..tries(1, 10) {
            let running: Vec<_> = (0..tries(8, 37)).map(|_| Running::start(&mut user.quiet())).collect();
            for running in running {
                user.count(&running.wait());
            }
        }
        user.assert_nothing_lost(&format!("runs at once, {storage}"));
    }
}
