//! The file for users without a keyring, and the setting to save nothing.

use std::fs;
use std::io::{self, Write};
#[cfg(unix)]
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::edit;
use crate::support::run::{Finished, Running};

fn home(mode: Mode) -> Home {
    Home::new(mode).store_in("file")
}

fn folder(home: &Home) -> PathBuf {
    home.state().join("kubekey").join("tokens")
}

/// The only file there.
fn file_in(folder: &Path) -> PathBuf {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    // On Windows the lock stays.
    files.retain(|file| cfg!(unix) || file.extension().is_none_or(|extension| extension != "lock"));
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

fn saved(folder: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(file_in(folder)).unwrap()).unwrap()
}

fn expire(folder: &Path) {
    let mut set = saved(folder);
    set["expires_at"] = 1.into();
    fs::write(file_in(folder), set.to_string()).unwrap();
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

/// Permissions do not stop root from writing.
#[cfg(unix)]
fn is_root(home: &Home) -> bool {
    fs::metadata(home.path()).unwrap().uid() == 0
}

/// Bypasses the test harness, which shows no output of a test that passes.
fn skip(why: &str) {
    io::stderr().write_all(format!("a case is skipped: {why}\n").as_bytes()).unwrap();
}

#[cfg(unix)]
fn make_fifo(path: &Path) {
    assert!(Command::new("mkfifo").args(["-m", "600"]).arg(path).status().unwrap().success());
}

fn assert_refused(finished: &Finished, why: &str) {
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(6), ""), "{why}: {finished:#?}");
    let lines: Vec<_> = finished.stderr.lines().collect();
    let [message, hint] = lines[..] else { panic!("{why}: {finished:#?}") };
    assert_eq!(message, format!("kubekey: the file of the saved sign-in cannot be used: {why}"));
    let is_of_another = message.ends_with("and kubekey runs as root");
    let what_to_do = match () {
        () if is_of_another => "hint: run 'chown -R root /",
        () if why.contains("Read-only file system") => "hint: fix the cause and run the command again",
        () => "hint: fix or remove it",
    };
    assert!(hint.starts_with(what_to_do), "{hint}");
}

/// After a sign-in, `spoil` changes the file: the next run reports it, and the saved sign-in is still there.
fn refused_after(spoil: impl FnOnce(&Path) -> String) {
    let home = home(Mode::Follow);
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    let file = file_in(&folder(&home));
    let before = fs::read(&file).unwrap();
    let why = spoil(&file);
    assert_refused(&home.run(&mut home.kubekey_for(&provider)), &why);
    assert_eq!(home.browser.urls().len(), 1, "{why}");
    assert!(home.files().iter().any(|path| fs::read(path).unwrap() == before), "{why}: it is lost");
}

/// Without a saved sign-in, the run fails before the user signs in, not after: it could not save the sign-in.
fn refused_before(home: &Home, kubekey: impl FnOnce(Command) -> Command, why: &str) {
    let provider = Provider::start();
    assert_refused(&home.run(&mut kubekey(home.kubekey_for(&provider))), why);
    assert_eq!(home.browser.urls().len(), 0, "{why}");
}

#[test]
#[cfg(unix)]
fn a_sign_in_is_kept_in_a_file_for_its_owner_alone() {
    let home = home(Mode::Follow);
    let mut provider = Provider::start();
    let first = home.run(&mut home.kubekey_for(&provider));
    let (folder, file) = (folder(&home), file_in(&folder(&home)));
    #[cfg(unix)]
    assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
    let digest = file.file_name().unwrap().to_str().unwrap().strip_suffix(".json").unwrap();
    assert!(digest.len() == 64 && digest.chars().all(|digit| digit.is_ascii_hexdigit()), "{digest}");
    assert_eq!(saved(&folder)["id_token"], first.token());
    assert!(!first.stderr.contains("warning"), "{first:#?}");

    provider.stop();
    let second = home.run(&mut home.kubekey_for(&provider));
    assert_eq!((second.token(), second.stderr.as_str(), home.browser.urls().len()), (first.token(), "", 1));
}

