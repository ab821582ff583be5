//! The effective settings: every value parsed, and allowed by the policy.

pub mod certificate;
mod client_key;
mod client_secret;
mod exposure;
mod local_server;
mod loopback_address;
pub mod named_file;
mod opener;
mod page_settings;
mod pem;
mod request;
mod request_headers;
mod subject_token;
mod tls;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use openidconnect::{ClientId, IssuerUrl};
use reqwest::header::HeaderMap;
use url::Url;

use crate::config::given::{Given, Layer, Text};
use crate::config::platform;
use crate::config::{Flow, TokenStorage};
use crate::error::{Error, ErrorKind, Result};
use crate::policy::{Policy, SessionRules};

pub use client_key::ClientKey;
pub use client_secret::ClientSecret;
pub use local_server::{Identity, LocalServer};
use loopback_address::Scheme;
pub use loopback_address::{LoopbackAddress, is_out_of_band};
pub use opener::Opener;
pub use page_settings::PageSettings;
pub use pem::{encode as encode_pem, private_key};
pub use request::{Prompt, RequestParameters};
pub use subject_token::{GITHUB_TOKEN, SubjectToken};
pub use tls::{Authority, Tls, marked_store};
pub use values::ResponseMode;

/// The scopes of a sign-in for which none are set. `openid` makes it OpenID Connect; the others put a name into the ID
/// token, which Kubernetes can use as the user name.
pub const DEFAULT_SCOPES: [&str; 3] = ["openid", "email", "profile"];

/// The settings of a run. No value in it is invalid.
#[derive(Debug)]
pub struct Settings {
    /// The provider. Its scheme is https, or http on loopback.
    pub issuer_url: IssuerUrl,
    /// The ID under which kubekey is registered with the provider.
    pub client_id: ClientId,
    /// Set only if the provider insists: a native app cannot keep a secret (RFC 8252 §8.5).
    pub client_secret: Option<ClientSecret>,
    /// The key that authenticates the client instead of a secret (RFC 7523 §2.2).
    pub client_key: Option<ClientKey>,
    /// The token that a program exchanges; `None` for people, and without one.
    pub subject_token: Option<SubjectToken>,
    /// How the provider's certificate is verified.
    pub tls: Tls,
    /// The scopes that were set, with `openid` where an ID token is needed; `None` means [`DEFAULT_SCOPES`] and what the
    /// provider needs for a refresh token, for a machine none.
    pub scopes: Option<Vec<String>>,
    /// The chosen parameters of the authorization request.
    pub request: RequestParameters,
    /// Header fields for the issuer's own host and port; their values are secrets.
    pub request_headers: HeaderMap,
    /// Where to listen for the browser, tried in order; never empty.
    pub loopback_addresses: Vec<LoopbackAddress>,
    /// What makes the listener speak https; `None` means http.
    pub local_server: Option<LocalServer>,
    /// The redirect URI of the flow paste; `None` means that of the other flows.
    pub paste_redirect_url: Option<String>,
    /// How to sign in; `None` means what fits the session.
    pub flow: Option<Flow>,
    /// How long to wait for the user.
    pub login_timeout: Duration,
    /// Whether that time was set explicitly.
    pub is_login_timeout_chosen: bool,
    /// How the provider is to send its response; `None` means [`ResponseMode::FormPost`] if the provider offers it.
    pub response_mode: Option<ResponseMode>,
    /// What opens the user's browser.
    pub opener: Opener,
    /// Whether the cluster gets the access token instead of the ID token.
    pub use_access_token: bool,
    /// Whether the saved ID token is not used, even if it is valid.
    pub force_refresh: bool,
    /// Where to save a sign-in.
    pub token_storage: TokenStorage,
    /// The folder for [`TokenStorage::File`]; `None` if there is no home folder.
    pub token_dir: Option<PathBuf>,
    /// The folder with templates that replace kubekey's own pages.
    pub template_dir: Option<PathBuf>,
    /// Where the browser goes after a sign-in: https, or http on loopback.
    pub post_login_url: Option<Url>,
    /// The policy's rules for sign-ins.
    pub session_rules: SessionRules,
}

