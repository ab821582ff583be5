//! Where the listener for the provider's response is bound, and the `redirect_uri` that points to it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::config::given::Text;
use crate::error::{Error, ErrorKind, Result};
use crate::loopback_host::is_loopback_host;

/// The path of the default `redirect_uri`.
const CALLBACK_PATH: &str = "/callback";

/// Where to listen, and the `redirect_uri` for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopbackAddress {
    /// The IP addresses to bind, all on the same port; two for `localhost`, which may be IPv4 or IPv6.
    pub ips: Vec<IpAddr>,
    /// The port; 0 for any free one.
    pub port: u16,
    /// The `redirect_uri` before and after the port.
    redirect_uri: (String, String),
}

/// What the listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// Without a certificate.
    Http,
    /// With one.
    Https,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// Checks that a browser that is sent to this URL speaks the same.
    fn require(self, given: Text<'_>, url: &Url) -> Result<()> {
        match self {
            _ if url.scheme() == self.name() => Ok(()),
            Self::Http => Err(given
                .unusable("https on this machine needs a certificate")
                .hint("give --local-server-cert and --local-server-key, or a URL that begins with http://")),
            Self::Https => Err(given
                .unusable("with --local-server-cert it must begin with https://")
                .hint("give it so, and register it so with the provider")),
        }
    }
}

