//! Writes what is made from the table of policy keys: the templates for Windows group policy, a configuration profile
//! for macOS, and the table in `docs/policy.md`.
//!
//! `cargo run --example policy_files` writes them all below the current folder; a test checks that they are up to
//! date.

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use kubekey::config::keys::Kind;
use kubekey::config::policy_keys::{POLICY_KEYS, PolicyKey};

/// The lines before and after the table in the documentation.
const TABLE: [&str; 2] =
    ["<!-- Made by `cargo run --example policy_files`. -->\n", "<!-- The end of what is made. -->\n"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let fleet = root.join("packaging/fleet");
    write(&fleet.join("windows/kubekey.admx"), &admx())?;
    write(&fleet.join("windows/en-US/kubekey.adml"), &adml()?)?;
    write(&fleet.join("macos/kubekey.mobileconfig"), &mobileconfig()?)?;
    let documentation = root.join("docs/policy.md");
    let text = fs::read_to_string(&documentation)?;
    let (before, rest) = text.split_once(TABLE[0]).ok_or("docs/policy.md has no place for the table")?;
    let (_, after) = rest.split_once(TABLE[1]).ok_or("the table in docs/policy.md has no end")?;
    write(&documentation, &format!("{before}{}{}{}{after}", TABLE[0], table()?, TABLE[1]))
}

fn write(path: &Path, text: &str) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    Ok(fs::write(path, text)?)
}

/// The definitions, which group policy editors and Intune read.
fn admx() -> String {
    let policies: String = POLICY_KEYS.iter().map(policy).collect();
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?>
<policyDefinitions xmlns="http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions" revision="1.0" schemaVersion="1.0">
  <policyNamespaces>
    <target prefix="kubekey" namespace="kubekey.policies"/>
  </policyNamespaces>
  <resources minRequiredRevision="1.0"/>
  <supportedOn>
    <definitions>
      <definition name="supported" displayName="$(string.supported)"/>
    </definitions>
  </supportedOn>
  <categories>
    <category name="kubekey" displayName="$(string.kubekey)"/>
  </categories>
  <policies>
{policies}  </policies>
</policyDefinitions>
"#
    )
}

