//! Programs that exchange a token of another issuer (`--flow=token-exchange`, `--flow=jwt-bearer`).

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::browser::Mode;
use crate::support::canary;
#[cfg(target_os = "linux")]
use crate::support::etc::Etc;
use crate::support::home::Home;
#[cfg(target_os = "linux")]
use crate::support::policy::assert_refused;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::edit;
#[cfg(target_os = "linux")]
use crate::support::provider::server::Answer;
#[cfg(target_os = "linux")]
use crate::support::tls::COMPANY;

const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const JOB_TOKEN: &str = "canary-that-requests-the-id-token-of-a-job";

/// A token of a service account, the `nth` that its issuer wrote.
fn service_account(name: &str, nth: usize) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims =
        json!({ "iss": "https://kubernetes.example.com", "sub": format!("system:serviceaccount:{name}"), "jti": nth });
    let token = format!("{}.{}.{}", part(json!({ "alg": "RS256" })), part(claims), URL_SAFE_NO_PAD.encode("signature"));
    canary::tell(&token);
    token
}

/// A provider that exchanges these tokens.
fn provider(tokens: &[String]) -> Provider {
    let (provider, tokens) = (Provider::start(), tokens.to_vec());
    provider.configure(|behaviour| {
        behaviour.offers_machine_grants = true;
        behaviour.subject_tokens = tokens;
    });
    provider
}

/// A file as Kubernetes projects it.
fn file(home: &Home, token: &str) -> PathBuf {
    let file = home.path().join("token");
    fs::write(&file, token).unwrap();
    file
}

fn exchange(home: &Home, provider: &Provider) -> Command {
    let mut kubekey = home.kubekey_for(provider);
    kubekey.arg("--flow=token-exchange");
    kubekey
}

#[test]
fn the_file_is_read_anew_and_what_was_kept_belongs_to_its_account() {
    let tokens = [service_account("ci", 1), service_account("ci", 2), service_account("other", 1)];
    let (home, provider) = (Home::new(Mode::Absent).store_in("file"), provider(&tokens));
    let run = |token: &str, more: &[&str]| {
        home.run(exchange(&home, &provider).arg("--subject-token-file").arg(file(&home, token)).args(more))
    };
    let first = run(&format!("{}\n", tokens[0]), &["--auth-param=audience=k8s", "--scope=groups"]);
    assert!(first.token().starts_with("access-") && first.stderr.is_empty(), "{first:#?}");
    let request = provider.requests("/token").pop().unwrap();
    for (name, value) in [
        ("grant_type", TOKEN_EXCHANGE),
        ("subject_token", &*tokens[0]),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("audience", "k8s"),
        ("scope", "groups"),
        ("client_id", &*provider.client_id()),
    ] {
        assert_eq!(request.param(name), Some(value), "{name}");
    }
    // The next one of the same account.
    let plain = run(&tokens[0], &[]).token();
    assert_eq!((run(&tokens[1], &[]).token(), provider.count("/token")), (plain.clone(), 2));
    let renewed = run(&tokens[1], &["--force-refresh"]);
    assert_ne!(renewed.token(), plain);
    assert_eq!(provider.requests("/token").pop().unwrap().param("subject_token"), Some(&*tokens[1]));
    // Another account gets nothing of it.
    assert_ne!(run(&tokens[2], &[]).token(), renewed.token());
    assert_eq!(provider.count("/token"), 4);
}

