//! How long a provider may take, and how much it may send.

use std::time::Duration;

/// The limits for a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Until there is a connection: name look-up, TCP, TLS and a proxy included.
    pub(super) connect: Duration,
    /// From the name look-up to the last byte of the response, retries and redirects included.
    pub(super) request: Duration,
    /// The largest response, in bytes, compressed or not. The largest legitimate one, a key set, has a few thousand.
    pub(super) body: usize,
}

impl Limits {
    /// For a run that cannot continue without the response.
    pub const USUAL: Self =
        Self { connect: Duration::from_secs(10), request: Duration::from_secs(30), body: 1024 * 1024 };

    /// For a run that has a valid token: an unreachable provider must hardly be noticed, and one that has the request gets
    /// 10 s to respond.
    pub const EARLY: Self = Self { connect: Duration::from_secs(2), request: Duration::from_secs(12), ..Self::USUAL };

    /// For a command that only looks: as long for a connection as a sign-in has, or a slow network would count as a broken
    /// one, and less time for a response.
    pub const LOOK: Self = Self { request: Duration::from_secs(15), ..Self::USUAL };
}
