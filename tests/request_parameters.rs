//! The parameters of the authorization request that users choose, and what the ID token must then say.

use serde_json::{Value, json};

use crate::support::browser::Mode;
use crate::support::client::{get, head, read_page};
use crate::support::home::Home;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::{Behaviour, edit};
use crate::support::provider::server::{Answer, Request};
use crate::support::run::{Finished, Running};
use crate::support::waiting::Waiting;

fn user(change: impl FnOnce(&mut Behaviour)) -> (Home, Provider) {
    let (home, provider) = (Home::with_keyring(Mode::Follow), Provider::start());
    provider.configure(change);
    (home, provider)
}

fn sign_in(arguments: &[&str], change: impl FnOnce(&mut Behaviour)) -> (Home, Provider, Finished) {
    let (home, provider) = user(change);
    let finished = home.run(home.kubekey_for(&provider).args(arguments));
    (home, provider, finished)
}

/// All values of a parameter.
fn all<'a>(request: &'a Request, name: &str) -> Vec<&'a str> {
    let parameters = request.query.iter().chain(&request.form);
    parameters.filter(|(key, _)| key == name).map(|(_, value)| &**value).collect()
}

const CHOSEN: [(&[&str], &str, &[&str]); 14] = [
    (&["--login-hint=jane@example.com"], "login_hint", &["jane@example.com"]),
    (&["--account=jane@example.com"], "login_hint", &["jane@example.com"]),
    (&["--account=work"], "login_hint", &[]),
    (&["--account=a@b.example", "--login-hint=jane"], "login_hint", &["jane"]),
    (&["--prompt=login"], "prompt", &["login"]),
    (&["--prompt=select_account"], "prompt", &["select_account"]),
    (&["--prompt=consent"], "prompt", &["consent"]),
    (&["--max-age=0"], "max_age", &["0"]),
    (&["--max-age=15m"], "max_age", &["900"]),
    (&["--acr-values=phr", "--acr-values=mfa"], "acr_values", &["phr mfa"]),
    (&["--auth-param=domain_hint=example.com"], "domain_hint", &["example.com"]),
    (&["--oidc-auth-request-extra-params=a=1,hd=example.com"], "hd", &["example.com"]),
    (&["--resource=https://a.example", "--resource=urn:b"], "resource", &["https://a.example", "urn:b"]),
    (&[], "login_hint", &[]),
];

#[test]
fn what_was_chosen_is_requested_in_the_browser() {
    for (arguments, name, expected) in CHOSEN {
        let (_, provider, finished) = sign_in(arguments, |_| {});
        finished.credential();
        assert_eq!(all(&provider.requests("/authorize")[0], name), expected, "{arguments:?}");
    }
}

#[test]
fn what_was_chosen_is_requested_with_a_device_code() {
    for (arguments, name, expected) in CHOSEN {
        let (_, provider, finished) = sign_in(&[&["--flow=device"], arguments].concat(), |behaviour| {
            (behaviour.offers_device, behaviour.device_approved) = (true, true);
        });
        finished.credential();
        assert_eq!(all(&provider.requests("/device_authorization")[0], name), expected, "{arguments:?}");
        let expected = if name == "resource" { expected } else { &[] };
        assert_eq!(all(&provider.requests("/token")[0], "resource"), expected, "{arguments:?}");
    }
}

#[test]
fn tokens_are_requested_for_the_same_resources_by_code_and_by_refresh() {
    let arguments = ["--resource=https://a.example https://b.example"];
    let (home, provider, finished) = sign_in(&arguments, |_| {});
    finished.credential();
    home.edit_saved(|set| set["expires_at"] = 1.into());
    home.run(home.kubekey_for(&provider).args(arguments)).credential();
    let requests = provider.requests("/token");
    assert_eq!(requests[1].param("grant_type"), Some("refresh_token"));
    for request in requests {
        assert_eq!(all(&request, "resource"), ["https://a.example", "https://b.example"], "{request:#?}");
    }
}

#[test]
fn the_protocols_parameters_are_refused_by_name_before_anything_is_sent() {
    for (parameter, hint) in [
        ("client_id=other", "leave this parameter out"),
        ("redirect_uri=https://evil.example", "leave this parameter out"),
        ("request_uri=urn:x", "leave this parameter out"),
        ("prompt=none", "set --prompt instead"),
        ("scope=openid", "set --scope instead"),
    ] {
        let (_, provider, finished) = sign_in(&[&format!("--auth-param={parameter}")], |_| {});
        let name = parameter.split_once('=').unwrap().0;
        assert_eq!((finished.code(), provider.count_all()), (Some(2), 0), "{finished:#?}");
        assert!(finished.stderr.contains(&format!("--auth-param '{name}' cannot be used")), "{finished:#?}");
        assert!(finished.stderr.contains(&format!("hint: {hint}")), "{finished:#?}");
    }
}

