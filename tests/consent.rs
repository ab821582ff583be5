//! A provider that issues a refresh token only for a request with `prompt=consent` (OpenID Connect Core §11).

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::{Behaviour, edit};
use crate::support::run::Finished;

const NOTICE: &str = "kubekey: this provider issued no refresh token, so you must sign in again at ";

fn start(change: impl FnOnce(&mut Behaviour)) -> (Home, Provider) {
    let (home, provider) = (Home::with_keyring(Mode::Follow), Provider::start());
    provider.configure(change);
    (home, provider)
}

/// A run after the ID token has expired.
fn run(home: &Home, provider: &Provider, arguments: &[&str]) -> Finished {
    if home.saved().is_some() {
        home.edit_saved(|set| set["expires_at"] = 1.into());
    }
    home.run(home.kubekey_for(provider).args(arguments))
}

/// The `prompt` of each sign-in so far.
fn prompts(provider: &Provider) -> Vec<Option<String>> {
    provider.requests("/authorize").iter().map(|request| request.param("prompt").map(str::to_owned)).collect()
}

fn consent() -> Option<String> {
    Some("consent".to_owned())
}

#[test]
fn consent_is_asked_for_after_a_sign_in_without_a_refresh_token_and_from_then_on_if_it_helps() {
    let (home, provider) = start(|behaviour| behaviour.refresh_needs_consent = true);
    let first = run(&home, &provider, &[]);
    first.credential();
    let notice = first.stderr.lines().find_map(|line| line.strip_prefix(NOTICE)).expect("a notice");
    assert!(notice.len() >= 5 && notice[notice.len() - 5..].split(':').all(|part| part.len() == 2), "{notice}");
    assert_eq!(prompts(&provider), [None]);

    let second = run(&home, &provider, &[]);
    second.credential();
    assert!(!second.stderr.contains(NOTICE), "{second:#?}");
    assert_eq!(prompts(&provider), [None, consent()]);

    run(&home, &provider, &[]).credential();
    assert_eq!(home.browser.urls().len(), 2, "refreshed in silence");
    home.run(home.kubekey_for(&provider).arg("login"));
    assert_eq!(prompts(&provider), [None, consent(), consent()], "it has helped");
}

#[test]
fn consent_that_is_without_effect_is_never_asked_for_again() {
    let (home, provider) = start(|behaviour| {
        behaviour.token_response = edit(|response| drop(response.remove("refresh_token")));
    });
    let notices = (0..4).map(|_| {
        let finished = run(&home, &provider, &[]);
        finished.credential();
        finished.stderr.matches(NOTICE).count()
    });
    assert_eq!(notices.collect::<Vec<_>>(), [1, 0, 0, 0], "it is said once");
    assert_eq!(prompts(&provider), [None, consent(), None, None]);
}

#[test]
fn consent_that_is_refused_is_never_asked_for_again() {
    let (home, provider) = start(|behaviour| behaviour.refresh_needs_consent = true);
    run(&home, &provider, &[]).credential();
    provider.configure(|behaviour| behaviour.refusal = Some(("invalid_request".into(), "prompt is not known".into())));
    let refused = run(&home, &provider, &[]);
    assert_eq!(refused.code(), Some(3), "{refused:#?}");
    assert!(refused.stderr.contains("prompt is not known (invalid_request)"), "{refused:#?}");
    provider.configure(|behaviour| behaviour.refusal = None);
    // Only runs of one command share this failure, and `login` is another command.
    assert_eq!(home.run(home.kubekey_for(&provider).arg("login")).code(), Some(0));
    run(&home, &provider, &[]).credential();
    assert_eq!(prompts(&provider), [None, consent(), None, None]);
}

#[test]
fn a_scope_that_was_chosen_is_asked_for_in_the_same_way_although_the_provider_does_not_list_it() {
    let (home, provider) = start(|behaviour| {
        behaviour.refresh_needs_consent = true;
        behaviour.scopes_supported = vec!["openid".to_owned()];
    });
    let chosen = ["--scope=openid", "--scope=offline_access"];
    for _ in 0..3 {
        run(&home, &provider, &chosen).credential();
    }
    assert_eq!(prompts(&provider), [None, consent()]);
}

#[test]
fn who_asked_for_no_refresh_token_is_told_nothing_and_asked_for_nothing() {
    let (home, provider) = start(|behaviour| {
        behaviour.refresh_needs_consent = true;
        behaviour.scopes_supported = vec!["openid".to_owned()];
    });
    for _ in 0..3 {
        let finished = run(&home, &provider, &[]);
        finished.credential();
        assert!(!finished.stderr.contains(NOTICE), "{finished:#?}");
    }
    assert_eq!(prompts(&provider), [None, None, None]);
}

#[test]
fn what_is_remembered_of_consent_is_no_secret_and_of_one_provider() {
    let (home, provider) = start(|behaviour| behaviour.refresh_needs_consent = true);
    run(&home, &provider, &[]).credential();
    let state = std::fs::read_to_string(home.state_file()).unwrap();
    assert!(state.contains("\"consent\":\"Due\""), "{state}");
    home.edit_state(|state| state["consent"] = "Whatever".into());
    run(&home, &provider, &[]).credential();
    assert_eq!(prompts(&provider), [None, None], "what cannot be read is as if it were not there");
}
