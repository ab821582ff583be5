//! The error for a policy that cannot be used.

use crate::error::{Error, ErrorKind};

/// The error with the reason `why`. While the policy cannot be used, kubekey does nothing.
pub fn unusable(why: &str) -> Error {
    Error::new(ErrorKind::Policy, format!("the policy cannot be used: {why}"))
        .hint("tell your administrator: kubekey does nothing until it is fixed or removed")
}
