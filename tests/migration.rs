//! `kubekey setup --from-kubelogin`, `--from-original` and `--from-auth-provider`: which users move to kubekey, and what is
//! said about the others.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::kubeconfig::{entry, view};
use crate::support::run::Finished;

const ALL: [&str; 3] = ["--from-kubelogin", "--from-original", "--from-auth-provider"];

/// The default redirect URLs of kubelogin, as arguments of kubekey.
const REDIRECT: [&str; 2] = ["--redirect-url=http://localhost:8000", "--redirect-url=http://localhost:18000"];

/// A kubeconfig with this user, and one who has nothing to do with it.
fn write(home: &Home, user: &str) -> PathBuf {
    let file = home.path().join("kubeconfig");
    let text = format!(
        "# mine\napiVersion: v1\nkind: Config\ncontexts:\n- name: mine\n  context: {{cluster: c, user: oidc}}\n\
         users:\n- name: oidc # the one\n  user:\n{user}\n- name: other\n  user:\n    token: abc\n"
    );
    fs::write(&file, text).unwrap();
    file
}

fn migrate(home: &Home, file: &Path, arguments: &[&str]) -> Finished {
    let mut kubekey = home.kubekey();
    kubekey.arg("setup").args(arguments).arg("--detailed-exitcode").arg("--kubeconfig").arg(file);
    home.run(&mut kubekey)
}

/// What becomes of a user.
enum Outcome {
    /// The user has these arguments, and this is said.
    Moved(&'static [&'static str], &'static [&'static str]),
    /// The entry stays, and this is said.
    Stays(&'static str),
    /// The entry stays, and nothing is said: it is another program's.
    Foreign,
}

use Outcome::{Foreign, Moved, Stays};

