//! Settings from a kubeconfig, the environment and flags, and how a policy refuses them.

use std::process::Command;

use serde_json::{Value, json};

use super::home::Home;
use super::provider::Provider;
use super::run::Finished;

pub const SERVER: &str = "https://k8s.example.com:6443";

/// What kubectl passes on about the cluster, with `provideClusterInfo: true`.
pub fn exec_info(cluster: &serde_json::Value) -> String {
    let spec = json!({ "interactive": false, "cluster": cluster });
    json!({ "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "spec": spec }).to_string()
}

#[track_caller]
pub fn assert_refused(finished: &Finished, words: &str) {
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(4), ""), "{finished:#?}");
    assert!(finished.stderr.contains(words) && finished.stderr.contains("hint: "), "{words:?}: {finished:#?}");
    assert!(finished.stderr.contains("/etc/kubekey"), "it says by which file: {finished:#?}");
}

/// Each way in which users and kubeconfigs can set it.
pub fn all_ways(home: &Home, provider: &Provider, key: &str, value: &Value) -> [Command; 3] {
    let text = value.as_str().map_or(value.to_string(), str::to_owned);
    let variable = format!("KUBEKEY_{}", key.to_uppercase());
    let mut ways = [(); 3].map(|()| home.kubekey_for(provider));
    // The extension's value takes effect only where no variable sets another.
    let cluster = json!({ "server": SERVER, "config": { key: value } });
    ways[0].env_remove(&variable).env("KUBERNETES_EXEC_INFO", exec_info(&cluster));
    ways[1].env(&variable, &text);
    ways[2].arg(format!("--{}={text}", key.replace('_', "-")));
    ways
}
