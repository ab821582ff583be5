//! The most similar name, to suggest for a misspelled one.

use super::cluster_fields;
use super::file::{TABLES, Table};
use super::keys::{KEYS, Key};

/// The minimum similarity of two names, from 0 to 1. With a higher value, a name without one of its words is not found;
/// with a lower one, all names are similar.
const ALIKE: f64 = 0.85;

/// The key of such a table that is most similar to `name`.
pub(super) fn key(name: &str, table: Table) -> Option<String> {
    let keys = keys(table);
    // The name may be a flag, or kubelogin's name for one.
    let flag = name.trim_start_matches('-').replace('_', "-").to_lowercase();
    let same = KEYS.iter().find(|key| key.flag == flag || key.aliases.contains(&flag.as_str()));
    if let Some(same) = same.map(Key::name).filter(|same| keys.contains(same)) {
        return Some(same);
    }
    of(name, keys)
}

/// The table header that is most similar to `header`.
pub(super) fn header(name: &str, header: &str) -> Option<String> {
    let inner = header.trim_matches(['[', ']']).split_once('.').map_or("NAME", |(_, inner)| inner);
    match of(&name.to_lowercase(), TABLES)? {
        "profiles" => Some(format!("[profiles.{inner}]")),
        _ => Some("[[clusters]]".to_owned()),
    }
}

/// The key that is most similar to `name`.
pub fn of<T: AsRef<str>>(name: &str, keys: impl IntoIterator<Item = T>) -> Option<T> {
    let rated = keys.into_iter().map(|key| (strsim::jaro_winkler(name, key.as_ref()), key));
    let alike = rated.filter(|(alike, _)| *alike > ALIKE);
    alike.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, key)| key)
}

fn keys(table: Table) -> Vec<String> {
    let settings = KEYS.iter().map(Key::name);
    match table {
        Table::File => settings.chain(TABLES.map(str::to_owned)).collect(),
        Table::Settings => settings.filter(|key| key != "profile").collect(),
        Table::Cluster => cluster_fields::FIELDS.iter().map(|(field, _)| (*field).to_owned()).collect(),
    }
}