#[test]
fn it_is_a_grant_or_authenticates_the_client_where_the_flow_says_so() {
    let token = service_account("ci", 1);
    let (home, provider) = (Home::new(Mode::Absent), provider(std::slice::from_ref(&token)));
    let run = |words: &[&str]| {
        let finished =
            home.run(home.kubekey_for(&provider).args(words).arg("--subject-token-file").arg(file(&home, &token)));
        assert!(finished.token().starts_with("access-"), "{finished:#?}");
        provider.requests("/token").pop().unwrap()
    };
    let request = run(&["--flow=jwt-bearer"]);
    assert_eq!((request.param("grant_type"), request.param("assertion")), (Some(JWT_BEARER), Some(&*token)));
    assert_eq!(request.param("subject_token_type"), None);
    let request = run(&["--flow=client-credentials"]);
    assert_eq!(
        (request.param("grant_type"), request.param("client_assertion")),
        (Some("client_credentials"), Some(&*token))
    );
    assert_eq!(request.param("client_assertion_type"), Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
    let request = run(&["--grant-type=token-exchange", "--token-exchange-subject-token-type=id-token"]);
    assert_eq!(request.param("subject_token_type"), Some("urn:ietf:params:oauth:token-type:id_token"));
}

#[test]
fn a_job_of_gitlab_has_it_in_a_variable() {
    let tokens = [service_account("job-1", 1), service_account("job-1", 2)];
    let (home, provider) = (Home::new(Mode::Absent).store_in("file"), provider(&tokens));
    let run = |token: &str| {
        home.run(exchange(&home, &provider).arg("--subject-token-variable=KUBE_ID_TOKEN").env("KUBE_ID_TOKEN", token))
    };
    let first = run(&tokens[0]).token();
    assert_eq!((run(&tokens[0]).token(), provider.count("/token")), (first, 1));
    let value = home.run(exchange(&home, &provider).arg("--subject-token-variable").arg(&tokens[0]));
    let words =
        "kubekey: --subject-token-variable is not the name of a variable\nhint: give the name, without '$', not ";
    assert!(value.code() == Some(2) && value.stderr.starts_with(words), "{value:#?}");
    run(&tokens[1]).credential();
    assert_eq!(provider.requests("/token")[1].param("subject_token"), Some(&*tokens[1]), "that of another job");
    let missing = home.run(exchange(&home, &provider).arg("--subject-token-variable=KUBE_ID_TOKEN"));
    assert!(missing.code() == Some(2), "{missing:#?}");
    assert!(missing.stderr.contains("'KUBE_ID_TOKEN' cannot be used: no variable of this name contains a token"));
}

#[test]
fn what_cannot_be_a_token_is_named_and_nothing_is_sent() {
    let (home, provider) = (Home::new(Mode::Absent), provider(&[]));
    for (content, why) in [("", "it is empty"), ("two words", "it must contain one token"), ("t\u{e9}", "one token")] {
        let finished = home.run(exchange(&home, &provider).arg("--subject-token-file").arg(file(&home, content)));
        assert!(finished.code() == Some(2) && finished.stderr.contains(why), "{finished:#?}");
    }
    let large = home.run(exchange(&home, &provider).arg("--subject-token-file").arg(file(&home, &"x".repeat(70_000))));
    assert!(large.code() == Some(2) && large.stderr.contains("it has more than 65536 bytes"), "{large:#?}");
    for (words, why) in [
        (&["--subject-token-file=token"][..], "it is not an absolute path"),
        (&["--subject-token-file=/x", "--subject-token-variable=X"], "cannot be used together"),
        (&[], "--flow=token-exchange needs a subject token\nhint: give --subject-token-file"),
        (&["--github-audience=k8s"], "ACTIONS_ID_TOKEN_REQUEST_TOKEN is not\nhint: in a job of GitHub Actions"),
    ] {
        let finished = home.run(exchange(&home, &provider).args(words));
        assert!(finished.code() == Some(2) && finished.stderr.contains(why), "{finished:#?}");
    }
    assert_eq!(provider.count("/token"), 0);
    let refused = home.run(exchange(&home, &provider).arg("--subject-token-file").arg(file(&home, "unknown")));
    assert_eq!(refused.code(), Some(3), "{refused:#?}");
    assert!(refused.stderr.contains("(invalid_grant)\nhint: the provider does not accept the subject token: check"));
}

/// A job of GitHub Actions, which requests its token from this server.
fn job(home: &Home, provider: &Provider, server: &str) -> Command {
    let mut kubekey = exchange(home, provider);
    kubekey
        .arg("--github-audience=kubernetes")
        .env("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{server}/job/token?api-version=2.0"))
        .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", JOB_TOKEN);
    kubekey
}

#[test]
fn an_issued_token_that_is_no_access_token_has_no_type() {
    let token = service_account("default:one", 1);
    let (home, provider) = (Home::new(Mode::Absent), provider(std::slice::from_ref(&token)));
    provider.configure(|behaviour| {
        behaviour.token_response = edit(|response| drop(response.insert("token_type".into(), "N_A".into())));
    });
    let with = |flow: &str| {
        let mut kubekey = home.kubekey_for(&provider);
        home.run(kubekey.arg(format!("--flow={flow}")).arg("--subject-token-file").arg(file(&home, &token)))
    };
    assert!(with("token-exchange").token().starts_with("access-"));
    let refused = with("jwt-bearer");
    assert!(refused.code() == Some(3) && refused.stderr.contains("have the type 'N_A'"), "{refused:#?}");
}