/// Users of kubelogin as they stand in public. Their layout and flags are as there; hosts, names and secrets are shortened.
const PUBLIC: [(&str, Outcome); 12] = [
    // int128/kubelogin, README.md (Apache-2.0).
    (
        "    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: kubectl
      args:
        - oidc-login
        - get-token
        - --oidc-issuer-url=https://issuer.example.com
        - --oidc-client-id=YOUR_CLIENT_ID",
        Moved(
            &[
                "--issuer-url=https://issuer.example.com",
                "--client-id=YOUR_CLIENT_ID",
                "--scope=openid",
                REDIRECT[0],
                REDIRECT[1],
            ],
            &[],
        ),
    ),
    // int128/kubelogin, acceptance_test/kubeconfig_oidc.yaml (Apache-2.0).
    (
        "    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      args:
      - oidc-login
      - get-token
      - --oidc-issuer-url=https://dex-server:10443/dex
      - --oidc-client-id=YOUR_CLIENT_ID
      - --oidc-client-secret=canary
      - --oidc-extra-scope=email
      - --certificate-authority=output/ca.crt
      - --token-cache-dir=output/token-cache
      - --listen-address=127.0.0.1:8000
      - -v1
      command: kubectl",
        Stays("stays as it is: --certificate-authority 'output/ca.crt' cannot be used: it is not an absolute path"),
    ),
    // int128/kubelogin, docs/usage.md (Apache-2.0).
    (
        "    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: docker
      args:
        - run
        - --rm
        - -v
        - /tmp/.token-cache:/.token-cache
        - -p
        - 8000:8000
        - ghcr.io/int128/kubelogin
        - get-token
        - --token-cache-dir=/.token-cache
        - --listen-address=0.0.0.0:8000
        - --oidc-issuer-url=https://issuer.example.com
        - --oidc-client-id=YOUR_CLIENT_ID",
        Stays("stays as it is: it runs kubelogin by 'docker'"),
    ),
    // int128/kubelogin, docs/standalone-mode.md (Apache-2.0).
    (
        "    auth-provider:
      config:
        client-id: YOUR_CLIENT_ID
        client-secret: canary
        idp-issuer-url: https://issuer.example.com
        id-token: ey.canary.a # kubelogin will add or update the ID token here
        refresh-token: ey.canary.b # kubelogin will add or update the refresh token here
      name: oidc",
        Moved(
            &[
                "--issuer-url=https://issuer.example.com",
                "--client-id=YOUR_CLIENT_ID",
                "--client-secret=canary",
                "--scope=openid",
                REDIRECT[0],
                REDIRECT[1],
            ],
            &["its tokens are removed: the next kubectl signs you in"],
        ),
    ),
    // netgroup-polito/CrownLabs (Apache-2.0).
    (
        "    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      args:
      - oidc-login
      - get-token
      - --oidc-issuer-url=https://auth.example.com/auth/realms/crownlabs
      - --oidc-client-id=k8s
      - --oidc-client-secret=canary
      - --skip-open-browser
      - --username=jane
      - --password=canary2
      command: kubectl
      env: null",
        Moved(
            &[
                "--issuer-url=https://auth.example.com/auth/realms/crownlabs",
                "--client-id=k8s",
                "--client-secret=canary",
                "--scope=openid",
                REDIRECT[0],
                REDIRECT[1],
                "--skip-open-browser=true",
            ],
            &[
                "--username is left out: kubekey takes no passwords",
                "--password is left out: kubekey takes no passwords",
            ],
        ),
    ),
    // gardener/documentation, a tutorial on OpenID Connect (CC-BY-4.0).
    (
        "    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      command: kubectl
      args:
      - oidc-login
      - get-token
      - --oidc-issuer-url=https://issuer.example.com/ 
      - --oidc-client-id=shoot
      - --oidc-client-secret=canary
      - --oidc-extra-scope=email,offline_access,profile",
        Moved(
            &[
                "--issuer-url=https://issuer.example.com/",
                "--client-id=shoot",
                "--client-secret=canary",
                "--scope=email,offline_access,profile",
                REDIRECT[0],
                REDIRECT[1],
            ],
            &[],
        ),
    ),
    // kubernetes-sigs/headlamp, docs on Microsoft Entra ID (Apache-2.0), by 'kubectl config set-credentials'.
    (
        "    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      args:
      - oidc-login
      - get-token
      - --oidc-issuer-url=https://sts.example.net/tenant/
      - --oidc-client-id=app
      - --oidc-client-secret=canary
      - --oidc-extra-scope=email offline_access profile openid
      command: kubectl
      env: null
      interactiveMode: IfAvailable
      provideClusterInfo: false",
        Moved(
            &[
                "--issuer-url=https://sts.example.net/tenant/",
                "--client-id=app",
                "--client-secret=canary",
                "--scope=email offline_access profile openid",
                REDIRECT[0],
                REDIRECT[1],
            ],
            &[],
        ),
    ),
    // kyma-project/kyma-environment-broker, its template for kubeconfigs (Apache-2.0).
    (
        "    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      args:
      - get-token
      - \"--oidc-issuer-url=https://issuer.example.com\"
      - \"--oidc-client-id=id\"
      - \"--oidc-extra-scope=email\"
      - \"--oidc-extra-scope=openid\"
      command: kubectl-oidc_login
      installHint: |
        kubelogin plugin is required to proceed with authentication
        # Homebrew (macOS and Linux)
        brew install int128/kubelogin/kubelogin",
        Moved(
            &[
                "--issuer-url=https://issuer.example.com",
                "--client-id=id",
                "--scope=email",
                "--scope=openid",
                REDIRECT[0],
                REDIRECT[1],
            ],
            &[],
        ),
    ),
    // runwhen-contrib/runwhen-local, issue 320 (Apache-2.0).
    (
        "    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      args:
        - oidc-login
        - get-token
        - --oidc-issuer-url=https://issuer.region.amazonaws.com/x
        - --oidc-client-id=x
      command: kubectl
      env: null
      interactiveMode: IfAvailable
      provideClusterInfo: false",
        Moved(
            &[
                "--issuer-url=https://issuer.region.amazonaws.com/x",
                "--client-id=x",
                "--scope=openid",
                REDIRECT[0],
                REDIRECT[1],
            ],
            &[],
        ),
    ),
    // The same issue: Azure's program of that name.
    (
        "    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      args:
      - get-token
      - --environment
      - AzurePublicCloud
      - --server-id
      - x
      - --client-id
      - x
      - --tenant-id
      - x
      - --login
      - devicecode
      command: kubelogin
      env: null",
        Foreign,
    ),
    // fydrah/loginapp, its page with the kubeconfig (Apache-2.0).
    (
        "    auth-provider:
      config:
        client-id: loginapp
        client-secret: canary
        id-token: ey.canary.a
        idp-issuer-url: https://dex.example.com
        refresh-token: canary3
      name: oidc",
        Moved(
            &[
                "--issuer-url=https://dex.example.com",
                "--client-id=loginapp",
                "--client-secret=canary",
                "--scope=openid",
                REDIRECT[0],
                REDIRECT[1],
            ],
            &["its tokens are removed"],
        ),
    ),
    // aws-ia/terraform-aws-eks-blueprints, single sign-on with Okta (Apache-2.0), by 'kubectl config set-credentials'.
    (
        "    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      args:
      - oidc-login
      - get-token
      - --oidc-issuer-url=https://dev-x.okta.com/oauth2/x
      - --oidc-client-id=x
      - --oidc-extra-scope=email offline_access profile openid
      command: kubectl
      env: null",
        Moved(
            &[
                "--issuer-url=https://dev-x.okta.com/oauth2/x",
                "--client-id=x",
                "--scope=email offline_access profile openid",
                REDIRECT[0],
                REDIRECT[1],
            ],
            &[],
        ),
    ),
];

