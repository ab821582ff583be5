//! A report that can go into a ticket: names are replaced, first those that are known, then whatever looks like one.

use std::net::Ipv6Addr;

use url::Url;

use super::line::Line;
use super::names::Name;
use crate::loopback_host::is_loopback_host;

/// Names of the documentation and of Kubernetes, which tell nothing about the user.
const PUBLIC: [&str; 3] = ["k8s.io", "kubernetes.io", "freedesktop.org"];

/// What looks like a host name and is a file or a field.
const ENDINGS: [&str; 9] = ["toml", "yaml", "yml", "md", "html", "json", "tmpl", "exe", "pem"];

/// What stands between the parts of a word: everything that a host name or an e-mail address does not have.
const SEPARATORS: fn(char) -> bool = |character| !character.is_alphanumeric() && !"-_.@+".contains(character);

/// What the provider's certificate says about its CA comes after these words, in quotes.
const ISSUED_BY: &str = "issued by '";

/// The same lines without names.
pub fn without_names(lines: Vec<Line>, names: &[Name]) -> Vec<Line> {
    let clean = |text: String| anonymous(&text, names);
    let cleaned = |line: Line| {
        let commands = line.commands.into_iter().map(clean).collect();
        Line { what: clean(line.what), what_to_do: clean(line.what_to_do), commands, ..line }
    };
    lines.into_iter().map(cleaned).collect()
}

fn anonymous(text: &str, names: &[Name]) -> String {
    let known = names.iter().fold(text.to_owned(), |text, (name, shown)| replaced(&text, name, shown));
    let known = without_authority(&known);
    let mut clean = String::with_capacity(known.len());
    for (index, word) in known.split(' ').enumerate() {
        if index > 0 {
            clean.push(' ');
        }
        clean.push_str(&without_address(word));
    }
    clean
}

/// Replaces a name where it is not a part of a longer word.
fn replaced(text: &str, name: &str, shown: &str) -> String {
    let is_word = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    let (mut clean, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(name) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        let is_inside = is_word(before.chars().last().or(clean.chars().last())) || is_word(after.chars().next());
        clean.push_str(before);
        clean.push_str(if is_inside { name } else { shown });
        rest = after;
    }
    clean + rest
}

fn without_authority(text: &str) -> String {
    // A name may have an apostrophe in it.
    match text.split_once(ISSUED_BY).and_then(|(before, rest)| Some((before, rest.rsplit_once('\'')?.1))) {
        Some((before, after)) => format!("{before}{ISSUED_BY}CA'{after}"),
        None => text.to_owned(),
    }
}

/// A word without the URL, the e-mail address, the host name or the IP address in it.
fn without_address(word: &str) -> String {
    if let Some(at) = word.find("://") {
        let scheme = word[..at].trim_end_matches(|character: char| character.is_ascii_alphanumeric()).len();
        let end = word[at..].find(['\'', '"', ',', ')', ';']).map_or(word.len(), |end| at + end);
        let is_here = Url::parse(&word[scheme..end]).is_ok_and(|url| is_loopback_host(url.host()));
        let shown = if is_here { &word[scheme..end] } else { "URL" };
        return format!("{}{shown}{}", &word[..scheme], without_address(&word[end..]));
    }
    if let Some((before, rest)) = word.split_once('[')
        && let Some((address, after)) = rest.split_once(']')
        && address.parse::<Ipv6Addr>().is_ok_and(|address| !address.is_loopback())
    {
        return format!("{before}[ADDRESS]{after}");
    }
    let mut clean = String::with_capacity(word.len());
    for part in word.split_inclusive(SEPARATORS) {
        let (part, separator) = part.strip_suffix(SEPARATORS).map_or((part, ""), |bare| (bare, &part[bare.len()..]));
        clean.push_str(&match address_in(part.trim_matches('.')) {
            Some(shown) => part.replacen(part.trim_matches('.'), shown, 1),
            None => part.to_owned(),
        });
        clean.push_str(separator);
    }
    clean
}

fn address_in(core: &str) -> Option<&'static str> {
    let labels: Vec<_> = core.split('.').collect();
    let is_public = PUBLIC.iter().any(|name| core.ends_with(name)) || labels.len() == 2 && ENDINGS.contains(&labels[1]);
    let is_number = |label: &&str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit());
    let last = labels.last().copied().unwrap_or_default();
    match labels.len() {
        _ if core.contains('@') && !core.starts_with('@') && core.len() > 2 => Some("EMAIL"),
        4 if labels.iter().all(is_number) && core != "127.0.0.1" => Some("ADDRESS"),
        0 | 1 => None,
        _ if is_public => None,
        _ if last.len() >= 2
            && last.chars().all(char::is_alphabetic)
            && labels.iter().all(|label| !label.is_empty()) =>
        {
            Some("HOST")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_as_words_and_what_looks_like_one_as_well() {
        let names = [("prod".to_owned(), "CONTEXT"), ("/home/jane".to_owned(), "~"), ("jane".to_owned(), "USER")];
        for (text, expected) in [
            ("the context 'prod' of production", "the context 'CONTEXT' of production"),
            ("/home/jane/.kube/kuberc, janet", "~/.kube/kuberc, janet"),
            ("prod, prod and prod", "CONTEXT, CONTEXT and CONTEXT"),
            ("at https://k8s.example.com:6443/x, see", "at URL, see"),
            ("('https://a.example')", "('URL')"),
            (
                "the redirect URI would be http://127.0.0.1:41234/callback",
                "the redirect URI would be http://127.0.0.1:41234/callback",
            ),
            ("of login.example.com, issued by 'CN=Example Root CA, O=Example', is", "of HOST, issued by 'CA', is"),
            ("jane@example.com and 10.1.2.3: no", "EMAIL and ADDRESS: no"),
            ("client.authentication.k8s.io/v1 in config.toml", "client.authentication.k8s.io/v1 in config.toml"),
            ("0.2.0 on linux", "0.2.0 on linux"),
            ("done.", "done."),
            ("'k8s.corp.example:8000' and 10.1.2.3:6443", "'HOST:8000' and ADDRESS:6443"),
            ("http://localhost.corp.example/x is no loopback", "URL is no loopback"),
            ("https://a.example,https://b.example", "URL,URL"),
            ("*.acme.corp, (acme.corp/path) host=dc1.acme.corp", "*.HOST, (HOST/path) host=HOST"),
            ("[fd00:12::7]:443 and [::1]:443, login.acme.md", "[ADDRESS]:443 and [::1]:443, HOST"),
            ("issued by 'O'Acme Root', is", "issued by 'CA', is"),
            ("“https://a.example” and （https://b.example）", "“URL and （URL"),
        ] {
            assert_eq!(anonymous(text, &names), expected, "{text}");
        }
    }
}
