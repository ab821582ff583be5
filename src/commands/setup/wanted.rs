//! Which clusters to write to the kubeconfig: all clusters of the configuration files, one of them, or one that flags
//! describe.

use super::authority::{Trust, read_authority};
use super::server::{check_name, check_server};
use crate::cli::{self, Document};
use crate::config::{Cluster, nearest};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::Authority;

/// A cluster to write to the kubeconfig. Its names, URL and certificates have been checked.
pub struct Wanted {
    /// The name of its entry.
    pub name: String,
    /// The API server's URL.
    pub server: String,
    /// The certificate authority to trust for the server; `None` for the system's.
    pub authority: Option<Trust>,
    /// The profile of the configuration files to sign in with.
    pub profile: Option<String>,
    /// The namespace of its context.
    pub namespace: Option<String>,
    /// The name of its context.
    pub context: String,
    /// The name of its user.
    pub user: String,
}

/// The requested clusters, at least one; `known` are those of the configuration files. `authority` is the file of
/// `--certificate-authority`.
///
/// # Errors
/// [`ErrorKind::Usage`] for an unknown cluster, and for names, URLs and certificates that cannot be used.
pub fn choose(asked: &cli::Setup, authority: Option<&str>, known: &[Cluster]) -> Result<Vec<Wanted>> {
    let mut wanted = match (&asked.cluster, &asked.server) {
        (Some(name), Some(server)) => vec![Wanted::new(name, server)?],
        (None, Some(_)) => return Err(usage("--server needs a name for the cluster").hint("give --cluster, too")),
        (Some(name), None) => vec![Wanted::of_file(find(name, known)?)?],
        (None, None) if known.is_empty() => return Err(nothing()),
        (None, None) => all(known)?,
    };
    match &mut wanted[..] {
        [one] => one.set(asked, authority)?,
        _ => refuse_what_is_for_one(asked, authority)?,
    }
    Ok(wanted)
}

/// All clusters of the configuration files.
///
/// # Errors
/// [`ErrorKind::Usage`] for certificates that cannot be used, and for two clusters with the same context.
pub fn all(known: &[Cluster]) -> Result<Vec<Wanted>> {
    let all = known.iter().map(Wanted::of_file).collect::<Result<Vec<_>>>()?;
    refuse_same_context(&all)?;
    Ok(all)
}

impl Wanted {
    fn new(name: &str, server: &str) -> Result<Self> {
        Ok(Self::plain(check_name("cluster", name)?, check_server(server)?))
    }

    /// A cluster with only a name and a URL, both already checked.
    fn plain(name: String, server: String) -> Self {
        Self {
            server,
            authority: None,
            profile: None,
            namespace: None,
            context: name.clone(),
            user: format!("kubekey-{name}"),
            name,
        }
    }

    /// A cluster of a configuration file. All fields have been checked, except the contents of the certificate file.
    fn of_file(cluster: &Cluster) -> Result<Self> {
        let authority = Authority::of_cluster(cluster);
        let plain = Self::plain(cluster.name.clone(), cluster.server.clone());
        Ok(Self {
            authority: authority.map(|(authority, label)| Trust::of(&authority, &label)).transpose()?,
            profile: cluster.profile.clone(),
            namespace: cluster.namespace.clone(),
            context: cluster.context.clone().unwrap_or(plain.context),
            ..plain
        })
    }

    /// Applies the flags, which override the file.
    fn set(&mut self, asked: &cli::Setup, authority: Option<&str>) -> Result<()> {
        if let Some(path) = authority {
            self.authority = Some(read_authority(path)?);
        }
        if let Some(namespace) = &asked.namespace {
            self.namespace = Some(check_name("namespace", namespace)?);
        }
        if let Some(context) = &asked.context {
            self.context = check_name("context", context)?;
        }
        if let Some(user) = &asked.user {
            self.user = check_name("user", user)?;
        }
        Ok(())
    }
}

/// The cluster of this name.
///
/// # Errors
/// [`ErrorKind::Usage`], with the known names in the hint, if there is none.
pub fn find<'a>(name: &str, known: &'a [Cluster]) -> Result<&'a Cluster> {
    let names = || known.iter().map(|cluster| cluster.name.as_str());
    let hint = match nearest::of(name, names()) {
        _ if known.is_empty() => "to add a new cluster, also give --server".to_owned(),
        Some(nearest) => format!("did you mean '{nearest}'? To add a new cluster, also give --server"),
        None => {
            format!("known clusters: {}; to add a new one, also give --server", names().collect::<Vec<_>>().join(", "))
        }
    };
    let found = known.iter().find(|cluster| cluster.name == name);
    found.ok_or_else(|| usage(&format!("no configuration file has a cluster '{name}'")).hint(hint))
}

/// Rejects flags that only have an effect with `--print` or `--system`, without these.
///
/// # Errors
/// [`ErrorKind::Usage`], naming the flag and the missing one.
pub fn refuse_what_is_for_others(asked: &cli::Setup) -> Result<()> {
    let is_missing = |flag: &str, purpose: &str, missing: &str| {
        Err(usage(&format!("--{flag} is for {purpose}, and {missing} is missing"))
            .hint(format!("give {missing}, too, or remove --{flag}")))
    };
    if let (Some(document), Some(flag)) = (asked.print.print, of_context(asked)) {
        match (document, &asked.cluster) {
            (Document::KubeApiserver, None) => {}
            (Document::KubeApiserver, Some(_)) => {
                return Err(
                    usage(&format!("--cluster and --{flag} both name the provider")).hint("leave one of them out")
                );
            }
            _ => {
                return Err(usage(&format!("--{flag} has no effect on this document"))
                    .hint("it is for --print kube-apiserver: remove it"));
            }
        }
    }
    match (asked.print.given().next(), &asked.answers) {
        (Some(flag), _) if asked.print.print.is_none() => is_missing(flag, "a printed document", "--print"),
        (_, Some(_)) if !asked.system => is_missing("answers", "the settings of all users", "--system"),
        _ => Ok(()),
    }
}

/// A flag that was given to choose the context.
fn of_context(asked: &cli::Setup) -> Option<&'static str> {
    let flags = [("context", asked.context.is_some()), ("kubeconfig", asked.kubeconfig.is_some())];
    flags.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag)
}

fn refuse_what_is_for_one(asked: &cli::Setup, authority: Option<&str>) -> Result<()> {
    let flags = [
        ("certificate-authority", authority.is_some()),
        ("context", asked.context.is_some()),
        ("user", asked.user.is_some()),
        ("namespace", asked.namespace.is_some()),
    ];
    match flags.into_iter().find(|(_, is_given)| *is_given) {
        Some((flag, _)) => {
            Err(usage(&format!("--{flag} is for one cluster, and the configuration files have several"))
                .hint("choose one of them with --cluster"))
        }
        None => Ok(()),
    }
}

fn refuse_same_context(wanted: &[Wanted]) -> Result<()> {
    for (index, cluster) in wanted.iter().enumerate() {
        if let Some(other) = wanted[..index].iter().find(|other| other.context == cluster.context) {
            let message = format!("clusters '{}' and '{}' have the same context", other.name, cluster.name);
            return Err(usage(&message).hint("give one of them another 'context' in the configuration file"));
        }
    }
    Ok(())
}

fn nothing() -> Error {
    usage("no cluster is given, and no configuration file describes one").hint(
        "give --cluster and --server, or describe [[clusters]] in a configuration file; in a terminal kubekey asks",
    )
}

fn usage(message: &str) -> Error {
    Error::new(ErrorKind::Usage, message)
}
