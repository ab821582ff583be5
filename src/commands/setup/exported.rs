//! A context of the kubeconfig, as a published file can have it, and what such a file cannot have of it.

use super::authority::Trust;
use super::newcomer::{OF_ORIGINAL, given};
use super::published::{Published, is_allowed};
use crate::cli::flags_of;
use crate::commands::config::short_file;
use crate::config::given::{Origin, Value};
use crate::config::keys::KEYS;
use crate::config::place::Place;
use crate::config::{Cluster, File};
use crate::environment::compared;
use crate::error::{Error, ErrorKind, Result};
use crate::exec_credential::ExecInfo;
use crate::kubeconfig::Context;
use crate::settings::Authority;
use crate::terminal;

/// Fields of a kubeconfig's cluster that decide how it is reached, and that a published file does not have.
const NOT_PUBLISHED: [&str; 3] = ["tls-server-name", "proxy-url", "insecure-skip-tls-verify"];

/// A context, as a cluster with settings.
pub struct Exported {
    /// The cluster, which has the context's name, since several contexts may be for one.
    pub cluster: Cluster,
    /// The settings of its user, with those that cannot be published.
    pub values: Vec<Value>,
}

impl Exported {
    /// Of this context; `files` have the profiles. Names what is left out of it.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if the context cannot be used, or not by somebody else.
    pub fn of(context: &Context<'_>, files: &[File]) -> Result<Self> {
        if let Some(lacks) = context.lacks() {
            return Err(Error::new(ErrorKind::Usage, lacks));
        }
        let values = with_profile(files, settings(context)?)?;
        let mut cluster = cluster_of(context);
        embed_authority(&mut cluster)?;
        let exported = Self { cluster, values };
        exported.require_readable()?;
        warn(context);
        Ok(exported)
    }

    /// What `--from` would refuse must not be printed.
    fn require_readable(&self) -> Result<()> {
        let allowed: Vec<_> = self.values.iter().filter(|value| is_allowed(value)).cloned().collect();
        let text = short_file(&allowed, &[], std::slice::from_ref(&self.cluster));
        Published::parse("the printed file", &text).map(drop)
    }
}

/// The settings of the context's user: its arguments and variables, and the extension of its cluster.
fn settings(context: &Context<'_>) -> Result<Vec<Value>> {
    let Some(exec) = &context.exec else { return Ok(Vec::new()) };
    let info = ExecInfo::parse(Some(&context.exec_info()))?;
    let given = given(&flags_of(&exec.args)?, |name| exec.variable(name).map(str::to_owned), info.cluster.as_ref())?;
    let values = KEYS.iter().filter_map(|key| given.value(key.flag));
    Ok(values.filter(|value| !matches!(value.origin, Origin::Default)).cloned().collect())
}

/// The settings of the selected profile, if there is one, and those that are above it.
fn with_profile(files: &[File], mut values: Vec<Value>) -> Result<Vec<Value>> {
    let Some(at) = values.iter().position(|value| value.key.flag == "profile") else { return Ok(values) };
    let name = values.remove(at).texts.concat();
    let mut profiles = files.iter().flat_map(|file| &file.profiles).filter(|(known, _)| *known == name).peekable();
    if profiles.peek().is_none() {
        return Err(Error::new(ErrorKind::Usage, format!("no configuration file has its profile '{name}'")));
    }
    Ok(profiles.flat_map(|(_, values)| values.clone()).chain(values).collect())
}

fn cluster_of(context: &Context<'_>) -> Cluster {
    let access = context.access();
    let of_access = access.as_ref();
    Cluster {
        name: context.name.to_owned(),
        server: of_access.map(|access| access.server.to_owned()).unwrap_or_default(),
        certificate_authority: of_access
            .and_then(|access| Some(access.authority_file.as_ref()?.to_string_lossy().into_owned())),
        certificate_authority_data: of_access.and_then(|access| access.authority_data.map(str::to_owned)),
        profile: None,
        namespace: context.namespace.map(str::to_owned),
        context: None,
        place: Place::start_of(std::path::Path::new("the kubeconfig"), ""),
    }
}

/// Replaces the cluster's file by the certificates in it: others do not have it.
///
/// # Errors
/// [`ErrorKind::Usage`] if it has none.
pub fn embed_authority(cluster: &mut Cluster) -> Result<()> {
    let Some((authority, label)) = Authority::of_cluster(cluster) else { return Ok(()) };
    cluster.certificate_authority_data = Some(Trust::of(&authority, &label)?.data);
    cluster.certificate_authority = None;
    Ok(())
}

/// Names what is left out, apart from settings.
fn warn(context: &Context<'_>) {
    let name = context.name;
    let left_out = |what: String| {
        terminal::warning(&format!("{what} of context '{name}' is left out: a published file cannot have it"))
    };
    let fields = NOT_PUBLISHED.into_iter().filter(|field| context.has_of_cluster(field));
    fields.for_each(|field| left_out(format!("'{field}' of the cluster")));
    let is_setting = |name: &str| {
        let name = compared(name.as_ref());
        OF_ORIGINAL.contains(&&*name) || KEYS.iter().any(|key| key.variable() == *name)
    };
    let variables = context.exec.iter().flat_map(|exec| &exec.env).filter(|(name, _)| !is_setting(name));
    variables.for_each(|(variable, _)| left_out(format!("the variable {variable} of the user")));
}
