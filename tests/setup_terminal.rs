//! `kubekey setup` in a terminal: what it asks, and what it does with each answer.

use std::fs;
use std::net::Ipv4Addr;
use std::process::Command;

use serde_json::json;

use crate::support::browser::Mode;
use crate::support::etc::Etc;
use crate::support::home::Home;
use crate::support::kubeconfig::{PLAIN, entry, plain, setup, setup_in, view};
use crate::support::provider::Provider;
use crate::support::provider::behaviour::edit;
use crate::support::terminal::{END, INTERRUPT, Person};
use crate::support::tls::COMPANY;

const QUESTIONS: [&str; 5] = [
    "kubekey: URL of the API server, such as https://k8s.example.com:6443: ",
    "kubekey: name for the cluster [k8s.example.com]: ",
    "kubekey: PEM file with the CA of the API server [none]: ",
    "kubekey: issuer URL of the provider, such as https://login.example.com: ",
    "kubekey: client ID registered with the provider [kubernetes]: ",
];
const WRITE: &str = "kubekey: write it? [yes]: ";
const PROVIDER_AUTHORITY: &str = "kubekey: PEM file with the CA of the provider [none]: ";
const ANYWAY: &str = "kubekey: use it anyway? [no]: ";
const SIGN_IN: &str = "kubekey: sign in now? [yes]: ";

fn bare_setup(home: &Home) -> Command {
    let mut command = home.kubekey();
    command.arg("setup").env_remove("KUBEKEY_LOG");
    command
}

#[test]
fn a_provider_with_a_certificate_of_the_companys_ca_is_asked_for_that() {
    let home = Home::new(Mode::Follow).store_in("file");
    let provider = Provider::start_at(Ipv4Addr::LOCALHOST.into(), Some(COMPANY.server("127.0.0.1", |_| ())));
    fs::write(home.path().join("ca.pem"), COMPANY.pem()).unwrap();
    let [server, name, authority, issuer, client] = QUESTIONS;
    let mut person = Person::run(&bare_setup(&home));
    person.answer(server, "https://k8s.example.com:6443");
    person.answer(name, "");
    person.answer(authority, "none");
    person.answer(issuer, &format!("{}/", provider.issuer()));
    person.wait_for("is not trusted");
    person.answer(PROVIDER_AUTHORITY, "");
    person.answer(ANYWAY, "no");
    person.answer(PROVIDER_AUTHORITY, "ca.pem");
    // The CA is right, and stays; the issuer is not.
    person.answer(&format!("such as https://login.example.com [{}]: ", provider.issuer()), "");
    person.answer(client, &provider.client_id());
    person.answer(WRITE, "");
    person.answer(SIGN_IN, "");
    person.wait_for("signed in as Jane Doe");
    let written = fs::read_to_string(home.path().join(".kube/config")).unwrap();
    let flag = format!("--certificate-authority={}", home.path().join("ca.pem").display());
    assert!(written.contains(&flag), "{written}");
}

