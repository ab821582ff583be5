//! Programs that sign in for themselves (`--flow=client-credentials`).

use std::fs;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::support::browser::Mode;
#[cfg(target_os = "linux")]
use crate::support::etc::Etc;
use crate::support::home::Home;
#[cfg(target_os = "linux")]
use crate::support::kernel;
#[cfg(target_os = "linux")]
use crate::support::policy::assert_refused;
use crate::support::provider::Provider;
use crate::support::provider::behaviour::{Behaviour, edit};
use crate::support::provider::keys::client_key;
use crate::support::provider::server::Answer;
use crate::support::run::{Finished, Running};

const SECRET: &str = "canary-of-a-machine/s3cret";

/// A provider that serves programs, and behaves like this.
fn provider(change: impl FnOnce(&mut Behaviour)) -> Provider {
    let provider = Provider::start();
    provider.configure(|behaviour| {
        behaviour.client_secret = Some(SECRET.into());
        behaviour.offers_machine_grants = true;
        change(behaviour);
    });
    provider
}

/// A program with its secret.
fn program(home: &Home, provider: &Provider) -> Command {
    let mut kubekey = home.kubekey_for(provider);
    kubekey.arg("--flow=client-credentials").env("KUBEKEY_CLIENT_SECRET", SECRET);
    kubekey
}

/// A program with this key in a file.
fn with_key(home: &Home, provider: &Provider, key: &str) -> Finished {
    let file = home.path().join("key");
    fs::write(&file, key).unwrap();
    home.run(home.kubekey_for(provider).args(["--flow=client-credentials", "--client-key"]).arg(file))
}

#[test]
fn a_key_that_the_provider_does_not_know_is_named() {
    let (home, provider) = (Home::new(Mode::Absent), provider(|_| {}));
    let refusal = Answer::json(401, &json!({ "error": "invalid_client" }));
    provider.configure(|behaviour| behaviour.machine_answer = Some(refusal));
    let finished = with_key(&home, &provider, client_key(Algorithm::ES256));
    let hint = "hint: check that the provider knows the public key of --client-key for the client '";
    assert!(finished.stderr.contains(hint), "{finished:#?}");
}

#[test]
#[cfg(unix)]
fn a_key_of_another_kind_is_named() {
    let made = Command::new("openssl").args(["genpkey", "-algorithm", "X25519"]).output().unwrap();
    let (home, provider) = (Home::new(Mode::Absent), provider(|_| {}));
    let finished = with_key(&home, &provider, &String::from_utf8(made.stdout).unwrap());
    assert_eq!(finished.code(), Some(2), "{finished:#?}");
    assert!(finished.stderr.contains("its private key is of a kind that kubekey does not support"), "{finished:#?}");
}

#[test]
fn a_program_gets_an_access_token_and_asks_again_when_it_ends() {
    let (home, provider) = (Home::new(Mode::Absent).store_in("file"), provider(|_| {}));
    let first = home.run(&mut program(&home, &provider));
    assert!(first.token().starts_with("access-"), "{first:#?}");
    let request = &provider.requests("/token")[0];
    assert_eq!(request.param("grant_type"), Some("client_credentials"));
    assert_eq!((request.param("scope"), request.param("nonce")), (None, None));
    assert!(request.header("authorization").is_some() && request.param("client_secret").is_none());
    assert_eq!((provider.count("/authorize"), first.stderr.as_str()), (0, ""), "{first:#?}");
    assert_eq!(home.run(&mut program(&home, &provider)).token(), first.token());
    assert_eq!(provider.count("/token"), 1);

    let mut again = program(&home, &provider);
    let second = home.run(again.args(["--force-refresh", "--scope=k8s.read,k8s.write", "--auth-param=audience=k8s"]));
    let request = provider.requests("/token").pop().unwrap();
    assert_ne!(second.token(), first.token());
    assert_eq!((request.param("scope"), request.param("audience")), (Some("k8s.read k8s.write"), Some("k8s")));
}