impl LoopbackAddress {
    /// Pairs the values of `--listen-address` and `--redirect-url` in order. If only one flag is set, it implies the
    /// other.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for a value that cannot be used, or if both are set, but not the same number of times.
    pub(super) fn parse_all(
        listen_addresses: &[Text<'_>],
        redirect_urls: &[Text<'_>],
        scheme: Scheme,
    ) -> Result<Vec<Self>> {
        if listen_addresses.is_empty() && redirect_urls.is_empty() {
            return Ok(vec![Self::any_port_of(scheme)]);
        }
        if redirect_urls.is_empty() {
            return listen_addresses.iter().map(|given| parse_listen_address(*given, scheme)).collect();
        }
        if listen_addresses.is_empty() {
            return redirect_urls.iter().map(|given| Self::redirecting(*given, scheme)).collect();
        }
        if listen_addresses.len() != redirect_urls.len() {
            return Err(Error::new(
                ErrorKind::Usage,
                format!(
                    "{} --listen-address and {} --redirect-url are given",
                    listen_addresses.len(),
                    redirect_urls.len()
                ),
            )
            .hint("give one --redirect-url for each --listen-address, or only one of the two flags"));
        }
        let pairs = listen_addresses.iter().zip(redirect_urls);
        pairs
            .map(|(listen, redirect)| parse_listen_address(*listen, scheme)?.redirected_by(*redirect, scheme))
            .collect()
    }

    /// Any free port of 127.0.0.1, for http.
    pub fn any_port() -> Self {
        Self::any_port_of(Scheme::Http)
    }

    fn any_port_of(scheme: Scheme) -> Self {
        // An IP literal, as RFC 8252 §8.3 recommends.
        Self::listening(Host::Ipv4(Ipv4Addr::LOCALHOST), 0, scheme)
    }

    /// The `redirect_uri` once the listener is bound to `port`.
    pub fn redirect_uri(&self, port: u16) -> String {
        let (before, after) = &self.redirect_uri;
        match self.takes_any_port() {
            true => format!("{before}:{port}{after}"),
            false => format!("{before}{after}"),
        }
    }

    fn listening(host: Host<&str>, port: u16, scheme: Scheme) -> Self {
        let ips = bound_ips(&host).unwrap_or_default();
        // A browser cannot open 0.0.0.0 or [::]; a listener that is bound there accepts connections on loopback too.
        let name = match host {
            Host::Ipv4(Ipv4Addr::UNSPECIFIED) => "127.0.0.1".to_owned(),
            Host::Ipv6(Ipv6Addr::UNSPECIFIED) => "[::1]".to_owned(),
            host => host.to_string(),
        };
        let scheme = scheme.name();
        let before = if port == 0 { format!("{scheme}://{name}") } else { format!("{scheme}://{name}:{port}") };
        Self { ips, port, redirect_uri: (before, CALLBACK_PATH.to_owned()) }
    }

    /// Listens where the redirect URL points. If it has no port, a free one is used and put in: providers that follow
    /// RFC 8252 §7.3 ignore the port of a loopback redirect URL.
    fn redirecting(given: Text<'_>, scheme: Scheme) -> Result<Self> {
        let url = parse_redirect_url(given)?;
        let host = url.host().filter(|host| is_loopback_host(Some(host.clone())));
        let Some(host) = host else {
            return Err(given
                .unusable("it does not point to this machine (http://127.0.0.1, http://localhost)")
                .hint("with --listen-address it may point elsewhere, for example to a forwarded port"));
        };
        scheme.require(given, &url)?;
        let listening = Self::listening(host, port_in(given.text).unwrap_or(0), scheme);
        listening.redirected_by(given, scheme)
    }

    fn redirected_by(mut self, given: Text<'_>, scheme: Scheme) -> Result<Self> {
        let text = given.text;
        let url = parse_redirect_url(given)?;
        // Without a certificate here, another program may speak https in front of the listener.
        if scheme == Scheme::Https {
            scheme.require(given, &url)?;
        }
        // The string stays as it is, since providers compare it byte by byte: `Url` would add a final slash.
        let (before, after) = text.split_at(authority_end(text));
        self.redirect_uri = (before.to_owned(), after.to_owned());
        if self.port == 0 && port_in(text).is_some() {
            return Err(given
                .unusable("it has a port, and --listen-address leaves the port open")
                .hint("give the same port in both"));
        }
        Ok(self)
    }

    /// Whether the port is known only once the listener is bound.
    fn takes_any_port(&self) -> bool {
        self.port == 0
    }
}

fn parse_listen_address(given: Text<'_>, scheme: Scheme) -> Result<LoopbackAddress> {
    let hint = "give an address of this machine and a port, for example 127.0.0.1:8000 or localhost:8000";
    let unusable = |why: &str| given.unusable(why).hint(hint);
    let (host, port) = given.text.rsplit_once(':').ok_or_else(|| unusable("it has no ':PORT'"))?;
    let port = port.parse().map_err(|_| unusable("the port is not a number up to 65535"))?;
    let host = Host::parse(host).map_err(|error| unusable(&error.to_string()))?;
    let host = match &host {
        Host::Domain(name) => Host::Domain(name.as_str()),
        Host::Ipv4(address) => Host::Ipv4(*address),
        Host::Ipv6(address) => Host::Ipv6(*address),
    };
    if bound_ips(&host).is_none() {
        return Err(unusable("it is neither an IP address nor 'localhost'"));
    }
    Ok(LoopbackAddress::listening(host, port, scheme))
}

fn bound_ips(host: &Host<&str>) -> Option<Vec<IpAddr>> {
    match host {
        // RFC 8252 §8.3: kubekey cannot know which of the two 'localhost' is for the browser, so it binds both.
        Host::Domain("localhost") => Some(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]),
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(vec![(*address).into()]),
        Host::Ipv6(address) => Some(vec![(*address).into()]),
    }
}

/// A redirect URI that does not lead to a listener: a page elsewhere, or an out-of-band one, whose page shows the code.
pub(super) fn elsewhere(given: Text<'_>) -> Result<String> {
    match is_out_of_band(given.text) {
        true => Ok(given.text.to_owned()),
        false => parse_redirect_url(given).map(|_| given.text.to_owned()),
    }
}

/// Whether the provider's page shows the code instead of passing it on: once a custom of Google's.
pub fn is_out_of_band(redirect_uri: &str) -> bool {
    matches!(redirect_uri, "urn:ietf:wg:oauth:2.0:oob" | "urn:ietf:wg:oauth:2.0:oob:auto")
}

/// Where the path begins.
fn authority_end(text: &str) -> usize {
    let after_scheme = text.find("://").map_or(0, |at| at + 3);
    text[after_scheme..].find(['/', '?']).map_or(text.len(), |at| after_scheme + at)
}

/// The port as it is written; `Url` drops the default port of the scheme, which is one to listen on like any other.
fn port_in(text: &str) -> Option<u16> {
    let (_, port) = text[..authority_end(text)].rsplit_once(':')?;
    port.parse().ok()
}

fn parse_redirect_url(given: Text<'_>) -> Result<Url> {
    let text = given.text;
    let hint =
        "give the redirect URL as it is registered with the provider, for example http://localhost:8000/callback";
    let unusable = || given.unusable("it is not a plain http:// or https:// URL").hint(hint);
    let url = Url::parse(text).map_err(|_| unusable())?;
    let is_web = url.host().is_some() && matches!(url.scheme(), "http" | "https");
    // The URL standard accepts these; providers, which compare strings, do not.
    let is_plain = text.contains("://")
        && !text.contains(|character: char| character.is_control() || character.is_whitespace())
        && !text.contains('\\')
        && !text[..authority_end(text)].ends_with([':', '/']);
    let has_user = !url.username().is_empty() || url.password().is_some();
    match is_web && is_plain && !has_user && url.fragment().is_none() {
        true => Ok(url),
        // RFC 6749 §3.1.2: no fragment.
        false => Err(unusable()),
    }
}

#[cfg(test)]
mod tests {
    use super::{LoopbackAddress, Scheme};
    use crate::config::given::{Origin, Text};
    use crate::config::keys::Key;
    use crate::error::Result;

