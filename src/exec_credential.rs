//! The protocol between client-go and its credential plugins: `KUBERNETES_EXEC_INFO` in, `ExecCredential` out.
//!
//! Source: Kubernetes, "client-go credential plugins", and the API group `client.authentication.k8s.io`.

use std::io::Write;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::error::{Error, ErrorKind, Result};
use crate::token::IdToken;

const GROUP: &str = "client.authentication.k8s.io";

/// The last time in RFC 3339, where years have four digits.
const LAST_EXPIRATION: DateTime<Utc> = DateTime::from_timestamp(253_402_300_799, 0).expect("a time in the year 9999");

/// The versions of the API group that kubekey supports. The response is in the requested one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApiVersion {
    /// `client.authentication.k8s.io/v1beta1`, of clients before Kubernetes 1.22.
    V1beta1,
    /// `client.authentication.k8s.io/v1`; also used when a person runs kubekey by hand.
    #[default]
    V1,
}

impl ApiVersion {
    /// The full name, as in kubeconfigs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1beta1 => "client.authentication.k8s.io/v1beta1",
            Self::V1 => "client.authentication.k8s.io/v1",
        }
    }

    fn parse(name: &str) -> Result<Self> {
        [Self::V1beta1, Self::V1].into_iter().find(|version| version.name() == name).ok_or_else(|| {
            Error::new(
                ErrorKind::Usage,
                format!("KUBERNETES_EXEC_INFO requests apiVersion '{name}', which kubekey does not support"),
            )
            .hint(format!("set 'apiVersion: {GROUP}/v1' in the kubeconfig's exec section"))
        })
    }
}

/// What client-go tells a plugin about this run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ExecInfo {
    /// The version of the response.
    pub api_version: ApiVersion,
    /// Whether the standard input is the user's; `None` if client-go does not say it.
    pub is_interactive: Option<bool>,
    /// Only if the kubeconfig has `provideClusterInfo: true`.
    pub cluster: Option<Cluster>,
}

impl ExecInfo {
    /// Reads the value of `KUBERNETES_EXEC_INFO`; `None` or an empty value means that a person runs kubekey by hand.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if it is not a JSON object, or requests a version that kubekey does not support.
    pub fn parse(value: Option<&str>) -> Result<Self> {
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            return Ok(Self::default());
        };
        let unreadable = |why: String| {
            Error::new(ErrorKind::Usage, format!("KUBERNETES_EXEC_INFO cannot be read: {why}"))
                .hint("kubectl sets it; to run kubekey by hand, unset it")
        };
        let document: Value = serde_json::from_str(value).map_err(|error| unreadable(error.to_string()))?;
        if !document.is_object() && !document.is_null() {
            return Err(unreadable("it is not a JSON object".into()));
        }
        // The kind is ignored: the official .NET client sends 'ExecCredentials'.
        let api_version = match field(&document, "apiVersion") {
            None => ApiVersion::default(),
            Some(Value::String(name)) if name.is_empty() => ApiVersion::default(),
            Some(Value::String(name)) => ApiVersion::parse(name)?,
            Some(other) => ApiVersion::parse(&other.to_string())?,
        };
        let of_spec = |name| field(&document, "spec").and_then(|spec| field(spec, name));
        let is_interactive = of_spec("interactive").and_then(Value::as_bool);
        Ok(Self { api_version, is_interactive, cluster: of_spec("cluster").map(Cluster::read) })
    }
}

/// The field of this name. Some clients send null for what they do not know.
fn field<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

/// The cluster that the token is for, as in the kubeconfig. It has no name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// The API server's URL.
    pub server: Option<String>,
    /// The proxy through which it is reached.
    pub proxy_url: Option<String>,
    /// Whether its certificate is not verified.
    pub insecure_skip_tls_verify: bool,
    /// The cluster's extension `client.authentication.k8s.io/exec`: settings, for [`crate::config`] to read.
    pub config: Option<Value>,
    /// Why a field above could not be read: a policy that depends on it must refuse the run.
    pub unreadable: Option<String>,
}

impl Cluster {
    /// Reads client-go's description, or the entry of a kubeconfig, which has the same names.
    pub fn read(value: &Value) -> Self {
        if !value.is_object() {
            return Self { unreadable: Some("its cluster is not an object".into()), ..Self::default() };
        }
        let mut unreadable = None;
        let mut text = |name| {
            let value = field(value, name)?;
            if !value.is_string() {
                unreadable = Some(format!("its cluster's '{name}' is not a string"));
            }
            value.as_str().map(str::to_owned)
        };
        let (server, proxy_url) = (text("server"), text("proxy-url"));
        let insecure = field(value, "insecure-skip-tls-verify");
        if insecure.is_some_and(|value| !value.is_boolean()) {
            unreadable = Some("its cluster's 'insecure-skip-tls-verify' is not true or false".into());
        }
        let insecure_skip_tls_verify = insecure.and_then(Value::as_bool).unwrap_or_default();
        let config = field(value, "config").cloned();
        Self { server, proxy_url, insecure_skip_tls_verify, config, unreadable }
    }
}

impl ExecInfo {
    /// The API server's URL, if it is known.
    pub fn server(&self) -> Option<&str> {
        self.cluster.as_ref()?.server.as_deref().filter(|server| !server.is_empty())
    }
}

/// Writes the JSON document that client-go reads: the ID token and its expiration.
///
/// # Errors
/// [`ErrorKind::Failed`] if `out` is closed, for example because kubectl has ended.
pub fn write(out: &mut impl Write, api_version: ApiVersion, id_token: &IdToken) -> Result<()> {
    let document = json!({
        "apiVersion": api_version.name(),
        "kind": "ExecCredential",
        "status": {
            "expirationTimestamp": id_token.expires_at.min(LAST_EXPIRATION).to_rfc3339_opts(SecondsFormat::Secs, true),
            "token": id_token.jwt.expose(),
        },
    });
    // One write for the whole document: a formatter would write each part.
    let mut text = serde_json::to_string(&document).expect("strings are always JSON");
    text.push('\n');
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| {
        Error::new(ErrorKind::Failed, format!("cannot write the ExecCredential to standard output: {error}"))
            .hint("kubekey is meant to be run by kubectl, which reads its standard output")
    })
}

#[cfg(test)]
mod tests {
    use super::ExecInfo;

    #[test]
    fn unknown_fields_and_a_null_cluster_are_no_error() {
        let info = r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","new":1,
            "spec":{"interactive":true,"cluster":null}}"#;
        let expected = ExecInfo { is_interactive: Some(true), ..ExecInfo::default() };
        assert_eq!(ExecInfo::parse(Some(info)).unwrap(), expected);
        let info = r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":null}"#;
        assert_eq!(ExecInfo::parse(Some(info)).unwrap(), ExecInfo::default());
    }
}
