//! Which hosts are this machine.

use url::Host;

/// Whether requests to this host stay on this machine, so that http is as safe as https (RFC 8252 §8.3).
pub fn is_loopback_host(host: Option<Host<&str>>) -> bool {
    match host {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
