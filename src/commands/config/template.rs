//! A `config.toml` with every key: the given ones as settings, the others as comments.

use askama::Template;
use serde_json::json;

use super::answers::Answers;
use crate::config::Cluster;
use crate::config::cluster_fields::FIELDS;
use crate::config::given::{Origin, Value};
use crate::config::keys::{Default, KEYS, Key, Kind};
use crate::printable::escaped;

#[derive(Template)]
#[template(path = "config.toml", escape = "none")]
struct ConfigFile {
    keys: Vec<Setting>,
    profiles: Vec<Profile>,
    fields: &'static [(&'static str, &'static str)],
    clusters: Vec<Vec<String>>,
}

struct Setting {
    help: String,
    line: String,
}

struct Profile {
    name: String,
    lines: Vec<String>,
}

/// The contents of the file, with or without client secrets.
pub fn config_file(answers: &Answers, with_secrets: bool) -> String {
    let is_wanted = |value: &&Value| with_secrets || !value.key.kind.is_secret();
    let settings: Vec<_> = answers.settings().filter(is_wanted).collect();
    let setting = |key: &Key| {
        let given = settings.iter().find(|value| value.key.flag == key.flag);
        Setting { help: key.help_with_default(), line: given.map_or_else(|| example(key), |value| line(value)) }
    };
    let profile = |(name, values): &(String, Vec<Value>)| {
        let lines = values.iter().filter(is_wanted).map(line).collect();
        Profile { name: key_in_toml(name), lines }
    };
    let file = ConfigFile {
        keys: KEYS.iter().map(setting).collect(),
        profiles: answers.profiles().iter().map(profile).collect(),
        fields: &FIELDS,
        clusters: answers.clusters.iter().map(cluster_lines).collect(),
    };
    file.render().expect("a template without anything that can fail")
}

/// The contents of a file with nothing but what was given.
pub fn short_file(settings: &[Value], profiles: &[(String, Vec<Value>)], clusters: &[Cluster]) -> String {
    let block = |header: String, lines: Vec<String>| format!("\n{header}\n{}\n", lines.join("\n"));
    let profiles = profiles
        .iter()
        .map(|(name, values)| block(format!("[profiles.{}]", key_in_toml(name)), values.iter().map(line).collect()));
    let clusters = clusters.iter().map(|cluster| block("[[clusters]]".to_owned(), cluster_lines(cluster)));
    let settings = settings.iter().map(|value| format!("{}\n", line(value)));
    settings.chain(profiles).chain(clusters).collect()
}

/// A commented-out setting: to use it, remove the `#` and fill in the value.
fn example(key: &Key) -> String {
    let value = match (key.kind, key.default) {
        (Kind::Switch, Default::Value(default)) => default.to_owned(),
        (Kind::Switch, _) => "false".to_owned(),
        (Kind::Texts | Kind::Secrets, _) => in_toml(&json!([key.value_name])),
        (_, Default::Value(default)) => in_toml(&json!(default)),
        _ => in_toml(&json!(key.value_name)),
    };
    format!("#{} = {value}", key.name())
}

