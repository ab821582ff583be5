//! Every setting there is, once: its flag, variable, key in a file and schema are all made from this table.

/// A setting.
#[derive(Debug)]
pub struct Key {
    /// The flag, without the dashes before it. With `_` in place of `-` it is the key in files.
    pub flag: &'static str,
    /// Other names of the flag: those of kubelogin.
    pub aliases: &'static [&'static str],
    /// What it is given as.
    pub kind: Kind,
    /// The name of its value in the help.
    pub value_name: &'static str,
    /// What it does.
    pub help: &'static str,
    /// What holds if nobody gives it.
    pub default: Default,
}

/// What a setting is given as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One text.
    Text,
    /// One text that is not to be seen.
    Secret,
    /// One text or several; the flag is repeatable.
    Texts,
    /// True or false; the flag alone means true.
    Switch,
    /// A time: seconds, or a number with a unit.
    Time,
}

impl Kind {
    /// What a file has to have for it.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Text | Self::Secret => "a text in quotes",
            Self::Texts => "a list of texts in quotes",
            Self::Switch => "true or false",
            Self::Time => "seconds, or a text like \"90s\" or \"3m\"",
        }
    }
}

/// What holds if nobody gives a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// Nothing.
    None,
    /// This value.
    Value(&'static str),
    /// What depends on the provider or on the system, in words.
    Words(&'static str),
}

impl Key {
    /// The setting with this flag.
    pub fn of_flag(flag: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.flag == flag)
    }

    /// The setting with this name in files.
    pub fn named(name: &str) -> Option<&'static Self> {
        let same = |(flag, name): (u8, u8)| flag == name && name != b'-' || (flag, name) == (b'-', b'_');
        KEYS.iter().find(|key| key.flag.len() == name.len() && key.flag.bytes().zip(name.bytes()).all(same))
    }

    /// Its name in files.
    pub fn name(&self) -> String {
        self.flag.replace('-', "_")
    }

    /// Its variable.
    pub fn variable(&self) -> String {
        format!("KUBEKEY_{}", self.name().to_uppercase())
    }

    /// What it does, and what holds if nobody gives it.
    pub fn help_with_default(&self) -> String {
        match self.default {
            Default::None => self.help.to_owned(),
            Default::Value(default) | Default::Words(default) => format!("{} [default: {default}]", self.help),
        }
    }

    const fn aliased(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    const fn or(self, default: Default) -> Self {
        Self { default, ..self }
    }
}

const fn key(flag: &'static str, kind: Kind, value_name: &'static str, help: &'static str) -> Key {
    Key { flag, aliases: &[], kind, value_name, help, default: Default::None }
}

/// All of them, in the order of the help.
pub static KEYS: [Key; 19] = [
    key(
        "issuer-url",
        Kind::Text,
        "URL",
        "The provider's issuer URL, as in its discovery document [also IDP_ISSUER_URL]",
    )
    .aliased(&["oidc-issuer-url"]),
    key("client-id", Kind::Text, "ID", "The client ID registered with the provider [also CLIENT_ID]")
        .aliased(&["oidc-client-id"]),
    key("client-secret", Kind::Secret, "SECRET", "The client secret, if the provider wants one [also CLIENT_SECRET]")
        .aliased(&["oidc-client-secret"]),
    key("client-secret-file", Kind::Text, "FILE", "A file with the client secret on its first line"),
    key("profile", Kind::Text, "NAME", "The profile of the configuration files to use"),
    key(
        "certificate-authority",
        Kind::Texts,
        "FILE",
        "A CA certificate in PEM to trust besides the system's, repeatable; with setup that of the cluster",
    ),
    key("certificate-authority-data", Kind::Texts, "BASE64", "The same as base64 of the PEM, repeatable"),
    key(
        "insecure-skip-tls-verify",
        Kind::Switch,
        "BOOL",
        "Believe every certificate: whoever is between here and the provider can take your sign-in",
    )
    .or(Default::Value("false")),
    key("scope", Kind::Texts, "SCOPE", "A scope to ask for, repeatable")
        .aliased(&["oidc-extra-scope"])
        .or(Default::Words("openid, email, profile and what the provider needs for a refresh token")),
    key(
        "listen-address",
        Kind::Texts,
        "HOST:PORT",
        "Where to listen for the browser's answer, repeatable, tried in order",
    )
    .or(Default::Words("127.0.0.1 on a free port")),
    key(
        "redirect-url",
        Kind::Texts,
        "URL",
        "The redirect URL registered with the provider, repeatable, tried in order",
    )
    .aliased(&["oidc-redirect-url"])
    .or(Default::Words("/callback at the listen address")),
    key("login-timeout", Kind::Time, "TIME", "How long to wait for the browser's answer: seconds, or 90s, 3m")
        .aliased(&["authentication-timeout-sec"])
        .or(Default::Value("180s")),
    key(
        "response-mode",
        Kind::Text,
        "MODE",
        "How the provider sends its answer: form_post, query, or auto, which is form_post where it is offered",
    )
    .or(Default::Value("auto")),
    key(
        "browser-command",
        Kind::Text,
        "COMMAND",
        "The program to open the browser with, and its arguments; %s in one is replaced by the address",
    )
    .or(Default::Words("BROWSER, else the desktop's")),
    key("skip-open-browser", Kind::Switch, "BOOL", "Open no browser, only print the address")
        .or(Default::Value("false")),
    key("token-storage", Kind::Text, "PLACE", "Where to keep a sign-in: auto, keyring, kernel, file or none")
        .aliased(&["token-cache-storage"])
        .or(Default::Value("auto")),
    key("token-dir", Kind::Text, "DIR", "The folder for --token-storage=file")
        .aliased(&["token-cache-dir"])
        .or(Default::Words("tokens, in kubekey's state folder")),
    key(
        "template-dir",
        Kind::Text,
        "DIR",
        "A folder with signed_in.html and sign_in_failed.html of your own [also KUBEKEY_TEMPLATEDIR]",
    ),
    key("post-login-url", Kind::Text, "URL", "Where the browser goes after a sign-in, past kubekey's own page")
        .aliased(&["open-url-after-authentication"]),
];
