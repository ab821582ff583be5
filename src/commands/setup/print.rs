//! `kubekey setup --print`: what others have to know for kubekey's users to be let in.

use std::io::Write;

use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::command_path::command;
use super::server::check_name;
use super::sign_in::SignIn;
use crate::cli::{self, Document, Print};
use crate::config::{Flags, Policy, Settings};
use crate::error::{Error, ErrorKind, Result};

/// How long the lines of PEM are (RFC 7468 §2).
const PEM_LINE: usize = 64;

/// The texts are scalars of YAML.
#[derive(Template)]
#[template(path = "authentication_configuration.yaml", escape = "none")]
struct AuthenticationConfiguration {
    issuer_url: String,
    client_id: String,
    /// PEM, which is put in by its lines.
    certificate_authority: String,
    username_claim: String,
    username_prefix: String,
    groups_claim: String,
    groups_prefix: String,
    /// For a shell.
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
/// [`ErrorKind::Usage`] for what is missing or cannot be used; for the API server's as `setup` itself.
pub fn print(document: Document, flags: Flags, asked: &cli::Setup, out: &mut impl Write) -> Result<()> {
    let text = match document {
        Document::KubeApiserver => authentication_configuration(flags, asked)?.render(),
        Document::Rbac => cluster_role_binding(&asked.print)?.render(),
        Document::Kuberc => Kuberc { command: scalar(&command(asked.command_name)?) }.render(),
    };
    let text = text.expect("a template that only fills in texts");
    out.write_all(format!("{text}\n").as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Error::new(ErrorKind::Failed, format!("cannot write to standard output: {error}")))
}

fn authentication_configuration(mut flags: Flags, asked: &cli::Setup) -> Result<AuthenticationConfiguration> {
    flags.replace("certificate-authority", &asked.issuer_certificate_authority);
    let sign_in = SignIn::resolve(&flags, &Policy::load()?, None)?;
    let issuer_url = sign_in.settings.issuer_url.as_str();
    if !issuer_url.starts_with("https://") {
        return Err(usage(&format!("the API server does not believe the issuer '{issuer_url}': it wants https")));
    }
    let mapping = Mapping::parse(&asked.print, issuer_url)?;
    if !asked.offline {
        sign_in.check_provider()?;
    }
    Ok(AuthenticationConfiguration {
        issuer_url: scalar(issuer_url),
        client_id: scalar(&sign_in.settings.client_id),
        certificate_authority: pem(&sign_in.settings)?,
        username_claim: scalar(&mapping.username_claim),
        username_prefix: scalar(&mapping.username_prefix),
        groups_claim: scalar(&mapping.groups_claim),
        groups_prefix: scalar(&mapping.groups_prefix),
        flags: mapping.flags(&sign_in.settings),
    })
}

fn cluster_role_binding(asked: &Print) -> Result<ClusterRoleBinding> {
    let group = asked.group.as_deref().ok_or_else(|| {
        usage("--print rbac needs a group").hint("give --group, as it is in the token; --role is what it gets")
    })?;
    let role = check_name("role", &asked.role)?;
    let group = format!("{}{}", prefix(&asked.groups_prefix)?, check_name("group", group)?);
    // A name has neither of these (Kubernetes, "Path segment names").
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
        let username_claim = check_name("username-claim", &asked.username_claim)?;
        let username_prefix = match &asked.username_prefix {
            Some(given) => prefix(given)?,
            // As kube-apiserver has it (Kubernetes, "Authenticating", --oidc-username-prefix).
            None if username_claim == "email" => String::new(),
            None => format!("{issuer_url}#"),
        };
        let groups_claim = check_name("groups-claim", &asked.groups_claim)?;
        Ok(Self { username_claim, username_prefix, groups_claim, groups_prefix: prefix(&asked.groups_prefix)? })
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
        flags.iter().filter_map(|flag| shlex::try_quote(flag).ok().map(|flag| flag.into_owned())).collect()
    }
}

/// What is put before a name; `-` is nothing, as in kube-apiserver's flags.
fn prefix(given: &str) -> Result<String> {
    match given {
        "" | "-" => Ok(String::new()),
        _ if given.chars().any(char::is_control) => Err(usage("a prefix cannot have control characters")),
        _ => Ok(given.to_owned()),
    }
}

fn pem(settings: &Settings) -> Result<String> {
    let mut text = String::new();
    for certificate in settings.tls.certificates()? {
        let base64 = STANDARD.encode(&certificate);
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        for start in (0..base64.len()).step_by(PEM_LINE) {
            text.push_str(&base64[start..base64.len().min(start + PEM_LINE)]);
            text.push('\n');
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    Ok(text)
}

/// A text in double quotes means the same in JSON and YAML.
fn scalar(text: &str) -> String {
    Value::from(text).to_string()
}

fn usage(message: &str) -> Error {
    Error::new(ErrorKind::Usage, message)
}
