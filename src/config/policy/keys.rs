//! Every key of a policy, once: the files, the registry, the templates for fleets and the documentation are all made from
//! this table.

use crate::config::keys::Kind;

/// A key of the policy.
#[derive(Debug)]
pub struct PolicyKey {
    /// Its name, in a file, in the registry and in managed preferences.
    pub name: &'static str,
    /// What it is given as.
    pub kind: Kind,
    /// What it does.
    pub help: &'static str,
    /// What holds without it, in words.
    pub default: &'static str,
    /// A value, as in a file.
    pub example: &'static str,
    /// The flag that it decides, and those that could get round it.
    pub decides: &'static [&'static str],
}

impl PolicyKey {
    /// The key with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        POLICY_KEYS.iter().find(|key| key.name == name)
    }
}

impl Kind {
    /// The type of its value in the registry of Windows.
    pub fn in_registry(self) -> &'static str {
        match self {
            Self::Switch => "REG_DWORD, 1 or 0",
            Self::Text | Self::Secret | Self::Time => "REG_SZ",
            Self::Texts => "REG_MULTI_SZ",
        }
    }

    /// The type of its value in a property list of macOS.
    pub fn in_property_list(self) -> &'static str {
        match self {
            Self::Switch => "boolean",
            Self::Text | Self::Secret | Self::Time => "string",
            Self::Texts => "array of strings",
        }
    }
}

const fn key(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    example: &'static str,
    help: &'static str,
) -> PolicyKey {
    PolicyKey { name, kind, help, default, example, decides: &[] }
}

/// All of them, in the order in which one decides on them.
pub static POLICY_KEYS: [PolicyKey; 15] = [
    key(
        "allowed_servers",
        Kind::Texts,
        "all",
        r#"["https://k8s.example.com:6443", "https://*.eu.example.com:6443"]"#,
        "The API servers that a token may go to. Scheme, host, port (443 if none is given) and path have to be the same; \
         a host that begins with '*.' stands for all names below it",
    ),
    key(
        "require_cluster_info",
        Kind::Switch,
        "true if allowed_servers is there",
        "true",
        "Refuse to answer if kubectl does not say for which cluster",
    ),
    key(
        "locked_flags",
        Kind::Texts,
        "those that run a program, trust a certificate, show a page, or say where files are",
        r#"["browser-command", "certificate-authority", "certificate-authority-data", "client-secret-file", "insecure-skip-tls-verify", "post-login-url", "template-dir", "token-dir", "scope"]"#,
        "Flags that may not be given, nor their variables, nor their keys in the user's file or the kubeconfig's extension. \
         A list replaces the default: name those of it that are to stay locked, as the example does",
    ),
    key(
        "allowed_issuers",
        Kind::Texts,
        "all",
        r#"["https://login.example.com"]"#,
        "Issuers to sign in with, exactly as they are written",
    ),
    key("allowed_client_ids", Kind::Texts, "all", r#"["kubernetes"]"#, "Client IDs to sign in with"),
    key(
        "allowed_flows",
        Kind::Texts,
        "all",
        r#"["browser"]"#,
        "Ways to sign in: browser, and device, paste and machine, which this version does not have",
    ),
    key(
        "token_storage",
        Kind::Texts,
        "all",
        r#"["keyring", "kernel"]"#,
        "Where a sign-in may be kept: keyring, kernel, file. Of auto there remains what is listed; nowhere is always allowed",
    ),
    key(
        "refresh",
        Kind::Switch,
        "true",
        "false",
        "Whether a sign-in may be renewed without the user. If not, no refresh token is asked for, kept or used",
    ),
    key(
        "max_session",
        Kind::Time,
        "the provider's limit",
        r#""12h""#,
        "The longest time from one sign-in to the next, refreshes included: seconds, or a number with s, m, h or d. \
         It is counted by this computer's clock; the provider may sign the user in again without a question",
    ),
    key(
        "allow_insecure_tls",
        Kind::Switch,
        "true",
        "false",
        "Whether the provider's certificate may go unverified, or the cluster's, which kubectl names only if require_cluster_info \
         makes it",
    ),
    key(
        "extra_ca",
        Kind::Texts,
        "none",
        r#"["/etc/ssl/company-ca.pem"]"#,
        "Files with CA certificates in PEM to trust for the provider, besides the system's and whatever else is given",
    ),
    key(
        "browser_command",
        Kind::Text,
        "the user's",
        r#""/usr/bin/firefox --new-window %s""#,
        "The program to open the browser with, and its arguments",
    )
    .deciding(&["browser-command"]),
    key(
        "listen_addresses",
        Kind::Texts,
        "the user's",
        r#"["127.0.0.1:8000"]"#,
        "Where to listen for the browser's answer",
    )
    .deciding(&["listen-address", "redirect-url"]),
    key(
        "post_login_url",
        Kind::Text,
        "kubekey's own page",
        r#""https://intranet.example.com/signed-in""#,
        "Where the browser goes after a sign-in",
    )
    .deciding(&["post-login-url"]),
    key(
        "template_dir",
        Kind::Text,
        "the user's",
        r#""/usr/share/company/kubekey""#,
        "The folder with the pages' templates",
    )
    .deciding(&["template-dir"]),
];

impl PolicyKey {
    const fn deciding(self, decides: &'static [&'static str]) -> Self {
        Self { decides, ..self }
    }
}
