//! `[[clusters]]` of the configuration files: what `kubekey setup` writes into kubeconfigs.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use toml::Spanned;
use toml::de::DeValue;
use url::Url;

use super::file::{File, Table, Unknown, table_of, wrong};
use super::given::Place;
use super::{Authority, Policy, Tls, is_loopback_host};
use crate::error::Result;

/// The fields of a cluster, all of them texts, and what each is.
pub const FIELDS: [(&str, &str); 7] = [
    ("name", "What it is called in kubeconfigs"),
    ("server", "The API server's URL"),
    ("certificate_authority", "The absolute path of a file in PEM: who is believed to be that server"),
    ("certificate_authority_data", "The same as base64 of the PEM"),
    ("profile", "The profile of the configuration files to sign in with"),
    ("namespace", "The namespace of its context"),
    ("context", "The name of its context, if it is another than the cluster's"),
];

/// The fields without which there is no cluster.
pub const REQUIRED: [&str; 2] = ["name", "server"];

/// A cluster that the administrator or the user described. Nothing in it is invalid.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// What it is called in kubeconfigs.
    pub name: String,
    /// The API server's URL: https, or http on loopback.
    pub server: String,
    /// An absolute path of a file in PEM.
    pub certificate_authority: Option<String>,
    /// PEM in base64. Never beside [`Cluster::certificate_authority`].
    pub certificate_authority_data: Option<String>,
    /// A profile that there is.
    pub profile: Option<String>,
    /// The namespace of its context.
    pub namespace: Option<String>,
    /// The name of its context.
    pub context: Option<String>,
    /// Where it is described.
    pub place: Place,
}

impl Cluster {
    /// Whether tokens may go there.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Policy`], naming the cluster, if not.
    pub fn check(&self, policy: &Policy) -> Result<()> {
        policy.check_server(&self.name, &self.server)
    }

    /// Who is believed to be that server, if that is said, and how an error calls it.
    pub fn authority(&self) -> Option<(Authority, String)> {
        let file = self.certificate_authority.as_ref().map(|path| Authority::File(path.into()));
        let data = self.certificate_authority_data.as_ref().map(|data| Authority::Data(data.clone()));
        let label = format!("{}: the certificate authority of cluster '{}'", self.place, self.name);
        Some((file.or(data)?, label))
    }

    /// Whether there are certificates in it.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Usage`] if not.
    pub fn check_authority(&self) -> Result<()> {
        match self.authority() {
            Some((authority, label)) => Tls::of(authority, &label).certificates().map(drop),
            None => Ok(()),
        }
    }
}

/// The clusters of all files, in their order. One of the same name in a higher file takes the place of the lower one.
/// And the fields that mean nothing.
///
/// # Errors
/// [`crate::error::ErrorKind::Usage`], with the place, for one that is not complete or has something unusable in it.
pub fn clusters(files: &[File]) -> Result<(Vec<Cluster>, Vec<Unknown>)> {
    let (mut all, mut unknown) = (Vec::<Cluster>::new(), Vec::new());
    for file in files {
        let table = table_of(&file.start)?;
        let Some(entries) = table.get("clusters") else { continue };
        let place = |offset| Place { offset, ..file.start.clone() };
        let start = place(entries.span().start);
        let entries =
            entries.get_ref().as_array().ok_or_else(|| wrong(&start, "clusters has to be a list: [[clusters]]"))?;
        for entry in entries {
            let entry = Entry::read(entry, &place, &mut unknown)?;
            let cluster = entry.into_cluster(files)?;
            match all.iter_mut().find(|known| known.name == cluster.name) {
                Some(known) if known.place.path == cluster.place.path => {
                    return Err(wrong(&cluster.place, &format!("there are two clusters '{}'", cluster.name)));
                }
                Some(known) => *known = cluster,
                None => all.push(cluster),
            }
        }
    }
    Ok((all, unknown))
}

/// Whether a token may be sent to an API server at this address.
///
/// # Errors
/// Why not.
pub fn check_server(text: &str) -> std::result::Result<(), String> {
    let url = Url::parse(text).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => "it has to begin with https://".to_owned(),
        error => error.to_string(),
    })?;
    let why_not = match url.scheme() {
        _ if !url.username().is_empty() || url.password().is_some() => "a server has no user name or password",
        _ if url.host().is_none() => "it has to begin with https://",
        "http" if !is_loopback_host(url.host()) => "over http everybody on the way could take the token",
        "http" | "https" if url.query().is_some() || url.fragment().is_some() => "a server has no '?' or '#'",
        "http" | "https" => return Ok(()),
        _ => "it has to begin with https://",
    };
    Err(why_not.to_owned())
}

