//! The defaults of kubelogin, which hold where its flags are used: a client that was registered for it works unchanged.

use url::Url;

use super::given::{Given, Origin, Value};
use super::keys::Key;
use crate::loopback_host::is_loopback_host;

/// The ports that kubelogin tries, in this order.
const PORTS: [u16; 2] = [8000, 18000];

/// What flags of kubelogin say that no setting of kubekey does.
#[derive(Clone, Default)]
pub struct Kubelogin {
    /// The host of the default `redirect_uri`, if kubelogin's defaults hold: a flag `--oidc-…` was given.
    pub redirect_host: Option<String>,
    /// What the user must know about flags that have no effect.
    pub warnings: Vec<String>,
}

impl Kubelogin {
    /// The host of kubelogin's redirect URLs if no other is given.
    pub const HOST: &str = "localhost";

    /// Adds kubelogin's defaults for what no other layer gives.
    pub fn complete(&self, given: &mut Given) {
        let Some(host) = &self.redirect_host else { return };
        if given.texts("scope").is_empty() {
            push(given, "scope", vec!["openid".to_owned()], Origin::Kubelogin);
        }
        let listen = parts(given, "listen-address");
        let redirect = parts(given, "redirect-url");
        let scheme = if given.texts("local-server-cert").is_empty() { "http" } else { "https" };
        let urls = |ports: &[u16]| ports.iter().map(|port| url(scheme, host, *port)).collect();
        match (&listen[..], &redirect[..]) {
            ([], []) => push(given, "redirect-url", urls(&PORTS), Origin::Kubelogin),
            // An address that cannot be parsed is rejected later, by its name.
            (some, []) => {
                if let Some(ports) = some.iter().map(|address| port_of(address)).collect::<Option<Vec<_>>>() {
                    push(given, "redirect-url", urls(&ports), Origin::Kubelogin);
                }
            }
            // It leads here by a way that only the user knows, such as a forwarded port.
            ([], [elsewhere]) if !is_of_this_machine(scheme, elsewhere) => {
                let addresses = PORTS.map(|port| format!("127.0.0.1:{port}")).to_vec();
                push(given, "listen-address", addresses.clone(), Origin::Kubelogin);
                repeat_redirect(given, elsewhere, addresses.len());
            }
            (several, [one]) => repeat_redirect(given, one, several.len()),
            _ => {}
        }
    }
}

/// kubelogin has one redirect URL for all addresses, kubekey one for each.
fn repeat_redirect(given: &mut Given, url: &str, times: usize) {
    if let Some(origin) = given.value("redirect-url").map(|value| value.origin.clone()).filter(|_| times > 1) {
        push(given, "redirect-url", vec![url.to_owned(); times], origin);
    }
}

fn push(given: &mut Given, flag: &str, texts: Vec<String>, origin: Origin) {
    given.push(Value { key: Key::of_flag(flag).expect("a setting"), texts, origin });
}

/// The elements of a list, which kubelogin separates by commas, and a variable by spaces.
fn parts(given: &Given, flag: &str) -> Vec<String> {
    let texts = given.texts(flag);
    let parts = texts.iter().flat_map(|text| text.text.split([',', ' ', '\t', '\n']));
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn port_of(address: &str) -> Option<u16> {
    address.rsplit_once(':')?.1.parse().ok()
}

/// Without a port where any free one is used: it is filled in.
fn url(scheme: &str, host: &str, port: u16) -> String {
    if port == 0 { format!("{scheme}://{host}") } else { format!("{scheme}://{host}:{port}") }
}

fn is_of_this_machine(scheme: &str, url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.scheme() == scheme && is_loopback_host(url.host()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The listen addresses, redirect URLs and scopes for these flags.
    fn completed(flags: &[(&str, &str)]) -> [Vec<String>; 3] {
        let mut given = Given::of_flags(flags);
        let kubelogin = Kubelogin { redirect_host: Some(Kubelogin::HOST.into()), warnings: Vec::new() };
        kubelogin.complete(&mut given);
        ["listen-address", "redirect-url", "scope"]
            .map(|flag| given.texts(flag).iter().map(|text| text.text.to_owned()).collect())
    }

    #[test]
    fn its_defaults_hold_for_what_nothing_else_gives() {
        let [listen, redirect, scope] = completed(&[]);
        assert_eq!(
            (listen.len(), redirect.as_slice()),
            (0, PORTS.map(|port| format!("http://localhost:{port}")).as_slice())
        );
        assert_eq!(scope, ["openid"]);
        let [_, redirect, scope] = completed(&[("listen-address", "127.0.0.1:9000,0.0.0.0:0"), ("scope", "email")]);
        assert_eq!(
            (redirect, scope),
            (vec!["http://localhost:9000".into(), "http://localhost".into()], vec!["email".into()])
        );
        let [listen, redirect, _] = completed(&[("redirect-url", "http://localhost:7000/cb")]);
        assert_eq!((listen.len(), redirect), (0, vec!["http://localhost:7000/cb".to_owned()]));
    }

    #[test]
    fn with_a_certificate_they_are_https() {
        let certificate = ("local-server-cert", "/cert.pem");
        assert_eq!(completed(&[certificate])[1], PORTS.map(|port| format!("https://localhost:{port}")));
        let [listen, redirect, _] = completed(&[certificate, ("redirect-url", "https://localhost:7000")]);
        assert_eq!((listen.len(), redirect.len()), (0, 1));
    }

    #[test]
    fn one_redirect_url_is_for_all_addresses() {
        let url = "https://dev.example.com/cb";
        let [listen, redirect, _] = completed(&[("redirect-url", url)]);
        assert_eq!((listen.join(" "), redirect), ("127.0.0.1:8000 127.0.0.1:18000".into(), vec![url.to_owned(); 2]));
        let [_, redirect, _] = completed(&[("redirect-url", url), ("listen-address", "127.0.0.1:1 127.0.0.1:2")]);
        assert_eq!(redirect, [url, url]);
        let [_, redirect, _] = completed(&[("redirect-url", url), ("listen-address", "127.0.0.1:1")]);
        assert_eq!(redirect, [url]);
    }
}