    fn parse_all(listen: &[&str], redirect: &[&str]) -> Result<Vec<LoopbackAddress>> {
        parse_all_for(Scheme::Http, listen, redirect)
    }

    fn parse_all_for(scheme: Scheme, listen: &[&str], redirect: &[&str]) -> Result<Vec<LoopbackAddress>> {
        fn given<'a>(flag: &str, texts: &[&'a str]) -> Vec<Text<'a>> {
            let key = Key::of_flag(flag).unwrap();
            texts.iter().map(|text| Text { text, key, origin: &Origin::Flag }).collect()
        }
        LoopbackAddress::parse_all(&given("listen-address", listen), &given("redirect-url", redirect), scheme)
    }

    fn redirect_uris(listen: &[&str], redirect: &[&str]) -> Vec<String> {
        let addresses = parse_all(listen, redirect).unwrap();
        addresses.iter().map(|address| address.redirect_uri(4711)).collect()
    }

    #[test]
    fn nothing_said_is_a_free_port_of_127_0_0_1() {
        let addresses = parse_all(&[], &[]).unwrap();
        assert_eq!(addresses[0].ips, [std::net::Ipv4Addr::LOCALHOST]);
        assert_eq!((addresses[0].port, addresses[0].redirect_uri(4711)), (0, "http://127.0.0.1:4711/callback".into()));
    }

    #[test]
    fn localhost_is_both_families() {
        let addresses = parse_all(&["localhost:8000"], &[]).unwrap();
        assert_eq!(addresses[0].ips.iter().map(ToString::to_string).collect::<Vec<_>>(), ["127.0.0.1", "::1"]);
    }

    #[test]
    fn a_redirect_uri_is_what_the_user_wrote_with_the_port_put_in() {
        assert_eq!(
            redirect_uris(&["127.0.0.1:8000", "[::1]:0"], &[]),
            ["http://127.0.0.1:8000/callback", "http://[::1]:4711/callback"]
        );
        assert_eq!(redirect_uris(&["0.0.0.0:8000"], &[]), ["http://127.0.0.1:8000/callback"]);
        assert_eq!(redirect_uris(&[], &["http://localhost"]), ["http://localhost:4711"]);
        assert_eq!(redirect_uris(&[], &["http://localhost/"]), ["http://localhost:4711/"]);
        assert_eq!(redirect_uris(&[], &["http://localhost:80/cb"]), ["http://localhost:80/cb"]);
        assert_eq!(
            redirect_uris(&[], &["http://localhost:8000", "http://127.0.0.1:8001/cb"]),
            ["http://localhost:8000", "http://127.0.0.1:8001/cb"]
        );
        assert_eq!(
            redirect_uris(&["0.0.0.0:8000"], &["https://dev.example.com/cb?x=1"]),
            ["https://dev.example.com/cb?x=1"]
        );
    }

    #[test]
    fn with_a_certificate_everything_is_https() {
        let uris = |listen: &[&str], redirect: &[&str]| {
            let addresses = parse_all_for(Scheme::Https, listen, redirect);
            addresses.map(|addresses| addresses.iter().map(|address| address.redirect_uri(4711)).collect::<Vec<_>>())
        };
        assert_eq!(uris(&[], &[]).unwrap(), ["https://127.0.0.1:4711/callback"]);
        assert_eq!(uris(&["localhost:8000"], &[]).unwrap(), ["https://localhost:8000/callback"]);
        assert_eq!(uris(&[], &["https://localhost", "https://[::1]:443/cb"]).unwrap().len(), 2);
        assert_eq!(uris(&["127.0.0.1:1"], &["https://dev.example.com/cb"]).unwrap(), ["https://dev.example.com/cb"]);
        for (listen, redirect) in [(&[][..], "http://localhost:8000"), (&["127.0.0.1:1"], "http://dev.example.com")] {
            let error = uris(listen, &[redirect]).unwrap_err();
            assert!(error.to_string().ends_with("it must begin with https://"), "{error}");
        }
        let error = parse_all(&[], &["https://localhost:8000"]).unwrap_err();
        assert!(error.what_to_do().starts_with("give --local-server-cert"), "{}", error.what_to_do());
    }

    #[test]
    fn with_the_port_put_in_it_is_still_a_url() {
        let hosts = [
            "localhost",
            "LOCALHOST",
            "127.0.0.1",
            "[::1]",
            "@localhost",
            "%6cocalhost",
            "localhost:0",
            "/localhost",
            "",
        ];
        let ends = ["", "/", ":", ":8000", ":0080", "?x", "/cb?x=:", " ", "//cb", "@"];
        for text in hosts.iter().flat_map(|host| ends.map(|end| format!("http://{host}{end}"))) {
            for address in parse_all(&[], &[&text]).unwrap_or_default() {
                let url = url::Url::parse(&address.redirect_uri(4711));
                assert!(url.is_ok_and(|url| url.has_host()), "{text}: {}", address.redirect_uri(4711));
            }
        }
    }

    #[test]
    fn what_cannot_work_is_refused() {
        for (listen, redirect) in [
            (vec!["8000"], vec![]),
            (vec!["127.0.0.1:http"], vec![]),
            (vec!["127.0.0.1:70000"], vec![]),
            (vec!["example.com:8000"], vec![]),
            (vec![], vec!["http://example.com/cb"]),
            (vec![], vec!["https://localhost:8000/cb"]),
            (vec![], vec!["javascript:alert(1)"]),
            (vec![], vec!["http:/localhost:8000/cb"]),
            (vec![], vec!["http://localhost:/cb"]),
            (vec![], vec!["http:///localhost/cb"]),
            (vec![], vec!["http://localhost\\cb"]),
            (vec![], vec!["http://localhost:8000/cb#x"]),
            (vec!["127.0.0.1:0"], vec!["http://127.0.0.1:8000/cb"]),
            (vec!["127.0.0.1:8000", "127.0.0.1:8001"], vec!["http://127.0.0.1:8000/cb"]),
        ] {
            assert!(parse_all(&listen, &redirect).is_err(), "{listen:?} {redirect:?}");
        }
    }
}
