//! KWallet as the keyring.

use std::process::Command;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::kwallet::KWallet;
use crate::support::provider::Provider;

#[test]
fn a_sign_in_is_kept_read_back_renewed_and_forgotten_also_by_kwallet() {
    let kwallet = KWallet::start().expect("dbus-daemon, Xvfb and kwalletd5");
    let home = Home::new(Mode::Follow).store_in("keyring");
    let provider = Provider::start();
    let kubekey = || -> Command {
        let mut command = home.kubekey_for(&provider);
        command.env("DBUS_SESSION_BUS_ADDRESS", kwallet.desktop.address());
        command.env_remove("DISPLAY").env("BROWSER", "xdg-open");
        command
    };
    provider.configure(|behaviour| behaviour.lifetime = 5);
    // A wallet that the login opened is locked for other programs until they ask, and then no prompt appears.
    let first = home.run(kubekey().env("DISPLAY", kwallet.desktop.display()));
    assert!(!first.stderr.contains("warning"), "{first:#?}");
    provider.configure(|behaviour| behaviour.lifetime = 3600);
    let second = home.run(&mut kubekey());
    assert_ne!(second.token(), first.token(), "it had expired");
    let third = home.run(&mut kubekey());
    assert_eq!((third.token(), third.stderr.as_str(), home.browser.urls().len()), (second.token(), "", 1));

    kwallet.lock();
    let locked = home.run(&mut kubekey());
    assert_eq!((locked.code(), home.browser.urls().len()), (Some(6), 1), "{locked:#?}");
    assert!(locked.stderr.contains("the keyring is locked, and this session has no screen"), "{locked:#?}");
    kwallet.unlock();
    let unlocked = home.run(kubekey().env("DISPLAY", kwallet.desktop.display()));
    assert_eq!((unlocked.token(), home.browser.urls().len()), (second.token(), 1));

    assert_eq!(home.run(kubekey().arg("logout")).code(), Some(0));
    home.run(&mut kubekey()).credential();
    assert_eq!(home.browser.urls().len(), 2, "nothing was left");
}
