//! `kubekey whoami`: the only command that sends the token somewhere itself.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::api_server::{ApiServer, REVIEW, jane, kubeconfig, status};
use crate::support::browser::Mode;
#[cfg(target_os = "linux")]
use crate::support::etc::Etc;
use crate::support::home::Home;
#[cfg(target_os = "linux")]
use crate::support::policy::assert_refused;
use crate::support::provider::Provider;
use crate::support::provider::server::Answer;
use crate::support::proxy::{PASSWORD, Proxy, USER};
use crate::support::run::Finished;
use crate::support::tls::{COMPANY, OTHER};

/// A home whose current context is for `cluster`, and whose user has a saved sign-in.
struct Place {
    home: Home,
    provider: Provider,
    token: String,
}

impl Place {
    fn new(cluster: &Value) -> Self {
        let (home, provider) = (Home::new(Mode::Follow).store_in("file"), Provider::start());
        let token = home.run(&mut home.kubekey_for(&provider)).token();
        let place = Place { home, provider, token };
        place.write(cluster, |_| ());
        place
    }

    fn write(&self, cluster: &Value, edit: impl FnOnce(&mut Value)) {
        let issuer = format!("--issuer-url={}", self.provider.issuer());
        let args = [issuer, format!("--client-id={}", self.provider.client_id())];
        let mut exec = json!({ "command": "kubekey", "args": args, "provideClusterInfo": true });
        edit(&mut exec);
        fs::create_dir_all(self.home.path().join(".kube")).unwrap();
        fs::write(self.home.path().join(".kube/config"), kubeconfig(cluster, &exec)).unwrap();
    }

    fn whoami(&self) -> Finished {
        self.home.run(self.home.kubekey().arg("whoami"))
    }

    fn command(&self) -> Command {
        let mut kubekey = self.home.kubekey();
        kubekey.arg("whoami");
        kubekey
    }
}

/// An API server with a certificate of the company's CA, and its cluster in a kubeconfig.
fn verified() -> (ApiServer, Value) {
    let server = ApiServer::start(Some(COMPANY.server("127.0.0.1", |_| ())));
    let cluster = of(&server);
    (server, cluster)
}

fn of(server: &ApiServer) -> Value {
    json!({ "server": server.url(), "certificate-authority-data": STANDARD.encode(COMPANY.pem()) })
}

#[track_caller]
fn assert_fails(finished: &Finished, code: i32, words: &[&str]) {
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(code), ""), "{finished:#?}");
    for words in words {
        assert!(finished.stderr.contains(words), "{words:?}: {finished:#?}");
    }
}

#[test]
fn the_servers_word_is_shown_beside_the_tokens() {
    let (server, cluster) = verified();
    let place = Place::new(&cluster);
    let finished = place.whoami();
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    assert_eq!(finished.stderr, "kubekey: using the settings of context 'prod'\n");
    assert_eq!(server.tokens(), std::slice::from_ref(&place.token), "it gets the token, once");
    let sections: Vec<_> = finished.stdout.split("\n\n").collect();
    assert_eq!(
        sections[0],
        "the API server says\n  groups    oidc:developers, system:authenticated\n  username  oidc:jane"
    );
    assert!(sections[1].starts_with("the token says\n  aud "), "{finished:#?}");
    let issuer = place.provider.issuer();
    for words in [&*place.provider.client_id(), &issuer, " min)"] {
        assert!(sections[1].contains(words), "{words}: {finished:#?}");
    }

    let json = place.home.run(place.command().args(["--context=prod", "--output=json"]));
    let json: Value = serde_json::from_str(&json.stdout).unwrap_or_else(|error| panic!("{error}: {json:#?}"));
    assert_eq!((&json["context"], &json["server"]), (&json!("prod"), &json!(server.url())));
    assert_eq!((&json["user"]["username"], &json["claims"]["iss"]), (&json!("oidc:jane"), &json!(issuer)));
}

