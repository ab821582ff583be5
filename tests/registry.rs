//! What kubekey reads in the registry of Windows. The tests change it for all runs, so they run alone, like those in
//! `program_data`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::process;
use crate::support::provider::Provider;

const POLICY: &str = r"HKLM\Software\Policies\kubekey";
const OPENER: &str = r"HKLM\Software\Classes\http\shell\open\command";
const INTERNET_SETTINGS: &str = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Internet Settings";

/// A value, which is at the end what it was before.
struct Value {
    key: &'static str,
    name: &'static str,
    before: Option<String>,
}

impl Value {
    fn set(key: &'static str, name: &'static str, kind: &str, value: &str) -> Self {
        let value_before = Self { key, name, before: before(key, name) };
        reg(&[&["add", key], &named(name)[..], &["/t", kind, "/d", value, "/f"]].concat());
        value_before
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        let name = named(self.name);
        match &self.before {
            Some(before) => reg(&[&["add", self.key], &name[..], &["/d", before, "/f"]].concat()),
            None => reg(&[&["delete", self.key], &name[..], &["/f"]].concat()),
        };
    }
}

/// An empty name is that of a key's own value.
fn named(name: &str) -> Vec<&str> {
    if name.is_empty() { vec!["/ve"] } else { vec!["/v", name] }
}

/// A string that is set.
fn before(key: &str, name: &str) -> Option<String> {
    let output = process::output(Command::new("reg").args(["query", key]).args(named(name))).expect("reg.exe");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(text.split_once("REG_SZ")?.1.trim().to_owned())
}

fn reg(arguments: &[&str]) {
    let output = process::output(Command::new("reg").args(arguments)).expect("reg.exe");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn metadata(dir: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(dir.join("kubekey")).into_iter().flatten().flatten().map(|file| file.path());
    files.filter(|file| file.to_string_lossy().contains("metadata-")).collect()
}

#[ignore = "every other run on this machine is under the policy meanwhile"]
#[test]
fn a_folder_that_a_variable_names_does_not_redirect_a_refresh_token() {
    let _policy = Value::set(POLICY, "locked_flags", "REG_MULTI_SZ", "scope");
    let (home, provider) = (Home::with_keyring(Mode::Follow), Provider::start());
    let of_user = PathBuf::from(std::env::var_os("LOCALAPPDATA").expect("a variable of every process on Windows"));
    let before = metadata(&of_user);
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert_eq!(metadata(&home.cache()), Vec::<PathBuf>::new(), "the variable decides nothing");
    let cached: Vec<_> = metadata(&of_user).into_iter().filter(|file| !before.contains(file)).collect();
    let [cached] = &*cached else { panic!("{cached:?}") };

    // What the run cached, with another token endpoint, where the variable points.
    let text = fs::read_to_string(cached).unwrap();
    let changed = text.replace("/token\"", "/stolen\"");
    assert_ne!(changed, text);
    fs::write(home.cache().join("kubekey").join(cached.file_name().unwrap()), changed).unwrap();
    home.edit_saved(|set| set["expires_at"] = 1.into());
    provider.forget_requests();
    home.run(&mut home.kubekey_for(&provider)).credential();
    fs::remove_file(cached).unwrap();
    assert_eq!((provider.count("/stolen"), provider.count("/token")), (0, 1));
}

#[ignore = "every other run on this machine is under the policy meanwhile"]
#[test]
fn what_the_registry_locks_no_flag_and_no_variable_sets() {
    let _policy = Value::set(POLICY, "locked_flags", "REG_MULTI_SZ", "scope");
    let (home, provider) = (Home::new(Mode::Absent), Provider::start());
    for finished in [
        home.run(home.kubekey_for(&provider).arg("--scope=groups")),
        home.run(home.kubekey_for(&provider).env("KUBEKEY_SCOPE", "groups")),
    ] {
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(4), ""), "{finished:#?}");
        assert!(finished.stderr.contains(POLICY.trim_start_matches("HKLM")), "it says by which policy: {finished:#?}");
    }
    assert_eq!(provider.count_all(), 0);
}

#[ignore = "every other run on this machine has the script meanwhile"]
#[test]
fn a_proxy_script_that_is_not_read_is_named_where_the_provider_cannot_be_reached() {
    let _script = Value::set(INTERNET_SETTINGS, "AutoConfigURL", "REG_SZ", "http://proxy.example.com/proxy.pac");
    let home = Home::new(Mode::Absent);
    let finished = home.run(home.kubekey().args(["--issuer-url=https://login.invalid", "--client-id=kubernetes"]));
    assert_eq!(finished.code(), Some(5), "{finished:#?}");
    assert!(finished.stderr.contains("hint: kubekey does not read the system's proxy script (PAC)"), "{finished:#?}");
    assert!(finished.log.contains("proxy: the system's proxy script (PAC) is not read"), "{finished:#?}");
}

#[ignore = "the default browser of every other run on this machine is another one meanwhile"]
#[test]
fn the_default_browser_is_opened_and_kubekey_knows_whether_it_was() {
    let (home, provider) = (Home::new(Mode::Follow), Provider::start());
    let sign_in = || {
        let mut kubekey = home.kubekey_for(&provider);
        kubekey.env_remove("KUBEKEY_BROWSER_COMMAND").arg("--login-timeout=10");
        home.run(&mut kubekey)
    };
    let opener = Value::set(OPENER, "", "REG_SZ", &home.browser.command("\"%1\""));
    let finished = sign_in();
    finished.credential();
    assert!(!finished.stderr.contains("no browser was opened"), "{finished:#?}");
    assert_eq!(home.browser.urls().len(), 1);
    drop(opener);
    let _gone = Value::set(OPENER, "", "REG_SZ", r"C:\no-such-browser.exe %1");
    let finished = sign_in();
    assert_eq!(finished.code(), Some(3), "{finished:#?}");
    let words = "warning: no browser was opened (no program is set to open web pages)";
    assert!(finished.stderr.contains(words), "{finished:#?}");
}
