//! A text that cannot be printed by accident.

use std::fmt;

use zeroize::Zeroize;

/// A token, a client secret or another text that must not reach a terminal, a log or an error.
///
/// It has no `Display` and no `Serialize`, its `Debug` hides the value, and it is zeroed when dropped. What a library
/// copied out of it is not.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes `value` over.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value. Each call is a place where the secret leaves this type.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_hides_the_value() {
        assert_eq!(format!("{:?}", Some(Secret::new("canary"))), "Some(Secret(hidden))");
    }
}