#[test]
#[cfg(unix)]
fn the_folder_is_chosen_as_with_kubelogin() {
    let home = home(Mode::Follow);
    let provider = Provider::start();
    let chosen = home.path().join("a").join("b");
    let token = home.run(home.kubekey_for(&provider).arg("--token-dir").arg(&chosen)).token();
    assert_eq!(saved(&chosen)["id_token"], token);
    for dir in [chosen.to_str().unwrap(), "~/a/b"] {
        let mut kubekey = home.kubekey_for(&provider);
        kubekey.args(["--token-cache-storage=disk", &format!("--token-cache-dir={dir}")]);
        assert_eq!(home.run(kubekey.env_remove("KUBEKEY_TOKEN_STORAGE")).token(), token, "{dir}");
    }
    assert_eq!(home.browser.urls().len(), 1);
    assert!(!folder(&home).exists());

    let relative = home.run(home.kubekey_for(&provider).arg("--token-dir=a/b"));
    assert_eq!(relative.code(), Some(2), "{relative:#?}");
}

#[test]
fn a_token_of_64_kib_with_600_groups_is_kept_whole() {
    let home = home(Mode::Follow);
    let provider = Provider::start();
    let groups: Vec<_> = (0..600).map(|number| format!("{number:04}-{}", "g".repeat(75))).collect();
    provider.configure(|behaviour| {
        behaviour.claims = edit(move |claims| {
            claims.insert("groups".into(), json!(groups));
        });
    });
    let token = home.run(&mut home.kubekey_for(&provider)).token();
    assert!(token.len() > 64 * 1024, "{}", token.len());
    assert_eq!(home.run(&mut home.kubekey_for(&provider)).token(), token);
    assert_eq!(home.browser.urls().len(), 1);
}

#[test]
#[cfg(unix)]
fn a_refresh_replaces_it_and_clears_what_a_killed_run_left() {
    let home = home(Mode::Follow);
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    let folder = folder(&home);
    expire(&folder);
    let before = saved(&folder);
    fs::write(file_in(&folder).with_extension("json.1-0.new"), "half").unwrap();

    let finished = home.run(&mut home.kubekey_for(&provider));
    let after = saved(&folder);
    assert_eq!((after["id_token"].as_str(), finished.stderr.as_str()), (Some(&*finished.token()), ""));
    assert_ne!(after["id_token"], before["id_token"]);
    assert_ne!(after["refresh_token"], before["refresh_token"]);
    #[cfg(unix)]
    assert_eq!(mode(&file_in(&folder)), 0o600);
    assert_eq!(home.browser.urls().len(), 1);
}

#[test]
#[cfg(unix)]
fn a_link_in_place_of_the_file_or_the_folder_is_not_followed() {
    refused_after(|file| {
        let target = file.with_extension("elsewhere");
        fs::rename(file, &target).unwrap();
        symlink(&target, file).unwrap();
        format!("{} is a symbolic link", file.display())
    });
    refused_after(|file| {
        let folder = file.parent().unwrap();
        let target = folder.with_extension("elsewhere");
        fs::rename(folder, &target).unwrap();
        symlink(&target, folder).unwrap();
        format!("{} is a symbolic link", folder.display())
    });
}

#[test]
#[cfg(unix)]
fn a_file_or_folder_that_is_open_to_others_is_refused() {
    refused_after(|file| {
        fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
        format!("{} is open to others (mode 644)", file.display())
    });
    refused_after(|file| {
        let folder = file.parent().unwrap();
        fs::set_permissions(folder, fs::Permissions::from_mode(0o770)).unwrap();
        format!("{} is open to others (mode 770)", folder.display())
    });
}

#[test]
#[cfg(unix)]
fn a_file_or_folder_of_another_user_is_refused() {
    if !is_root(&Home::new(Mode::Absent)) {
        return skip("only root can give a file away");
    }
    refused_after(|file| {
        chown(file, Some(12345), None).unwrap();
        format!("{} belongs to the user 12345, and kubekey runs as root", file.display())
    });
    refused_after(|file| {
        let folder = file.parent().unwrap();
        chown(folder, Some(12345), None).unwrap();
        format!("{} belongs to the user 12345, and kubekey runs as root", folder.display())
    });
}

#[test]
#[cfg(unix)]
fn what_is_no_file_is_refused_and_not_waited_for() {
    for make in [make_fifo, |path: &Path| fs::create_dir(path).unwrap()] {
        refused_after(|file| {
            fs::rename(file, file.with_extension("elsewhere")).unwrap();
            make(file);
            format!("{} is not a file", file.display())
        });
    }
}