#[test]
fn the_cluster_is_reached_as_client_go_reaches_it() {
    let named = ApiServer::start(Some(COMPANY.server("k8s.example.com", |_| ())));
    let mut cluster = of(&named);
    cluster["tls-server-name"] = json!("k8s.example.com");
    let place = Place::new(&cluster);
    assert_eq!(place.whoami().code(), Some(0), "tls-server-name");

    // A relative path is one below the kubeconfig's folder.
    let (server, _) = verified();
    fs::write(place.home.path().join(".kube/ca.pem"), COMPANY.pem()).unwrap();
    let with_path = json!({ "server": format!("{}/", server.url()), "certificate-authority": "ca.pem" });
    // It need not be passed on to the plugin.
    place.write(&with_path, |exec| exec["provideClusterInfo"] = json!(false));
    let finished = place.whoami();
    assert_eq!((finished.code(), server.tokens().len()), (Some(0), 1), "{finished:#?}");

    let path = ApiServer::answering(Some(COMPANY.server("127.0.0.1", |_| ())), |request| match &*request.path {
        "/k8s/c-1/apis/authentication.k8s.io/v1beta1/selfsubjectreviews" => jane(),
        _ => status(404, "not found"),
    });
    let mut cluster = of(&path);
    cluster["server"] = json!(format!("{}/k8s/c-1", path.url()));
    place.write(&cluster, |_| ());
    let finished = place.whoami();
    assert_eq!((finished.code(), path.tokens().len()), (Some(0), 2), "a server with a path and v1beta1: {finished:#?}");
}

#[test]
#[cfg(unix)]
fn the_proxy_of_the_cluster_is_used_and_the_plugins_own_is_not() {
    let (server, mut cluster) = verified();
    let proxy = Proxy::start(server.port());
    cluster["proxy-url"] = json!(proxy.url_with(&format!("{USER}:{PASSWORD}")));
    let place = Place::new(&cluster);
    let finished = place.whoami();
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    let address = server.url().replace("https://", "");
    assert_eq!(proxy.connections_to(&address), 1, "{finished:#?}");

    cluster["proxy-url"] = json!("socks4://127.0.0.1:1");
    place.write(&cluster, |_| ());
    assert_fails(&place.whoami(), 2, &["the cluster's 'proxy-url' cannot be used"]);
    assert_eq!(server.tokens().len(), 1);

    // client-go does not use it: it is in the environment of the plugin alone.
    let elsewhere = json!({ "server": "https://k8s.invalid:6443" });
    let env = json!([{ "name": "HTTPS_PROXY", "value": proxy.url() }]);
    place.write(&elsewhere, |exec| exec["env"] = env);
    assert_fails(&place.whoami(), 5, &["https://k8s.invalid:6443/apis/"]);
    assert_eq!(proxy.connections_to("k8s.invalid:6443"), 0);
}

