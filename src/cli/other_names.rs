//! What other programs call a flag: kubectl and its plugins, curl, Go's and Kubernetes' own names, and common sense.

/// Their names, without the dashes, and kubekey's.
const NAMES: [(&[&str], &str); 17] = [
    (
        &[
            "ca",
            "ca-cert",
            "cacert",
            "ca-file",
            "ca-certificate",
            "cafile",
            "idp-certificate-authority",
            "oidc-ca-file",
        ],
        "--certificate-authority",
    ),
    (&["ca-data", "idp-certificate-authority-data"], "--certificate-authority-data"),
    (&["issuer", "idp-issuer-url", "idp", "provider", "provider-url"], "--issuer-url"),
    (&["client", "app-id"], "--client-id"),
    (&["secret"], "--client-secret-file"),
    (&["insecure", "insecure-skip-verify", "skip-tls-verify", "no-verify"], "--insecure-skip-tls-verify"),
    (&["scopes", "extra-scope", "extra-scopes"], "--scope"),
    (&["no-browser", "no-launch-browser", "no-open", "headless"], "--skip-open-browser"),
    (&["browser"], "--browser-command"),
    (&["port", "listen", "callback-port", "address"], "--listen-address"),
    (&["redirect-uri", "callback-url"], "--redirect-url"),
    (&["timeout"], "--login-timeout"),
    (&["method", "login-method", "mode"], "--flow"),
    (&["storage", "keyring", "store"], "--token-storage"),
    (&["cache-dir"], "--token-dir"),
    (&["force", "refresh"], "--force-refresh"),
    (&["debug", "log-level"], "--verbose"),
];

/// Kubekey's name for a flag of another program.
pub(super) fn meant(flag: &str) -> Option<&'static str> {
    let name = flag.strip_prefix("--")?;
    NAMES.iter().find(|(names, _)| names.contains(&name)).map(|(_, ours)| *ours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::KEYS;

    #[test]
    fn each_name_is_no_flag_of_ours_and_leads_to_one() {
        for (names, ours) in NAMES {
            let is_ours = |flag: &str| KEYS.iter().any(|key| key.flag == flag || key.aliases.contains(&flag));
            assert!(ours == "--verbose" || is_ours(&ours[2..]), "{ours}");
            assert!(names.iter().all(|name| !is_ours(name) && meant(&format!("--{name}")) == Some(ours)), "{names:?}");
        }
    }
}
