//! The clusters of one file, as far as they can be read.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::cluster::{Cluster, check_name, check_server};
use super::cluster_fields::{FIELDS, REQUIRED};
use super::escape;
use super::file::{File, Table, Unknown};
use super::mistake::Mistake;
use super::nearest;
use super::place::Place;

/// Reads the clusters of one file.
pub(super) struct Reader<'a> {
    /// All files: a cluster may name a profile of another file.
    pub files: &'a [File],
    /// The start of the file.
    pub start: &'a Place,
    /// Whether the whole file could be parsed. If not, a missing field may be in a line with a syntax error.
    pub is_whole: bool,
    /// Unknown fields.
    pub unknown: Vec<Unknown>,
    /// The mistakes.
    pub mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    /// The clusters without mistakes.
    pub fn clusters(&mut self, entries: &Spanned<DeValue<'_>>) -> Vec<Cluster> {
        match entries.get_ref().as_array() {
            Some(entries) => entries.iter().filter_map(|entry| self.cluster(entry)).collect(),
            None => {
                let start = self.place(entries.span().start);
                self.wrong(&start, "clusters must be a list: [[clusters]]");
                Vec::new()
            }
        }
    }

    fn cluster(&mut self, entry: &Spanned<DeValue<'_>>) -> Option<Cluster> {
        let place = self.place(entry.span().start);
        let Some(table) = entry.get_ref().as_table() else {
            self.wrong(&place, "a cluster must be a table");
            return None;
        };
        let (mistakes, unknown) = (self.mistakes.len(), self.unknown.len());
        let mut fields = self.fields(table);
        self.require(&place, table, unknown);
        self.check_texts(&fields);
        self.check_authority(&fields);
        self.check_profile(&fields);
        let mut take = |name: &str| {
            let at = fields.0.iter().position(|(field, ..)| *field == name)?;
            Some(fields.0.swap_remove(at).1)
        };
        (self.mistakes.len() == mistakes).then(|| Cluster {
            name: take("name").unwrap_or_default(),
            server: take("server").unwrap_or_default(),
            certificate_authority: take("certificate_authority"),
            certificate_authority_data: take("certificate_authority_data"),
            profile: take("profile"),
            namespace: take("namespace"),
            context: take("context"),
            place,
        })
    }

    fn fields(&mut self, table: &DeTable<'_>) -> Fields {
        let mut fields = Fields(Vec::new());
        for (name, value) in table {
            let Some((field, _)) = FIELDS.iter().find(|(field, _)| field == name.get_ref()) else {
                let (name, place) = (name.get_ref().to_string(), Some(self.place(name.span().start)));
                self.unknown.push(Unknown { name, place, table: Table::Cluster, header: None });
                continue;
            };
            if let Some((offset, why)) = escape::in_value(self.start, field, value) {
                self.mistakes.push(Mistake::of_escape(self.place(offset), &why));
                continue;
            }
            let place = self.place(value.span().start);
            match value.get_ref().as_str().filter(|text| !text.is_empty() && !text.contains(char::is_control)) {
                Some(text) => fields.0.push((field, text.to_owned(), place)),
                None => self.wrong(&place, &format!("{field} must be a quoted string on one line")),
            }
        }
        fields
    }

    /// Reports missing fields. If an unknown field looks like a misspelled required one, that is reported instead. The
    /// unknown fields from index `unknown` on are this cluster's.
    fn require(&mut self, place: &Place, table: &DeTable<'_>, unknown: usize) {
        for missing in REQUIRED.into_iter().filter(|name| table.get(*name).is_none()) {
            let is_meant = |name: &Unknown| nearest::key(&name.name, Table::Cluster).as_deref() == Some(missing);
            match self.unknown[unknown..].iter().position(is_meant) {
                Some(at) => {
                    let misspelt = self.unknown.remove(unknown + at);
                    self.mistakes.extend(misspelt.into_mistake());
                }
                None if self.is_whole => self.wrong(place, &format!("the cluster has no {missing}")),
                None => {}
            }
        }
    }

    /// Checks the server, which receives a token, and the names, which are written to kubeconfigs.
    fn check_texts(&mut self, fields: &Fields) {
        for (field, text, place) in &fields.0 {
            let why = match *field {
                "server" => check_server(text).err(),
                "name" | "context" | "namespace" => check_name(text).err().map(str::to_owned),
                _ => None,
            };
            if let Some(why) = why {
                self.wrong(place, &format!("{field} cannot be used: {why}"));
            }
        }
    }

    fn check_authority(&mut self, fields: &Fields) {
        match (fields.get("certificate_authority"), fields.get("certificate_authority_data")) {
            (Some(_), Some((_, place))) => {
                self.wrong(place, "certificate_authority and certificate_authority_data cannot be used together");
            }
            (Some((path, place)), None) if !Path::new(path).is_absolute() => {
                self.wrong(place, "certificate_authority must be an absolute path");
            }
            (None, Some((data, place))) if STANDARD.decode(data).is_err() => {
                self.wrong(place, "certificate_authority_data is not base64");
            }
            _ => {}
        }
    }

    fn check_profile(&mut self, fields: &Fields) {
        let Some((name, place)) = fields.get("profile") else { return };
        let known = || self.files.iter().flat_map(|file| &file.profiles).map(|(known, _)| known);
        if known().all(|known| known != name) {
            let nearest = nearest::of(name, known()).map(|nearest| format!(" (did you mean '{nearest}'?)"));
            self.wrong(place, &format!("unknown profile '{name}'{}", nearest.unwrap_or_default()));
        }
    }

    /// Adds a mistake.
    pub fn wrong(&mut self, place: &Place, why: &str) {
        self.mistakes.push(Mistake::new(place.clone(), why));
    }

    fn place(&self, offset: usize) -> Place {
        self.start.at(offset)
    }
}

/// The fields of a cluster, each with its location.
struct Fields(Vec<(&'static str, String, Place)>);

impl Fields {
    fn get(&self, name: &str) -> Option<(&str, &Place)> {
        let field = self.0.iter().find(|(field, ..)| *field == name);
        field.map(|(_, text, place)| (text.as_str(), place))
    }
}
