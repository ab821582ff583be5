//! What somebody may have meant who wrote something else.

use super::clusters;
use super::file::{TABLES, Table};
use super::keys::{KEYS, Key};

/// How alike two names have to be, from 0 to 1. Higher, a missing word hides the name; lower, all names are alike.
const ALIKE: f64 = 0.85;

/// The key of such a table that is most like this name.
pub(super) fn key(name: &str, table: Table) -> Option<String> {
    let keys = keys(table);
    // A flag, or kubelogin's name of it.
    let flag = name.trim_start_matches('-').replace('_', "-").to_lowercase();
    let same = KEYS.iter().find(|key| key.flag == flag || key.aliases.contains(&flag.as_str()));
    if let Some(same) = same.map(Key::name).filter(|same| keys.contains(same)) {
        return Some(same);
    }
    of(name, keys)
}

/// The one of these that is most like this name.
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
        Table::Cluster => clusters::FIELDS.iter().map(|(field, _)| (*field).to_owned()).collect(),
    }
}