#[test]
fn a_server_that_cannot_be_verified_or_is_not_reached_gets_no_token() {
    let (server, cluster) = verified();
    let place = Place::new(&cluster);
    let retry = "hint: check the network and the cluster's entry in the kubeconfig: kubectl must get a response as \
                 well:\n  kubectl --context prod get --raw /version\n";
    let mut other = cluster.clone();
    other["certificate-authority-data"] = json!(STANDARD.encode(OTHER.pem()));
    let mut elsewhere = cluster.clone();
    elsewhere["tls-server-name"] = json!("other.example.com");
    let without = json!({ "server": server.url() });
    for (what, cluster) in [("another CA", other), ("another name", elsewhere), ("no CA", without)] {
        place.write(&cluster, |_| ());
        let finished = place.whoami();
        assert_fails(&finished, 5, &["the certificate of ", retry]);
        assert!(server.requests().is_empty(), "{what}: {finished:#?}");
    }
    // Beside its own CA no other is trusted, not even one of the system.
    let mut own = of(&server);
    own["certificate-authority-data"] = json!(STANDARD.encode(OTHER.pem()));
    place.write(&own, |_| ());
    let system = place.home.path().join("system.pem");
    fs::write(&system, COMPANY.pem()).unwrap();
    let finished = place.home.run(place.command().env("SSL_CERT_FILE", system));
    assert_fails(&finished, 5, &["the certificate of ", retry]);
    assert!(server.requests().is_empty(), "{finished:#?}");
    for (field, value, why) in [
        ("certificate-authority-data", STANDARD.encode("none"), "it contains no PEM certificate"),
        ("certificate-authority", "none.pem".into(), "there is no such file"),
    ] {
        place.write(&json!({ "server": server.url(), field: value }), |_| ());
        let finished = place.whoami();
        assert_fails(&finished, 2, &[&format!("{field} of the kubeconfig's cluster 'k8s'"), why, "\nhint: "]);
    }
    let plain = json!({ "server": "http://k8s.example.com:8080" });
    place.write(&plain, |_| ());
    assert_fails(&place.whoami(), 2, &["over http anyone on the network could take the token"]);

    let mut unverified = cluster;
    unverified["insecure-skip-tls-verify"] = json!(true);
    unverified["certificate-authority-data"] = json!("");
    place.write(&unverified, |_| ());
    let finished = place.whoami();
    assert_eq!((finished.code(), server.tokens().len()), (Some(0), 1), "as kubectl does: {finished:#?}");
    assert!(finished.stderr.contains("warning: the API server's certificate is not verified"), "{finished:#?}");
    drop(server);
    assert_fails(&place.whoami(), 5, &["cannot be reached: ", retry]);
}

