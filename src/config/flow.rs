//! The ways to sign in that a user can choose and a policy can allow.

/// A way to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// In a browser that reaches a listener on this machine.
    Browser,
    /// With a code, on any device that has a browser (RFC 8628).
    Device,
    /// In any browser, whose last URL the user copies to the terminal.
    Paste,
    /// For programs, with the client's own secret or key (RFC 6749 §4.4).
    ClientCredentials,
    /// For programs, with a token of another issuer (RFC 8693).
    TokenExchange,
    /// The same as a grant of its own (RFC 7523 §2.1).
    JwtBearer,
}

impl Flow {
    /// Its name, in settings and policies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Device => "device",
            Self::Paste => "paste",
            Self::ClientCredentials => "client-credentials",
            Self::TokenExchange => "token-exchange",
            Self::JwtBearer => "jwt-bearer",
        }
    }

    /// Whether no person takes part.
    pub fn is_machine(self) -> bool {
        matches!(self, Self::ClientCredentials | Self::TokenExchange | Self::JwtBearer)
    }

    /// The flow with this name; `None` for auto.
    ///
    /// # Errors
    /// Why there is no such flow.
    pub fn named(name: &str) -> Result<Option<Self>, &'static str> {
        match name {
            "auto" => Ok(None),
            // The second is kubelogin's name.
            "browser" | "authcode" => Ok(Some(Self::Browser)),
            "device" | "device-code" => Ok(Some(Self::Device)),
            "paste" | "authcode-keyboard" => Ok(Some(Self::Paste)),
            "client-credentials" => Ok(Some(Self::ClientCredentials)),
            "token-exchange" => Ok(Some(Self::TokenExchange)),
            "jwt-bearer" => Ok(Some(Self::JwtBearer)),
            "password" => Err("kubekey takes no passwords: they belong on the provider's own page"),
            _ => Err("it must be auto, browser, device, paste, client-credentials, token-exchange or jwt-bearer"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubelogins_names_mean_the_same_flows() {
        for (name, expected) in [
            ("auto", Ok(None)),
            ("browser", Ok(Some(Flow::Browser))),
            ("authcode", Ok(Some(Flow::Browser))),
            ("device", Ok(Some(Flow::Device))),
            ("device-code", Ok(Some(Flow::Device))),
            ("paste", Ok(Some(Flow::Paste))),
            ("authcode-keyboard", Ok(Some(Flow::Paste))),
            ("client-credentials", Ok(Some(Flow::ClientCredentials))),
            ("token-exchange", Ok(Some(Flow::TokenExchange))),
        ] {
            assert_eq!(Flow::named(name), expected, "{name}");
        }
        for (name, why) in [("password", "no passwords"), ("Device", "must be")] {
            assert!(Flow::named(name).unwrap_err().contains(why), "{name}");
        }
    }
}
