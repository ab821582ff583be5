//! Sign-ins that are held in the kernel and that the index of saved sign-ins lacks.

use std::fs;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::namespace::Namespace;
use crate::support::provider::Provider;
use crate::support::run::Running;

fn revoking() -> Provider {
    let provider = Provider::start();
    provider.configure(|behaviour| behaviour.offers_revocation = true);
    provider
}

#[test]
fn those_in_the_kernel_are_signed_out_without_the_state() {
    let (home, one, other) = (Home::new(Mode::Follow).store_in("kernel"), revoking(), revoking());
    let namespace = Namespace::new();
    let run = |provider: &Provider| home.run(&mut namespace.inside(&home.kubekey_for(provider))).token();
    let logout = |flag: &str| home.run(&mut namespace.inside(home.kubekey().args(["logout", flag])));
    let tokens = [run(&one), run(&other)];
    fs::remove_dir_all(home.state()).unwrap();

    let of_one = logout(&format!("--issuer={}", one.issuer()));
    assert_eq!((of_one.code(), one.revoked(), other.revoked()), (Some(0), 1, 0), "{of_one:#?}");
    assert_ne!(run(&one), tokens[0]);
    assert_eq!((run(&other), home.browser.urls().len()), (tokens[1].clone(), 3));
    fs::remove_dir_all(home.state()).unwrap();
    let all = logout("--all");
    assert_eq!((all.code(), one.revoked(), other.revoked()), (Some(0), 2, 1), "{all:#?}");
    assert_ne!(run(&other), tokens[1]);
    logout("--all");
    assert_eq!(logout("--all").stderr, "kubekey: there is no saved sign-in\n");
}

/// A disk was full, or a folder for tokens was gone: the default one, or one that no later run names.
#[test]
fn what_is_parked_is_signed_out_and_is_not_saved_later() {
    for name in ["tokens", "elsewhere"] {
        let (home, provider) = (Home::new(Mode::Note).store_in("file"), revoking());
        let folder = home.state().join("kubekey").join(name);
        let kubekey = || {
            let mut kubekey = home.kubekey_for(&provider);
            kubekey.arg("--token-dir").arg(&folder);
            kubekey
        };
        let running = Running::start(&mut kubekey());
        let url = home.browser.wait_for_url();
        fs::remove_dir_all(&folder).unwrap();
        fs::write(&folder, "").unwrap();
        home.browser.open(&url).last();
        let finished = running.wait();
        finished.token();
        assert!(finished.stderr.contains("until it can, it is held in the kernel"), "{finished:#?}");
        fs::remove_file(&folder).unwrap();
        // Only those of this provider: other tests have keys, too.
        let logout = home.run(home.kubekey().arg("logout").arg(format!("--issuer={}", provider.issuer())));
        assert_eq!((logout.code(), provider.revoked()), (Some(0), 1), "{logout:#?}");
        let token = home.run(kubekey().args(["token", "--offline"]));
        assert_eq!((token.stdout.as_str(), folder.exists()), ("", false), "{token:#?}");
    }
}