impl Settings {
    /// Parses the value that wins for each setting, if the policy allows all that were given. `environment` returns
    /// the value of a variable.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for a setting that is missing or cannot be used; [`ErrorKind::Policy`] for one that is locked.
    pub fn resolve(given: &Given, environment: impl Fn(&str) -> Option<String>, policy: &Policy) -> Result<Self> {
        policy.check_given(given)?;
        let given = &*policy.impose(given);
        let issuer_url = given
            .text("issuer-url")
            .ok_or_else(|| missing("issuer URL", "--issuer-url, KUBEKEY_ISSUER_URL or IDP_ISSUER_URL"))?;
        let client_id = given.text("client-id").ok_or_else(|| {
            missing("client ID", "--client-id, KUBEKEY_CLIENT_ID, or CLIENT_ID next to IDP_ISSUER_URL")
        })?;
        let tls = Tls::parse(given, policy.extra_authorities(), policy.locks("certificate-authority"))?;
        policy.check_provider(issuer_url, client_id, tls.skips_verification)?;
        let local_server = LocalServer::parse(given)?;
        let flow = values::flow(with_default(given, "flow"))?;
        let is_machine = flow.is_some_and(Flow::is_machine);
        let use_access_token = match given.text("use-access-token") {
            // Only an explicit false asks for an ID token.
            None if is_machine => true,
            text => values::switch(text)?,
        };
        Ok(Self {
            issuer_url: values::issuer_url(issuer_url)?,
            client_id: values::client_id(client_id)?,
            client_secret: ClientSecret::choose(given)?,
            tls,
            client_key: ClientKey::choose(given)?,
            subject_token: if is_machine { SubjectToken::choose(given, policy)? } else { None },
            scopes: values::scopes(&given.texts("scope"), !(is_machine && use_access_token))?,
            request: RequestParameters::parse(given)?,
            request_headers: request_headers::parse(given)?,
            loopback_addresses: loopback_addresses(given, local_server.is_some())?,
            local_server,
            paste_redirect_url: given.text("paste-redirect-url").map(loopback_address::elsewhere).transpose()?,
            flow,
            login_timeout: values::login_timeout(with_default(given, "login-timeout"))?,
            is_login_timeout_chosen: with_default(given, "login-timeout").origin.layer() != Layer::Default,
            response_mode: values::response_mode(with_default(given, "response-mode"))?,
            opener: Opener::choose(given, environment, policy)?,
            use_access_token,
            force_refresh: values::switch(given.text("force-refresh"))?,
            token_storage: storage(given, policy, is_machine)?,
            token_dir: match given.text("token-dir") {
                Some(dir) => Some(values::path(dir)?),
                None => platform::state_dir().map(|dir| dir.join("tokens")),
            },
            template_dir: given.text("template-dir").map(values::path).transpose()?,
            post_login_url: given.text("post-login-url").map(values::post_login_url).transpose()?,
            session_rules: policy.session_rules(),
        })
    }
}

fn loopback_addresses(given: &Given, is_https: bool) -> Result<Vec<LoopbackAddress>> {
    LoopbackAddress::parse_all(
        &values::without_commas(values::addresses(&given.texts("listen-address"))?),
        &values::addresses(&given.texts("redirect-url"))?,
        if is_https { Scheme::Https } else { Scheme::Http },
    )
}

impl Settings {
    /// Whether no person takes part in the sign-in.
    pub fn is_machine(&self) -> bool {
        self.flow.is_some_and(Flow::is_machine)
    }
}

/// Where a sign-in may be saved. A machine has no desktop, so no keyring.
fn storage(given: &Given, policy: &Policy, is_machine: bool) -> Result<TokenStorage> {
    let text = with_default(given, "token-storage");
    let asked = match values::token_storage(text)? {
        TokenStorage::Keyring if is_machine => TokenStorage::Auto,
        asked => asked,
    };
    Ok(match policy.choose_storage(asked, text)? {
        TokenStorage::Keyring if is_machine => TokenStorage::None,
        chosen => chosen,
    })
}

/// The value of a setting that has a default.
fn with_default<'a>(given: &'a Given, flag: &str) -> Text<'a> {
    given.text(flag).expect("a default in the table of settings")
}

fn missing(what: &str, names: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("no {what} is set")).hint(format!(
        "give {names}, in the kubeconfig's exec section (args or env) or a configuration file, or run 'kubekey setup'"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::Key;
    use crate::config::{Flags, Kubelogin, layers};
    use crate::secret::Secret;

    /// Resolves these flags and variables, without any file.
    fn resolve(flags: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<Settings> {
        let environment =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let given = flags.iter().map(|(flag, text)| (Key::of_flag(flag).unwrap(), vec![(*text).to_owned()]));
        let layers = layers::merge(
            &[],
            layers::above_files(&Flags(given.collect(), Kubelogin::default()), environment, None)?.0,
        )?;
        Settings::resolve(&layers, environment, &Policy::default())
    }

    const GIVEN: [(&str, &str); 2] = [("issuer-url", "https://login.example.com"), ("client-id", "kubernetes")];

    const ORIGINAL: [(&str, &str); 3] =
        [("IDP_ISSUER_URL", "https://old.example.com"), ("CLIENT_ID", "old"), ("CLIENT_SECRET", "s3cret")];

    #[test]
    fn the_originals_variables_work_unchanged() {
        let settings = resolve(&[], &ORIGINAL).unwrap();
        assert_eq!(settings.issuer_url.as_str(), "https://old.example.com");
        assert_eq!(settings.client_id.as_str(), "old");
        assert_eq!(settings.client_secret, Some(ClientSecret::Given(Secret::new("s3cret"))));
    }

    #[test]
    fn a_client_id_without_the_originals_issuer_belongs_to_another_tool() {
        let error = resolve(&GIVEN[..1], &[("CLIENT_ID", "other")]).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Usage, "no client ID is set"));
        assert!(resolve(&GIVEN, &[("CLIENT_SECRET", "other")]).unwrap().client_secret.is_none());
    }

    #[test]
    fn flags_win_over_the_originals_variables() {
        let settings = resolve(&GIVEN, &ORIGINAL).unwrap();
        assert_eq!(settings.issuer_url.as_str(), "https://login.example.com");
        assert_eq!(settings.client_id.as_str(), "kubernetes");
        assert!(settings.client_secret.is_none(), "a secret must not reach another issuer or client");
    }

    #[test]
    fn an_empty_value_is_no_value() {
        let settings = resolve(&GIVEN, &[("IDP_ISSUER_URL", "https://x.example"), ("CLIENT_SECRET", "")]).unwrap();
        assert!(settings.client_secret.is_none());
        assert_eq!(resolve(&[("issuer-url", ""), GIVEN[1]], &[]).unwrap_err().to_string(), "no issuer URL is set");
    }
}
