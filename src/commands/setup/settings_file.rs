//! The file that `setup --system` writes: the settings for all users of the machine, or of a Homebrew.

use std::io;
use std::path::{Path, PathBuf};

use super::system_folder;
use crate::cli;
use crate::commands::config::Answers;
use crate::config::given::Layer;
use crate::config::layers::{files_up_to, profile_of};
use crate::config::{File, file, platform};
use crate::error::{Error, ErrorKind, Result};
use crate::trusted_file::{self, Owner};

/// Variables that reach an installation by Homebrew: it removes all whose names do not begin with HOMEBREW_, and of these
/// all that have "key", "token", "auth", "cookie" or "password" in them, so none with KUBEKEY.
const OF_HOMEBREW: [(&str, &str); 3] = [
    ("HOMEBREW_OIDC_ISSUER_URL", "issuer-url"),
    ("HOMEBREW_OIDC_CLIENT_ID", "client-id"),
    // A file with the provider's CA.
    ("HOMEBREW_OIDC_CA", "certificate-authority"),
];

/// A settings file and whose it is.
pub struct SettingsFile {
    /// Where it is.
    pub path: PathBuf,
    layer: Layer,
}

impl SettingsFile {
    /// The one that was asked for.
    ///
    /// # Errors
    /// [`ErrorKind::Failed`] if there is no such place on this machine.
    pub fn of(asked: &cli::Setup) -> Result<Self> {
        let failed = |message, hint| Error::new(ErrorKind::Failed, message).hint(hint);
        let (dir, layer) = match asked.homebrew {
            true => (platform::homebrew_config_dir(), Layer::Homebrew),
            false => (platform::system_config_dirs().pop(), Layer::System),
        };
        let path = dir.map(|dir| dir.join("config.toml")).ok_or_else(|| match layer {
            Layer::Homebrew => failed(
                "this kubekey was not installed by Homebrew",
                "run 'kubekey setup --system' without --homebrew for all users of this machine",
            ),
            _ => failed(
                "the system does not tell where settings for all users are",
                "run 'kubekey setup' without --system for each user",
            ),
        })?;
        Ok(Self { path, layer })
    }

    /// Checks that this run may write it. Homebrew's belongs to whoever owns the prefix, which writing shows.
    ///
    /// # Errors
    /// [`ErrorKind::Failed`] without the rights of an administrator where they are needed.
    pub fn require_rights(&self) -> Result<()> {
        if self.layer == Layer::System { system_folder::require_rights() } else { Ok(()) }
    }

    /// Whether it is for all users of the machine, and not for those of one Homebrew.
    pub fn is_for_all_users(&self) -> bool {
        self.layer == Layer::System
    }

    /// The files that decide for those who have no settings of their own: this one, and others of the administrator.
    ///
    /// # Errors
    /// As [`files_up_to`].
    pub fn effective(&self) -> Result<impl Iterator<Item = Result<File>>> {
        files_up_to(self.layer)
    }

    /// Checks that the profile that the settings choose exists, in the answers or in another file.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`], naming the known profiles, if not.
    pub fn require_profile(&self, answers: &Answers) -> Result<()> {
        let Some(chosen) = answers.given.text("profile") else { return Ok(()) };
        // One that cannot be used is reported by each run.
        let others = self.effective().into_iter().flatten().filter_map(Result::ok);
        let others = others.filter(|file| file.start.path.as_ref() != self.path);
        let files: Vec<_> = others.chain(answers.file.clone()).collect();
        profile_of(&files, chosen).map(drop)
    }

    /// Makes its folder if that is not made with the file.
    ///
    /// # Errors
    /// As [`system_folder::prepare`].
    pub fn prepare_folder(&self) -> Result<()> {
        match self.path.parent().filter(|_| self.layer == Layer::System) {
            Some(folder) => system_folder::prepare(folder),
            None => Ok(()),
        }
    }

    /// Parses a text for the file.
    ///
    /// # Errors
    /// As [`File::parse`].
    pub fn parse(&self, text: &str) -> Result<File> {
        File::parse(&self.path, text, self.layer)
    }

    /// Checks that later runs accept the file, or the one beside it at `path`.
    ///
    /// # Errors
    /// If others can change it, or it cannot be read.
    pub fn require_trusted(&self, path: &Path) -> io::Result<()> {
        let owner = if self.layer == Layer::System { Owner::System } else { Owner::Installer };
        trusted_file::read(path, owner, file::LARGEST).map(drop)
    }

    /// The variables with which an installation sets settings, each with the flag of its setting.
    pub fn variables(&self) -> &'static [(&'static str, &'static str)] {
        if self.layer == Layer::Homebrew { &OF_HOMEBREW } else { &[] }
    }

    /// The command that writes it, with these arguments.
    pub fn command_with(&self, arguments: &str) -> String {
        let homebrew = if self.layer == Layer::Homebrew { " --homebrew" } else { "" };
        format!("kubekey setup --system{homebrew} {arguments}")
    }
}