#[test]
fn one_that_ends_soon_is_renewed_while_it_is_valid() {
    let (home, provider) = (Home::new(Mode::Absent).store_in("file"), provider(|behaviour| behaviour.lifetime = 65));
    let first = home.run(&mut program(&home, &provider)).token();
    provider.configure(|behaviour| behaviour.lifetime = 3600);
    let second = home.run(&mut program(&home, &provider)).token();
    assert!(second != first && provider.count("/token") == 2);
    assert_eq!(home.run(&mut program(&home, &provider)).token(), second);

    // What goes wrong then is for a later run.
    let provider = self::provider(|behaviour| behaviour.lifetime = 65);
    let first = home.run(&mut program(&home, &provider)).token();
    provider.configure(|behaviour| behaviour.machine_answer = Some(Answer::html(503, "busy")));
    let same = home.run(&mut program(&home, &provider));
    assert_eq!((same.token(), same.stderr.as_str(), provider.count("/token")), (first, "", 2));
}

#[test]
fn a_provider_that_does_not_answer_costs_a_program_two_seconds_and_not_its_token() {
    let (home, provider) = (Home::new(Mode::Absent).store_in("file"), provider(|behaviour| behaviour.lifetime = 65));
    let first = home.run(&mut program(&home, &provider)).token();
    // Without the limit this waits for as long as a request may take.
    provider.configure(|behaviour| behaviour.hold = vec!["/token"]);
    let same = home.run(&mut program(&home, &provider));
    assert_eq!((same.token(), same.stderr.as_str(), provider.count("/token")), (first, "", 2));
    assert!(same.log.contains("refresh: not early (the sign-in took more than 2 s)"), "{same:#?}");
}

#[test]
fn several_at_once_make_one_request_and_login_makes_another() {
    let (home, provider) = (Home::new(Mode::Absent).store_in("file"), provider(|_| {}));
    let first = provider.hold("/token", || Running::start(&mut program(&home, &provider)));
    let second = Running::start(&mut program(&home, &provider));
    second.wait_for_stderr("waiting for another kubekey");
    provider.let_go();
    let token = first.wait().token();
    assert_eq!((second.wait().token(), provider.count("/token")), (token, 1));
    let login = home.run(program(&home, &provider).arg("login"));
    let words = format!("kubekey: signed in as {}, with a token that is valid until ", provider.client_id());
    assert!(login.code() == Some(0) && login.stderr.starts_with(&words), "{login:#?}");
    assert_eq!(provider.count("/token"), 2);
}

#[test]
fn a_key_signs_in_whatever_form_it_is() {
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA] {
        let provider = provider(|behaviour| behaviour.client_algorithm = Some(algorithm));
        for key in [client_key(algorithm).to_owned(), jwk(algorithm).to_string()] {
            let finished = with_key(&Home::new(Mode::Absent), &provider, &key);
            assert!(finished.token().starts_with("access-"), "{algorithm:?}: {finished:#?}");
        }
        let requests = provider.requests("/token");
        let assertions: Vec<_> = requests.iter().map(|request| request.param("client_assertion").unwrap()).collect();
        let part = |assertion: &str, nth| {
            let part = URL_SAFE_NO_PAD.decode(assertion.split('.').nth(nth).unwrap()).unwrap();
            serde_json::from_slice::<Value>(&part).unwrap()
        };
        assert_ne!(part(assertions[0], 1)["jti"], part(assertions[1], 1)["jti"]);
        assert_eq!((&part(assertions[0], 0)["kid"], &part(assertions[1], 0)["kid"]), (&Value::Null, &json!("mine")));
        assert!(requests.iter().all(|request| request.param("client_id") == Some(&*provider.client_id())));
    }
}

