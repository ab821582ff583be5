//! The protocol between client-go and its credential plugins: `KUBERNETES_EXEC_INFO` in, `ExecCredential` out.
//!
//! Source: Kubernetes, "client-go credential plugins", and the API group `client.authentication.k8s.io`.

use std::io::Write;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::json;

use crate::error::{Error, ErrorKind, Result};
use crate::token::IdToken;

const GROUP: &str = "client.authentication.k8s.io";

/// The last time that RFC 3339 can write: its years have four digits.
const LAST_EXPIRATION: DateTime<Utc> = DateTime::from_timestamp(253_402_300_799, 0).expect("a time in the year 9999");

/// The versions of the API group that kubekey answers in. What was asked for is what is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApiVersion {
    /// `client.authentication.k8s.io/v1beta1`, of clients before Kubernetes 1.22.
    V1beta1,
    /// `client.authentication.k8s.io/v1`; also the answer when a person runs kubekey by hand.
    #[default]
    V1,
}

impl ApiVersion {
    fn name(self) -> &'static str {
        match self {
            Self::V1beta1 => "client.authentication.k8s.io/v1beta1",
            Self::V1 => "client.authentication.k8s.io/v1",
        }
    }

    fn parse(name: &str) -> Result<Self> {
        [Self::V1beta1, Self::V1].into_iter().find(|version| version.name() == name).ok_or_else(|| {
            Error::new(
                ErrorKind::Usage,
                format!("KUBERNETES_EXEC_INFO asks for apiVersion '{name}', which kubekey does not speak"),
            )
            .hint(format!("set 'apiVersion: {GROUP}/v1' in the kubeconfig's exec section"))
        })
    }
}

/// What client-go tells a plugin about this run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ExecInfo {
    /// The version to answer in.
    pub api_version: ApiVersion,
    /// There only if the kubeconfig says `provideClusterInfo: true`.
    pub cluster: Option<Cluster>,
}

impl ExecInfo {
    /// Reads the value of `KUBERNETES_EXEC_INFO`; `None` or an empty one means a person runs kubekey by hand.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if it is not an `ExecCredential` in a version that kubekey speaks.
    pub fn parse(value: Option<&str>) -> Result<Self> {
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            return Ok(Self::default());
        };
        let unreadable = |why: String| {
            Error::new(ErrorKind::Usage, format!("KUBERNETES_EXEC_INFO cannot be read: {why}"))
                .hint("kubectl sets it; to run kubekey by hand, unset it")
        };
        // The library would take a list of values for an object, too.
        if !value.trim_start().starts_with('{') {
            return Err(unreadable("it is no JSON object".into()));
        }
        let document: Document = serde_json::from_str(value).map_err(|error| unreadable(error.to_string()))?;
        if document.kind != "ExecCredential" {
            let message = format!("KUBERNETES_EXEC_INFO is of kind '{}' instead of 'ExecCredential'", document.kind);
            return Err(Error::new(ErrorKind::Usage, message).hint("kubectl sets it; to run kubekey by hand, unset it"));
        }
        Ok(Self {
            api_version: ApiVersion::parse(&document.api_version)?,
            cluster: document.spec.and_then(|spec| spec.cluster),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    spec: Option<Spec>,
}

#[derive(Deserialize)]
struct Spec {
    cluster: Option<Cluster>,
}

/// The cluster that the token is for, as the kubeconfig says it. Without a name, it is none.
#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub struct Cluster {
    /// The API server's URL.
    pub server: Option<String>,
    /// By way of which proxy it is reached.
    pub proxy_url: Option<String>,
    /// Whether whoever answers there is believed.
    #[serde(default)]
    pub insecure_skip_tls_verify: bool,
    /// The cluster's extension `client.authentication.k8s.io/exec`: settings, for [`crate::config`] to read.
    pub config: Option<serde_json::Value>,
}

impl ExecInfo {
    /// The API server's URL, if it is known.
    pub fn server(&self) -> Option<&str> {
        self.cluster.as_ref()?.server.as_deref().filter(|server| !server.is_empty())
    }
}

/// Writes the one JSON document that client-go reads: the ID token and its expiration.
///
/// # Errors
/// [`ErrorKind::Failed`] if `out` is closed, as when kubectl has gone meanwhile.
pub fn write(out: &mut impl Write, api_version: ApiVersion, id_token: &IdToken) -> Result<()> {
    let document = json!({
        "apiVersion": api_version.name(),
        "kind": "ExecCredential",
        "status": {
            "expirationTimestamp": id_token.expires_at.min(LAST_EXPIRATION).to_rfc3339_opts(SecondsFormat::Secs, true),
            "token": id_token.jwt.expose(),
        },
    });
    // One write for the whole document: a formatter would make one for each part.
    let mut text = serde_json::to_string(&document).expect("texts are always JSON");
    text.push('\n');
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| {
        Error::new(ErrorKind::Failed, format!("cannot write the ExecCredential to standard output: {error}"))
            .hint("kubekey is meant to be run by kubectl, which reads its standard output")
    })
}

#[cfg(test)]
mod tests {
    use super::{ApiVersion, ExecInfo};

    #[test]
    fn unknown_fields_and_a_null_cluster_are_no_error() {
        let info = r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","new":1,
            "spec":{"interactive":true,"cluster":null}}"#;
        let expected = ExecInfo { api_version: ApiVersion::V1, cluster: None };
        assert_eq!(ExecInfo::parse(Some(info)).unwrap(), expected);
        let info = r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":null}"#;
        assert_eq!(ExecInfo::parse(Some(info)).unwrap(), expected);
    }
}
