//! The table of all policy keys: the files, the registry, the templates for fleets and the documentation are all
//! generated from it.

use crate::config::keys::Kind;

/// A key of the policy.
#[derive(Debug)]
pub struct PolicyKey {
    /// Its name, in a file, in the registry and in managed preferences.
    pub name: &'static str,
    /// The type of its value.
    pub kind: Kind,
    /// What it does.
    pub help: &'static str,
    /// The default, in words.
    pub default: &'static str,
    /// A value, as in a file.
    pub example: &'static str,
    /// The same for Windows, where it differs: it has a path, or what is not there.
    pub windows_example: Option<&'static str>,
    /// The flag that it overrides, and flags that could circumvent it.
    pub decides: &'static [&'static str],
}

impl PolicyKey {
    /// The key with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        POLICY_KEYS.iter().find(|key| key.name == name)
    }
}

impl Kind {
    /// The type of the value in the Windows registry.
    pub fn in_registry(self) -> &'static str {
        match self {
            Self::Switch => "REG_DWORD, 1 or 0",
            Self::Text | Self::Secret | Self::Time => "REG_SZ",
            Self::Texts | Self::Secrets => "REG_MULTI_SZ",
        }
    }

    /// The type of the value in a macOS property list.
    pub fn in_property_list(self) -> &'static str {
        match self {
            Self::Switch => "boolean",
            Self::Text | Self::Secret | Self::Time => "string",
            Self::Texts | Self::Secrets => "array of strings",
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
    PolicyKey { name, kind, help, default, example, windows_example: None, decides: &[] }
}

/// All keys, in the order in which an administrator decides on them.
pub static POLICY_KEYS: [PolicyKey; 17] = [
    key(
        "allowed_servers",
        Kind::Texts,
        "all",
        r#"["https://k8s.example.com:6443", "https://*.eu.example.com:6443"]"#,
        "The API servers that a token may go to. Scheme, host, port (443 if none is given) and path must be the same; \
         a host that begins with '*.' matches all names below it",
    ),
    key(
        "require_cluster_info",
        Kind::Switch,
        "true if allowed_servers is set",
        "true",
        "Reject a run if kubectl does not name the cluster",
    ),
    key(
        "locked_flags",
        Kind::Texts,
        "those that run a program, trust a certificate, show a page, say where files are, or change the request to the provider",
        r#"["acr-values", "auth-param", "browser-command", "certificate-authority", "certificate-authority-data", "client-key", "client-secret-file", "github-audience", "insecure-skip-tls-verify", "local-server-cert", "local-server-key", "paste-redirect-url", "post-login-url", "request-header", "resource", "subject-token-file", "subject-token-variable", "template-dir", "token-dir", "use-access-token", "scope"]"#,
        "Flags that may not be set, neither on the command line nor by their variables, nor in the user's file or the kubeconfig's \
         extension. A list replaces the default, also that of a later version: leave it unset unless you must, and repeat what should stay \
         locked, as the example does",
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
        r#"["browser", "device"]"#,
        "Ways to sign in: browser, device, paste; for programs client-credentials, token-exchange, jwt-bearer, or machine for all of those",
    ),
    key(
        "token_storage",
        Kind::Texts,
        "all",
        r#"["keyring", "kernel"]"#,
        "Where a sign-in may be saved: keyring, kernel, file. auto is limited to what is listed; none is always allowed",
    )
    .on_windows("['keyring']"),
    key(
        "refresh",
        Kind::Switch,
        "true",
        "false",
        "Whether a sign-in may be renewed without the user. If not, no refresh token is requested, saved or used",
    ),
    key(
        "max_session",
        Kind::Time,
        "the provider's limit",
        r#""12h""#,
        "The longest time from one sign-in to the next, including refreshes: seconds, or a number with s, m, h or d. \
         It is measured by this machine's clock; the provider may sign the user in again without asking",
    ),
    key(
        "required_acr",
        Kind::Texts,
        "none",
        r#"["phr", "phrh"]"#,
        "Classes of authentication (acr). They are requested, and an ID token without one of them is rejected, also after a refresh",
    )
    .deciding(&["acr-values"]),
    key(
        "allow_insecure_tls",
        Kind::Switch,
        "true",
        "false",
        "Whether the provider's certificate, or the cluster's, may go unverified. The cluster's is checked if kubectl names the \
         cluster (provideClusterInfo)",
    ),
    key(
        "extra_ca",
        Kind::Texts,
        "none",
        r#"["/etc/ssl/company-ca.pem"]"#,
        "Files with CA certificates in PEM to trust for the provider, besides the system's and whatever else is given",
    )
    .on_windows(r"['C:\ProgramData\kubekey\company-ca.pem']"),
    key(
        "github_hosts",
        Kind::Texts,
        "none",
        r#"["pipelines.github.example.com"]"#,
        "Hosts, with the port if it is not 443, that get the token with which a job of GitHub Actions requests its ID token, besides \
         those below actions.githubusercontent.com",
    ),
    key(
        "browser_command",
        Kind::Text,
        "the user's",
        r#""/usr/bin/firefox --new-window %s""#,
        "The program to open the browser with, and its arguments",
    )
    .on_windows(r#"'"%ProgramFiles%\Mozilla Firefox\firefox.exe" -new-window %s'"#)
    .deciding(&["browser-command"]),
    key(
        "listen_addresses",
        Kind::Texts,
        "the user's",
        r#"["127.0.0.1:8000"]"#,
        "The addresses to listen on for the browser",
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
    .on_windows(r"'%ProgramData%\kubekey\pages'")
    .deciding(&["template-dir"]),
];

impl PolicyKey {
    const fn deciding(self, decides: &'static [&'static str]) -> Self {
        Self { decides, ..self }
    }

    const fn on_windows(self, example: &'static str) -> Self {
        Self { windows_example: Some(example), ..self }
    }
}