#[test]
fn a_key_also_authenticates_the_client_of_a_person() {
    let (home, provider) = (Home::with_keyring(Mode::Follow), Provider::start());
    provider.configure(|behaviour| behaviour.client_algorithm = Some(Algorithm::ES256));
    let file = home.path().join("key.pem");
    fs::write(&file, client_key(Algorithm::ES256)).unwrap();
    for arguments in [&["get-token"][..], &["get-token", "--force-refresh"]] {
        home.run(home.kubekey_for(&provider).args(arguments).arg("--client-key").arg(&file)).credential();
    }
    assert_eq!((provider.count("/token"), home.browser.urls().len()), (2, 1));
}

#[test]
fn a_file_without_a_key_that_can_sign_is_named() {
    let provider = provider(|behaviour| behaviour.client_algorithm = Some(Algorithm::ES256));
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (key, why) in [
        ("", "it is empty"),
        ("hello", "it contains no PEM private key"),
        (encrypted, "its private key is encrypted"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "its private key cannot be read"),
        (r#"{"kty":"oct","k":"AAAA"}"#, "its JWK is not a key of RSA, P-256, P-384 or Ed25519"),
        (r#"{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}"#, "its key has no 'd'"),
    ] {
        let finished = with_key(&Home::new(Mode::Absent), &provider, key);
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(2), ""), "{finished:#?}");
        assert!(finished.stderr.contains(why) && finished.stderr.contains("\nhint: give an RSA key"), "{finished:#?}");
    }
    let home = Home::new(Mode::Absent);
    let relative = home.run(home.kubekey_for(&provider).args(["--flow=client-credentials", "--client-key=key.pem"]));
    assert!(relative.code() == Some(2) && relative.stderr.contains("it is not an absolute path"), "{relative:#?}");
    assert_eq!(provider.count_all(), 0);
}

#[test]
fn an_id_token_is_given_where_the_flags_ask_for_it_and_verified() {
    let (home, provider) = (Home::new(Mode::Absent).store_in("file"), provider(|_| {}));
    let ask = || home.run(program(&home, &provider).arg("--use-access-token=false"));
    assert_eq!(ask().claims()["sub"], "jane");
    assert_eq!(provider.requests("/token")[0].param("scope"), Some("openid"));
    provider.configure(|behaviour| {
        behaviour.claims = edit(|claims| _ = claims.insert("aud".into(), "another".into()));
    });
    let forged = home.run(program(&home, &provider).args(["--use-access-token=false", "--force-refresh"]));
    assert!(forged.code() == Some(3) && forged.stderr.contains("the provider's ID token was rejected"), "{forged:#?}");
}

#[test]
fn the_exit_code_and_the_message_say_what_is_wrong() {
    let (home, provider) = (Home::new(Mode::Absent), provider(|_| {}));
    let finished = home.run(home.kubekey_for(&provider).arg("--flow=client-credentials"));
    assert_eq!((finished.code(), provider.count_all()), (Some(2), 1), "{finished:#?}");
    assert!(
        finished.stderr.contains(
            "needs a client secret or a client key\nhint: give --client-secret-file, --client-key, or a token"
        )
    );
    for (error, hint) in [
        ("invalid_client", "check the client ID and the client secret"),
        ("unauthorized_client", "allow the grant 'client_credentials' in the registration of the client"),
        ("invalid_scope", "ask your administrator which scopes this client may have"),
    ] {
        let answer = Answer::json(400, &json!({ "error": error }));
        provider.configure(|behaviour| behaviour.machine_answer = Some(answer));
        let refused = home.run(&mut program(&home, &provider));
        let words = format!("kubekey: the provider refused the client: {error}\nhint: {hint}");
        assert!(refused.code() == Some(3) && refused.stderr.contains(&words), "{refused:#?}");
    }
    provider.configure(|behaviour| behaviour.machine_answer = Some(Answer::html(503, "busy")));
    assert_eq!(home.run(&mut program(&home, &provider)).code(), Some(5));
    // No cool-down: the next run asks again at once.
    provider.configure(|behaviour| behaviour.machine_answer = None);
    home.run(&mut program(&home, &provider)).credential();
}

