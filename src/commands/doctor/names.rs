//! The names that a shared report must not have: of servers, users, the provider and this machine.

use url::Url;

use crate::cli::OfContext;
use crate::config::{Cluster, File, Flags, Layers, clusters};
use crate::environment::variable;
use crate::error::Result;
use crate::exec_credential::ExecInfo;
use crate::kubeconfig::Contexts;
use crate::loopback_host::is_loopback_host;
use crate::user;

/// A name, and what is shown in its place.
pub type Name = (String, &'static str);

/// All of them, the longest first; `of_token` are those in the user's token.
pub fn all(flags: &Flags, asked: &OfContext, contexts: &Result<Contexts>, of_token: Vec<String>) -> Vec<Name> {
    let mut names = of_settings(flags);
    names.extend(asked.context.iter().map(|name| (name.clone(), "CONTEXT")));
    names.extend(asked.cluster.iter().map(|name| (name.clone(), "CLUSTER")));
    names.extend(contexts.iter().flat_map(of_kubeconfig));
    names.extend(of_token.into_iter().map(|name| (name, "USER")));
    names.extend(of_machine());
    names.retain(|(name, _)| !name.is_empty());
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    names
}

/// What the settings give, even if they cannot be used: the message says so with their values.
fn of_settings(flags: &Flags) -> Vec<Name> {
    let exec_info = ExecInfo::parse(variable("KUBERNETES_EXEC_INFO").as_deref()).unwrap_or_default();
    let Ok(layers) = Layers::read(flags, variable, exec_info.cluster.as_ref()) else { return Vec::new() };
    let of = |flag: &str, shown: &'static str| {
        layers.given.texts(flag).into_iter().map(move |text| (text.text.to_owned(), shown)).collect::<Vec<_>>()
    };
    let issuers = of("issuer-url", "ISSUER");
    let hosts: Vec<_> = issuers.iter().filter_map(|(issuer, _)| host(issuer)).map(|host| (host, "HOST")).collect();
    let others = [
        ("client-id", "CLIENT-ID"),
        ("account", "ACCOUNT"),
        ("login-hint", "USER"),
        ("profile", "PROFILE"),
        ("resource", "RESOURCE"),
        ("auth-param", "PARAMETER"),
    ];
    let listening = of("listen-address", "HOST").into_iter();
    let listening = listening.map(|(address, shown)| (address.split(':').next().unwrap_or_default().to_owned(), shown));
    let listening = listening.filter(|(host, _)| !["localhost", "127", "127.0.0.1"].contains(&host.as_str()));
    let profiles = layers.files.iter().flat_map(|file| &file.profiles).map(|(name, _)| (name.clone(), "PROFILE"));
    let known = issuers.into_iter().chain(hosts).chain(others.into_iter().flat_map(|(flag, shown)| of(flag, shown)));
    known.chain(listening).chain(profiles).chain(of_clusters(&layers.files)).chain(of_proxies()).collect()
}

fn of_clusters(files: &[File]) -> Vec<Name> {
    let (known, _) = clusters(files).unwrap_or_default();
    let of = |cluster: Cluster| [(host(&cluster.server).unwrap_or_default(), "HOST"), (cluster.name, "CLUSTER")];
    known.into_iter().flat_map(of).collect()
}

fn of_proxies() -> impl Iterator<Item = Name> {
    let variables = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].into_iter().filter_map(variable);
    let url = |text: String| if text.contains("://") { text } else { format!("http://{text}") };
    variables.filter_map(move |text| host(&url(text))).map(|host| (host, "HOST"))
}

fn of_kubeconfig(contexts: &Contexts) -> Vec<Name> {
    let of_context = |context: crate::kubeconfig::Context<'_>| {
        let field = |name: &str| context.of_cluster(name).unwrap_or_default().to_owned();
        let server = field("server");
        let mut names = vec![
            (host(&server).unwrap_or_default(), "HOST"),
            (server, "SERVER"),
            (field("tls-server-name"), "HOST"),
            (host(&field("proxy-url")).unwrap_or_default(), "HOST"),
            (context.name.to_owned(), "CONTEXT"),
            (context.user.to_owned(), "USER"),
            (context.cluster.to_owned(), "CLUSTER"),
        ];
        names.dedup();
        names
    };
    let users = contexts.users().into_iter().map(|(name, _)| (name.to_owned(), "USER"));
    let current = contexts.current.iter().map(|name| (name.clone(), "CONTEXT"));
    contexts.all().into_iter().flat_map(of_context).chain(users).chain(current).collect()
}

/// The home folder, and the names of the user and the machine.
fn of_machine() -> impl Iterator<Item = Name> {
    // Under a policy the home is not that of the variable.
    let homes = [user::home(), std::env::home_dir()].into_iter().flatten();
    let homes = homes.map(|home| (home.display().to_string(), "~"));
    let user = ["USER", "LOGNAME", "USERNAME"].into_iter().filter_map(variable).map(|name| (name, "USER"));
    let machine = ["HOSTNAME", "COMPUTERNAME", "USERDOMAIN"].into_iter().filter_map(variable);
    homes.chain(user).chain(machine.map(|name| (name, "HOST")))
}

/// The host of a URL, unless it is this machine, which tells nothing.
fn host(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    url.host_str().filter(|_| !is_loopback_host(url.host())).map(str::to_owned)
}
