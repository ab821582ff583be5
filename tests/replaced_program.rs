//! A program that an update has removed or will remove, or whose path no kubeconfig can hold.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::support::api_server::kubeconfig;
use crate::support::browser::Mode;
use crate::support::home::{Home, program};
use crate::support::kubeconfig::setup;
use crate::support::provider::Provider;
use crate::support::run::Finished;

/// A copy of the program at this path of the home.
fn copy(home: &Home, path: impl AsRef<Path>) -> PathBuf {
    let copy = home.path().join(path);
    fs::create_dir_all(copy.parent().unwrap()).unwrap();
    // By another process: Linux runs no file that a child of this one may have open for writing.
    assert!(Command::new("cp").arg(program()).arg(&copy).status().unwrap().success());
    copy
}

/// The same command with this program.
fn of(program: &Path, command: &Command) -> Command {
    let mut other = Command::new(program);
    other.args(command.get_args()).env_clear().current_dir(command.get_current_dir().unwrap());
    other.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    other
}

/// The same command with a copy of the program that is removed when it starts.
fn run_removed(home: &Home, command: &Command) -> (PathBuf, Finished) {
    let copy = copy(home, "bin/kubekey");
    let mut shell = of(Path::new("/bin/sh"), Command::new("sh").current_dir(home.path()));
    let script = r#"exec 3<"$0" && /bin/rm "$0" && exec /proc/self/fd/3 "$@""#;
    shell.args(["-c", script]).arg(&copy).args(command.get_args());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    (copy, home.run(&mut shell))
}

#[track_caller]
fn assert_fails(finished: &Finished, message: &str, hint: &str) {
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(1), ""), "{finished:#?}");
    assert!(finished.stderr.ends_with(&format!("kubekey: {message}\nhint: {hint}\n")), "{message}: {finished:#?}");
}

#[test]
fn a_program_that_was_removed_writes_no_path_and_the_next_run_does() {
    let home = Home::new(Mode::Absent);
    let (copy, finished) = run_removed(&home, &setup(&home));
    let message = format!("kubekey cannot name itself in the kubeconfig: {} was removed by an update", copy.display());
    assert_fails(&finished, &message, "run the command again");
    assert!(!home.path().join(".kube/config").exists());
    assert_eq!(home.run(&mut setup(&home)).code(), Some(0));
}

#[test]
fn a_path_that_cannot_be_written_is_named_and_the_bare_name_can() {
    for (folder, why) in [
        (OsStr::from_bytes(b"caf\xe9"), "its path is not UTF-8".to_owned()),
        (OsStr::new("Cellar/kubekey/1.2.3/bin"), "the next update removes ".to_owned()),
    ] {
        let home = Home::new(Mode::Absent);
        let program = copy(&home, Path::new(folder).join("kubekey"));
        let finished = home.run(&mut of(&program, &setup(&home)));
        let of_path = if why.ends_with(' ') { program.to_str().unwrap() } else { "" };
        let message = format!("kubekey cannot name itself in the kubeconfig: {why}{of_path}");
        let hint = "give --command-name to write its name alone, which is then looked for in PATH";
        assert_fails(&finished, &message, hint);
        assert!(!home.path().join(".kube/config").exists());
        let finished = home.run(of(&program, &setup(&home)).arg("--command-name"));
        assert_eq!(finished.code(), Some(0), "{finished:#?}");
        let written = fs::read_to_string(home.path().join(".kube/config")).unwrap();
        assert!(written.contains("command: kubekey\n"), "{written}");
    }
}

#[test]
fn a_program_that_was_removed_takes_no_context_and_takes_flags() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    let flags = [format!("--issuer-url={}", provider.issuer()), format!("--client-id={}", provider.client_id())];
    let exec = json!({ "apiVersion": "client.authentication.k8s.io/v1", "command": "kubekey", "args": flags, "interactiveMode": "IfAvailable" });
    fs::create_dir(home.path().join(".kube")).unwrap();
    let text = kubeconfig(&json!({ "server": "https://k8s.example.com" }), &exec);
    fs::write(home.path().join(".kube/config"), text).unwrap();
    let (_, finished) = run_removed(&home, home.kubekey().args(["login", "--context=prod"]));
    assert_fails(
        &finished,
        "kubekey cannot run itself with the settings of the context: No such file or directory (os error 2)",
        "run the command again, or give the settings as flags: --issuer-url, --client-id",
    );
    for finished in [
        run_removed(&home, home.kubekey().arg("login").args(&flags)).1,
        home.run(home.kubekey().args(["login", "--context=prod"])),
    ] {
        assert_eq!(finished.code(), Some(0), "{finished:#?}");
    }
}
