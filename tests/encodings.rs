//! Files as PowerShell 5 and Windows' own editor write them: UTF-16, byte order marks, line ends of other systems.

use std::fs;
use std::path::PathBuf;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::kubeconfig::{kubectl, setup_in, view};
use crate::support::process;

const KUBECONFIG: &str = "\
# jäne's
apiVersion: v1
kind: Config
current-context: mine
clusters:
- name: mine
  cluster:
    server: https://mine.example.com
contexts:
- name: mine
  context:
    cluster: mine
    user: jäne
users:
- name: jäne
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: kubekey
      interactiveMode: IfAvailable
      args: [--issuer-url=https://login.example.com, --client-id=of-jäne]
";

type Order = fn(u16) -> [u8; 2];

fn utf_16(text: &str, order: Order) -> Vec<u8> {
    text.encode_utf16().flat_map(order).collect()
}

fn kubeconfig(home: &Home, bytes: &[u8]) -> PathBuf {
    let file = home.path().join("my config");
    fs::write(&file, bytes).unwrap();
    file
}

#[test]
fn a_kubeconfig_in_utf_16_is_read_as_kubectl_reads_it_and_stays_in_utf_16() {
    for order in [u16::to_le_bytes as Order, u16::to_be_bytes] {
        for text in [KUBECONFIG.to_owned(), KUBECONFIG.replace('\n', "\r\n")] {
            let home = Home::new(Mode::Absent);
            let before = utf_16(&format!("\u{feff}{text}"), order);
            let file = kubeconfig(&home, &before);
            assert_eq!(view(&home, &file)["current-context"], "mine", "kubectl reads it");
            let shown = home.run(home.kubekey().args(["config", "show", "--kubeconfig"]).arg(&file));
            assert!(shown.stderr.contains("using the settings of context 'mine'"), "{shown:#?}");

            assert_eq!(home.run(&mut setup_in(&home, &file)).code(), Some(0));
            let after = fs::read(&file).unwrap();
            let plain = kubeconfig(&home, text.as_bytes());
            assert_eq!(home.run(&mut setup_in(&home, &plain)).code(), Some(0));
            let expected = format!("\u{feff}{}", fs::read_to_string(&plain).unwrap());
            assert!(expected.contains("kubekey-prod"), "{expected}");
            assert_eq!(after, utf_16(&expected, order), "the same as in UTF-8");
            assert_eq!(fs::read(home.path().join("my config.kubekey-backup")).unwrap(), before);

            let file = kubeconfig(&home, &after);
            let mut contexts = kubectl(&home);
            contexts.args(["config", "get-contexts", "-o", "name", "--kubeconfig"]).arg(&file);
            let contexts = process::output(&mut contexts).unwrap();
            assert_eq!(String::from_utf8(contexts.stdout).unwrap().lines().collect::<Vec<_>>(), ["mine", "prod"]);
            home.run(&mut setup_in(&home, &file));
            assert_eq!(fs::read(&file).unwrap(), after, "a second run changes nothing");
        }
    }
}

#[test]
fn what_kubectl_cannot_read_is_named_and_stays() {
    let little = utf_16(KUBECONFIG, u16::to_le_bytes);
    let marked = utf_16(&format!("\u{feff}{KUBECONFIG}"), u16::to_le_bytes);
    for (bytes, why) in [
        (&*little, "it is UTF-16, as PowerShell's '>' writes it, and not UTF-8"),
        (&utf_16(KUBECONFIG, u16::to_be_bytes), "it is UTF-16, as PowerShell's '>' writes it, and not UTF-8"),
        (&marked[..marked.len() - 1], "it is UTF-16, and a character in it is incomplete"),
        (&[&marked[..], b"\0\xd8"].concat(), "it is UTF-16, and a character in it is incomplete"),
        (b"# m\xfcller\n", "it is not UTF-8 (line 1)"),
        (&[KUBECONFIG.as_bytes(), b"\0"].concat(), "line 22, column 1: "),
    ] {
        let home = Home::new(Mode::Absent);
        let file = kubeconfig(&home, bytes);
        let mut viewed = kubectl(&home);
        viewed.args(["config", "view", "--kubeconfig"]).arg(&file);
        assert!(!process::output(&mut viewed).unwrap().status.success());
        let shown = home.run(home.kubekey().args(["config", "show", "--kubeconfig"]).arg(&file));
        let said = format!("{} cannot be read: {why}", file.display());
        assert!(shown.code() == Some(2) && shown.stderr.contains(&said), "{shown:#?}");
        let refused = home.run(&mut setup_in(&home, &file));
        let said = format!("{} cannot be changed: {why}", file.display());
        assert!(refused.code() == Some(1) && refused.stderr.contains(&said), "{refused:#?}");
        assert_eq!(fs::read(&file).unwrap(), bytes);
    }
}

#[test]
#[cfg(unix)]
fn the_command_of_the_hint_makes_each_file_readable() {
    let run = |command: &str| {
        let mut shell = std::process::Command::new("/bin/sh");
        assert!(shell.args(["-c", command]).status().unwrap().success(), "{command}");
    };
    for order in [u16::to_le_bytes as Order, u16::to_be_bytes] {
        let home = Home::new(Mode::Absent);
        let file = kubeconfig(&home, &utf_16(KUBECONFIG, order));
        let refused = home.run(&mut setup_in(&home, &file));
        run(refused.stderr.lines().last().unwrap());
        assert_eq!(fs::read_to_string(&file).unwrap(), KUBECONFIG);
        assert_eq!(home.run(&mut setup_in(&home, &file)).code(), Some(0));

        let answers = home.path().join("answers.toml");
        fs::write(&answers, utf_16("client_id = 'jäne'\n", order)).unwrap();
        let argument = format!("--answers={}", answers.display());
        let refused = home.run(home.kubekey().args(["setup", "--system", "--dry-run", &argument]));
        assert!(refused.code() == Some(2) && refused.stderr.contains("it is UTF-16"), "{refused:#?}");
        run(refused.stderr.lines().last().unwrap());
        assert_eq!(fs::read_to_string(&answers).unwrap(), "client_id = 'jäne'\n");
    }
}
