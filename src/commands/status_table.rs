//! The table of `kubekey status`.

use chrono::{DateTime, Utc};

use super::listed::SignIn;
use super::span::relative;
use crate::kept::Kept;
use crate::printable::sanitise;

/// The columns, and those that only `--output wide` has.
const COLUMNS: [&str; 6] = ["CONTEXTS", "ISSUER", "CLIENT", "ACCOUNT", "EXPIRES", "REFRESHABLE"];
const WIDE: [&str; 4] = ["TOKEN", "STORAGE", "SIGNED IN", "REFRESHED"];

/// A line for each sign-in below a line of names; empty without sign-ins.
pub(super) fn table(all: &[SignIn], is_wide: bool, now: DateTime<Utc>) -> String {
    if all.is_empty() {
        return String::new();
    }
    let names = COLUMNS.into_iter().chain(WIDE.into_iter().filter(|_| is_wide)).map(str::to_owned).collect();
    let rows: Vec<Vec<String>> = std::iter::once(names).chain(all.iter().map(|one| cells(one, is_wide, now))).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<_> = (0..rows[0].len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}  "));
        format!("{}\n", cells.collect::<String>().trim_end())
    };
    rows.iter().map(line).collect()
}

fn cells(one: &SignIn, is_wide: bool, now: DateTime<Utc>) -> Vec<String> {
    let ago = |seconds| DateTime::from_timestamp(seconds, 0).map_or_else(dash, |time| relative(time, now));
    let text = |text: &str| if text.is_empty() { dash() } else { sanitise(text) };
    let mut cells = vec![
        text(&one.contexts.join(",")),
        text(&one.kept.issuer),
        text(&one.kept.client_id),
        text(&account(&one.kept)),
        if one.kept.expires_at == 0 { dash() } else { relative(one.expires_at, now) },
        if one.is_refreshable { "yes" } else { "no" }.to_owned(),
    ];
    if is_wide {
        let token = if one.kept.is_access_token { "access" } else { "ID" }.to_owned();
        cells.extend([
            token,
            text(&one.place()),
            ago(one.kept.signed_in_at),
            one.refreshed_at().map_or_else(dash, ago),
        ]);
    }
    cells
}

/// Who signed in, and the name that the user gave this sign-in, if it says something else.
fn account(kept: &Kept) -> String {
    match &*kept.account_name {
        name if name.is_empty() || name.eq_ignore_ascii_case(&kept.account) => kept.account.clone(),
        name => format!("{} (--account {name})", kept.account),
    }
}

fn dash() -> String {
    "-".to_owned()
}