#[test]
fn users_of_kubelogin_as_they_stand_in_public_move_or_it_is_said_why_not() {
    for (user, outcome) in &PUBLIC {
        let home = Home::new(Mode::Absent);
        let file = write(&home, user);
        let before = fs::read_to_string(&file).unwrap();
        let other = view(&home, &file);
        let dry = migrate(&home, &file, &[&ALL[..], &["--dry-run"]].concat());
        assert!(!format!("{dry:?}").contains("canary"), "a secret is shown: {dry:#?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), before);
        let finished = migrate(&home, &file, &ALL);
        let after = view(&home, &file);
        match outcome {
            Moved(arguments, notes) => {
                assert_eq!(finished.code(), Some(10), "{user}: {finished:#?}");
                let user = entry(&after, "users", "oidc").unwrap();
                assert_eq!(user["user"]["exec"]["args"], json!(arguments), "{finished:#?}");
                let command = user["user"]["exec"]["command"].as_str().unwrap();
                assert!(command.trim_end_matches(".exe").ends_with("kubekey"), "{user}");
                assert!(user["user"].get("auth-provider").is_none() && !user.to_string().contains("brew"), "{user}");
                assert_eq!(
                    finished.stderr.matches("kubekey: warning: user 'oidc': ").count(),
                    notes.len(),
                    "{finished:#?}"
                );
                assert!(notes.iter().all(|note| finished.stderr.contains(note)), "{finished:#?}");
                let text = fs::read_to_string(&file).unwrap();
                assert!(text.starts_with("# mine\n") && text.contains("- name: oidc # the one\n"), "{text}");
            }
            Stays(note) => assert!(finished.code() == Some(0) && finished.stderr.contains(note), "{finished:#?}"),
            Foreign => assert!(finished.code() == Some(0) && !finished.stderr.contains("warning"), "{finished:#?}"),
        }
        assert_eq!(entry(&after, "users", "other"), entry(&other, "users", "other"));
        assert_eq!(after["contexts"], other["contexts"]);
        let moved = fs::read_to_string(&file).unwrap();
        assert!(matches!(outcome, Moved(..)) || moved == before, "{moved}");
        let again = migrate(&home, &file, &ALL);
        assert_eq!((again.code(), fs::read_to_string(&file).unwrap()), (Some(0), moved), "{again:#?}");
    }
}

const KUBELOGIN: &str = PUBLIC[0].0;

#[test]
fn users_of_the_original_keep_their_other_variables() {
    let home = Home::new(Mode::Absent);
    let file = write(
        &home,
        "    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      command: kubekey
      env:
      - name: IDP_ISSUER_URL
        value: https://login.example.com
      - name: CLIENT_ID
        value: kubernetes
      - name: CLIENT_SECRET
        value: canary
      - name: HTTPS_PROXY
        value: http://proxy:3128
      interactiveMode: IfAvailable",
    );
    assert_eq!(migrate(&home, &file, &["--from-kubelogin"]).code(), Some(0), "another program's users stay");
    let dry = migrate(&home, &file, &["--from-original", "--dry-run"]);
    assert!(dry.code() == Some(10) && !format!("{dry:?}").contains("canary"), "{dry:#?}");
    assert_eq!(migrate(&home, &file, &["--from-original"]).code(), Some(10));
    let after = view(&home, &file);
    let exec = &entry(&after, "users", "oidc").unwrap()["user"]["exec"];
    let arguments = ["--issuer-url=https://login.example.com", "--client-id=kubernetes", "--client-secret=canary"];
    assert_eq!(exec["args"], json!(arguments));
    assert_eq!(exec["env"], json!([{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}]));
    assert_eq!(migrate(&home, &file, &["--from-original"]).code(), Some(0));
}

#[test]
fn a_user_or_a_context_that_is_named_is_the_only_one_that_moves() {
    let home = Home::new(Mode::Absent);
    for (arguments, code, said) in [
        (["--user", "oidc"], 10, "user 'oidc' changed"),
        (["--context", "mine"], 10, "user 'oidc' changed"),
        (["--user", "other"], 2, "user 'other' does not sign in with a program that these flags move"),
        (["--user", "nobody"], 2, "the kubeconfig has no user 'nobody'"),
        (["--context", "none"], 2, "the kubeconfig has no context 'none'"),
    ] {
        let file = write(&home, KUBELOGIN);
        let finished = migrate(&home, &file, &[&["--from-kubelogin"][..], &arguments].concat());
        assert!(finished.code() == Some(code) && finished.stderr.contains(said), "{finished:#?}");
    }
    let file = write(&home, KUBELOGIN);
    let with_server = migrate(&home, &file, &["--from-kubelogin", "--server=https://k8s.example.com"]);
    assert_eq!(with_server.code(), Some(2), "{with_server:#?}");
    let with_setting = migrate(&home, &file, &["--from-kubelogin", "--scope=groups"]);
    let said = "kubekey: --scope has no effect on users who are moved\nhint: ";
    assert!(with_setting.code() == Some(2) && with_setting.stderr.starts_with(said), "{with_setting:#?}");
}

#[test]
fn the_report_for_programs_names_the_users_and_what_was_said() {
    let home = Home::new(Mode::Absent);
    let file = write(&home, PUBLIC[4].0);
    let finished = migrate(&home, &file, &["--from-kubelogin", "--output=json"]);
    let report: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!((&report["changed"], &report["users"]), (&json!(true), &json!(["oidc"])), "{report}");
    assert_eq!(report["notes"][0]["user"], "oidc");
    assert_eq!(report["files"][0]["actions"], json!(["user 'oidc' changed"]));
}

#[test]
#[cfg(target_os = "linux")]
fn a_person_sees_the_diff_and_decides() {
    use crate::support::terminal::Person;

    let home = Home::new(Mode::Absent);
    for (answer, is_moved) in [("no", false), ("", true)] {
        let file = write(&home, KUBELOGIN);
        let mut kubekey = home.kubekey();
        kubekey.env_remove("KUBEKEY_LOG").args(["setup", "--from-kubelogin", "--kubeconfig"]).arg(&file);
        let mut person = Person::run(&kubekey);
        person.wait_for("-        - oidc-login");
        person.answer("kubekey: write it? [yes]: ", answer);
        person.wait();
        assert_eq!(!fs::read_to_string(&file).unwrap().contains("oidc-login"), is_moved);
    }
}