fn policy(key: &PolicyKey) -> String {
    let name = key.name;
    let expandable = if is_expandable(key) { r#" expandable="true""# } else { "" };
    let (attribute, value) = match key.kind {
        Kind::Switch => (
            format!(r#" valueName="{name}""#),
            "<enabledValue><decimal value=\"1\"/></enabledValue>\n      <disabledValue><decimal value=\"0\"/></disabledValue>"
                .to_owned(),
        ),
        Kind::Texts | Kind::Secrets => (
            format!(r#" presentation="$(presentation.{name})""#),
            format!(r#"<elements><multiText id="{name}" valueName="{name}" required="true"/></elements>"#),
        ),
        Kind::Text | Kind::Secret | Kind::Time => (
            format!(r#" presentation="$(presentation.{name})""#),
            format!(r#"<elements><text id="{name}" valueName="{name}" required="true"{expandable}/></elements>"#),
        ),
    };
    format!(
        r#"    <policy name="{name}" class="Machine" displayName="$(string.{name})" explainText="$(string.{name}_help)" key="Software\Policies\kubekey"{attribute}>
      <parentCategory ref="kubekey"/>
      <supportedOn ref="supported"/>
      {value}
    </policy>
"#
    )
}

/// A path can begin with a folder that Windows knows, in a value of type REG_EXPAND_SZ. In a URL, `%20` must stay.
fn is_expandable(key: &PolicyKey) -> bool {
    key.kind == Kind::Text && key.windows_example.is_some()
}

/// The strings for the definitions.
fn adml() -> Result<String, Box<dyn Error>> {
    let strings = POLICY_KEYS.iter().map(strings).collect::<Result<String, _>>()?;
    let presentations: String = POLICY_KEYS.iter().filter_map(presentation).collect();
    Ok(format!(
        r#"<?xml version="1.0" encoding="utf-8"?>
<policyDefinitionResources xmlns="http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions" revision="1.0" schemaVersion="1.0">
  <displayName>kubekey</displayName>
  <description>What kubekey may do on this machine</description>
  <resources>
    <stringTable>
      <string id="kubekey">kubekey</string>
      <string id="supported">kubekey {version} or later</string>
{strings}    </stringTable>
    <presentationTable>
{presentations}    </presentationTable>
  </resources>
</policyDefinitionResources>
"#,
        version = env!("CARGO_PKG_VERSION"),
    ))
}

fn strings(key: &PolicyKey) -> Result<String, Box<dyn Error>> {
    let example =
        typed(&parse(key.windows_example.unwrap_or(key.example))?).ok_or("an example that nobody can type")?;
    let help = escape(&format!("{}.\n\nWithout it: {}.\n\nExample:\n{example}", key.help, key.default));
    Ok(format!("      <string id=\"{0}\">{0}</string>\n      <string id=\"{0}_help\">{help}</string>\n", key.name))
}

/// What one types into the field for this value: no quotes, and each of several strings in its line.
fn typed(value: &toml::Value) -> Option<String> {
    Some(match value {
        toml::Value::Boolean(true) => "Enabled".to_owned(),
        toml::Value::Boolean(false) => "Disabled".to_owned(),
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(items) => items.iter().map(typed).collect::<Option<Vec<_>>>()?.join("\n"),
        _ => return None,
    })
}

fn presentation(key: &PolicyKey) -> Option<String> {
    let name = key.name;
    let field = match key.kind {
        Kind::Switch => return None,
        Kind::Texts | Kind::Secrets => format!(r#"<multiTextBox refId="{name}">One in each line</multiTextBox>"#),
        Kind::Text | Kind::Secret | Kind::Time => format!(r#"<textBox refId="{name}"><label>{name}</label></textBox>"#),
    };
    Some(format!("      <presentation id=\"{name}\">{field}</presentation>\n"))
}

/// A configuration profile with an example of each key.
fn mobileconfig() -> Result<String, Box<dyn Error>> {
    let mut values = String::new();
    for key in &POLICY_KEYS {
        let value = property(&parse(on_macos(key))?).ok_or("an example is of a type that no key has")?;
        write!(values, "      <key>{}</key>\n      {value}\n", key.name)?;
    }
    Ok(format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- Examples of all keys of kubekey's policy, as docs/policy.md explains them: keep those that you want, with your own values,
     and replace both PayloadUUIDs ('uuidgen' makes one). -->
<plist version="1.0">
<dict>
  <key>PayloadContent</key>
  <array>
    <dict>
      <key>PayloadType</key>
      <string>kubekey</string>
      <key>PayloadIdentifier</key>
      <string>kubekey.policy.settings</string>
      <key>PayloadUUID</key>
      <string>6D0B4CC1-6C9E-4C0B-9E0A-3B6C7F1E8A01</string>
      <key>PayloadVersion</key>
      <integer>1</integer>
{values}    </dict>
  </array>
  <key>PayloadDisplayName</key>
  <string>kubekey policy</string>
  <key>PayloadIdentifier</key>
  <string>kubekey.policy</string>
  <key>PayloadScope</key>
  <string>System</string>
  <key>PayloadType</key>
  <string>Configuration</string>
  <key>PayloadUUID</key>
  <string>6D0B4CC1-6C9E-4C0B-9E0A-3B6C7F1E8A02</string>
  <key>PayloadVersion</key>
  <integer>1</integer>
</dict>
</plist>
"#
    ))
}

/// The example for macOS. It is here because the program has no word of another platform in it.
fn on_macos(key: &PolicyKey) -> &'static str {
    match key.name {
        "token_storage" => "['keyring']",
        "extra_ca" => "['/Library/Application Support/kubekey/company-ca.pem']",
        "browser_command" => "'/usr/bin/open -a Firefox %s'",
        "template_dir" => "'/Library/Application Support/kubekey/pages'",
        _ => key.example,
    }
}

fn parse(example: &str) -> Result<toml::Value, Box<dyn Error>> {
    let mut table: toml::Table = toml::from_str(&format!("value = {example}"))?;
    Ok(table.remove("value").ok_or("a value")?)
}

fn property(value: &toml::Value) -> Option<String> {
    Some(match value {
        toml::Value::Boolean(value) => format!("<{value}/>"),
        toml::Value::String(text) => format!("<string>{}</string>", escape(text)),
        toml::Value::Array(items) => {
            format!("<array>{}</array>", items.iter().map(property).collect::<Option<String>>()?)
        }
        _ => return None,
    })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn in_registry(key: &PolicyKey) -> &'static str {
    if is_expandable(key) { "REG_SZ or REG_EXPAND_SZ" } else { key.kind.in_registry() }
}

fn table() -> Result<String, Box<dyn Error>> {
    let mut text = String::from(
        "| key | what it does | without it | example | Windows registry | macOS |\n|---|---|---|---|---|---|\n",
    );
    for key in &POLICY_KEYS {
        let (registry, list) = (in_registry(key), key.kind.in_property_list());
        let cells = [key.help, key.default].map(|cell| cell.replace('|', "\\|"));
        let [help, default] = cells;
        writeln!(text, "| `{}` | {help} | {default} | `{}` | {registry} | {list} |", key.name, key.example)?;
    }
    Ok(text)
}
