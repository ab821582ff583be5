//! A file that a platform team publishes: settings, profiles and clusters, and none of the keys with which a stranger
//! could run a program, read a file or weaken a check.

use std::io;
use std::path::Path;

use url::Url;

use crate::config::given::{Given, Layer, Value};
use crate::config::{Cluster, File, clusters};
use crate::encoding;
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop;
use crate::loopback_host::is_loopback_host;
use crate::oidc::fetch_published;
use crate::policy::Policy;
use crate::settings::Tls;
use crate::trusted_file;

/// The settings that it may have, at the top and in profiles.
pub const SETTINGS: [&str; 5] = ["issuer-url", "client-id", "scope", "redirect-url", "listen-address"];

/// Those that must name this machine.
const LOCAL: [&str; 2] = ["redirect-url", "listen-address"];

/// The largest file, in bytes. One with hundreds of clusters is smaller.
const LARGEST: usize = 256 * 1024;

/// The file, all of it checked.
pub struct Published {
    /// Its settings and profiles.
    pub file: File,
    /// Its clusters, at least one.
    pub clusters: Vec<Cluster>,
}

impl Published {
    /// Reads the file at an https address, or with this path.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for another address, a file that is too large, and as [`Published::parse`]; as
    /// [`fetch_published`].
    pub fn read(source: &str, policy: &Policy) -> Result<Self> {
        let bytes = if source.contains("://") { fetch(source, policy)? } else { read(source)? };
        if bytes.len() > LARGEST {
            return Err(unusable(source, &format!("it has more than {LARGEST} bytes")));
        }
        let text = encoding::utf8(&bytes).map_err(|error| unusable(source, &error.to_string()))?;
        Self::parse(source, text.trim_start_matches('\u{feff}'))
    }

    /// Parses its text.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`], with the line, for a mistake and for any key that such a file may not have.
    pub fn parse(source: &str, text: &str) -> Result<Self> {
        let of_team = |error: Error| error.hint("tell your platform team");
        let file = File::parse(Path::new(source), text, Layer::User).map_err(of_team)?;
        let (clusters, unknown) = clusters(std::slice::from_ref(&file)).map_err(of_team)?;
        if let Some(unknown) = file.unknown.first().or(unknown.first()) {
            return Err(refused(&unknown.message()));
        }
        let of_profiles = file.profiles.iter().flat_map(|(_, values)| values);
        if let Some(other) = file.values.iter().chain(of_profiles).find(|value| !is_allowed(value)) {
            return Err(refused(&format!("{} is not for a published file", other.origin.label(other.key))));
        }
        if let Some(cluster) = clusters.iter().find(|cluster| cluster.certificate_authority.is_some()) {
            let (place, name) = (&cluster.place, &cluster.name);
            return Err(refused(&format!("{place}: cluster '{name}' names a file of another machine"))
                .hint("its certificate_authority_data has the certificates themselves"));
        }
        let addresses = file.values.iter().chain(file.profiles.iter().flat_map(|(_, values)| values));
        if let Some(other) = addresses.filter(|value| LOCAL.contains(&value.key.flag)).find(|value| !is_local(value)) {
            return Err(refused(&format!("{} is not on the user's own machine", other.origin.label(other.key))));
        }
        match clusters.is_empty() {
            true => Err(unusable(source, "it has no [[clusters]]")),
            false => Ok(Self { file, clusters }),
        }
    }
}

/// Whether such a file may have this setting.
pub fn is_allowed(value: &Value) -> bool {
    SETTINGS.contains(&value.key.flag)
}

/// Whether all addresses are of loopback: a stranger must not have the response sent elsewhere.
fn is_local(value: &Value) -> bool {
    let url = |text: &str| if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let is_loopback = |text: &str| Url::parse(&url(text)).is_ok_and(|url| is_loopback_host(url.host()));
    value.texts.iter().flat_map(|text| text.split([' ', ','])).filter(|text| !text.is_empty()).all(is_loopback)
}

fn fetch(source: &str, policy: &Policy) -> Result<Vec<u8>> {
    let url = Url::parse(source).map_err(|error| unusable(source, &error.to_string()))?;
    let why_not = match url.scheme() {
        "https" if !url.username().is_empty() || url.password().is_some() => "it has a user name or a password",
        "https" if url.fragment().is_some() => "it has a '#'",
        "https" => "",
        _ => "it must begin with https://, or be the path of a file",
    };
    if !why_not.is_empty() {
        let mut shown = url.clone();
        let _ = shown.set_username("").and_then(|()| shown.set_password(None));
        return Err(unusable(shown.as_str(), why_not));
    }
    let tls = Tls::parse(&Given::new(), policy.extra_authorities(), policy.locks("certificate-authority"))?;
    event_loop::run(fetch_published(&url, &tls))
}

fn read(source: &str) -> Result<Vec<u8>> {
    let limit = LARGEST as u64;
    trusted_file::read_any(Path::new(source), limit)
        .map(String::into_bytes)
        .map_err(|error: io::Error| unusable(source, &error.to_string()))
}

fn unusable(source: &str, why: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("--from '{source}' cannot be used: {why}"))
        .hint("give the https address, or the file, that your platform team published")
}

fn refused(why: &str) -> Error {
    let allowed: Vec<_> = SETTINGS.iter().map(|flag| flag.replace('-', "_")).collect();
    Error::new(ErrorKind::Usage, format!("{why}, so nothing of it is used")).hint(format!(
        "tell your platform team: it may have {}, [profiles.NAME] with these, and [[clusters]]",
        allowed.join(", ")
    ))
}
