//! The user's folders on each operating system: which variable decides, which other source, and what is left where
//! variables are not trusted. Pure functions, so that the rules of every system are tested on every system.

use std::path::PathBuf;

/// The operating systems that differ in their folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Linux and its relatives.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

impl System {
    /// The one that this program runs on.
    pub const CURRENT: Self = match () {
        () if cfg!(windows) => Self::Windows,
        () if cfg!(target_os = "macos") => Self::MacOs,
        () => Self::Linux,
    };
}

/// What variables may decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Every folder.
    All,
    /// On Linux the home of a user who is not in the user database, as those of a directory service; nothing else.
    UnknownHome,
    /// Nothing.
    Nothing,
}

/// A folder that the system knows, whatever the variables are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// The home in the user database; on Windows the folder of the user's profile.
    Home,
    /// Windows: for settings.
    RoamingAppData,
    /// Windows: for everything else.
    LocalAppData,
}

/// The sources of the user's folders.
pub struct UserFolders<V, R> {
    /// The operating system.
    pub system: System,
    /// What variables may decide.
    pub trust: Trust,
    /// Returns the absolute path in a variable.
    pub variable: V,
    /// Returns a folder that the system knows.
    pub registered: R,
}

impl<V: Fn(&str) -> Option<PathBuf>, R: Fn(Registered) -> Option<PathBuf>> UserFolders<V, R> {
    /// The home folder.
    pub fn home(&self) -> Option<PathBuf> {
        let registered = || (self.registered)(Registered::Home);
        match (self.system, self.trust) {
            (System::Windows, _) => self.decided("USERPROFILE").or_else(registered),
            (_, Trust::All) => self.decided("HOME"),
            (System::Linux, Trust::UnknownHome) => registered().or_else(|| (self.variable)("HOME")),
            _ => registered(),
        }
    }

    /// The folders of the user's settings, lowest first.
    pub fn config(&self) -> Vec<PathBuf> {
        let dirs = match self.system {
            System::Windows => vec![self.base("APPDATA", Registered::RoamingAppData)],
            System::MacOs => vec![self.below("XDG_CONFIG_HOME", ".config"), self.of_macos("Application Support")],
            System::Linux => vec![self.below("XDG_CONFIG_HOME", ".config")],
        };
        dirs.into_iter().flatten().map(|dir| dir.join("kubekey")).collect()
    }

    /// The folder for state that runs share, for locks, and for tokens in files.
    pub fn state(&self) -> Option<PathBuf> {
        let dir = match self.system {
            System::Windows => self.base("LOCALAPPDATA", Registered::LocalAppData),
            // Not `Caches`: programs that free space empty it.
            System::MacOs => self.of_macos("Application Support"),
            System::Linux => self.below("XDG_STATE_HOME", ".local/state"),
        };
        dir.map(|dir| dir.join("kubekey"))
    }

    /// The folder for what can be fetched again.
    pub fn cache(&self) -> Option<PathBuf> {
        let dir = match self.system {
            System::Windows => self.base("LOCALAPPDATA", Registered::LocalAppData),
            System::MacOs => self.of_macos("Caches"),
            System::Linux => self.below("XDG_CACHE_HOME", ".cache"),
        };
        dir.map(|dir| dir.join("kubekey"))
    }

    fn decided(&self, variable: &str) -> Option<PathBuf> {
        (self.variable)(variable).filter(|_| self.trust == Trust::All)
    }

    fn below(&self, variable: &str, default: &str) -> Option<PathBuf> {
        self.decided(variable).or_else(|| Some(self.home()?.join(default)))
    }

    fn base(&self, variable: &str, folder: Registered) -> Option<PathBuf> {
        self.decided(variable).or_else(|| (self.registered)(folder))
    }

    fn of_macos(&self, name: &str) -> Option<PathBuf> {
        Some(self.home()?.join("Library").join(name))
    }
}

#[cfg(test)]
mod tests {
    use super::System::{Linux, MacOs, Windows};
    use super::*;

    /// Home, settings, state and cache. A variable `X` has the value `/X`, and a registered folder is `/Its name`.
    fn folders(system: System, trust: Trust, has_variables: bool, has_registered: bool) -> [String; 4] {
        let folders = UserFolders {
            system,
            trust,
            variable: |name: &str| has_variables.then(|| format!("/{name}").into()),
            registered: |folder| has_registered.then(|| format!("/{folder:?}").into()),
        };
        let text = |dirs: Vec<PathBuf>| {
            let dirs: Vec<_> = dirs.iter().map(|dir| dir.display().to_string().replace('\\', "/")).collect();
            dirs.join(" ")
        };
        let [home, state, cache] =
            [folders.home(), folders.state(), folders.cache()].map(|dir| text(dir.into_iter().collect()));
        [home, text(folders.config()), state, cache]
    }

    #[test]
    fn each_system_has_its_folders() {
        use Trust::{All, Nothing, UnknownHome};
        const ROAMING: &str = "/RoamingAppData/kubekey";
        const LOCAL: &str = "/LocalAppData/kubekey";
        let linux = ["/Home", "/Home/.config/kubekey", "/Home/.local/state/kubekey", "/Home/.cache/kubekey"];
        let linux_by_home = ["/HOME", "/HOME/.config/kubekey", "/HOME/.local/state/kubekey", "/HOME/.cache/kubekey"];
        let mac = [
            "/Home",
            "/Home/.config/kubekey /Home/Library/Application Support/kubekey",
            "/Home/Library/Application Support/kubekey",
            "/Home/Library/Caches/kubekey",
        ];
        let mac_by_variables = [
            "/HOME",
            "/XDG_CONFIG_HOME/kubekey /HOME/Library/Application Support/kubekey",
            "/HOME/Library/Application Support/kubekey",
            "/HOME/Library/Caches/kubekey",
        ];
        let linux_by_variables =
            ["/HOME", "/XDG_CONFIG_HOME/kubekey", "/XDG_STATE_HOME/kubekey", "/XDG_CACHE_HOME/kubekey"];
        let windows_by_variables =
            ["/USERPROFILE", "/APPDATA/kubekey", "/LOCALAPPDATA/kubekey", "/LOCALAPPDATA/kubekey"];
        for (system, trust, has_variables, has_registered, expected) in [
            (Linux, All, true, true, linux_by_variables),
            (Linux, All, false, true, [""; 4]),
            (Linux, UnknownHome, true, true, linux),
            (Linux, UnknownHome, true, false, linux_by_home),
            (Linux, Nothing, true, true, linux),
            (Linux, Nothing, true, false, [""; 4]),
            (MacOs, All, true, true, mac_by_variables),
            (MacOs, All, false, true, [""; 4]),
            (MacOs, UnknownHome, true, true, mac),
            (MacOs, UnknownHome, true, false, [""; 4]),
            (MacOs, Nothing, true, true, mac),
            (Windows, All, true, true, windows_by_variables),
            (Windows, All, false, true, ["/Home", ROAMING, LOCAL, LOCAL]),
            (Windows, UnknownHome, true, true, ["/Home", ROAMING, LOCAL, LOCAL]),
            (Windows, UnknownHome, true, false, [""; 4]),
            (Windows, Nothing, true, true, ["/Home", ROAMING, LOCAL, LOCAL]),
        ] {
            let found = folders(system, trust, has_variables, has_registered);
            assert_eq!(found, expected.map(String::from), "{system:?} {trust:?} {has_variables} {has_registered}");
        }
    }
}
