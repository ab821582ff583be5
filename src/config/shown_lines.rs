//! Which lines of a configuration file a message may show: none that may contain a part of a client secret.

use super::cluster_fields::FIELDS;
use super::keys::Key;
use super::policy_keys::PolicyKey;

/// The end of the lines that may contain a secret. If a line cannot be parsed, too many lines are hidden rather than
/// too few.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hidden {
    /// No lines are hidden.
    No,
    /// After these quotes.
    ToQuotes(&'static str),
    /// At a line that cannot be a part of the secret.
    ToStatement,
    /// At the next table; lines that cannot be a part of a secret are shown.
    ToTable,
}

/// Whether each line of `text` may be shown.
pub(super) fn shown_lines(text: &str) -> Vec<bool> {
    let mut hidden = Hidden::No;
    let mut is_shown = |line: &str| {
        let is_shown;
        (is_shown, hidden) = hidden.at(line.trim());
        is_shown
    };
    text.lines().map(&mut is_shown).collect()
}

impl Hidden {
    /// Whether this line may be shown, and the state for the next one.
    fn at(self, line: &str) -> (bool, Self) {
        let is_header = line.starts_with('[') && !line.contains('=');
        match self {
            Self::ToQuotes(quotes) => (false, Self::behind(line, quotes, self)),
            Self::ToStatement if !is_header && !is_harmless(line) => (false, self),
            Self::ToTable if !is_header => (is_harmless(line), self),
            _ if is_harmless(line) || !may_name_secret(line) => (true, Self::No),
            _ if is_header => (false, Self::ToTable),
            _ => (false, Self::after(line)),
        }
    }

    /// The state after a line that may begin a secret.
    fn after(line: &str) -> Self {
        let Some((_, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else {
            return if line.starts_with('#') { Self::No } else { Self::ToStatement };
        };
        let value = value.trim_start();
        for (quotes, unended) in [
            ("\"\"\"", Self::ToQuotes("\"\"\"")),
            ("'''", Self::ToQuotes("'''")),
            ("\"", Self::ToStatement),
            ("'", Self::ToStatement),
        ] {
            if let Some(value) = value.strip_prefix(quotes) {
                return Self::behind(value, quotes, unended);
            }
        }
        Self::ToStatement
    }

    /// The state after the closing quotes in `text`; `unended` if there are none.
    fn behind(text: &str, quotes: &str, unended: Self) -> Self {
        match behind_quotes(text, quotes).map(str::trim_start) {
            Some(rest) if rest.is_empty() || rest.starts_with('#') => Self::No,
            Some(_) => Self::ToStatement,
            None => unended,
        }
    }
}

/// The text after the first of these quotes that is not escaped.
fn behind_quotes<'a>(text: &'a str, quotes: &str) -> Option<&'a str> {
    let mut is_escaped = false;
    for (at, character) in text.char_indices() {
        if !is_escaped && text[at..].starts_with(quotes) {
            return Some(&text[at + quotes.len()..]);
        }
        is_escaped = !is_escaped && character == '\\' && quotes.starts_with('"');
    }
    None
}

/// Whether the line sets a known key that is not a secret, in a configuration file or in a policy.
fn is_harmless(line: &str) -> bool {
    let name = line.split_once('=').map(|(name, _)| name.trim());
    name.is_some_and(|name| {
        let is_setting = Key::named(name).is_some_and(|key| !key.kind.is_secret());
        is_setting || PolicyKey::named(name).is_some() || FIELDS.iter().any(|(field, _)| *field == name)
    })
}

/// Whether this line may contain the name of a secret, even misspelled or written with escapes.
fn may_name_secret(line: &str) -> bool {
    line.to_ascii_lowercase().contains("secret") || ["\\u", "\\U", "\\x"].iter().any(|escape| line.contains(escape))
}

#[cfg(test)]
mod tests {
    use super::shown_lines;

    /// Asserts that exactly the lines are hidden that contain `s3cret`, or that are marked `# hidden` because they are
    /// near a secret and cannot be parsed.
    #[track_caller]
    fn assert_hidden(text: &str) {
        for (line, is_shown) in text.lines().zip(shown_lines(text)) {
            let is_expected = !line.contains("s3cret") && !line.contains("# hidden");
            assert_eq!(is_shown, is_expected, "{line:?} of {text}");
        }
    }

    #[test]
    fn of_a_secret_in_one_line_that_line_alone_is_hidden() {
        for secret in [
            "client_secret = 's3cret'",
            "client_secret = \"a\\\"s3cret\" # it",
            "client_secrett = 's3cret'",
            "Client-Secret='s3cret'",
            "\"client\\u005fsecret\" = 's3cret'",
            "\"client_\\x73ecret\" = 's3cret'",
            "profiles.a.client_secret = 's3cret'",
            "client_secret = '''s3cret'''",
            "client_secret = \"\" # hidden",
            "# the secret is s3cret",
        ] {
            assert_hidden(&format!("issuer = x\n{secret}\nclient_idd = x\n[table]\n= 1\nclient_secret_file = x\n"));
        }
    }

    #[test]
    fn a_secret_of_several_lines_is_hidden_to_its_end() {
        assert_hidden(
            "x = 1\nclient_secret = \"\"\" # hidden\ns3cret\nissuer_url = s3cret\n[s3cret]\ns3cret\"\"\"\nx = 1",
        );
        assert_hidden("client_secret = '''s3cret\nx = \\s3cret\n\\''' # hidden\nx = 1");
        assert_hidden("client_secret = \"\"\"s3cret\n\\\"\"\"s3cret\nx = s3cret\n\"\"\" # hidden\nx = 1");
        assert_hidden("client_secret = '''s3cret\nx = s3cret");
        assert_hidden("\"client\\u005fsecret\" = '''s3cret\nx = s3cret");
    }

    #[test]
    fn what_cannot_be_understood_ends_where_no_secret_can_be() {
        for secret in [
            "client_secret # hidden\n= s3cret",
            "client_secret = # hidden\ns3cret\ns3cret=\nx = s3cret",
            "client_secret = [ # hidden\n's3cret',\n] # hidden",
            "client_secret = 's3cret\ns3cret",
            "client_secret = s3cret\nx = s3cret",
            "client_secret = 'a' s3cret\nx = s3cret",
            "client_secret = '''a\nb''' s3cret\nx = s3cret",
            "client_secret = \"s3cret\\\"\nx = s3cret",
        ]
        .map(|secret| secret.replace("'''a\nb'''", "'''a # hidden\nb'''"))
        {
            assert_hidden(&format!("x = 1\n{secret}\nclient_id = x\nx = 1"));
            assert_hidden(&format!("x = 1\n{secret}\n[table]\nx = 1"));
            assert_hidden(&format!("x = 1\n{secret}\nserver = x\nx = 1"));
        }
        assert_hidden("[client_secret] # hidden\nclient_id = x\nvalue = s3cret\nnamespace = x\n[[clusters]]\nx = 1");
    }
}
