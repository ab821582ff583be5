//! The kinds of storage that a user can choose and a policy can allow.

/// Where a sign-in is saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenStorage {
    /// The keyring with the kernel keyring in front of it; without a keyring only the kernel keyring; without either
    /// nowhere.
    #[default]
    Auto,
    /// Only the keyring.
    Keyring,
    /// Only the kernel keyring.
    Kernel,
    /// A file.
    File,
    /// Nowhere.
    None,
}

impl TokenStorage {
    /// The storage with this name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "auto" => Self::Auto,
            "keyring" => Self::Keyring,
            "kernel" => Self::Kernel,
            // The second is kubelogin's.
            "file" | "disk" => Self::File,
            "none" => Self::None,
            _ => return None,
        })
    }
}
