//! `kubekey setup --print`: the configuration with which the API server and kubectl accept kubekey and its users.

use std::io::Write;

use askama::Template;
use serde_json::Value;

use super::authority::whole_paths;
use super::command_path::command;
use super::print_onboarding::onboarding_file;
use super::server::check_name;
use super::sign_in::SignIn;
use super::wanted;
use crate::cli::{self, Document, Print};
use crate::config::{Flags, Layers, clusters};
use crate::environment::variable;
use crate::error::{Error, ErrorKind, Result};
use crate::exec_credential::ExecInfo;
use crate::output;
use crate::policy::Policy;
use crate::printable::{escaped, is_plain};
use crate::settings::{Settings, encode_pem};

/// All strings are YAML scalars.
#[derive(Template)]
#[template(path = "authentication_configuration.yaml", escape = "none")]
struct AuthenticationConfiguration {
    issuer_url: String,
    client_id: String,
    /// PEM, which the template inserts line by line.
    certificate_authority: String,
    username_claim: String,
    username_prefix: String,
    groups_claim: String,
    groups_prefix: String,
    /// Quoted for a shell.
    flags: Vec<String>,
}

#[derive(Template)]
#[template(path = "cluster_role_binding.yaml", escape = "none")]
struct ClusterRoleBinding {
    name: String,
    role: String,
    group: String,
}

#[derive(Template)]
#[template(path = "kuberc.yaml", escape = "none")]
struct Kuberc {
    command: String,
}

/// Prints the document to `out`.
///
/// # Errors
/// [`ErrorKind::Usage`] if something is missing or cannot be used; for the API server's document also those of `setup`.
pub fn print(document: Document, flags: Flags, asked: &cli::Setup, out: &mut impl Write) -> Result<()> {
    let text = match document {
        Document::KubeApiserver => authentication_configuration(flags, asked)?.render(),
        Document::Onboarding => Ok(onboarding_file()?),
        Document::Rbac => cluster_role_binding(&asked.print)?.render(),
        Document::Kuberc => Kuberc { command: scalar(&command(asked.command_name)?) }.render(),
    };
    let text = text.expect("a template that only fills in texts");
    output::print(out, &format!("{text}\n"))
}

fn authentication_configuration(mut flags: Flags, asked: &cli::Setup) -> Result<AuthenticationConfiguration> {
    flags.replace("certificate-authority", &whole_paths(&asked.issuer_certificate_authority)?);
    let profile = match &asked.cluster {
        Some(name) => {
            let files = Layers::read(&flags, variable, None)?.files;
            wanted::find(name, &clusters(&files)?.0)?.profile.clone()
        }
        None => None,
    };
    let info = ExecInfo::parse(variable("KUBERNETES_EXEC_INFO").as_deref())?;
    let sign_in = SignIn::resolve(&flags, &Policy::load()?, profile, info.cluster.as_ref())?;
    let issuer_url = sign_in.settings.issuer_url.as_str();
    if !issuer_url.starts_with("https://") {
        return Err(usage(&format!("the API server does not accept the issuer '{issuer_url}': it requires https")));
    }
    let mapping = Mapping::parse(&asked.print, issuer_url)?;
    if !asked.offline {
        sign_in.check_provider()?;
    }
    Ok(AuthenticationConfiguration {
        issuer_url: scalar(issuer_url),
        client_id: scalar(&sign_in.settings.client_id),
        certificate_authority: encode_pem(&sign_in.settings.tls.certificates()?),
        username_claim: scalar(&mapping.username_claim),
        username_prefix: scalar(&mapping.username_prefix),
        groups_claim: scalar(&mapping.groups_claim),
        groups_prefix: scalar(&mapping.groups_prefix),
        flags: mapping.flags(&sign_in.settings),
    })
}

fn cluster_role_binding(asked: &Print) -> Result<ClusterRoleBinding> {
    let group = asked.group.as_deref().ok_or_else(|| {
        usage("--print rbac needs a group").hint("give --group as it appears in the token, and its role with --role")
    })?;
    let role = check_name("role", asked.role.as_deref().unwrap_or("view"))?;
    let group = format!("{}{}", groups_prefix(asked)?, check_name("group", group)?);
    // Kubernetes does not allow '/' and '%' in names ("Path segment names").
    let name = format!("kubekey:{role}:{group}").replace(['/', '%'], "-");
    Ok(ClusterRoleBinding { name: scalar(&name), role: scalar(&role), group: scalar(&group) })
}

/// How claims become users and groups.
struct Mapping {
    username_claim: String,
    username_prefix: String,
    groups_claim: String,
    groups_prefix: String,
}

impl Mapping {
    fn parse(asked: &Print, issuer_url: &str) -> Result<Self> {
        let username_claim = check_name("username-claim", asked.username_claim.as_deref().unwrap_or("sub"))?;
        let username_prefix = match &asked.username_prefix {
            Some(given) => prefix(given)?,
            // The defaults of kube-apiserver (Kubernetes, "Authenticating", --oidc-username-prefix).
            None if username_claim == "email" => String::new(),
            None => format!("{issuer_url}#"),
        };
        let groups_claim = check_name("groups-claim", asked.groups_claim.as_deref().unwrap_or("groups"))?;
        Ok(Self { username_claim, username_prefix, groups_claim, groups_prefix: groups_prefix(asked)? })
    }

    fn flags(&self, settings: &Settings) -> Vec<String> {
        let username_prefix = if self.username_prefix.is_empty() { "-" } else { &self.username_prefix };
        let mut flags = vec![
            format!("--oidc-issuer-url={}", settings.issuer_url.as_str()),
            format!("--oidc-client-id={}", settings.client_id.as_str()),
            format!("--oidc-username-claim={}", self.username_claim),
            format!("--oidc-username-prefix={username_prefix}"),
            format!("--oidc-groups-claim={}", self.groups_claim),
        ];
        if !self.groups_prefix.is_empty() {
            flags.push(format!("--oidc-groups-prefix={}", self.groups_prefix));
        }
        if !settings.tls.authorities.is_empty() {
            flags.push("--oidc-ca-file=/etc/kubernetes/pki/oidc-ca.pem".to_owned());
        }
        flags.iter().filter_map(|flag| word(flag)).collect()
    }
}

/// The prefix of a name; `-` means none, as in kube-apiserver's flags.
fn prefix(given: &str) -> Result<String> {
    match given {
        "" | "-" => Ok(String::new()),
        _ if given.chars().any(char::is_control) => Err(usage("a prefix cannot contain control characters")),
        _ => Ok(given.to_owned()),
    }
}

fn groups_prefix(asked: &Print) -> Result<String> {
    prefix(asked.groups_prefix.as_deref().unwrap_or("oidc:"))
}

/// A word for a shell, or, with what no editor shows, for the YAML of a static pod: only there it can be written otherwise.
fn word(flag: &str) -> Option<String> {
    match is_plain(flag) {
        true => shlex::try_quote(flag).ok().map(|flag| flag.into_owned()),
        false => Some(scalar(flag)),
    }
}

/// A string in double quotes means the same in JSON and YAML.
fn scalar(text: &str) -> String {
    escaped(&Value::from(text).to_string())
}

fn usage(message: &str) -> Error {
    Error::new(ErrorKind::Usage, message)
}