#[test]
fn a_redirect_is_not_followed_and_another_answer_is_explained() {
    let (target, cluster) = verified();
    let place = Place::new(&cluster);
    let to = format!("{}{REVIEW}", target.url());
    let (issuer, client) = (place.provider.issuer(), place.provider.client_id());
    let forbidden = "selfsubjectreviews is forbidden: User \"oidc:jane\" cannot create it";
    let not_accepted = format!("does not accept the token (HTTP 401), whose iss is '{issuer}', its aud '{client}'");
    type Row<'a> = (Arc<dyn Fn() -> Answer + Send + Sync>, i32, &'a [&'a str]);
    let rows: [Row<'_>; 6] = [
        (Arc::new(move || Answer::redirect(&to)), 5, &["which is not followed"]),
        (
            Arc::new(|| status(401, "Unauthorized")),
            3,
            &[&not_accepted, "\n  kubekey setup --print kube-apiserver --context prod\n"],
        ),
        (Arc::new(move || status(403, forbidden)), 1, &[forbidden, "'system:basic-user'"]),
        (Arc::new(|| status(404, "not found")), 1, &["it does not know SelfSubjectReview (HTTP 404)"]),
        (Arc::new(|| Answer::html(200, "<html>welcome</html>")), 1, &["its response is not a SelfSubjectReview"]),
        (Arc::new(|| status(503, "busy")), 5, &["returned HTTP 503"]),
    ];
    for (answer, code, words) in rows {
        let server = ApiServer::answering(Some(COMPANY.server("127.0.0.1", |_| ())), move |_| answer());
        place.write(&of(&server), |_| ());
        assert_fails(&place.whoami(), code, words);
    }
    assert!(target.requests().is_empty(), "the token goes nowhere else");
}

#[test]
fn without_a_context_nothing_is_asked_and_those_that_can_be_are_named() {
    let (server, cluster) = verified();
    let place = Place::new(&cluster);
    let own = place.home.run(place.home.kubekey_for(&place.provider).arg("whoami"));
    assert_fails(
        &own,
        2,
        &["no context is used", "hint: use the context that runs kubekey:\n  kubekey whoami --context prod\n"],
    );
    let unknown = place.home.run(place.command().arg("--context=dev"));
    assert_fails(&unknown, 2, &["the kubeconfig has no context 'dev'", "\n  kubekey whoami --context prod\n"]);
    assert!(server.requests().is_empty());
}

#[test]
#[cfg(target_os = "linux")]
fn the_policy_is_asked_before_the_token_leaves() {
    let (server, cluster) = verified();
    let place = Place::new(&cluster);
    let mut insecure = cluster.clone();
    insecure["insecure-skip-tls-verify"] = json!(true);
    let allowed = format!("allowed_servers = ['{}']", server.url());
    let not_allowed = format!("a token for {} is not allowed", server.url());
    let unverified = "without certificate verification is not allowed";
    let unnamed = "a token for an unnamed cluster is not allowed";
    for (policy, cluster, provides, refused) in [
        (&*allowed, &cluster, true, None),
        (&allowed, &cluster, false, Some(unnamed)),
        (&allowed, &insecure, true, Some(unverified)),
        ("allowed_servers = ['https://other.example']", &cluster, true, Some(&*not_allowed)),
        ("require_cluster_info = true", &cluster, true, None),
        ("require_cluster_info = true", &cluster, false, Some(unnamed)),
        ("allow_insecure_tls = false", &insecure, true, Some(unverified)),
        ("allow_insecure_tls = false", &cluster, true, None),
        ("allow_insecure_tls = true", &insecure, true, Some(unverified)),
        ("max_session = '12h'", &insecure, true, Some(unverified)),
        ("allowed_issuers = ['https://other.example']", &cluster, true, Some("is not allowed by the policy")),
        ("allowed_client_ids = ['other']", &cluster, true, Some("is not allowed by the policy")),
    ] {
        place.write(cluster, |exec| exec["provideClusterInfo"] = json!(provides));
        let before = server.requests().len();
        let finished = place.home.run(&mut Etc::with_policy(policy).over(&place.command()));
        match refused {
            Some(words) => assert_refused(&finished, words),
            None => assert_eq!(finished.code(), Some(0), "{policy}: {finished:#?}"),
        }
        let sent = server.requests().len() - before;
        assert_eq!(sent, usize::from(refused.is_none()), "{policy}: {finished:#?}");
    }
    let own =
        place.home.run(&mut Etc::with_policy(&allowed).over(place.home.kubekey_for(&place.provider).arg("whoami")));
    assert_refused(&own, unnamed);
}

/// A hint is copied as it is.
#[test]
fn a_command_of_a_hint_is_for_the_same_context_and_kubeconfig() {
    let server = ApiServer::answering(Some(COMPANY.server("127.0.0.1", |_| ())), |_| status(401, "Unauthorized"));
    let place = Place::new(&of(&server));
    let file = place.home.path().join("my kubeconfig");
    fs::rename(place.home.path().join(".kube/config"), &file).unwrap();
    let asked = || place.home.run(place.command().args(["--context=prod", "--output=json", "--kubeconfig"]).arg(&file));
    let of_file = format!("--context prod --kubeconfig \"{}\"", file.display());
    let api_server = format!("\n  kubekey setup --print kube-apiserver {of_file}\n");
    assert_fails(&asked(), 3, &[&api_server]);
    let words = shlex::split(api_server.trim()).unwrap();
    let printed = place.home.run(place.home.kubekey().args(&words[1..]).arg("--offline"));
    // It is for this context. An API server takes no provider without TLS.
    assert_fails(
        &printed,
        2,
        &[&format!("the issuer '{}'", place.provider.issuer()), "the settings of context 'prod'"],
    );
    let text = fs::read_to_string(&file).unwrap().replace(&server.url(), "https://127.0.0.1:9");
    fs::write(&file, text).unwrap();
    assert_fails(&asked(), 5, &[&format!("\n  kubectl {of_file} get --raw /version\n")]);
}
