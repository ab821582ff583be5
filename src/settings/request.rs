//! The parameters of the authorization request that users choose, beside the scopes.

use chrono::TimeDelta;
use url::Url;

use super::values;
use crate::config::given::{Given, Text};
use crate::config::time;
use crate::error::Result;

/// Parameters that kubekey sets itself, and those of a request object (RFC 9101): no one else may set them.
const OWN: [&str; 18] = [
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "redirect_uri",
    "response_type",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "request",
    "request_uri",
    "registration",
    "grant_type",
    "subject_token",
    "actor_token",
    "assertion",
];

/// Parameters that have their own flag.
const WITH_FLAG: [(&str, &str); 7] = [
    ("scope", "scope"),
    ("response_mode", "response-mode"),
    ("login_hint", "login-hint"),
    ("prompt", "prompt"),
    ("max_age", "max-age"),
    ("acr_values", "acr-values"),
    ("resource", "resource"),
];

/// The longest time that makes sense for `max_age`, in seconds.
const LONGEST_AGE: u64 = 10 * 365 * 24 * 60 * 60;

/// The chosen parameters. Without any, the request is what the provider needs, and nothing else.
#[derive(Debug, Default)]
pub struct RequestParameters {
    /// The name of one of several sign-ins to the same client.
    pub account: Option<String>,
    login_hint: Option<String>,
    /// What the provider is to ask the user, whatever it knows.
    pub prompt: Option<Prompt>,
    /// How long ago the user may have been authenticated (`max_age`).
    pub max_age: Option<TimeDelta>,
    /// The requested classes of authentication, the best one first.
    pub acr_values: Vec<String>,
    /// The resources that the tokens are for (RFC 8707).
    pub resources: Vec<String>,
    /// Whether the request is pushed even if the provider does not require that (RFC 9126).
    pub is_pushed: bool,
    /// Further parameters, each with a name of its own.
    pub others: Vec<(String, String)>,
}

/// What the provider is to ask the user (OpenID Connect Core §3.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// The password again.
    Login,
    /// With which account to sign in.
    SelectAccount,
    /// Whether the client may do what it requests.
    Consent,
    /// Nothing: the sign-in fails if it needs a page.
    None,
}

impl Prompt {
    /// The value of the parameter.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::SelectAccount => "select_account",
            Self::Consent => "consent",
            Self::None => "none",
        }
    }
}

impl RequestParameters {
    pub(super) fn parse(given: &Given) -> Result<Self> {
        let text = |flag| given.text(flag).map(|text| values::on_one_line(text).map(|text| text.text.to_owned()));
        let owned = |words: Vec<Text<'_>>| words.iter().map(|word| word.text.to_owned()).collect();
        Ok(Self {
            account: text("account").transpose()?,
            login_hint: text("login-hint").transpose()?,
            prompt: given.text("prompt").map(prompt).transpose()?,
            max_age: given.text("max-age").map(max_age).transpose()?,
            acr_values: owned(values::words(&given.texts("acr-values"))),
            resources: resources(&values::words(&given.texts("resource")))?,
            is_pushed: values::switch(given.text("par"))?,
            others: pairs(&given.texts("auth-param"), |name, given| match refused(name) {
                Some((why, hint)) => Err(given.unusable(&why).hint(hint)),
                None => Ok(()),
            })?,
        })
    }

    /// The user name to suggest to the provider.
    pub fn login_hint(&self) -> Option<&str> {
        let account = self.account.as_deref().filter(|account| account.contains('@'));
        self.login_hint.as_deref().or(account)
    }

    /// The chosen values that change which token the provider issues, or to whom, by the name of the setting. Empty
    /// where nothing was chosen.
    pub fn of_credential(&self) -> Vec<(&'static str, String)> {
        let text = |name, text: &Option<String>| text.clone().map(|text| (name, text));
        let acr_values = (!self.acr_values.is_empty()).then(|| ("acr-values", self.acr_values.join(" ")));
        let mut parts: Vec<_> = text("account", &self.account).into_iter().collect();
        parts.extend(text("login-hint", &self.login_hint));
        parts.extend(acr_values);
        parts.extend(self.resources.iter().map(|resource| ("resource", resource.clone())));
        parts.extend(self.others.iter().map(|(name, value)| ("auth-param", format!("{name}={value}"))));
        // The order on the command line changes nothing.
        parts.sort();
        parts
    }
}

fn prompt(given: Text<'_>) -> Result<Prompt> {
    let all = [Prompt::Login, Prompt::SelectAccount, Prompt::Consent, Prompt::None];
    all.into_iter()
        .find(|prompt| prompt.as_str() == given.text)
        .ok_or_else(|| given.unusable("it must be login, select_account, consent or none"))
}

/// Unlike other times it may be zero: then the provider authenticates the user in any case.
fn max_age(given: Text<'_>) -> Result<TimeDelta> {
    let seconds = if given.text == "0" { Some(0) } else { time::parse(given.text).map(|time| time.as_secs()) };
    let age = seconds.filter(|seconds| *seconds <= LONGEST_AGE).map(|seconds| TimeDelta::seconds(seconds as i64));
    age.ok_or_else(|| given.unusable("it is not a time").hint("give seconds, or a number with a unit: 0, 900, 30m, 8h"))
}

