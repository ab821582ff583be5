//! Managed preferences on macOS: the property list that a configuration profile installs, which only root can write.

use std::io::Cursor;

use plist::Value;

use super::managed::Managed;
#[cfg(target_os = "macos")]
pub use file::read;

#[cfg(target_os = "macos")]
mod file {
    use std::io;
    use std::path::Path;
    use std::rc::Rc;

    use super::{Managed, parse};
    use crate::config::file::LARGEST;
    use crate::error::Result;
    use crate::policy::error::unusable;
    use crate::trusted_file::{self, Owner};

    /// The machine's preferences. Those of a user are under the user's control as much as the administrator's.
    const PATH: &str = "/Library/Managed Preferences/kubekey.plist";

    /// The path of the list, for messages, and its values; no values if there is no such file.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Policy`] if it is not trusted or cannot be read.
    pub fn read() -> Result<(Rc<str>, Vec<(String, Managed)>)> {
        let values = match trusted_file::read_bytes(Path::new(PATH), Owner::System, LARGEST) {
            Ok(bytes) => parse(&bytes).map_err(|why| unusable(&format!("{PATH}: {why}")))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(unusable(&format!("{PATH}: {error}"))),
        };
        Ok((PATH.into(), values))
    }
}

fn parse(bytes: &[u8]) -> std::result::Result<Vec<(String, Managed)>, String> {
    let value = Value::from_reader(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let Value::Dictionary(values) = value else { return Err("it is not a dictionary".into()) };
    // The list may also contain keys that describe the profile itself.
    let values = values.into_iter().filter(|(name, _)| !name.starts_with("Payload"));
    Ok(values.map(|(name, value)| (name, managed(value))).collect())
}

fn managed(value: Value) -> Managed {
    match value {
        Value::Boolean(value) => Managed::Number(value.into()),
        Value::Integer(number) => number.as_unsigned().map_or(Managed::Other, Managed::Number),
        Value::String(text) => Managed::Text(text),
        Value::Array(items) => {
            let texts: Option<_> = items.into_iter().map(Value::into_string).collect();
            texts.map_or(Managed::Other, Managed::Texts)
        }
        _ => Managed::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Result;
    use crate::policy::source::Sources;

    fn sources(body: &str) -> Result<Sources> {
        let list = format!("<?xml version=\"1.0\"?><plist version=\"1.0\"><dict>{body}</dict></plist>");
        let mut sources = Sources::default();
        let values = parse(list.as_bytes()).unwrap();
        sources.add_managed(("kubekey.plist".into(), values)).map(|()| sources)
    }

    #[test]
    fn each_type_is_read() {
        let read = sources(
            "<key>refresh</key><false/><key>max_session</key><integer>3600</integer>\
             <key>allowed_issuers</key><array><string>https://a</string><string></string></array><key>template_dir</key><string>/t</string>",
        );
        let said: Vec<_> = read.unwrap().said.into_iter().map(|said| (said.key.name, said.texts.join(" "))).collect();
        let expected =
            [("refresh", "false"), ("max_session", "3600"), ("allowed_issuers", "https://a"), ("template_dir", "/t")];
        assert_eq!(said, expected.map(|(name, text)| (name, text.to_owned())));
        for nothing in ["", "<key>PayloadUUID</key><string>x</string>"] {
            assert!(sources(nothing).unwrap().names.is_empty(), "nothing said is no policy");
        }
    }

    #[test]
    #[cfg(not(windows))] // There the message has the types of the registry.
    fn what_is_of_another_type_or_unknown_is_refused() {
        for (body, words) in [
            ("<key>refresh</key><string>no</string>", "refresh must be boolean"),
            ("<key>refresh</key><integer>2</integer>", "refresh must be boolean"),
            ("<key>allowed_issuers</key><array><true/></array>", "must be array of strings"),
            ("<key>refesh</key><false/>", "did you mean 'refresh'?"),
        ] {
            let error = sources(body).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("kubekey.plist"), "{error}");
        }
    }
}
