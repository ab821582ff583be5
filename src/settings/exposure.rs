//! Who else can read a file of the user's own with a secret in it. A file of an administrator's is meant for all users of
//! this machine: kubekey reads it for each of them.

use std::path::Path;
use std::sync::Once;

use crate::terminal;

/// The other readers of a file.
pub struct Exposure {
    /// Who they are.
    pub readers: String,
    /// The commands that end it.
    pub commands: Vec<String>,
}

impl Exposure {
    /// Warns that they can read `what` in the file at `path`.
    pub fn warn(&self, what: &str, path: &Path) {
        let text = format!("{} can read {what} in {}; to fix that, run:", self.readers, path.display());
        terminal::warning_to_run(&text, &self.commands);
    }
}

/// Warns of who else can read the client's secret or key (`what`): once in a run, however often it is read.
pub fn warn_once(path: &Path, what: &str) {
    static WARNED: Once = Once::new();
    if let Some(exposure) = of_own(path) {
        WARNED.call_once(|| exposure.warn(what, path));
    }
}

/// Who else can read the file, if it is the user's own.
#[cfg(unix)]
pub fn of_own(path: &Path) -> Option<Exposure> {
    use std::os::unix::fs::MetadataExt;
    let found = path.metadata().ok()?;
    let is_exposed = found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o004 != 0;
    is_exposed.then(|| Exposure {
        readers: "all users of this machine".to_owned(),
        commands: vec![format!("chmod 600 {}", crate::shell::quoted(&path.to_string_lossy()))],
    })
}

/// Who else can read the file, if it is the user's own.
#[cfg(windows)]
pub fn of_own(path: &Path) -> Option<Exposure> {
    use crate::security_descriptor::{SecurityDescriptor, Sid};
    use crate::trusted_file::repair::commands_for_user;
    let found = SecurityDescriptor::of(&std::fs::File::open(path).ok()?).ok()?;
    let user = Sid::of_user().ok()?;
    let readers: Vec<_> = found.other_readers(&user).iter().map(ToString::to_string).collect();
    (found.is_of(&user) && !readers.is_empty())
        .then(|| Exposure { readers: readers.join(", "), commands: commands_for_user(path, false, &user) })
}
