//! The commands of the documents, run as they are printed there.

use std::fs;
use std::process::Command;

use crate::docs::{commands, documents};
use crate::support::api_server::ApiServer;
use crate::support::browser::Mode;
use crate::support::home::{Home, program};
use crate::support::provider::Provider;
use crate::support::run::Finished;
use crate::support::tls::COMPANY;

/// The beginnings of commands that other tests run, and why not here.
const ELSEWHERE: [(&str, &str); 5] = [
    ("kubekey setup --system", "it writes for the whole machine: setup_system"),
    ("kubekey setup --from https:", "the file is published with a certificate that has to be trusted: onboarding"),
    ("kubekey pages --preview", "it ends with Ctrl-C: pages"),
    ("kubekey logout --browser", "the session of a real provider: tests/e2e/logout.test.js"),
    ("kubekey --issuer-url=http://127.0.0.1:3000", "it has an installed provider: tests/e2e"),
];

/// What the documents name, as it is in this test.
struct Named {
    home: Home,
    provider: Provider,
    server: ApiServer,
}

impl Named {
    fn new() -> Self {
        let server = ApiServer::start(Some(COMPANY.server("127.0.0.1", |_| ())));
        let named = Named { home: Home::new(Mode::Follow).store_in("file"), provider: Provider::start(), server };
        fs::write(named.home.path().join("prod-ca.pem"), COMPANY.pem()).unwrap();
        fs::write(named.home.path().join("new.toml"), "login_timeout = '2m'\n").unwrap();
        fs::write(named.home.path().join("new-policy.toml"), "require_cluster_info = true\n").unwrap();
        // As in docs/configuration.md.
        fs::create_dir_all(named.home.config().join("kubekey")).unwrap();
        let file = "issuer_url = 'https://login.example.com'\nclient_id = 'kubernetes'\n\
                    [[clusters]]\nname = 'prod'\nserver = 'https://k8s.example.com:6443'\n";
        fs::write(named.home.config().join("kubekey/config.toml"), named.words(file)).unwrap();
        named
    }

    fn words(&self, words: &str) -> String {
        let words = words.replace("https://login.example.com", &self.provider.issuer());
        let words = words.replace("https://k8s.example.com:6443", &self.server.url());
        let client = self.provider.client_id();
        words
            .replace("--client-id kubernetes", &format!("--client-id {client}"))
            .replace("'kubernetes'", &format!("'{client}'"))
    }

    /// Runs a line of a document in a shell.
    fn run(&self, line: &str) -> Finished {
        let kubekey = self.home.kubekey();
        let mut shell = Command::new("/bin/sh");
        shell.args(["-ec", &self.words(line)]).env_clear().current_dir(self.home.path());
        shell.envs(kubekey.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let path = kubekey.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value).unwrap();
        shell.env("PATH", format!("{}:{}", program().parent().unwrap().display(), path.display()));
        self.home.run(&mut shell)
    }
}

#[test]
fn each_command_of_a_document_works_as_it_is_printed() {
    const SETUP: &str = "kubekey setup --cluster prod --server https://k8s.example.com:6443 \
                         --certificate-authority prod-ca.pem --issuer-url https://login.example.com --client-id kubernetes";

    let named = Named::new();
    let mut count = 0;
    for file in documents() {
        let lines = commands(&fs::read_to_string(&file).unwrap());
        for line in lines.iter().filter(|line| !ELSEWHERE.iter().any(|(start, _)| line.starts_with(start))) {
            for before in [SETUP, "kubekey login"] {
                assert_eq!(named.run(before).code(), Some(0), "{before}");
            }
            let finished = named.run(line);
            assert_eq!(finished.code(), Some(0), "{}: {line}: {finished:#?}", file.display());
            count += 1;
        }
    }
    assert!(count > 15, "{count}");
}