#[test]
#[cfg(unix)]
fn a_folder_that_cannot_be_made_is_said_before_the_sign_in() {
    let home = home(Mode::Follow);
    let blocked = home.path().join("blocked");
    fs::write(&blocked, "").unwrap();
    let at = |dir: PathBuf| {
        move |mut kubekey: Command| {
            kubekey.arg("--token-dir").arg(dir);
            kubekey
        }
    };
    refused_before(&home, at(blocked.clone()), &format!("{} is not a folder", blocked.display()));
    let below = blocked.join("tokens");
    let why = format!("{}: Not a directory (os error 20)", below.display());
    refused_before(&home, at(below), &why);

    let link = home.path().join("link");
    symlink(home.path().join("nowhere"), &link).unwrap();
    refused_before(&home, at(link.clone()), &format!("{} is a symbolic link", link.display()));
}

#[test]
#[cfg(unix)]
fn a_folder_that_cannot_be_written_in_is_said_before_the_sign_in() {
    let home = home(Mode::Follow);
    let folder = home.path().join("tokens");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).unwrap();
    let is_root = is_root(&home);
    if is_root && !Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|status| status.success()) {
        return skip("root can write everywhere, and this one cannot mount anything");
    }
    for dir in [folder.clone(), folder.join("below")] {
        let kubekey = |mut kubekey: Command| {
            kubekey.arg("--token-dir").arg(&dir);
            if is_root { on_read_only(&folder, &kubekey) } else { kubekey }
        };
        let why = if is_root { "Read-only file system (os error 30)" } else { "Permission denied (os error 13)" };
        refused_before(&home, kubekey, &format!("{}: {why}", dir.display()));
    }
}

/// The same command with the folder on a read-only file system: permissions do not stop root.
fn on_read_only(folder: &Path, command: &Command) -> Command {
    let script = r#"mount -t tmpfs -o ro,mode=700 tokens "$0" && exec "$@""#;
    let mut mounted = Command::new("unshare");
    mounted.args(["--mount", "sh", "-c", script]).arg(folder).arg(command.get_program()).args(command.get_args());
    mounted.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    mounted
}