#[test]
fn a_provider_that_needs_a_page_is_answered_with_what_forbids_it() {
    for error in ["login_required", "interaction_required", "consent_required", "account_selection_required"] {
        let refusal = |behaviour: &mut Behaviour| behaviour.refusal = Some((error.into(), "no".into()));
        let (_, provider, finished) = sign_in(&["--prompt=none"], refusal);
        assert_eq!((finished.code(), all(&provider.requests("/authorize")[0], "prompt")), (Some(3), vec!["none"]));
        assert!(finished.stderr.contains("hint: the provider needs to show you a page: sign in without --prompt=none"));
        let (_, _, finished) = sign_in(&[], refusal);
        assert!(!finished.stderr.contains("--prompt=none"), "{finished:#?}");
    }
    let (_, provider, finished) =
        sign_in(&["--prompt=none", "--flow=device"], |behaviour| behaviour.offers_device = true);
    assert_eq!((finished.code(), provider.count("/device_authorization")), (Some(2), 0), "{finished:#?}");
    assert!(finished.stderr.contains("the device flow needs the provider's page"), "{finished:#?}");
}

/// An ID token with this claim, or without it.
fn claim(name: &'static str, value: impl Fn(i64) -> Value + Send + Sync + 'static) -> impl FnOnce(&mut Behaviour) {
    move |behaviour| {
        behaviour.claims = edit(move |claims| {
            let value = value(claims["iat"].as_i64().unwrap());
            if value.is_null() { drop(claims.remove(name)) } else { drop(claims.insert(name.into(), value)) }
        });
    }
}

#[test]
fn the_authentication_must_be_as_recent_as_requested_in_each_flow() {
    const LIMITED: &[&str] = &["--max-age=900"];
    const MISSING: Option<i64> = None;
    for (arguments, age, why) in [
        (LIMITED, Some(0), ""),
        (LIMITED, Some(900), ""),
        (LIMITED, Some(1100), "you were authenticated 1100 s before it was issued, and max_age is 900 s"),
        (LIMITED, MISSING, "it does not say when you were authenticated ('auth_time')"),
        (&[], Some(100_000), ""),
        (&[], MISSING, ""),
    ] {
        for flow in ["browser", "device"] {
            let (_, _, finished) = sign_in(&[arguments, &["--flow", flow]].concat(), |behaviour| {
                (behaviour.offers_device, behaviour.device_approved) = (true, true);
                claim("auth_time", move |now| age.map_or(Value::Null, |age| (now - age).into()))(behaviour);
            });
            assert_eq!(finished.code(), Some(if why.is_empty() { 0 } else { 3 }), "{age:?} {finished:#?}");
            assert!(finished.stderr.contains(why), "{finished:#?}");
        }
    }
}

#[test]
fn a_refresh_keeps_the_time_of_the_authentication() {
    for (auth_times, sign_ins) in [([1_800_000_000, 1_800_000_000], 1), ([1_800_000_000, 1_800_000_001], 2)] {
        let (home, provider) = user(|_| {});
        for time in auth_times {
            provider.configure(|behaviour| {
                behaviour.claims = edit(move |claims| claims["auth_time"] = time.into());
            });
            home.run(home.kubekey_for(&provider).arg("--max-age=87600h")).credential();
            home.edit_saved(|set| set["expires_at"] = 1.into());
        }
        assert_eq!(provider.count("/authorize"), sign_ins);
        let grants = provider.requests("/token");
        assert_eq!(grants[1].param("grant_type"), Some("refresh_token"));
    }
}