/// RFC 8707 §2: absolute URIs without a fragment.
fn resources(given: &[Text<'_>]) -> Result<Vec<String>> {
    let is_resource = |text: &str| Url::parse(text).is_ok_and(|url| url.fragment().is_none());
    match given.iter().find(|given| !is_resource(given.text) || given.text.contains(char::is_control)) {
        Some(wrong) => Err(wrong
            .unusable("it is not an absolute URI without '#'")
            .hint("copy the identifier of the resource from the provider, for example https://k8s.example.com")),
        None => Ok(given.iter().map(|given| given.text.to_owned()).collect()),
    }
}

/// Pairs of a name and a value, with each name once: the highest value of a name wins. One string may contain several pairs
/// separated by commas, as kubelogin takes them.
pub(super) fn pairs(given: &[Text<'_>], check: impl Fn(&str, Text<'_>) -> Result<()>) -> Result<Vec<(String, String)>> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for given in given {
        for part in parts(given.text) {
            let pair = part.split_once('=').filter(|(name, value)| is_name(name) && !value.contains(char::is_control));
            let (name, value) = pair.ok_or_else(|| given.unusable("it is not NAME=VALUE"))?;
            check(name, given.part(name))?;
            pairs.retain(|(known, _)| known != name);
            pairs.push((name.to_owned(), value.to_owned()));
        }
    }
    Ok(pairs)
}

/// The string divided at its commas, if that gives nothing but pairs: a value may have commas in it.
fn parts(text: &str) -> Vec<&str> {
    let parts: Vec<_> = text.split(',').collect();
    let is_pair = |part: &&str| part.split_once('=').is_some_and(|(name, _)| is_name(name));
    if parts.iter().all(is_pair) { parts } else { vec![text] }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
}

/// Why a parameter cannot be set so, and what to do instead.
fn refused(name: &str) -> Option<(String, String)> {
    if let Some((_, flag)) = WITH_FLAG.iter().find(|(parameter, _)| *parameter == name) {
        return Some(("this parameter has its own flag".into(), format!("set --{flag} instead")));
    }
    let is_own = OWN.contains(&name);
    is_own.then(|| ("kubekey sets this parameter itself".into(), "leave this parameter out".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(flag: &str, text: &str) -> Result<RequestParameters> {
        RequestParameters::parse(&Given::of_flags(&[(flag, text)]))
    }

    #[test]
    fn the_protocols_own_parameters_are_refused_by_name() {
        for name in OWN {
            let error = parse("auth-param", &format!("{name}=x")).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("--auth-param '{name}' cannot be used: kubekey sets this parameter itself")
            );
        }
        for (name, flag) in WITH_FLAG {
            let error = parse("auth-param", &format!("a=b,{name}=x")).unwrap_err();
            assert_eq!(error.what_to_do(), format!("set --{flag} instead"));
        }
    }

    #[test]
    fn a_pair_may_have_commas_and_a_string_several_pairs() {
        for (text, expected) in [
            ("a=b", vec![("a", "b")]),
            ("a=", vec![("a", "")]),
            ("a=b=c", vec![("a", "b=c")]),
            ("a=b,c=d", vec![("a", "b"), ("c", "d")]),
            ("a=b,c", vec![("a", "b,c")]),
            (r#"claims={"a":1,"b":"x y"}"#, vec![("claims", r#"{"a":1,"b":"x y"}"#)]),
            ("a=1,a=2", vec![("a", "2")]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
            assert_eq!(parse("auth-param", text).unwrap().others, expected, "{text}");
        }
        for text in ["a", "=b", "a b=c", "a=b\nc"] {
            assert!(parse("auth-param", text).unwrap_err().to_string().contains("it is not NAME=VALUE"), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_a_value_is_refused() {
        for (flag, text, why) in [
            ("prompt", "create", "it must be login, select_account, consent or none"),
            ("max-age", "soon", "it is not a time"),
            ("max-age", "-1", "it is not a time"),
            ("max-age", "99999999999", "it is not a time"),
            ("resource", "k8s", "it is not an absolute URI"),
            ("resource", "https://k8s.example.com/#x", "it is not an absolute URI"),
            ("login-hint", "jane\n", "control character"),
            ("account", "\u{1b}[2J", "control character"),
        ] {
            let error = parse(flag, text).unwrap_err().to_string();
            assert!(error.contains(why), "{flag} {text}: {error}");
        }
        let ages = ["0", "900", "30m"].map(|text| parse("max-age", text).unwrap().max_age.unwrap().num_seconds());
        assert_eq!(ages, [0, 900, 1800]);
    }

    #[test]
    fn an_account_that_looks_like_a_user_name_is_the_hint_unless_another_is_set() {
        let hint = |flags: &[(&str, &str)]| {
            RequestParameters::parse(&Given::of_flags(flags)).unwrap().login_hint().map(str::to_owned)
        };
        assert_eq!(hint(&[("account", "work")]), None);
        assert_eq!(hint(&[("account", "jane@example.com")]).as_deref(), Some("jane@example.com"));
        assert_eq!(hint(&[("account", "jane@example.com"), ("login-hint", "jane")]).as_deref(), Some("jane"));
    }
}