/// Whether something in a kubeconfig can be called this.
///
/// # Errors
/// Why not.
pub fn check_name(text: &str) -> std::result::Result<(), &'static str> {
    match text.trim() == text && !text.is_empty() && !text.chars().any(char::is_control) {
        true => Ok(()),
        false => Err("it is empty, or has spaces around it or control characters in it"),
    }
}

/// The fields of one, and where each stands.
struct Entry {
    place: Place,
    fields: Vec<(&'static str, String, Place)>,
}

impl Entry {
    fn read(entry: &Spanned<DeValue<'_>>, place: &impl Fn(usize) -> Place, unknown: &mut Vec<Unknown>) -> Result<Self> {
        let start = place(entry.span().start);
        let table = entry.get_ref().as_table().ok_or_else(|| wrong(&start, "a cluster has to be a table"))?;
        let mut fields = Vec::new();
        for (name, value) in table {
            let Some((field, _)) = FIELDS.iter().find(|(field, _)| field == name.get_ref()) else {
                let (name, place) = (name.get_ref().to_string(), Some(place(name.span().start)));
                unknown.push(Unknown { name, place, table: Table::Cluster });
                continue;
            };
            let place = place(value.span().start);
            let text = value.get_ref().as_str().filter(|text| !text.is_empty() && !text.contains(char::is_control));
            let text =
                text.ok_or_else(|| wrong(&place, &format!("{field} has to be a text in quotes, in one line")))?;
            fields.push((*field, text.to_owned(), place));
        }
        Ok(Self { place: start, fields })
    }

    fn into_cluster(mut self, files: &[File]) -> Result<Cluster> {
        if let Some(missing) = REQUIRED.iter().find(|name| self.field(name).is_none()) {
            return Err(wrong(&self.place, &format!("the cluster has no {missing}")));
        }
        self.check_texts()?;
        self.check_authority()?;
        self.check_profile(files)?;
        let mut take = |name: &str| {
            let at = self.fields.iter().position(|(field, ..)| *field == name)?;
            Some(self.fields.swap_remove(at).1)
        };
        Ok(Cluster {
            name: take("name").unwrap_or_default(),
            server: take("server").unwrap_or_default(),
            certificate_authority: take("certificate_authority"),
            certificate_authority_data: take("certificate_authority_data"),
            profile: take("profile"),
            namespace: take("namespace"),
            context: take("context"),
            place: self.place,
        })
    }

    fn field(&self, name: &str) -> Option<(&str, &Place)> {
        let mut fields = self.fields.iter();
        fields.find(|(field, ..)| *field == name).map(|(_, text, place)| (text.as_str(), place))
    }

    /// A token goes there, and the names stand in kubeconfigs.
    fn check_texts(&self) -> Result<()> {
        for (field, text, place) in &self.fields {
            let why = match *field {
                "server" => check_server(text).err(),
                "name" | "context" | "namespace" => check_name(text).err().map(str::to_owned),
                _ => None,
            };
            if let Some(why) = why {
                return Err(wrong(place, &format!("{field} cannot be used: {why}")));
            }
        }
        Ok(())
    }

    fn check_authority(&self) -> Result<()> {
        match (self.field("certificate_authority"), self.field("certificate_authority_data")) {
            (Some(_), Some((_, place))) => {
                Err(wrong(place, "certificate_authority and certificate_authority_data cannot be used together"))
            }
            (Some((path, place)), None) if !Path::new(path).is_absolute() => {
                Err(wrong(place, "certificate_authority has to be an absolute path"))
            }
            (None, Some((data, place))) if STANDARD.decode(data).is_err() => {
                Err(wrong(place, "certificate_authority_data is not base64"))
            }
            _ => Ok(()),
        }
    }

    fn check_profile(&self, files: &[File]) -> Result<()> {
        let Some((name, place)) = self.field("profile") else { return Ok(()) };
        match files.iter().flat_map(|file| &file.profiles).any(|(known, _)| known == name) {
            true => Ok(()),
            false => Err(wrong(place, &format!("there is no profile '{name}'"))),
        }
    }
}