#[test]
#[cfg(target_os = "linux")]
fn it_is_kept_in_the_kernel_and_never_in_a_keyring() {
    for storage in ["auto", "keyring"] {
        let (home, provider) = (Home::with_keyring(Mode::Absent).store_in(storage), provider(|_| {}));
        let first = home.run(&mut program(&home, &provider));
        assert_eq!((home.run(&mut program(&home, &provider)).token(), provider.count("/token")), (first.token(), 1));
        let digest = home.state_file().file_stem().unwrap().to_string_lossy().into_owned();
        assert_eq!((kernel::count(&format!("{digest}-kernel")), home.saved()), (1, None), "{storage}");
        assert_eq!(home.run(program(&home, &provider).arg("logout")).code(), Some(0));
        assert_eq!(kernel::count(&format!("{digest}-kernel")), 0);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_policy_allows_it_by_its_name_or_as_a_machine_and_locks_its_files() {
    let (home, provider) = (Home::new(Mode::Absent), provider(|_| {}));
    let run = |policy: &str| home.run(&mut Etc::with_policy(policy).over(&program(&home, &provider)));
    for allowed in ["client-credentials", "machine"] {
        run(&format!("allowed_flows = ['browser', '{allowed}']")).credential();
    }
    let refused = run("allowed_flows = ['browser']");
    assert_refused(&refused, "the flow 'client-credentials' is not allowed by the policy");
    let mut keyed = home.kubekey_for(&provider);
    keyed.args(["--flow=client-credentials", "--client-key=/key.pem"]);
    let locked = home.run(&mut Etc::with_policy("refresh = true").over(&keyed));
    assert_refused(&locked, "--client-key is locked by the policy");
}

/// The client's key of this algorithm as a JWK, read from its PEM.
fn jwk(algorithm: Algorithm) -> Value {
    let lines = client_key(algorithm).lines().skip_while(|line| !line.starts_with('-'));
    let base64: String = lines.filter(|line| !line.starts_with('-')).collect();
    let pkcs8 = STANDARD.decode(base64).unwrap();
    let public = serde_json::to_value(crate::support::provider::keys::public_client_key(algorithm)).unwrap();
    let mut jwk = public.as_object().unwrap().clone();
    jwk.insert("kid".into(), "mine".into());
    for (name, number) in secret_numbers(algorithm, &pkcs8) {
        jwk.insert(name.into(), URL_SAFE_NO_PAD.encode(number).into());
    }
    jwk.into()
}

/// The secret numbers in the last field of a PKCS #8 key, which is a key of its own (RFC 8017, RFC 5915, RFC 8410).
fn secret_numbers(algorithm: Algorithm, pkcs8: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let fields = |der: &[u8]| {
        let (mut rest, mut fields) = (value(der).0.to_vec(), Vec::new());
        while !rest.is_empty() {
            let (value, length) = value(&rest);
            fields.push(value.to_vec());
            rest.drain(..length);
        }
        fields
    };
    let inner = fields(pkcs8)[2].clone();
    let digits = |number: &[u8]| number.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<_>>();
    match algorithm {
        Algorithm::EdDSA => vec![("d", value(&inner).0.to_vec())],
        Algorithm::RS256 => {
            let all = fields(&inner);
            ["d", "p", "q", "dp", "dq", "qi"].into_iter().zip(&all[3..]).map(|(name, of)| (name, digits(of))).collect()
        }
        _ => vec![("d", fields(&inner)[1].clone())],
    }
}

/// The value of the first field of DER, and the length of the whole field.
fn value(der: &[u8]) -> (&[u8], usize) {
    let (head, length) = match der[1] {
        short @ 0..=0x7f => (2, usize::from(short)),
        long => {
            let count = usize::from(long & 0x7f);
            (2 + count, der[2..2 + count].iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
        }
    };
    (&der[head..head + length], head + length)
}
