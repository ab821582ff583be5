//! A string that cannot be printed by accident.

use std::fmt;

use zeroize::Zeroizing;

/// A token, a client secret or another string that must not reach a terminal, a log or an error.
///
/// It has no `Display` and no `Serialize`, its `Debug` hides the value, and it is zeroed when dropped. Copies that a
/// library made of it are not.
///
/// ```compile_fail
/// println!("{}", kubekey::secret::Secret::new("a token")); // It cannot be formatted,
/// ```
///
/// ```compile_fail
/// serde_json::to_string(&kubekey::secret::Secret::new("a token")); // nor serialized.
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes ownership of `value`.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// The value. Each call is a point where the secret leaves this type.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use zeroize::ZeroizeOnDrop;

    use super::Secret;

    #[test]
    fn debug_hides_the_value() {
        assert_eq!(format!("{:?}", Some(Secret::new("canary"))), "Some(Secret(hidden))");
    }

    #[test]
    fn the_value_is_zeroed_on_drop() {
        fn is_zeroed(_: &impl ZeroizeOnDrop) {}
        is_zeroed(&Secret::new("canary").0);
    }
}
