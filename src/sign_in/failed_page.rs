//! What the page says that is shown when a request does not end in a sign-in.

use crate::error::Error;
use crate::oidc::refusal::Unproven;
use crate::printable;

/// The kind of a page that is no cause for alarm.
const NOTICE: &str = "notice";

/// The variables of `sign_in_failed.html` that differ from page to page.
#[derive(Debug)]
pub struct FailedPage {
    /// `failed`, or `notice` for what concerns nobody's sign-in.
    pub(super) kind: &'static str,
    pub(super) title: &'static str,
    pub(super) message: String,
    pub(super) hint: String,
}

impl FailedPage {
    /// The sign-in ended with `error`.
    pub fn ended(error: &Error) -> Self {
        Self {
            kind: "failed",
            title: "Sign-in failed",
            message: printable::sanitise(&error.to_string()),
            hint: printable::sanitise(&format!("{}. You can close this tab.", error.what_to_do())),
        }
    }

    /// A request that does not belong to the sign-in, for this reason; the sign-in continues.
    pub fn stray(why: &str) -> Self {
        Self {
            kind: NOTICE,
            title: "Not part of the sign-in",
            message: format!("This request was rejected: {why}."),
            hint: "kubekey is still waiting for your sign-in. Open the URL that it printed in the terminal.".into(),
        }
    }

    /// The same where nothing is waiting for a sign-in.
    pub fn astray(why: &str) -> Self {
        Self { hint: "Open the URL that kubekey printed in the terminal.".into(), ..Self::stray(why) }
    }

    /// An error that the provider may have sent; the sign-in continues.
    pub fn unproven(error: Unproven) -> Self {
        let Unproven { code, words } = error;
        Self {
            kind: "failed",
            title: "Not signed in yet",
            message: format!(
                "An error arrived: {words} ({code}). It does not say for which sign-in, so kubekey keeps waiting."
            ),
            hint: "To try again, open the URL that kubekey printed in the terminal.".into(),
        }
    }

    /// A request to start again, after the response arrived.
    pub fn late() -> Self {
        Self {
            kind: NOTICE,
            title: "The response has arrived",
            message: "kubekey already has the response and is finishing the sign-in.".into(),
            hint: "You can close this tab.".into(),
        }
    }

    /// A request to start, after the time for that.
    pub fn over() -> Self {
        Self {
            kind: NOTICE,
            title: "The sign-in has timed out",
            message: "kubekey has stopped waiting for it.".into(),
            hint: "Run the command again. You can close this tab.".into(),
        }
    }
}