#[test]
#[cfg(unix)]
fn garbage_in_the_file_leads_to_a_new_sign_in() {
    let home = home(Mode::Follow);
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    let folder = folder(&home);
    for (index, garbage) in [&b""[..], b"{", b"\xff\xfe", b"[1]", &[b' '; 2 * 1024 * 1024]].iter().enumerate() {
        fs::write(file_in(&folder), garbage).unwrap();
        let finished = home.run(&mut home.kubekey_for(&provider));
        assert_eq!(saved(&folder)["id_token"], finished.token());
        assert_eq!(home.browser.urls().len(), index + 2);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_store_that_fails_after_the_sign_in_is_a_warning() {
    let home = home(Mode::Note);
    let provider = Provider::start();
    let running = Running::start(&mut home.kubekey_for(&provider));
    let local = home.browser.wait_for_url();
    let folder = folder(&home);
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "").unwrap();
    home.browser.open(&local).last();
    let finished = running.wait();
    finished.token();
    let warning = format!(
        "warning: this sign-in cannot be saved: {} is not a folder; until it can, it is held in the kernel",
        folder.display()
    );
    assert!(finished.stderr.contains(&warning), "{finished:#?}");
    let next = home.run(&mut home.kubekey_for(&provider));
    assert_eq!((next.token(), home.browser.urls().len()), (finished.token(), 1), "it is used from there");
    fs::remove_file(&folder).unwrap();
    home.log_out(&provider);
}

/// An expired token is refreshed, and the folder changes before the new one is saved.
fn refreshed_while(spoil: impl FnOnce(&Path)) -> (Home, Provider, Finished) {
    let home = home(Mode::Follow);
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    expire(&folder(&home));
    provider.configure(|behaviour| behaviour.hold = vec!["/token"]);
    let running = Running::start(&mut home.kubekey_for(&provider));
    provider.wait_for("/token", 2);
    spoil(&folder(&home));
    provider.configure(|behaviour| behaviour.hold = vec![]);
    let finished = running.wait();
    finished.credential();
    (home, provider, finished)
}

#[test]
#[cfg(unix)]
fn a_rotated_token_that_cannot_be_stored_takes_the_spent_one_with_it() {
    let open = |folder: &Path| fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    let (home, _, finished) = refreshed_while(open);
    // The file that was prepared before can still be written.
    assert_eq!(finished.stderr, "", "{finished:#?}");
    assert_eq!(file_in(&folder(&home)).extension().unwrap(), "json");

    let (home, provider, finished) = refreshed_while(|folder| {
        fs::remove_dir_all(folder).unwrap();
        fs::write(folder, "").unwrap();
    });
    assert!(finished.stderr.contains("until it can, it is held in the kernel"), "{finished:#?}");
    fs::remove_file(folder(&home)).unwrap();
    home.log_out(&provider);
}

#[test]
#[cfg(unix)]
fn a_login_puts_a_file_in_place_of_a_link() {
    let home = home(Mode::Follow);
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    let (file, target) = (file_in(&folder(&home)), home.path().join("target"));
    fs::remove_file(&file).unwrap();
    fs::write(&target, "untouched").unwrap();
    symlink(&target, &file).unwrap();
    assert_eq!(home.run(home.kubekey_for(&provider).arg("login")).code(), Some(0));
    assert!(fs::symlink_metadata(&file).unwrap().is_file());
    assert_eq!(fs::read(&target).unwrap(), b"untouched");
}

#[test]
fn logout_removes_it_and_all_that_belongs_to_it() {
    let home = home(Mode::Follow);
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    let (folder, file) = (folder(&home), file_in(&folder(&home)));
    let other = folder.join("other.json");
    for path in [&other, &file.with_extension("json.1-0.new"), &file.with_extension("json.2-3.new")] {
        fs::write(path, "x").unwrap();
    }
    assert_eq!(home.log_out(&provider).code(), Some(0));
    assert_eq!(file_in(&folder), other);
    home.run(&mut home.kubekey_for(&provider)).credential();
    assert_eq!(home.browser.urls().len(), 2);
}

#[test]
#[cfg(unix)]
fn what_logout_cannot_remove_is_named_and_the_rest_goes() {
    let home = home(Mode::Follow);
    let provider = Provider::start();
    home.run(&mut home.kubekey_for(&provider)).credential();
    let file = file_in(&folder(&home));
    let leftover = |number| file.with_extension(format!("json.{number}-0.new"));
    for number in 1..20 {
        fs::write(leftover(number), "x").unwrap();
    }
    let stays = leftover(20);
    fs::create_dir(&stays).unwrap();
    let mut finished = home.log_out(&provider);
    let revoked = finished.stderr.split_inclusive('\n').next().unwrap_or_default().to_owned();
    assert!(revoked.contains("does not revoke refresh tokens"), "{finished:#?}");
    finished.stderr.drain(..revoked.len());
    assert_refused(&finished, &format!("{}: Is a directory (os error 21)", stays.display()));
    assert_eq!(file_in(&folder(&home)), stays);
}

#[test]
fn with_none_nothing_is_kept_and_nothing_said_about_it() {
    let provider = Provider::start();
    let kept = home(Mode::Follow);
    let expected = kept.run(&mut kept.kubekey_for(&provider)).stderr;

    let home = Home::new(Mode::Follow).store_in("none");
    for _ in 0..2 {
        let finished = home.run(&mut home.kubekey_for(&provider));
        let token = finished.token();
        assert_eq!(finished.stderr.lines().count(), expected.lines().count(), "{finished:#?}");
        let holds = |path: &PathBuf| String::from_utf8_lossy(&fs::read(path).unwrap()).contains(&token);
        assert!(!home.files().iter().any(holds));
    }
    assert_eq!(home.browser.urls().len(), 2);
}

#[test]
fn an_unknown_place_is_a_usage_error() {
    let home = Home::new(Mode::Follow);
    let provider = Provider::start();
    let finished = home.run(home.kubekey_for(&provider).arg("--token-storage=vault"));
    assert_eq!((finished.code(), home.browser.urls().len()), (Some(2), 0), "{finished:#?}");
    assert!(finished.stderr.contains("--token-storage 'vault'"), "{finished:#?}");
    assert!(finished.stderr.contains("it must be auto, keyring, kernel, file or none"), "{finished:#?}");
}
