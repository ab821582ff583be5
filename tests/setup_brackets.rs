//! `kubekey setup` on lists in brackets, whose lines kubectl reads at any indentation: the result, byte for byte.

use std::fs;

use serde_json::json;

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::kubeconfig::{entry, setup_in, view};

const EXEC: &str = "{exec: {apiVersion: client.authentication.k8s.io/v1, args: \
    ['--issuer-url=https://login.example.com', '--client-id=kubernetes'], command: kubekey, \
    installHint: kubekey is needed to sign in to this cluster, interactiveMode: IfAvailable, provideClusterInfo: true}}";

/// Checks the result for a kubeconfig that has `{{}}` where kubekey inserts something.
fn becomes(text: &str, added: &[&str]) {
    let home = Home::new(Mode::Absent);
    let file = home.path().join("kubeconfig");
    fs::write(&file, text.replace("{{}}", "")).unwrap();
    view(&home, &file);
    let finished = home.run(setup_in(&home, &file).arg("--command-name"));
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    let expected = added.iter().fold(text.to_owned(), |text, added| text.replacen("{{}}", added, 1));
    assert_eq!(fs::read_to_string(&file).unwrap(), expected);
    let after = view(&home, &file);
    assert_eq!(
        entry(&after, "contexts", "prod").unwrap()["context"],
        json!({"cluster": "prod", "user": "kubekey-prod"})
    );
    assert_eq!(entry(&after, "users", "kubekey-prod").unwrap()["user"]["exec"]["command"], "kubekey");
}

const CLUSTER: &str = "{cluster: {server: https://k8s.example.com:6443}, name: prod}";
const CONTEXT: &str = "{context: {cluster: prod, user: kubekey-prod}, name: prod}";

#[test]
fn a_bracket_in_column_0_stays_there() {
    let text = "\
# mine
clusters: [
  {name: a, cluster: {server: 'https://a'}}, # a comma at the end
{{}}]
contexts: [
{
  name: a,
  context: {cluster: a, user: a}
}{{}}
]
users: [
  {name: a, user: {token: x}}{{}}
]
current-context: a
";
    let user = format!(", {{name: kubekey-prod, user: {EXEC}}}");
    let (cluster, context) = (format!("{CLUSTER},"), format!(", {CONTEXT}"));
    becomes(text, &[&cluster, &context, &user]);
    becomes(&text.replace('\n', "\r\n"), &[&cluster, &context, &user]);
}

#[test]
fn an_empty_list_over_several_lines_is_filled_and_keeps_its_comments() {
    let text = "\
current-context: a
clusters: [
  # none yet
{{}}] # end
contexts: [ # none

{{}}]
users: [
{{}}]
";
    becomes(text, &[CLUSTER, CONTEXT, &format!("{{name: kubekey-prod, user: {EXEC}}}")]);
}

#[test]
fn what_is_there_in_brackets_is_changed_where_it_stands() {
    let home = Home::new(Mode::Absent);
    let file = home.path().join("kubeconfig");
    let text = "\
clusters: [
{name: prod, cluster: {
server: https://old.example.com, # moved
disable-compression: true
}}
]
users: [
{name: kubekey-prod, user: { # empty
}}
]
contexts: [
{name: prod, context: {cluster: old, user: kubekey-prod
}}
]
current-context: prod
";
    fs::write(&file, text).unwrap();
    let finished = home.run(setup_in(&home, &file).arg("--command-name"));
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    let expected = text
        .replace("https://old.example.com", "https://k8s.example.com:6443")
        .replace("cluster: old", "cluster: prod")
        .replace("# empty\n}", &format!("# empty\n{}", &EXEC[1..]));
    assert_eq!(fs::read_to_string(&file).unwrap(), expected);
    view(&home, &file);
}