#[test]
fn another_class_of_authentication_than_requested_is_one_warning() {
    for (arguments, acr, warning) in [
        (&["--acr-values=phr mfa"] as &[&str], json!("mfa"), None),
        (
            &["--acr-values=phr mfa"],
            json!("pwd"),
            Some("the ID token has the 'acr' 'pwd', and requested was 'phr mfa'"),
        ),
        (&["--acr-values=phr"], Value::Null, Some("the ID token has no 'acr', and requested was 'phr'")),
        (&[], json!("pwd"), None),
    ] {
        let (home, provider, finished) = sign_in(arguments, claim("acr", move |_| acr.clone()));
        finished.credential();
        let lines: Vec<_> = finished.stderr.lines().filter(|line| line.contains("'acr'")).collect();
        let expected = warning.map(|warning| format!("kubekey: warning: {warning}"));
        assert_eq!(lines, expected.as_slice(), "{finished:#?}");
        // It is said at the sign-in, and not by each run.
        home.edit_saved(|set| set["expires_at"] = 1.into());
        assert_eq!(home.run(home.kubekey_for(&provider).args(arguments)).stderr, "");
        assert_eq!(home.run(home.kubekey_for(&provider).args(arguments)).stderr, "");
    }
}

#[test]
fn a_token_that_clusters_cannot_take_is_said_once_at_the_sign_in() {
    let overage =
        json!({ "_claim_names": { "groups": "src1" }, "_claim_sources": { "src1": { "endpoint": "https://x" } } });
    let large = json!({ "groups": (0..300).map(|number| format!("group-{number:030}")).collect::<Vec<_>>() });
    for (claims, words) in [
        (overage, "in Microsoft Entra to 'Groups assigned to the application'"),
        (large, "many API servers and proxies reject more than 8192 in a header"),
        (json!({ "_claim_names": { "address": "src1" } }), ""),
    ] {
        let (home, provider, finished) = sign_in(&[], |behaviour| {
            behaviour.claims = edit(move |all| {
                all.remove("groups");
                all.extend(claims.as_object().unwrap().clone());
            });
        });
        finished.credential();
        let warnings: Vec<_> = finished.stderr.lines().filter(|line| line.contains("warning: ")).collect();
        assert_eq!(warnings.len(), usize::from(!words.is_empty()), "{finished:#?}");
        assert!(finished.stderr.contains(words), "{finished:#?}");
        home.edit_saved(|set| set["expires_at"] = 1.into());
        assert_eq!(home.run(&mut home.kubekey_for(&provider)).stderr, "");
    }
}

#[test]
fn two_accounts_at_one_provider_live_side_by_side() {
    let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
    let run = |account: &str| home.run(home.kubekey_for(&provider).arg(format!("--account={account}"))).token();
    let (work, private) = (run("jane@work.example"), run("private"));
    assert_ne!(work, private);
    assert_eq!((run("jane@work.example"), run("private")), (work.clone(), private));
    assert_eq!(provider.count("/authorize"), 2);
    home.run(home.kubekey_for(&provider).args(["logout", "--account=private"]));
    assert_eq!((run("jane@work.example"), provider.count("/authorize")), (work, 2), "the other one stays");
}

/// The `prompt` of each sign-in so far.
fn prompts(provider: &Provider) -> Vec<Option<String>> {
    provider.requests("/authorize").iter().map(|request| request.param("prompt").map(str::to_owned)).collect()
}

#[test]
fn the_first_sign_in_after_a_logout_lets_the_user_choose_the_account() {
    for (offered, arguments, expected) in [
        (Value::Null, &[] as &[&str], Some("login")),
        (json!(["none", "login", "select_account"]), &[], Some("select_account")),
        (json!(["none", "login", "consent"]), &[], Some("login")),
        (json!(["none", "consent"]), &[], None),
        (Value::Null, &["--prompt=consent"], Some("consent")),
    ] {
        let (home, provider) = user(|behaviour| {
            let offered = offered.clone();
            behaviour.discovery = edit(move |document| {
                document.insert("prompt_values_supported".into(), offered.clone());
            });
        });
        let run = |command: &str| home.run(home.kubekey_for(&provider).args(arguments).arg(command));
        assert_eq!(run("login").code(), Some(0));
        run("logout");
        assert_eq!((run("login").code(), run("login").code()), (Some(0), Some(0)));
        let chosen = arguments.first().map(|_| "consent");
        assert_eq!(prompts(&provider), [chosen, expected, chosen].map(|one| one.map(str::to_owned)), "{offered}");
    }
}

#[test]
fn a_provider_that_refuses_the_choice_of_the_account_is_not_asked_again() {
    let (home, provider) = user(|_| {});
    let run = |command: &str| home.run(home.kubekey_for(&provider).arg(command)).code();
    run("logout");
    provider.configure(|behaviour| behaviour.refusal = Some(("invalid_request".into(), "prompt".into())));
    assert_eq!(run("login"), Some(3));
    provider.configure(|behaviour| behaviour.refusal = None);
    assert_eq!(run("login"), Some(0));
    assert_eq!(prompts(&provider), [Some("login".to_owned()), None]);
}

