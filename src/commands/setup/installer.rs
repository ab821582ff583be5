//! What an installation on Windows was given: the values below `HKLM\Software\kubekey\Setup`, into which the MSI writes
//! its properties. They stand for flags, so that no property is part of a command line.

use crate::cli;
use crate::config::Flags;
use crate::error::Result;
#[cfg(any(windows, test))]
use crate::error::{Error, ErrorKind};

#[cfg(any(windows, test))]
const KEY: &str = r"HKLM\Software\kubekey\Setup";

/// The flags and the request, with what the installation was given if they ask for that.
///
/// # Errors
/// [`ErrorKind::Usage`] for a value that cannot be read, or has an unknown name.
#[cfg(windows)]
pub fn given(flags: Flags, asked: &cli::Setup) -> Result<(Flags, cli::Setup)> {
    match asked.from_registry {
        true => with(values()?, flags, asked.clone()),
        false => Ok((flags, asked.clone())),
    }
}

/// Packages of other systems use a file.
///
/// # Errors
/// None.
#[cfg(not(windows))]
pub fn given(flags: Flags, asked: &cli::Setup) -> Result<(Flags, cli::Setup)> {
    Ok((flags, asked.clone()))
}

/// The values of the key, by name; none if there is no such key.
#[cfg(windows)]
fn values() -> Result<Vec<(String, String)>> {
    let failed = |why: &dyn std::fmt::Display| {
        Error::new(ErrorKind::Usage, format!("{KEY}: {why}")).hint("install kubekey again with other properties")
    };
    let Ok(key) = windows_registry::LOCAL_MACHINE.open(KEY.trim_start_matches(r"HKLM\")) else { return Ok(Vec::new()) };
    let values = key.values().map_err(|error| failed(&error))?;
    // The unnamed value of a key is not a setting.
    let values = values.filter(|(name, _)| !name.is_empty()).map(|(name, value)| {
        let text = String::try_from(value).map_err(|error| failed(&format_args!("{name}: {error}")))?;
        Ok((name, text))
    });
    values.collect()
}

/// What the command line has wins.
#[cfg(any(windows, test))]
fn with(values: Vec<(String, String)>, mut flags: Flags, mut asked: cli::Setup) -> Result<(Flags, cli::Setup)> {
    for (name, value) in values {
        match name.as_str() {
            "issuer_url" => put(&mut flags, "issuer-url", value),
            "client_id" => put(&mut flags, "client-id", value),
            "issuer_certificate_authority" if asked.issuer_certificate_authority.is_empty() => {
                asked.issuer_certificate_authority.push(value);
            }
            "issuer_certificate_authority" => {}
            "certificate_authority" => put(&mut flags, "certificate-authority", value),
            "cluster" => asked.cluster = asked.cluster.or(Some(value)),
            "server" => asked.server = asked.server.or(Some(value)),
            "answers" => asked.answers = asked.answers.or(Some(value)),
            _ => {
                let message = format!("unknown value '{name}' in {KEY}");
                let hint = "the values are: issuer_url, client_id, issuer_certificate_authority, cluster, server, \
                            certificate_authority, answers";
                return Err(Error::new(ErrorKind::Usage, message).hint(hint));
            }
        }
    }
    Ok((flags, asked))
}

#[cfg(any(windows, test))]
fn put(flags: &mut Flags, flag: &'static str, value: String) {
    if flags.0.iter().all(|(key, _)| key.flag != flag) {
        flags.replace(flag, &[value]);
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::with;
    use crate::cli::{Cli, Command, Setup};
    use crate::config::Flags;

    fn given(arguments: &[&str], values: &[(&str, &str)]) -> Result<(Flags, Setup), String> {
        let cli = Cli::try_parse_from([&["kubekey", "setup", "--system"][..], arguments].concat()).unwrap();
        let Some(Command::Setup(asked)) = cli.command else { panic!("another command") };
        let values = values.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        with(values, cli.settings, *asked).map_err(|error| error.to_string())
    }

    #[test]
    fn values_stand_for_flags_whatever_is_in_them() {
        let odd = r#"\"x\" --insecure-skip-tls-verify"#;
        let values = [("client_id", odd), ("cluster", "prod"), ("server", "https://k8s"), ("answers", "a.toml")];
        let (flags, asked) = given(&[], &values).unwrap();
        let flags: Vec<_> = flags.0.into_iter().map(|(key, texts)| (key.flag, texts)).collect();
        assert_eq!(flags, [("client-id", vec![odd.to_owned()])]);
        let texts = [asked.cluster, asked.server, asked.answers].map(Option::unwrap);
        assert_eq!(texts, ["prod", "https://k8s", "a.toml"]);
    }

    #[test]
    fn the_providers_ca_is_another_than_the_clusters() {
        let values = [("issuer_certificate_authority", "p.pem"), ("certificate_authority", "c.pem")];
        let (flags, asked) = given(&[], &values).unwrap();
        assert_eq!(
            (flags.0[0].1.as_slice(), asked.issuer_certificate_authority),
            (&["c.pem".into()][..], vec!["p.pem".into()])
        );
        let (_, asked) = given(&["--issuer-certificate-authority=own.pem"], &values).unwrap();
        assert_eq!(asked.issuer_certificate_authority, ["own.pem"]);
    }

    #[test]
    fn the_command_line_wins() {
        let values = [("issuer_url", "https://a"), ("cluster", "prod")];
        let (flags, asked) = given(&["--issuer-url=https://b", "--cluster=test"], &values).unwrap();
        assert_eq!(flags.0[0].1, ["https://b"]);
        assert_eq!((flags.0.len(), asked.cluster.as_deref()), (1, Some("test")));
    }

    #[test]
    fn an_unknown_value_is_named() {
        let error = given(&[], &[("insecure_skip_tls_verify", "true")]).err().unwrap();
        assert!(error.contains("'insecure_skip_tls_verify'"), "{error}");
    }
}
