//! The table of all settings: the flag, the variable, the key in files and the schema are all generated from it.

/// A setting.
#[derive(Debug)]
pub struct Key {
    /// The flag, without the leading dashes. With `_` instead of `-` it is the key in files.
    pub flag: &'static str,
    /// Other names of the flag: those of kubelogin.
    pub aliases: &'static [&'static str],
    /// The type of its value.
    pub kind: Kind,
    /// The name of its value in the help.
    pub value_name: &'static str,
    /// What it does.
    pub help: &'static str,
    /// The value if it is not given.
    pub default: Default,
}

/// The type of a setting's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One string.
    Text,
    /// One string that must not be shown.
    Secret,
    /// One string or several; the flag is repeatable.
    Texts,
    /// The same, not to be shown.
    Secrets,
    /// True or false; the flag alone means true.
    Switch,
    /// A duration: seconds, or a number with a unit.
    Time,
}

impl Kind {
    /// Whether its value must not be shown.
    pub fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::Secrets)
    }

    /// The type in words, as a file must have it.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Text | Self::Secret => "a quoted string",
            Self::Texts | Self::Secrets => "a list of quoted strings",
            Self::Switch => "true or false",
            Self::Time => "seconds, or a string like \"90s\" or \"3m\"",
        }
    }
}

