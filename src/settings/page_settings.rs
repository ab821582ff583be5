//! What a preview of the pages needs of the settings: no provider.

use std::path::PathBuf;

use super::{Opener, values};
use crate::config::given::Given;
use crate::error::Result;
use crate::policy::Policy;

/// The settings of a preview.
#[derive(Debug)]
pub struct PageSettings {
    /// What opens the user's browser.
    pub opener: Opener,
    /// The folder with templates that replace kubekey's own pages.
    pub template_dir: Option<PathBuf>,
}

impl PageSettings {
    /// Like [`super::Settings::resolve`], for these settings alone.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Usage`] for one that cannot be used; [`crate::error::ErrorKind::Policy`] for a setting
    /// that is locked.
    pub fn resolve(given: &Given, environment: impl Fn(&str) -> Option<String>, policy: &Policy) -> Result<Self> {
        policy.check_given(given)?;
        let given = &*policy.impose(given);
        Ok(Self {
            opener: Opener::choose(given, environment, policy)?,
            template_dir: given.text("template-dir").map(values::path).transpose()?,
        })
    }
}