fn line(value: &Value) -> String {
    let json = match value.key.kind {
        Kind::Switch => {
            json!(matches!(value.texts.concat().to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on"))
        }
        Kind::Texts | Kind::Secrets => json!(texts(value)),
        Kind::Text | Kind::Secret | Kind::Time => json!(value.texts.concat()),
    };
    format!("{} = {}", value.key.name(), in_toml(&json))
}

/// The separate values of a list: a variable holds them in one string, with separators.
fn texts(value: &Value) -> Vec<String> {
    let all = value.texts.iter();
    match (&value.origin, value.key.flag) {
        (Origin::Variable | Origin::Original(_), "certificate-authority") => all
            .flat_map(std::env::split_paths)
            .map(|path| path.to_string_lossy().into_owned())
            .filter(|path| !path.is_empty())
            .collect(),
        (Origin::Variable, _) => all.flat_map(|text| text.split_whitespace()).map(str::to_owned).collect(),
        _ => value.texts.clone(),
    }
}

fn cluster_lines(cluster: &Cluster) -> Vec<String> {
    let Cluster {
        name, server, certificate_authority, certificate_authority_data, profile, namespace, context, ..
    } = cluster;
    let texts = [
        Some(name),
        Some(server),
        certificate_authority.as_ref(),
        certificate_authority_data.as_ref(),
        profile.as_ref(),
        namespace.as_ref(),
        context.as_ref(),
    ];
    let given = FIELDS.iter().zip(texts).filter_map(|((field, _), text)| Some((field, text?)));
    given.map(|(field, text)| format!("{field} = {}", in_toml(&json!(text)))).collect()
}

/// Strings, lists of strings and booleans have the same syntax in JSON and TOML, except that TOML requires U+007F to be
/// escaped, too. What else is not shown is escaped for who reads the file.
fn in_toml(value: &serde_json::Value) -> String {
    escaped(&value.to_string())
}

fn key_in_toml(name: &str) -> String {
    let is_bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if is_bare { name.to_owned() } else { in_toml(&json!(name)) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::given::Layer;
    use crate::config::{File, Flags};
    use crate::printable::is_plain;

    const NOBODY: fn(&str) -> Option<String> = |_| None;

    fn parse(text: &str) -> File {
        File::parse(Path::new("config.toml"), text, Layer::System).unwrap()
    }

    #[test]
    fn every_key_is_there_as_a_comment_that_only_needs_its_sign_taken_away() {
        let empty = Answers::read(None, &[], &Flags::default(), NOBODY).unwrap();
        let text = config_file(&empty, false);
        assert!(parse(&text).values.is_empty());
        for key in &KEYS {
            let comment = format!("\n# {}\n#{} = ", key.help_with_default(), key.name());
            assert!(text.contains(&comment), "{comment}: {text}");
        }
        let uncommented: String = text
            .lines()
            .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line).to_owned() + "\n")
            .collect();
        let file = parse(&uncommented);
        assert_eq!((file.values.len(), file.profiles.len(), file.unknown.len()), (KEYS.len(), 1, 0), "{uncommented}");
    }

    #[test]
    fn what_was_given_is_read_again_as_it_was() {
        const GIVEN: &str = "\
            issuer_url = 'https://login.example.com'\nclient_id = 'a\"b\\c\u{e9}'\nprofile = \"a\\u007f\\u202e\\U000e0001\"\nlogin_timeout = 90\n\
            skip_open_browser = true\nscope = ['a', 'b']\ncertificate_authority_data = \"a\\nb\"\n\
            [profiles.staging]\nclient_id = 's'\n[profiles.'two words']\ntoken_storage = 'file'\n\
            [[clusters]]\nname = 'prod'\nserver = 'https://a'\nprofile = 'two words'\ncontext = 'c'\n";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers");
        std::fs::write(&path, GIVEN).unwrap();
        let answers = Answers::read(path.to_str(), &[], &Flags::default(), NOBODY).unwrap();
        let text = config_file(&answers, false);
        let (given, written) = (answers.file.as_ref().unwrap(), parse(&text));
        let texts = |values: &[Value]| {
            let mut texts: Vec<_> = values.iter().map(|value| (value.key.flag, value.texts.clone())).collect();
            texts.sort();
            texts
        };
        assert_eq!(texts(&written.values), texts(&given.values), "{text}");
        assert!(text.lines().all(is_plain), "{text:?}");
        for ((name, values), (other, others)) in written.profiles.iter().zip(&given.profiles) {
            assert_eq!((name, texts(values)), (other, texts(others)), "{text}");
        }
        let clusters = crate::config::clusters(&[written]).unwrap().0;
        assert_eq!(cluster_lines(&clusters[0]), cluster_lines(&answers.clusters[0]));
    }

    #[test]
    fn a_variable_becomes_what_it_stands_for() {
        let variable = |name: &str| match name {
            "KUBEKEY_SCOPE" => Some("email groups".to_owned()),
            "KUBEKEY_CERTIFICATE_AUTHORITY" => Some(format!("/a b.pem{}/c.pem", if cfg!(windows) { ';' } else { ':' })),
            "KUBEKEY_SKIP_OPEN_BROWSER" => Some("Yes".to_owned()),
            "IDP_ISSUER_URL" => Some("https://another-program.example.com".to_owned()),
            _ => None,
        };
        let text = config_file(&Answers::read(None, &[], &Flags::default(), variable).unwrap(), false);
        for line in [
            "scope = [\"email\",\"groups\"]",
            "certificate_authority = [\"/a b.pem\",\"/c.pem\"]",
            "skip_open_browser = true",
            "#issuer_url = \"URL\"",
        ] {
            assert!(text.contains(&format!("\n{line}\n")), "{line}: {text}");
        }
    }
}