/// The value of a setting that is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// Nothing.
    None,
    /// This value.
    Value(&'static str),
    /// A value that depends on the provider or on the system, in words.
    Words(&'static str),
}

/// The variable of a flag, which is given without its dashes in front.
pub fn variable_of(flag: &str) -> String {
    format!("KUBEKEY_{}", flag.replace('-', "_").to_uppercase())
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
        variable_of(self.flag)
    }

    /// What it does, with its default.
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

/// All settings, in the order of the help.
pub static KEYS: [Key; 38] = [
    key(
        "issuer-url",
        Kind::Text,
        "URL",
        "The provider's issuer URL, as in its discovery document [also IDP_ISSUER_URL]",
    )
    .aliased(&["oidc-issuer-url"]),
    key("client-id", Kind::Text, "ID", "The client ID registered with the provider [also CLIENT_ID]")
        .aliased(&["oidc-client-id"]),
    key(
        "client-secret",
        Kind::Secret,
        "SECRET",
        "The client secret, if the provider requires one [also CLIENT_SECRET]",
    )
    .aliased(&["oidc-client-secret"]),
    key("client-secret-file", Kind::Text, "FILE", "A file with the client secret on its first line"),
    key(
        "client-key",
        Kind::Text,
        "FILE",
        "A file with the client's private key, in PEM or as a JWK, which authenticates it instead of a secret (private_key_jwt)",
    ),
    key(
        "subject-token-file",
        Kind::Text,
        "FILE",
        "A file with the token that a program exchanges, read anew each time, such as that of a Kubernetes service account",
    ),
    key(
        "subject-token-variable",
        Kind::Text,
        "NAME",
        "The variable with the token that a program exchanges, such as one of a GitLab job's id_tokens",
    ),
    key(
        "github-audience",
        Kind::Text,
        "AUDIENCE",
        "In a job of GitHub Actions: the program exchanges the job's ID token for this audience",
    ),
    key("profile", Kind::Text, "NAME", "The profile of the configuration files to use"),
    key(
        "certificate-authority",
        Kind::Texts,
        "FILE",
        "A CA certificate in PEM to trust besides the system's, repeatable; in setup, the cluster's",
    ),
    key("certificate-authority-data", Kind::Texts, "BASE64", "A CA certificate as base64 of its PEM, repeatable"),
    key(
        "insecure-skip-tls-verify",
        Kind::Switch,
        "BOOL",
        "Do not verify the provider's certificate: anyone on the network can then take over your sign-in",
    )
    .or(Default::Value("false")),
    key("scope", Kind::Texts, "SCOPE", "A scope to request, repeatable")
        .aliased(&["oidc-extra-scope"])
        .or(Default::Words("openid, email, profile and what the provider needs for a refresh token")),
    key("account", Kind::Text, "NAME", "A name of your choice: each account has its own sign-in; an email address is also the login hint"),
    key("login-hint", Kind::Text, "NAME", "The user name that the provider should suggest")
        .or(Default::Words("--account, if it is an email address")),
    key(
        "prompt",
        Kind::Text,
        "PROMPT",
        "What the provider should ask at each sign-in: login, select_account, consent, or none (no page at all)",
    )
    .or(Default::Words("what the provider decides")),
    key("max-age", Kind::Time, "TIME", "How long ago you may have entered your password at the provider: seconds, or 30m, 8h"),
    key("acr-values", Kind::Texts, "ACR", "A class of authentication (acr) to request, repeatable, the best one first"),
    key("resource", Kind::Texts, "URI", "A resource that the tokens are for (RFC 8707), repeatable")
        .aliased(&["token-exchange-resource"]),
    key("auth-param", Kind::Texts, "NAME=VALUE", "A further parameter of the authorization request, repeatable")
        .aliased(&["oidc-auth-request-extra-params"]),
    key("par", Kind::Switch, "BOOL", "Push the authorization request to the provider (RFC 9126), also if it does not require that")
        .or(Default::Value("false")),
    key(
        "request-header",
        Kind::Secrets,
        "NAME=VALUE",
        "A header field for each request to the issuer's host and port, repeatable; it is not sent to other hosts",
    )
    .aliased(&["oidc-request-header"]),
    key(
        "listen-address",
        Kind::Texts,
        "HOST:PORT",
        "The address to listen on for the browser, repeatable, tried in order",
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
    key("local-server-cert", Kind::Text, "FILE", "A certificate in PEM: the local server then speaks https"),
    key("local-server-key", Kind::Text, "FILE", "The private key of --local-server-cert, in PEM"),
    key(
        "paste-redirect-url",
        Kind::Text,
        "URL",
        "The redirect URL of the flow paste, if another one is registered for it: a page that shows the code or its URL, \
         or urn:ietf:wg:oauth:2.0:oob",
    )
    .aliased(&["oidc-redirect-url-authcode-keyboard"])
    .or(Default::Words("that of the other flows")),
    key(
        "flow",
        Kind::Text,
        "FLOW",
        "How to sign in: browser, device (a code for any device with a browser), paste (the URL at which any browser ends), \
         auto (what fits the session); for programs client-credentials, token-exchange or jwt-bearer",
    )
    .aliased(&["grant-type"])
    .or(Default::Value("auto")),
    key(
        "login-timeout",
        Kind::Time,
        "TIME",
        "How long to wait for the sign-in: seconds, or 90s, 3m; a code of the device flow may end sooner, and if this is \
         not set later",
    )
    .aliased(&["authentication-timeout-sec"])
    .or(Default::Value("180s")),
    key(
        "response-mode",
        Kind::Text,
        "MODE",
        "How the provider sends its response: form_post, query, or auto (form_post if the provider offers it)",
    )
    .or(Default::Value("auto")),
    key(
        "browser-command",
        Kind::Text,
        "COMMAND",
        "The program to open the browser with, and its arguments; %s in an argument is replaced by the URL",
    )
    .or(Default::Words("BROWSER, else the desktop's")),
    key("skip-open-browser", Kind::Switch, "BOOL", "Do not open a browser, only print the URL")
        .or(Default::Value("false")),
    key(
        "use-access-token",
        Kind::Switch,
        "BOOL",
        "Give the cluster the access token instead of the ID token; kubekey does not verify it",
    )
    .aliased(&["oidc-use-access-token"])
    .or(Default::Words("false; true for programs")),
    key("force-refresh", Kind::Switch, "BOOL", "Do not use the saved ID token: refresh it, or sign in if that is not possible")
        .or(Default::Value("false")),
    key("token-storage", Kind::Text, "STORAGE", "Where to save a sign-in: auto, keyring, kernel, file or none")
        .aliased(&["token-cache-storage"])
        .or(Default::Value("auto")),
    key("token-dir", Kind::Text, "DIR", "The folder for --token-storage=file")
        .aliased(&["token-cache-dir"])
        .or(Default::Words("tokens, in kubekey's state folder")),
    key(
        "template-dir",
        Kind::Text,
        "DIR",
        "A folder with your own signed_in.html and sign_in_failed.html [also KUBEKEY_TEMPLATEDIR]",
    ),
    key(
        "post-login-url",
        Kind::Text,
        "URL",
        "The URL that the browser opens after a sign-in, instead of kubekey's own page",
    )
    .aliased(&["open-url-after-authentication"]),
];
