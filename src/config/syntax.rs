//! The syntax of a file: its tables as TOML has them, and what is not TOML.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::escape;
use super::mistake::{Mistake, wrong};
use super::place::Place;
use crate::error::{Error, Result};

/// The parsed file.
pub fn table_of(start: &Place) -> Result<DeTable<'_>> {
    DeTable::parse(start.text()).map(Spanned::into_inner).map_err(|error| toml_error(start, &error))
}

/// The parsed file, as far as its lines are valid TOML, and the mistakes in the other lines.
pub(super) fn read_tables(start: &Place) -> (DeTable<'_>, Vec<Mistake>) {
    let (table, errors) = DeTable::parse_recoverable(start.text());
    let mistake = |error: &toml::de::Error| Mistake { place: place_of(start, error), error: toml_error(start, error) };
    let mut mistakes: Vec<_> = errors.iter().map(mistake).collect();
    // Further mistakes in the same line are usually consequences of the first.
    mistakes.dedup_by_key(|mistake| mistake.place.line());
    (table.into_inner(), mistakes)
}

/// A syntax error, with its location.
fn toml_error(start: &Place, error: &toml::de::Error) -> Error {
    let place = place_of(start, error);
    match start.text().split_at_checked(place.offset).and_then(|(read, rest)| escape::unknown(read, rest)) {
        Some(why) => wrong(&place, &why).hint(escape::HINT),
        None => wrong(&place, &error.message().replace('\n', ", ")),
    }
}

fn place_of(start: &Place, error: &toml::de::Error) -> Place {
    start.at(error.span().map_or(0, |span| span.start))
}

/// The headers of a table, each with its offset; none for other values. A table of tables has one header for each inner
/// table.
pub(super) fn headers(name: &Spanned<DeString<'_>>, value: &DeValue<'_>) -> Vec<(usize, String)> {
    let (start, outer) = (name.span().start, name.get_ref());
    match value {
        DeValue::Table(table) => {
            let inner = table.iter().filter(|(_, value)| value.get_ref().is_table());
            let inner = inner.map(|(inner, _)| (inner.span().start, format!("[{outer}.{}]", inner.get_ref())));
            let inner: Vec<_> = inner.collect();
            if inner.is_empty() { vec![(start, format!("[{outer}]"))] } else { inner }
        }
        DeValue::Array(array) if array.iter().next().is_some_and(|first| first.get_ref().is_table()) => {
            vec![(start, format!("[[{outer}]]"))]
        }
        _ => Vec::new(),
    }
}
