//! A discovery document that names another issuer: the advice must work.

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::edit;

/// The output if the document names `theirs`, and the requested issuer.
fn stderr(theirs: &str) -> String {
    let (home, provider) = (Home::new(Mode::Absent), Provider::start());
    let issuer = theirs.to_owned();
    provider.configure(|behaviour| {
        behaviour.discovery = edit(move |document| drop(document.insert("issuer".into(), issuer.clone().into())));
    });
    let finished = home.run(&mut home.kubekey_for(&provider));
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(1), ""), "{theirs}: {finished:#?}");
    assert!(
        finished.stderr.contains(&format!("its discovery document names the issuer '{theirs}'\n")),
        "{finished:#?}"
    );
    finished.stderr
}

#[test]
fn a_template_in_place_of_the_tenant_is_called_so() {
    let entra = "use your tenant's ID in the issuer URL: https://login.microsoftonline.com/TENANT_ID/v2.0";
    let other = "each tenant has its own issuer there: use your tenant's ID in the issuer URL";
    for (theirs, hint) in [
        ("https://login.microsoftonline.com/{tenantid}/v2.0", entra),
        ("https://sts.windows.net/{tenantid}/", entra),
        ("https://login.example.com/{tenant}", other),
    ] {
        let stderr = stderr(theirs);
        assert!(stderr.ends_with(&format!("hint: {hint}\n")), "{stderr}");
    }
}

#[test]
fn another_issuer_is_proposed_if_its_own_document_is_there_and_otherwise_it_is_not() {
    let other = Provider::start();
    let proposal = format!("hint: if that is your provider, use exactly this: --issuer-url={}\n", other.issuer());
    let stderr_there = stderr(&other.issuer());
    assert!(stderr_there.ends_with(&proposal), "{stderr_there}");

    let mut gone = Provider::start();
    gone.stop();
    let elsewhere = Provider::start();
    elsewhere.configure(|behaviour| {
        behaviour.discovery = edit(|document| drop(document.insert("issuer".into(), "https://x.example".into())));
    });
    for theirs in [
        gone.issuer(),
        elsewhere.issuer(),
        format!("{}/no/such/path", other.issuer()),
        format!("{}?x=y", other.issuer()),
        "http://adfs.example.com/adfs/services/trust".to_owned(),
        "urn:example:issuer".to_owned(),
        "sign in".to_owned(),
    ] {
        let stderr = stderr(&theirs);
        assert!(!stderr.contains("--issuer-url") && stderr.contains("hint: the issuer URL must be"), "{stderr}");
    }
}

#[test]
fn with_or_without_a_slash_it_is_the_same_document() {
    let (home, provider) = (Home::new(Mode::Absent), Provider::start());
    let finished = home.run(home.kubekey_for(&provider).arg(format!("--issuer-url={}/", provider.issuer())));
    let proposal = format!("use exactly this: --issuer-url={}\n", provider.issuer());
    assert!(finished.stderr.ends_with(&proposal), "{finished:#?}");
    assert_eq!(provider.count_all(), 1, "{finished:#?}");
}
