//! `kubekey setup` in a terminal: what it asks, and what it does with each answer.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::support::browser::Mode;
use crate::support::etc::Etc;
use crate::support::home::Home;
use crate::support::kubeconfig::{entry, setup, view};
use crate::support::provider::Provider;
use crate::support::terminal::{END, INTERRUPT, Person};
use crate::support::tls::COMPANY;

const QUESTIONS: [&str; 5] = [
    "kubekey: address of the API server, as https://k8s.example.com:6443: ",
    "kubekey: name for the cluster [k8s.example.com]: ",
    "kubekey: file with the certificate authority of the API server, in PEM [none]: ",
    "kubekey: issuer URL of the provider, as https://login.example.com: ",
    "kubekey: client ID registered with the provider [kubernetes]: ",
];
const SIGN_IN: &str = "kubekey: sign in now? [yes]: ";

fn bare_setup(home: &Home) -> Command {
    let mut command = home.kubekey();
    command.arg("setup").env_remove("KUBEKEY_LOG");
    command
}

#[test]
fn a_person_who_gives_nothing_is_asked_until_the_answers_are_good() {
    let home = Home::with_keyring(Mode::Follow);
    let provider = Provider::start();
    fs::write(home.path().join("ca.pem"), COMPANY.pem()).unwrap();
    let [server, name, authority, issuer, client] = QUESTIONS;
    let mut person = Person::run(&bare_setup(&home));
    person.answer(server, "k8s.example.com:6443");
    person.wait_for("cannot be used");
    person.answer(server, "");
    person.answer(server, " https://k8s.example.com:6443 ");
    person.answer(name, "a\u{1}b");
    person.wait_for("<U+0001>");
    person.answer(name, "");
    person.answer(authority, "/nowhere");
    person.wait_for("there is no such file");
    person.answer(authority, "~/ca.pem");
    person.answer(issuer, "http://login.example.com");
    person.wait_for("has to be https");
    person.answer(issuer, "http://127.0.0.1:1");
    person.wait_for("cannot be reached");
    assert!(!home.path().join(".kube").exists());
    person.answer(issuer, &provider.issuer());
    person.answer(client, &provider.client_id());
    person.answer(SIGN_IN, "perhaps");
    assert!(home.path().join(".kube").exists());
    person.answer(SIGN_IN, "");
    let (code, screen, stdout) = person.wait();
    assert_eq!((code, stdout.as_str()), (Some(0), ""), "{screen}");
    assert!(screen.contains("signed in as Jane Doe"), "{screen}");
    let after = view(&home, &home.path().join(".kube/config"));
    let cluster = &entry(&after, "clusters", "k8s.example.com").unwrap()["cluster"];
    let ca = home.path().join("ca.pem");
    assert_eq!(cluster, &json!({"server": "https://k8s.example.com:6443", "certificate-authority": ca}));

    let exec = &entry(&after, "users", "kubekey-k8s.example.com").unwrap()["user"]["exec"];
    let args = exec["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap());
    home.run(home.kubekey().args(args)).credential();
    assert_eq!(home.browser.urls().len(), 1, "the sign-in is that of the entry");
}

#[test]
fn what_is_known_is_not_asked() {
    let home = Home::new(Mode::Absent);
    let etc = Etc::new(&[("config.toml", "client_id = 'of-the-file'")]);
    let mut command = bare_setup(&home);
    command.args(["--offline", "--cluster=prod", "--output=json"]);
    command.env("KUBEKEY_SERVER", "https://k8s.example.com");
    let mut person = Person::run(etc.over(&command).current_dir(home.path()));
    person.answer(QUESTIONS[3], "https://login.example.com");
    person.answer(SIGN_IN, "N");
    let (code, screen, stdout) = person.wait();
    assert_eq!(code, Some(0), "{screen}");
    assert_eq!(screen.matches("]: ").count() + screen.matches("example.com: ").count(), 2, "{screen}");
    assert!(stdout.starts_with("{\"changed\":true"), "questions are not on stdout: {stdout}");
    let after = view(&home, &home.path().join(".kube/config"));
    let args = &entry(&after, "users", "kubekey-prod").unwrap()["user"]["exec"]["args"];
    assert_eq!(args, &json!(["--issuer-url=https://login.example.com"]));
}

#[test]
fn whoever_stops_in_between_has_changed_nothing() {
    let answers = ["https://k8s.example.com", "", "", "https://login.example.com"];
    for (key, expected) in [(END, Some(1)), (INTERRUPT, None)] {
        for (index, last) in QUESTIONS.into_iter().enumerate() {
            let home = Home::new(Mode::Absent);
            let mut person = Person::run(bare_setup(&home).arg("--offline"));
            for (question, answer) in QUESTIONS.iter().zip(answers).take(index) {
                person.answer(question, answer);
            }
            person.wait_for(last);
            person.type_in(key);
            let (code, screen, _) = person.wait();
            assert_eq!(code, expected, "{screen}");
            assert!(!home.path().join(".kube").exists(), "{screen}");
            assert_eq!(screen.contains("nothing was written"), key == END, "{screen}");
        }
    }
}

#[test]
fn a_sign_in_is_offered_only_after_a_change() {
    let home = Home::new(Mode::Absent);
    let run = |argument: &str| Person::run(setup(&home).arg(argument).env_remove("KUBEKEY_LOG"));
    let (code, screen, _) = run("--dry-run").wait();
    assert!(code == Some(0) && !screen.contains("sign in"), "{screen}");
    let mut person = run("--detailed-exitcode");
    person.wait_for(SIGN_IN);
    person.type_in(END);
    assert_eq!(person.wait().0, Some(10), "no answer is no sign-in");
    let (code, screen, _) = run("--detailed-exitcode").wait();
    assert!(code == Some(0) && !screen.contains("sign in"), "{screen}");
    let (code, screen, _) = run("--context=").wait();
    assert!(code == Some(2) && screen.contains("--context '' cannot be used"), "{screen}");
}

#[test]
fn what_the_policy_forbids_ends_the_questions() {
    let home = Home::new(Mode::Absent);
    let etc = Etc::with_policy("allowed_issuers = ['https://good.example.com']");
    let mut person = Person::run(etc.over(bare_setup(&home).arg("--offline")).current_dir(home.path()));
    for (question, answer) in
        QUESTIONS.into_iter().zip(["https://k8s.example.com", "", "", "https://bad.example.com", ""])
    {
        person.answer(question, answer);
    }
    let (code, screen, _) = person.wait();
    assert!(code == Some(4) && screen.contains("'https://bad.example.com' is not allowed"), "{screen}");
    assert!(!home.path().join(".kube").exists());
}

#[test]
fn other_settings_that_cannot_be_used_are_said_before_anything_is_asked_of_the_provider() {
    let home = Home::new(Mode::Absent);
    let mut person = Person::run(bare_setup(&home).env("KUBEKEY_LOGIN_TIMEOUT", "soon"));
    for (question, answer) in QUESTIONS.into_iter().zip(["https://k8s.example.com", "", ""]) {
        person.answer(question, answer);
    }
    let (code, screen, _) = person.wait();
    assert!(code == Some(2) && screen.contains("KUBEKEY_LOGIN_TIMEOUT"), "{screen}");
}