#[test]
fn the_request_token_of_a_job_goes_to_no_other_host_than_githubs() {
    let (home, provider) = (Home::new(Mode::Absent), provider(&[]));
    canary::tell(JOB_TOKEN);
    for server in
        [provider.issuer(), "https://evil.example".into(), "https://actions.githubusercontent.com@evil.example".into()]
    {
        let finished = home.run(&mut job(&home, &provider, &server));
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(1), ""), "{finished:#?}");
        assert!(finished.stderr.contains("is not an https URL of actions.githubusercontent.com, so "), "{finished:#?}");
    }
    assert_eq!((provider.count("/job/token"), provider.count("/token")), (0, 0));
}

#[test]
#[cfg(target_os = "linux")]
fn a_job_of_github_exchanges_its_id_token() {
    canary::tell(JOB_TOKEN);
    let home = Home::new(Mode::Absent).store_in("file");
    let provider = Provider::start_at([127, 0, 0, 1].into(), Some(COMPANY.server("127.0.0.1", |_| ())));
    provider.configure(|behaviour| {
        behaviour.offers_machine_grants = true;
        behaviour.job_token = Some(JOB_TOKEN.into());
    });
    let (server, authority) = (provider.issuer(), home.path().join("ca.pem"));
    fs::write(&authority, COMPANY.pem()).unwrap();
    let host = server.strip_prefix("https://").unwrap();
    let own = format!("locked_flags = []\ngithub_hosts = ['{host}']");
    let policy = format!("{own}\nextra_ca = ['{}']", authority.display());
    let run = |policy: &str| home.run(&mut Etc::with_policy(policy).over(&job(&home, &provider, &server)));
    let first = run(&policy);
    assert!(first.token().starts_with("access-"), "{first:#?}");
    let request = provider.requests("/job/token").pop().unwrap();
    assert_eq!((request.param("audience"), request.param("api-version")), (Some("kubernetes"), Some("2.0")));
    let request = provider.requests("/token").pop().unwrap();
    assert!(request.param("subject_token").is_some_and(|token| token.ends_with(".kubernetes")), "{request:#?}");
    assert!(request.header("authorization").is_none(), "the job's request token is for GitHub alone");
    assert_eq!(request.param("subject_token_type"), Some("urn:ietf:params:oauth:token-type:id_token"));
    assert_eq!((run(&policy).token(), provider.count("/job/token")), (first.token(), 1));

    // The provider's certificate may go unverified, or be verified by the user's authority; that of GitHub may not.
    let trusted = format!("--certificate-authority={}", authority.display());
    for trust in ["--insecure-skip-tls-verify", &trusted] {
        let mut other = job(&home, &provider, &server);
        other.args([trust, "--force-refresh"]).env("SSL_CERT_FILE", &authority);
        let unverified = home.run(&mut Etc::with_policy(&own).over(&other));
        assert_eq!((unverified.code(), provider.count("/job/token")), (Some(5), 1), "{unverified:#?}");
    }

    let mut again = job(&home, &provider, &server);
    again.arg("--force-refresh");
    let empty = Answer::json(200, &json!({ "count": 0 }));
    provider.configure(|behaviour| behaviour.machine_answer = Some(empty));
    let without = home.run(&mut Etc::with_policy(&policy).over(&again));
    assert_eq!(without.code(), Some(1), "{without:#?}");
    let words = "GitHub gave this job no ID token: its response has no 'value'\nhint: check the permissions of the job";
    assert!(without.stderr.contains(words), "{without:#?}");

    provider.configure(|behaviour| behaviour.job_token = Some("another-token-of-another-job".into()));
    let refused = home.run(&mut Etc::with_policy(&policy).over(&again));
    assert_eq!(refused.code(), Some(1), "{refused:#?}");
    assert!(refused.stderr.contains("GitHub gave this job no ID token: HTTP 401"), "{refused:#?}");
    assert!(refused.stderr.contains("hint: check the permissions of the job"), "{refused:#?}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_policy_locks_what_is_sent() {
    let (home, provider) = (Home::new(Mode::Absent), provider(&[]));
    for flag in ["subject-token-file=/etc/passwd", "subject-token-variable=HOME", "github-audience=k8s"] {
        let mut kubekey = exchange(&home, &provider);
        kubekey.arg(format!("--{flag}"));
        let refused = home.run(&mut Etc::with_policy("refresh = true").over(&kubekey));
        let name = flag.split('=').next().unwrap();
        assert_refused(&refused, &format!("--{name} is locked by the policy"));
    }
}