#[test]
fn a_provider_of_the_flags_that_is_not_trusted_is_asked_for_its_ca_unless_the_policy_decides_that() {
    let home = Home::new(Mode::Follow).store_in("file");
    let provider = Provider::start_at(Ipv4Addr::LOCALHOST.into(), Some(COMPANY.server("127.0.0.1", |_| ())));
    let ca = home.path().join("ca.pem").display().to_string();
    fs::write(&ca, COMPANY.pem()).unwrap();
    let written = || fs::read_to_string(home.path().join(".kube/config")).unwrap_or_default();
    let mut command = bare_setup(&home);
    command.args(["--no-login", "--cluster=prod", "--server=https://k8s.example.com", "--client-id=kubernetes"]);
    command.arg(format!("--issuer-url={}", provider.issuer()));

    // Without a person, and where a policy locks the setting, nobody is asked.
    let mut unasked = home.kubekey();
    unasked.args(command.get_args()).arg("--yes");
    let (code, screen, _) = Person::run(&unasked).wait();
    assert_eq!((code, written().as_str()), (Some(5), ""), "{screen}");
    let (code, screen, _) = Person::run(&Etc::with_policy("").over(&command)).wait();
    assert_eq!((code, written().as_str()), (Some(5), ""), "{screen}");
    assert!(screen.contains("extra_ca of the policy") && !screen.contains("PEM file"), "{screen}");
    assert!(!screen.contains("--offline"), "every sign-in would fail: {screen}");

    let mut person = Person::run(&command);
    person.answer(PROVIDER_AUTHORITY, "/nowhere.pem");
    person.wait_for("/nowhere.pem");
    person.answer(PROVIDER_AUTHORITY, &ca);
    person.answer(WRITE, "");
    let (code, screen, _) = person.wait();
    assert!(code == Some(0) && written().contains(&format!("--certificate-authority={ca}")), "{screen}");

    // The cluster may have the same CA.
    fs::remove_file(home.path().join(".kube/config")).unwrap();
    let mut same = bare_setup(&home);
    same.args(command.get_args().skip(1)).arg(format!("--certificate-authority={ca}"));
    let mut person = Person::run(&same);
    person.answer(&PROVIDER_AUTHORITY.replace("none", &ca), "");
    person.answer(WRITE, "");
    assert_eq!(person.wait().0, Some(0));
    assert!(
        written().contains(&format!("--certificate-authority={ca}")) && written().contains(&format!("authority: {ca}")),
        "{}",
        written()
    );

    fs::remove_file(home.path().join(".kube/config")).unwrap();
    let etc = Etc::with_policy(&format!("extra_ca = '{ca}'"));
    let mut person = Person::run(&etc.over(&command));
    person.answer(WRITE, "");
    let (code, screen, _) = person.wait();
    assert!(code == Some(0) && !screen.contains("PEM file") && !written().contains("ca.pem"), "{screen}");
}

#[test]
fn a_mistake_in_the_issuer_is_told_from_a_ca_that_is_missing() {
    let home = Home::new(Mode::Absent);
    let provider = Provider::start_at(Ipv4Addr::LOCALHOST.into(), Some(COMPANY.server("127.0.0.1", |_| ())));
    let ca = home.path().join("ca.pem").display().to_string();
    fs::write(&ca, COMPANY.pem()).unwrap();
    let issuer = format!("{}/", provider.issuer());
    let mut given = bare_setup(&home);
    given.args(["--no-login", "--cluster=prod", "--server=https://k8s.example.com", "--client-id=kubernetes"]);

    // The input ends at a question about an answer.
    let mut person = Person::run(&given);
    person.answer(QUESTIONS[3], &issuer);
    person.wait_for(PROVIDER_AUTHORITY);
    person.type_in(END);
    let (code, screen, _) = person.wait();
    assert!(code == Some(1) && screen.matches("was not answered").count() == 1, "{screen}");

    let mut person =
        Person::run(bare_setup(&home).args(given.get_args().skip(1)).arg(format!("--issuer-url={issuer}")));
    person.answer(PROVIDER_AUTHORITY, &ca);
    let (code, screen, _) = person.wait();
    assert!(code == Some(1) && screen.contains("names the issuer"), "{screen}");
    assert!(!home.path().join(".kube").exists());

    // A policy that has the CA, and another mistake first: no provider is there.
    let etc = Etc::with_policy(&format!("extra_ca = '{ca}'"));
    let mut person = Person::run(&etc.over(&given));
    person.answer(QUESTIONS[3], &format!("{issuer}realm"));
    person.wait_for("404");
    person.answer(QUESTIONS[3], &issuer);
    person.answer(&format!("such as https://login.example.com [{}]: ", provider.issuer()), "");
    person.answer(WRITE, "");
    let (code, screen, _) = person.wait();
    assert!(code == Some(0) && !screen.contains("PEM file"), "{screen}");
}

