//! Which clusters are to be in the kubeconfig: those of the configuration files, one of them, or one that was described.

use std::path::Path;

use super::server::{check_name, check_server};
use crate::cli;
use crate::config::{Authority, Cluster, Tls, nearest};
use crate::error::{Error, ErrorKind, Result};

/// A cluster that is to be in the kubeconfig. Its names, its address and its certificates are good.
pub struct Wanted {
    /// The name of its entry.
    pub name: String,
    /// The API server's URL.
    pub server: String,
    /// Who is believed to be that server; `None` leaves it to the system.
    pub authority: Option<Authority>,
    /// The profile of the configuration files to sign in with.
    pub profile: Option<String>,
    /// The namespace of its context.
    pub namespace: Option<String>,
    /// The name of its context.
    pub context: String,
    /// The name of its user.
    pub user: String,
}

/// What was asked for, out of the clusters of the configuration files; never nothing. `authority` is the file of
/// `--certificate-authority`.
///
/// # Errors
/// [`ErrorKind::Usage`] for a cluster that there is not, and for names, addresses and certificates that cannot be used.
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
/// [`ErrorKind::Usage`] for certificates that cannot be used, and two clusters with one context.
pub fn all(known: &[Cluster]) -> Result<Vec<Wanted>> {
    let all = known.iter().map(Wanted::of_file).collect::<Result<Vec<_>>>()?;
    refuse_same_context(&all)?;
    Ok(all)
}

impl Wanted {
    fn new(name: &str, server: &str) -> Result<Self> {
        Ok(Self::plain(check_name("cluster", name)?, check_server(server)?))
    }

    /// With nothing but a name and an address, which are good.
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

    /// Only what is in the file of its certificate authority has not been looked at.
    fn of_file(cluster: &Cluster) -> Result<Self> {
        let authority = cluster.authority();
        let plain = Self::plain(cluster.name.clone(), cluster.server.clone());
        Ok(Self {
            authority: authority.map(|(authority, label)| check_authority(authority, &label)).transpose()?,
            profile: cluster.profile.clone(),
            namespace: cluster.namespace.clone(),
            context: cluster.context.clone().unwrap_or(plain.context),
            ..plain
        })
    }

    /// What flags say wins.
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
/// [`ErrorKind::Usage`], with the names that there are, if there is none.
pub fn find<'a>(name: &str, known: &'a [Cluster]) -> Result<&'a Cluster> {
    let names = || known.iter().map(|cluster| cluster.name.as_str());
    let hint = match nearest::of(name, names()) {
        _ if known.is_empty() => "no file has any; give --server, too".to_owned(),
        Some(nearest) => format!("did you mean '{nearest}'? for one that is in no file, give --server, too"),
        None => format!("there are: {}; for another one, give --server, too", names().collect::<Vec<_>>().join(", ")),
    };
    let found = known.iter().find(|cluster| cluster.name == name);
    found.ok_or_else(|| usage(&format!("no configuration file has a cluster '{name}'")).hint(hint))
}

/// The cluster's certificate authority by its whole path: kubectl takes another one from the kubeconfig's folder.
///
/// # Errors
/// [`ErrorKind::Usage`] if there is no certificate in it.
pub fn read_authority(text: &str) -> Result<Authority> {
    let path = std::path::absolute(Path::new(text))
        .map_err(|error| usage(&format!("--certificate-authority '{text}' cannot be used: {error}")))?;
    check_authority(Authority::File(path), "--certificate-authority")
}

/// The provider's certificate authorities by their whole paths: kubekey reads nothing from the current directory.
///
/// # Errors
/// [`ErrorKind::Usage`] for what is no path.
pub fn whole_paths(files: &[String]) -> Result<Vec<String>> {
    let whole = |file: &String| {
        let path = std::path::absolute(Path::new(file)).map_err(|error| error.to_string());
        let text = path.and_then(|path| path.into_os_string().into_string().map_err(|_| "it is not UTF-8".to_owned()));
        text.map_err(|why| usage(&format!("--issuer-certificate-authority '{file}' cannot be used: {why}")))
    };
    files.iter().map(|file| if file.starts_with("~/") { Ok(file.clone()) } else { whole(file) }).collect()
}

fn check_authority(authority: Authority, label: &str) -> Result<Authority> {
    Tls::of(authority.clone(), label).certificates()?;
    Ok(authority)
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
    usage("there is no cluster to write: none was given, and no configuration file has any").hint(
        "give --cluster and --server, or describe [[clusters]] in a configuration file; in a terminal kubekey asks",
    )
}

fn usage(message: &str) -> Error {
    Error::new(ErrorKind::Usage, message)
}