#[test]
fn a_valid_token_is_refreshed_if_that_is_asked_for_and_else_the_user_signs_in() {
    let (home, provider, finished) = sign_in(&[], |_| {});
    let first = finished.token();
    let forced = || home.run(home.kubekey_for(&provider).arg("--force-refresh"));
    let second = forced().token();
    assert_ne!(first, second);
    let login = home.run(home.kubekey_for(&provider).args(["login", "--force-refresh"]));
    assert!(login.code() == Some(0) && login.stderr.contains("signed in, with a token"), "{login:#?}");
    let third = home.run(&mut home.kubekey_for(&provider)).token();
    assert_ne!(second, third, "it was saved");
    assert_eq!((provider.count("/authorize"), provider.count("/token")), (1, 3));

    home.edit_saved(|set| {
        drop(set.as_object_mut().unwrap().remove("refresh_token"));
        set["is_renewable"] = false.into();
    });
    assert_ne!(forced().token(), third);
    assert_eq!(provider.count("/authorize"), 2);
}

#[test]
fn who_signs_in_with_another_account_than_the_one_given_is_told_so() {
    for (account, is_told) in [
        ("bob@example.com", true),
        ("Jane@Example.com", false),
        ("jane@corp.example", false),
        ("0b6e@subjects.example", false),
        ("work", false),
    ] {
        let (_, _, finished) = sign_in(&[&format!("--account={account}")], |behaviour| {
            behaviour.claims = edit(|claims| {
                claims.insert("preferred_username".into(), "jane@corp.example".into());
                claims.insert("sub".into(), "0b6e@subjects.example".into());
            });
        });
        finished.credential();
        let told = format!("kubekey: warning: you are signed in as jane@example.com, and --account is {account}: ");
        assert_eq!(finished.stderr.contains(&told), is_told, "{account}: {finished:#?}");
        let again = "if that is not meant, run 'kubekey login' with the same settings and --prompt=select_account\n";
        assert_eq!(finished.stderr.contains(again), is_told, "{account}: {finished:#?}");
    }
    let (_, _, again) = sign_in(&["--account=bob@example.com", "--prompt=select_account"], |_| ());
    assert!(again.stderr.contains("choose the other one when you sign in again\n"), "{again:#?}");
}

/// A provider that takes pushed requests, and requires them if that is said.
fn takes_pushed(provider: &Provider, is_required: bool) {
    let endpoint = provider.issuer() + "/par";
    provider.configure(|behaviour| {
        behaviour.discovery = edit(move |document| {
            document.insert("pushed_authorization_request_endpoint".into(), endpoint.clone().into());
            document.insert("require_pushed_authorization_requests".into(), is_required.into());
        });
    });
}

#[test]
fn a_pushed_request_leaves_only_its_reference_to_the_browser() {
    for (is_required, arguments, secret, pushes) in [
        (true, &[] as &[&str], None, 1),
        (false, &["--par"], None, 1),
        (false, &["--par"], Some("s3cret-of-the-client"), 1),
        (false, &[], None, 0),
    ] {
        let (home, provider) = user(|behaviour| behaviour.client_secret = secret.map(str::to_owned));
        takes_pushed(&provider, is_required);
        let mut kubekey = home.kubekey_for(&provider);
        kubekey.args(arguments).env("KUBEKEY_CLIENT_SECRET", secret.unwrap_or_default());
        home.run(&mut kubekey).credential();
        let asked = provider.requests("/authorize").remove(0);
        let mut names: Vec<_> = asked.query.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names == ["client_id", "request_uri"], pushes == 1, "{names:?}");
        let pushed = provider.requests("/par");
        assert_eq!(pushed.len(), pushes);
        for request in pushed {
            assert_eq!(all(&request, "client_id"), [provider.client_id()], "{request:#?}");
            assert_eq!(request.header("authorization").is_some(), secret.is_some());
            assert!(request.param("state").is_some() && request.param("redirect_uri").is_some(), "{request:#?}");
        }
    }
}

#[test]
fn each_visit_of_our_page_pushes_the_request_again() {
    let (home, provider) = (Home::with_keyring(Mode::Note), Provider::start());
    takes_pushed(&provider, true);
    let running = Running::start(&mut home.kubekey_for(&provider));
    let local = home.browser.wait_for_url();
    let urls = [(); 2].map(|()| get(&local).location().expect("a redirect").to_owned());
    assert_ne!(urls[0], urls[1], "a reference is good for one use");
    assert_eq!(home.browser.open(&local).last().status, 200);
    running.wait().credential();
    assert_eq!(provider.count("/par"), 3);
}