/// Enter for each question about the cluster of an earlier run.
fn keep_the_cluster(person: &mut Person) {
    person.answer("[https://k8s.example.com]: ", "");
    person.answer("name for the cluster [prod]: ", "");
    person.answer("of the API server [none]: ", "");
}

#[test]
fn what_an_earlier_run_wrote_for_the_same_provider_stays() {
    let home = Home::new(Mode::Absent);
    let provider = Provider::start_at(Ipv4Addr::LOCALHOST.into(), Some(COMPANY.server("127.0.0.1", |_| ())));
    let ca = home.path().join("ca.pem").display().to_string();
    fs::write(&ca, COMPANY.pem()).unwrap();
    let mut first = home.kubekey();
    first.args(["setup", "--cluster=prod", "--server=https://k8s.example.com", "--client-id=kubernetes"]);
    first.args(["--scope=groups", "--scope=email", "--flow=paste", &format!("--issuer-certificate-authority={ca}")]);
    first.arg(format!("--issuer-url={}", provider.issuer()));
    assert_eq!(home.run(&mut first).code(), Some(0));
    let written = || fs::read_to_string(home.path().join(".kube/config")).unwrap();
    let before = written();

    let mut person = Person::run(&bare_setup(&home));
    keep_the_cluster(&mut person);
    person.answer(&format!("[{}]: ", provider.issuer()), "");
    person.answer("[kubernetes]: ", "");
    let (code, screen, _) = person.wait();
    assert_eq!((code, written()), (Some(0), before.clone()), "{screen}");

    // A file that is gone, and one slash too many, cost nothing else.
    fs::rename(&ca, home.path().join("new.pem")).unwrap();
    let mut person = Person::run(bare_setup(&home).arg("--no-login"));
    keep_the_cluster(&mut person);
    person.answer(&format!("[{}]: ", provider.issuer()), &format!("{}/", provider.issuer()));
    person.answer(PROVIDER_AUTHORITY, &home.path().join("new.pem").display().to_string());
    person.answer(&format!("[{}]: ", provider.issuer()), "");
    person.answer("[kubernetes]: ", "");
    person.answer(WRITE, "");
    assert_eq!(person.wait().0, Some(0));
    let moved = written();
    assert!(moved.contains("--scope=groups") && moved.contains("/new.pem") && !moved.contains("/ca.pem"), "{moved}");
    fs::rename(home.path().join("new.pem"), &ca).unwrap();

    // A policy that came later.
    let etc = Etc::with_policy("locked_flags = ['scope']");
    let mut person = Person::run(&etc.over(bare_setup(&home).arg("--no-login")));
    keep_the_cluster(&mut person);
    person.answer(&format!("[{}]: ", provider.issuer()), "");
    person.answer(PROVIDER_AUTHORITY, &ca);
    person.answer("[kubernetes]: ", "");
    person.wait_for("-        - '--scope=groups'");
    person.type_in(INTERRUPT);
    person.wait();
    assert!(written().contains("--flow=paste"), "{}", written());

    // A flag is another wish, and so is another provider.
    let other = "https://login.example.com";
    let mut person = Person::run(bare_setup(&home).args(["--offline", "--no-login", "--scope=openid"]));
    keep_the_cluster(&mut person);
    person.answer(&format!("[{}]: ", provider.issuer()), "");
    person.answer("[kubernetes]: ", "");
    person.answer(WRITE, "");
    assert_eq!(person.wait().0, Some(0));
    let changed = written();
    assert!(changed.contains("--flow=paste") && changed.contains("--scope=openid"), "{changed}");
    assert!(!changed.contains("--scope=groups"), "{changed}");
    let mut person = Person::run(bare_setup(&home).args(["--offline", "--no-login"]));
    keep_the_cluster(&mut person);
    person.answer(&format!("[{}]: ", provider.issuer()), other);
    person.answer("[kubernetes]: ", "");
    person.answer(WRITE, "");
    assert_eq!(person.wait().0, Some(0));
    assert!(!written().contains("--flow=paste") && !written().contains("--certificate-authority="), "{}", written());
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
    person.answer(name, "");
    person.answer(authority, "/nowhere");
    person.wait_for("there is no such file");
    person.answer(authority, "~/ca.pem");
    person.answer(issuer, "http://login.example.com");
    person.wait_for("only for this machine; use https");
    person.answer(issuer, "http://127.0.0.1:1");
    person.wait_for("cannot be reached");
    person.answer(ANYWAY, "");
    assert!(!home.path().join(".kube").exists());
    person.answer(issuer, &provider.issuer());
    person.answer(client, &provider.client_id());
    person.wait_for("+    server: https://k8s.example.com:6443");
    person.wait_for(WRITE);
    assert!(!home.path().join(".kube").exists());
    assert!(!person.screen().contains("--cluster") && !person.screen().contains("--offline"), "{}", person.screen());
    person.type_in("\n");
    person.answer(SIGN_IN, "perhaps");
    assert!(home.path().join(".kube").exists());
    person.answer(SIGN_IN, "");
    let (code, screen, stdout) = person.wait();
    assert_eq!((code, stdout.as_str()), (Some(0), ""), "{screen}");
    assert!(screen.contains("signed in as Jane Doe"), "{screen}");
    let after = view(&home, &home.path().join(".kube").join("config"));
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
    person.answer(WRITE, "");
    person.answer(SIGN_IN, "N");
    let (code, screen, stdout) = person.wait();
    assert_eq!(code, Some(0), "{screen}");
    assert_eq!(screen.matches("]: ").count() + screen.matches("example.com: ").count(), 3, "{screen}");
    assert!(stdout.starts_with("{\"changed\":true"), "questions are not on stdout: {stdout}");
    let after = view(&home, &home.path().join(".kube").join("config"));
    let args = &entry(&after, "users", "kubekey-prod").unwrap()["user"]["exec"]["args"];
    assert_eq!(args, &json!(["--issuer-url=https://login.example.com"]));
}

