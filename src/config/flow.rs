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
}

impl Flow {
    /// Its name, in settings and policies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Device => "device",
            Self::Paste => "paste",
        }
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
            "password" => Err("kubekey takes no passwords: they belong on the provider's own page"),
            "client-credentials" => Err("kubekey signs in people, and this is for programs"),
            _ => Err("it must be auto, browser, device or paste"),
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
        ] {
            assert_eq!(Flow::named(name), expected, "{name}");
        }
        for (name, why) in [("password", "no passwords"), ("client-credentials", "programs"), ("Device", "must be")] {
            assert!(Flow::named(name).unwrap_err().contains(why), "{name}");
        }
    }
}
