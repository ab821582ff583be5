//! Sign-ins that are held in the kernel and that the index of saved sign-ins lacks.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::support::browser::Mode;
use crate::support::home::{Home, program};
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
fn what_is_parked_is_listed_and_signed_out_and_is_not_saved_later() {
    for (name, is_of_issuer) in [("tokens", true), ("elsewhere", true), ("elsewhere", false)] {
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
        is_shown(&home, &provider, &folder);
        // Only those of this provider: other tests have keys, too.
        let of_issuer = || {
            let mut kubekey = home.kubekey();
            kubekey.arg("logout").arg(format!("--issuer={}", provider.issuer()));
            kubekey
        };
        let logout = match is_of_issuer {
            true => home.run(&mut of_issuer()),
            false => home.run(kubekey().arg("logout")),
        };
        assert_eq!((logout.code(), provider.revoked()), (Some(0), 1), "{logout:#?}");
        let token = home.run(kubekey().args(["token", "--offline"]));
        assert!(token.stdout.is_empty() && !token.stderr.contains("is now saved"), "{token:#?}");
    }
}

/// The list and the doctor see it, and do not say that there is none.
fn is_shown(home: &Home, provider: &Provider, folder: &Path) {
    let arguments = [
        format!("--issuer-url={}", provider.issuer()),
        format!("--client-id={}", provider.client_id()),
        "--token-storage=file".to_owned(),
        format!("--token-dir={}", folder.display()),
    ];
    let exec = json!({ "apiVersion": "client.authentication.k8s.io/v1", "command": program(), "args": arguments });
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "c", "cluster": { "server": "https://127.0.0.1:1" } }],
        "users": [{ "name": "u", "user": { "exec": exec } }],
        "contexts": [{ "name": "prod", "context": { "cluster": "c", "user": "u" } }],
        "current-context": "prod",
    });
    let kube = home.path().join(".kube");
    fs::create_dir_all(&kube).unwrap();
    fs::write(kube.join("config"), config.to_string()).unwrap();
    let status = home.run(home.kubekey().args(["status", "--context=prod", "--output=wide"]));
    assert_eq!(status.code(), Some(0), "{status:#?}");
    assert!(status.stdout.contains("prod") && status.stdout.contains("parked until it can be saved"), "{status:#?}");
    let doctor = home.run(home.kubekey().args(["doctor", "--context=prod"])).stdout;
    assert!(doctor.contains("the sign-in could not be saved there, and is parked until it can be"), "{doctor}");
    assert!(doctor.contains("a token is saved, and valid until ") && !doctor.contains("no valid token"), "{doctor}");
}