#[test]
fn whoever_stops_in_between_has_changed_nothing() {
    let answers = ["https://k8s.example.com", "", "", "https://login.example.com", ""];
    let questions = [&QUESTIONS[..], &[WRITE]].concat();
    for (key, expected) in [(END, Some(1)), (INTERRUPT, None)] {
        for (index, last) in questions.iter().enumerate() {
            let home = Home::new(Mode::Absent);
            let mut person = Person::run(bare_setup(&home).arg("--offline"));
            for (question, answer) in questions.iter().zip(answers).take(index) {
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
    person.answer(WRITE, "y");
    person.wait_for(SIGN_IN);
    person.type_in(END);
    assert_eq!(person.wait().0, Some(10), "no answer is no sign-in");
    let (code, screen, _) = run("--detailed-exitcode").wait();
    assert!(code == Some(0) && !screen.contains("sign in"), "{screen}");
    let (code, screen, _) = run("--context= ").wait();
    assert!(code == Some(2) && screen.contains("--context ' ' cannot be used"), "{screen}");
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

const LEFT: &str = "\x1b[D";
const RIGHT: &str = "\x1bOC";
const UP: &str = "\x1b[A";
const FIRST: &str = "\x1b[H";
const LAST: &str = "\x1b[4~";
const DELETE: &str = "\x1b[3~";
const BACKSPACE: &str = "\x7f";

#[test]
fn an_answer_can_be_edited_like_any_line() {
    let long = "a".repeat(200);
    for (keys, name) in [
        (format!("abd{LEFT}c"), "abcd"),
        (format!("bc{FIRST}a{LAST}d"), "abcd"),
        (format!("\u{2}xb{FIRST}{DELETE}a{RIGHT}c"), "abc"),
        (format!("abx{BACKSPACE}c\u{1}{RIGHT}{DELETE}"), "ac"),
        ("other\u{15}abc".to_owned(), "abc"),
        (format!("abcother{}\u{b}", LEFT.repeat(5)), "abc"),
        ("abc other\u{17}\u{8}d".to_owned(), "abcd"),
        (format!("{LEFT}{LEFT}{BACKSPACE}{DELETE}{RIGHT}{UP}"), "k8s.example.com"),
        ("a\x1b[15~b\x1b[1;5Pc\x1bd\u{7}".to_owned(), "abcd"),
        (format!("\u{e9}\u{1f980}x{LEFT}{BACKSPACE}"), "\u{e9}x"),
        (format!("{long}{}b", LEFT.repeat(200)), &*format!("b{long}")),
        (format!("{}\u{15}abc", "pasted".repeat(3000)), "abc"),
    ] {
        let home = Home::new(Mode::Absent);
        let mut person = Person::run(bare_setup(&home).args(["--offline", "--no-login"]));
        person.answer(QUESTIONS[0], "https://k8s.example.com");
        person.answer(QUESTIONS[1], &keys);
        person.answer(QUESTIONS[2], "");
        person.answer(QUESTIONS[3], "https://login.example.com");
        person.answer(QUESTIONS[4], "");
        person.answer(WRITE, "");
        let (code, screen, _) = person.wait();
        assert_eq!(code, Some(0), "{screen}");
        assert!(!screen.contains("^["), "{screen}");
        let after = view(&home, &home.path().join(".kube").join("config"));
        assert_eq!(after["clusters"][0]["name"], *name, "{keys:?} {screen}");
    }
}

#[test]
fn a_rejected_answer_comes_back_with_the_arrow_up() {
    let home = Home::new(Mode::Absent);
    let mut person = Person::run(bare_setup(&home).arg("--offline"));
    person.answer(QUESTIONS[0], "http://k8s.example.com");
    let right = RIGHT.repeat(4);
    person.answer(QUESTIONS[0], &format!("{UP}{FIRST}{right}s"));
    person.wait_for(QUESTIONS[1]);
    person.type_in(END);
    assert_eq!(person.wait().0, Some(1));
}

#[test]
fn tab_completes_a_path() {
    let home = Home::new(Mode::Absent);
    let folder = home.path().join("certificates");
    fs::create_dir(&folder).unwrap();
    for name in ["prod-ca.pem", "prod-old.pem", ".hidden.pem"] {
        fs::write(folder.join(name), COMPANY.pem()).unwrap();
    }
    for typed in [
        "~/cert\t\t\tc\t",
        "certi\tp\t\tc\t",
        &format!("{}/ce\t\t\tc\t", home.path().display()),
        "certificates/.h\t",
        "nowhere/x\t\u{15}./cert\tprod-c\t",
    ] {
        let mut person = Person::run(bare_setup(&home).args(["--offline", "--no-login"]));
        person.answer(QUESTIONS[0], "https://k8s.example.com");
        person.answer(QUESTIONS[1], "");
        person.answer(QUESTIONS[2], typed);
        person.answer(QUESTIONS[3], "https://login.example.com");
        person.answer(QUESTIONS[4], "");
        person.answer(WRITE, "");
        let (code, screen, _) = person.wait();
        assert_eq!(code, Some(0), "{typed:?} {screen}");
        let file = home.path().join(".kube").join("config");
        let path = view(&home, &file)["clusters"][0]["cluster"]["certificate-authority"].clone();
        let name = if typed.contains(".h") { ".hidden.pem" } else { "prod-ca.pem" };
        assert!(path.as_str().unwrap().ends_with(&format!("certificates/{name}")), "{typed:?} {path}");
        assert_eq!(screen.contains("prod-old.pem"), typed.contains("\t\t"), "{typed:?} {screen}");
        fs::remove_dir_all(home.path().join(".kube")).unwrap();
    }
}

#[test]
fn what_was_right_the_last_time_is_the_default() {
    let home = Home::new(Mode::Absent);
    fs::write(home.path().join("ca.pem"), COMPANY.pem()).unwrap();
    let ca = home.path().join("ca.pem").display().to_string();
    let mut first = home.kubekey();
    first.args(["setup", "--offline", "--cluster=prod", "--server=https://k8s.example.com:6443", "--client-id=wrong"]);
    first.args(["--issuer-url=https://login.example.com", "--certificate-authority", &ca]);
    assert_eq!(home.run(&mut first).code(), Some(0));
    let mut person = Person::run(bare_setup(&home).args(["--offline", "--no-login"]));
    person.answer("as https://k8s.example.com:6443 [https://k8s.example.com:6443]: ", "");
    person.answer("name for the cluster [prod]: ", "");
    person.answer(&format!("of the API server [{ca}]: "), "");
    person.answer("as https://login.example.com [https://login.example.com]: ", "");
    person.answer("client ID registered with the provider [wrong]: ", "right");
    person.wait_for("-        - '--client-id=wrong'");
    person.wait_for("+        - '--client-id=right'");
    person.answer(WRITE, "");
    assert_eq!(person.wait().0, Some(0));

    // Another cluster shares the provider, and nothing else.
    let mut person = Person::run(bare_setup(&home).args(["--offline", "--no-login"]));
    person.answer("as https://k8s.example.com:6443 [https://k8s.example.com:6443]: ", "https://other.example.com");
    person.answer("name for the cluster [other.example.com]: ", "");
    person.answer("of the API server [none]: ", "");
    person.answer("as https://login.example.com [https://login.example.com]: ", "");
    person.answer("client ID registered with the provider [right]: ", "");
    person.answer(WRITE, "");
    assert_eq!(person.wait().0, Some(0));
}

#[test]
fn nothing_is_written_without_a_yes_to_what_is_shown() {
    for (answer, is_written) in [("no\n", false), ("N\n", false), ("what\nno\n", false), ("yes\n", true), ("\n", true)]
    {
        let home = Home::new(Mode::Absent);
        let mut person = Person::run(setup(&home).arg("--no-login").env_remove("KUBEKEY_LOG"));
        person.wait_for("--- /dev/null");
        person.wait_for("+    server: https://k8s.example.com:6443");
        person.wait_for(WRITE);
        person.type_in(answer);
        let (code, screen, stdout) = person.wait();
        assert_eq!((code, stdout.as_str()), (Some(if is_written { 0 } else { 1 }), ""), "{screen}");
        assert_eq!(home.path().join(".kube").join("config").exists(), is_written, "{screen}");
        assert_eq!(screen.contains("nothing was written"), !is_written, "{screen}");
        assert!(!screen.contains("sign in now?"), "{screen}");
    }
}

#[test]
fn a_script_with_a_terminal_is_asked_nothing_if_it_says_so() {
    for (name, value) in [("KUBEKEY_YES", "true"), ("KUBEKEY_YES", "1"), ("", "")] {
        let home = Home::new(Mode::Absent);
        let mut command = setup(&home);
        command.env_remove("KUBEKEY_LOG");
        if name.is_empty() {
            command.arg("--yes")
        } else {
            command.env(name, value)
        };
        let (code, screen, _) = Person::run(&command).wait();
        assert!(code == Some(0) && !screen.contains("]: "), "{screen}");
        assert!(home.path().join(".kube").join("config").exists(), "{screen}");
        let (code, screen, _) = Person::run(bare_setup(&Home::new(Mode::Absent)).arg("--yes")).wait();
        assert!(code == Some(2) && screen.contains("no cluster is given"), "{screen}");
    }
    let home = Home::new(Mode::Absent);
    let mut person = Person::run(setup(&home).env("KUBEKEY_NO_LOGIN", "yes").env_remove("KUBEKEY_LOG"));
    person.answer(WRITE, "");
    assert_eq!(person.wait().0, Some(0));
}

#[test]
fn a_cluster_moves_only_with_a_yes_and_its_new_authority_is_asked_for() {
    let home = Home::new(Mode::Absent);
    fs::write(home.path().join("ca.pem"), COMPANY.pem()).unwrap();
    let mut old = home.kubekey();
    old.args(["setup", "--offline", "--cluster=prod", "--server=https://old.example.com", "--client-id=kubernetes"]);
    old.args(["--issuer-url=https://login.example.com", "--certificate-authority=ca.pem"]);
    assert_eq!(home.run(&mut old).code(), Some(0));
    let file = home.path().join(".kube").join("config");
    let before = fs::read_to_string(&file).unwrap();
    let moved = "kubekey: would move cluster 'prod' from https://old.example.com to https://k8s.example.com:6443: write it? [no]: ";
    let run = |authority: &str, answer: &str| {
        let mut person = Person::run(setup(&home).arg("--no-login").env_remove("KUBEKEY_LOG"));
        person.answer(QUESTIONS[2], authority);
        person.answer(moved, answer);
        person.wait()
    };
    let (code, screen, _) = run("", "");
    assert_eq!((code, fs::read_to_string(&file).unwrap()), (Some(1), before.clone()), "{screen}");
    let dropped = "would lose certificate-authority, which belongs to https://old.example.com";
    assert_eq!(screen.matches(dropped).count(), 1, "{screen}");
    fs::write(home.path().join("new.pem"), COMPANY.pem()).unwrap();
    let (code, screen, _) = run("new.pem", "yes");
    assert!(code == Some(0) && !screen.contains("would lose"), "{screen}");
    let cluster = &view(&home, &file)["clusters"][0]["cluster"];
    let new = home.path().join("new.pem");
    assert_eq!(cluster, &json!({"server": "https://k8s.example.com:6443", "certificate-authority": new}));
}

#[test]
fn a_context_gets_another_cluster_only_with_a_yes() {
    let home = Home::new(Mode::Absent);
    let file = plain(&home);
    let question = "kubekey: would change context 'old', which uses cluster 'old' and user 'me': write it? [no]: ";
    let run = |answer: &str| {
        let mut command = setup_in(&home, &file);
        command.args(["--context=old", "--no-login"]);
        let mut person = Person::run(command.env_remove("KUBEKEY_LOG"));
        person.answer(question, answer);
        person.wait()
    };
    let (code, screen, _) = run("");
    assert_eq!((code, fs::read_to_string(&file).unwrap().as_str()), (Some(1), PLAIN), "{screen}");
    assert!(!screen.contains("warning: "), "it is said once: {screen}");
    let (code, screen, _) = run("yes");
    let context = entry(&view(&home, &file), "contexts", "old").unwrap()["context"].clone();
    assert_eq!((code, context), (Some(0), json!({"cluster": "prod", "user": "kubekey-prod"})), "{screen}");
    assert!(!screen.contains("warning: "), "{screen}");
}

#[test]
fn what_changed_while_a_person_was_asked_is_not_written_over() {
    let home = Home::new(Mode::Absent);
    let file = plain(&home);
    let mut person = Person::run(setup_in(&home, &file).env_remove("KUBEKEY_LOG"));
    person.wait_for(WRITE);
    assert!(!home.path().join("kubeconfig.lock").exists(), "kubectl is not kept waiting by a question");
    let other = PLAIN.replace("abc", "def");
    fs::write(&file, &other).unwrap();
    person.type_in("\n");
    let (code, screen, _) = person.wait();
    assert_eq!((code, fs::read_to_string(&file).unwrap()), (Some(1), other), "{screen}");
    assert!(screen.contains("the kubeconfig has changed in the meantime"), "{screen}");
}

#[test]
fn a_provider_that_cannot_be_reached_is_taken_if_the_person_insists() {
    let home = Home::new(Mode::Absent);
    let mut person = Person::run(bare_setup(&home).arg("--no-login"));
    person.answer(QUESTIONS[0], "https://k8s.example.com");
    person.answer(QUESTIONS[1], "");
    person.answer(QUESTIONS[2], "");
    person.answer(QUESTIONS[3], "http://127.0.0.1:1");
    person.answer(ANYWAY, "yes");
    person.answer(QUESTIONS[4], "");
    person.answer(WRITE, "");
    let (code, screen, _) = person.wait();
    assert_eq!((code, screen.matches("cannot be reached").count()), (Some(0), 1), "{screen}");
}

#[test]
fn a_rejected_answer_is_not_repeated_whole() {
    let home = Home::new(Mode::Absent);
    let long = "0123456789".repeat(30);
    let (http, path) = (format!("http://{long}"), format!("~/{long}"));
    let mut person = Person::run(bare_setup(&home).arg("--offline"));
    for (question, answer, good) in [
        (QUESTIONS[0], &*http, "https://k8s.example.com"),
        (QUESTIONS[1], "", ""),
        (QUESTIONS[2], &*path, ""),
        (QUESTIONS[3], &*http, "https://login.example.com"),
    ] {
        person.answer(question, answer);
        if answer.is_empty() {
            continue;
        }
        let start = &answer.replace('~', &home.path().display().to_string())[..57];
        person.wait_for(&format!("kubekey: '{start}...'"));
        let reason = person.wait_for_line();
        assert!(!reason.contains("0123456789") && reason.len() < 100, "{reason}");
        person.answer(question, good);
    }
    person.wait_for(QUESTIONS[4]);
    person.type_in(END);
    assert_eq!(person.wait().0, Some(1));
}

#[test]
fn the_right_issuer_is_the_next_default() {
    for slash in [true, false] {
        let (home, provider) = (Home::new(Mode::Absent), Provider::start());
        let plain = provider.issuer();
        let (asked, right) =
            if slash { (format!("{plain}/"), plain.clone()) } else { (plain.clone(), format!("{plain}/")) };
        if !slash {
            let right = right.clone();
            provider.configure(|behaviour| {
                behaviour.discovery =
                    edit(move |document| drop(document.insert("issuer".into(), right.clone().into())));
            });
        }
        let mut person = Person::run(bare_setup(&home).args(["--no-login"]));
        for (question, answer) in QUESTIONS.into_iter().zip(["https://k8s.example.com", "", "", &asked]) {
            person.answer(question, answer);
        }
        person.wait_for(&format!("its discovery document names the issuer '{right}'"));
        person.wait_for(&format!("hint: press Enter to take {right}\r\n"));
        person.answer(&format!("as https://login.example.com [{right}]: "), "");
        person.answer(QUESTIONS[4], "");
        person.answer(WRITE, "");
        let (code, screen, _) = person.wait();
        assert_eq!(code, Some(0), "{screen}");
        let user = view(&home, &home.path().join(".kube").join("config"))["users"][0]["user"].clone();
        assert_eq!(user["exec"]["args"][0], format!("--issuer-url={right}"), "{screen}");
    }
}

#[test]
fn nothing_is_asked_where_the_kubeconfig_cannot_be_changed() {
    let home = Home::new(Mode::Absent);
    fs::create_dir_all(home.path().join(".kube")).unwrap();
    fs::write(home.path().join(".kube/config"), "contexts: [\n").unwrap();
    let (code, screen, _) = Person::run(home.kubekey().arg("setup").env("KUBEKEY_LOG", "info")).wait();
    assert_eq!(code, Some(2), "{screen}");
    assert!(screen.contains("cannot be read") && !screen.contains("URL"), "{screen}");
}
