//! The file with the client's private key.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::client_secret::may_use;
use super::named_file::{self, unusable_file};
use super::{exposure, values};
use crate::config::given::Given;
use crate::error::{Error, Result};

/// The most that is read, in bytes: the chain of a certificate may be in the same file.
const LARGEST: usize = 64 * 1024;

/// Where the private key is. It is read only when it is needed, never on the warm path.
#[derive(Debug, PartialEq, Eq)]
pub struct ClientKey {
    path: PathBuf,
    /// The name of the setting, for errors.
    label: String,
}

impl ClientKey {
    pub(super) fn choose(given: &Given) -> Result<Option<Self>> {
        let file = given.text("client-key").filter(|file| may_use(given, *file));
        file.map(|file| Ok(Self { path: values::path(file)?, label: file.label() })).transpose()
    }

    /// The content of the file.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Usage`], naming the file, if it cannot be read.
    pub fn read(&self) -> Result<Zeroizing<Vec<u8>>> {
        exposure::warn_once(&self.path, "the client's private key");
        named_file::read(&self.label, &self.path, LARGEST)
    }

    /// The error for a file without a key that can be used.
    pub fn unusable(&self, why: &str) -> Error {
        unusable_file(&self.label, &self.path, why)
    }
}