/// The first one is being pushed at that moment.
#[test]
fn a_visit_that_waits_when_the_sign_in_times_out_is_told_so() {
    let takes_pushed = |behaviour: &mut Behaviour| {
        behaviour.hold = vec!["/par"];
        behaviour.discovery = edit(|document| {
            let endpoint = document["token_endpoint"].as_str().unwrap().replace("/token", "/par");
            document.insert("pushed_authorization_request_endpoint".into(), endpoint.into());
        });
    };
    let waiting = Waiting::start_at(takes_pushed, &["--par", "--login-timeout=10"]);
    let _first = waiting.connect(&head("GET", &waiting.local));
    waiting.provider.wait_for("/par", 1);
    let second = waiting.connect(&head("GET", &waiting.local));
    let page = read_page(&second, "GET", &waiting.local).unwrap();
    assert_eq!((page.status, page.body.contains("<h1>The sign-in has timed out</h1>")), (410, true), "{page:#?}");
    assert!(!page.body.contains("still waiting"), "{page:#?}");
    let finished = waiting.running.wait();
    assert_eq!((finished.code(), waiting.provider.count("/par")), (Some(3), 1), "{finished:#?}");
    assert!(finished.stderr.contains("the sign-in timed out after 10 s\n"), "{finished:#?}");
}

#[test]
fn a_request_that_cannot_be_pushed_is_one_error() {
    let (home, provider) = user(|_| {});
    let finished = home.run(home.kubekey_for(&provider).arg("--par"));
    assert_eq!((finished.code(), home.browser.urls().len()), (Some(3), 0), "{finished:#?}");
    let expected = "kubekey: the provider does not support pushed authorization requests: its discovery document has no usable \
                    'pushed_authorization_request_endpoint'\nhint: leave --par out\n";
    assert_eq!(finished.stderr, expected);

    let (home, provider) = user(|behaviour| {
        let refusal = json!({ "error": "invalid_request", "error_description": "not so" });
        behaviour.push_answer = Some(Answer::json(400, &refusal));
    });
    takes_pushed(&provider, true);
    let finished = home.run(&mut home.kubekey_for(&provider));
    let words = "the provider refused the pushed authorization request: not so (invalid_request)";
    assert!(finished.code() == Some(3) && finished.stderr.contains(words), "{finished:#?}");
    assert!(home.browser.wait_for_journey().last().body.contains("not so"), "the page says so, too");
}

#[test]
fn a_header_field_goes_to_the_issuers_origin_alone_and_is_never_shown() {
    const VALUE: &str = "canary-of-the-gateway";
    let (home, provider) = user(|_| {});
    let elsewhere = Provider::start();
    let keys = elsewhere.issuer() + "/jwks";
    provider.configure(|behaviour| {
        behaviour.discovery = edit(move |document| {
            document.insert("jwks_uri".into(), keys.clone().into());
        });
    });
    let finished = home.run(home.kubekey_for(&provider).arg(format!("--oidc-request-header=X-Gateway={VALUE}")));
    finished.credential();
    for path in ["/.well-known/openid-configuration", "/token"] {
        assert_eq!(provider.requests(path)[0].header("x-gateway"), Some(VALUE), "{path}");
    }
    assert_eq!(elsewhere.requests("/jwks")[0].header("x-gateway"), None, "another origin");
    assert!(!finished.log.contains(VALUE) && !finished.stderr.contains(VALUE), "{finished:#?}");
    let shown = home.run(home.kubekey().args(["config", "show", &format!("--request-header=X-Gateway={VALUE}")]));
    assert!(shown.stdout.contains("request_header = \"***\"") && !shown.stdout.contains(VALUE), "{shown:#?}");

    for name in ["Authorization", "host", "Cookie", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection"]
    {
        let finished = home.run(home.kubekey_for(&provider).arg(format!("--request-header={name}={VALUE}")));
        let words = format!("--request-header '{name}' cannot be used: kubekey sets this header field itself");
        assert!(finished.code() == Some(2) && finished.stderr.contains(&words), "{finished:#?}");
    }
    let finished = home.run(home.kubekey_for(&provider).arg(format!("--request-header={VALUE}")));
    assert!(finished.code() == Some(2) && !finished.stderr.contains(VALUE), "{finished:#?}");
}
