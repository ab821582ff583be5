//! The program that a kubeconfig's user runs to sign in: its `exec`.

use std::env;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// This program's names: packages link the second to it, which makes `kubectl kubekey` work.
const NAMES: [&str; 2] = ["kubekey", "kubectl-kubekey"];

/// A program with its arguments, as client-go runs it.
pub struct Exec {
    command: String,
    /// Its arguments; without `kubekey` itself if kubectl runs it.
    pub args: Vec<String>,
    /// Variables in addition to those of kubectl.
    pub env: Vec<(String, String)>,
    /// Whether client-go tells it which cluster it is for.
    pub provides_cluster_info: bool,
}

impl Exec {
    /// `None` if there is none, or client-go would reject it.
    pub fn read(exec: &Value) -> Option<Self> {
        let list = |name: &str| match &exec[name] {
            Value::Null => Some([].as_slice()),
            list => list.as_array().map(Vec::as_slice),
        };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let mut args = list("args")?.iter().map(text).collect::<Option<Vec<_>>>()?;
        let mut command = text(&exec["command"])?;
        if program_name(&command) == "kubectl" && args.first().is_some_and(|first| first == NAMES[0]) {
            command = NAMES[1].to_owned();
            args.remove(0);
        }
        let variable = |pair: &Value| Some((text(&pair["name"])?, text(&pair["value"]).unwrap_or_default()));
        let env = list("env")?.iter().map(variable).collect::<Option<Vec<_>>>()?;
        Some(Self { command, args, env, provides_cluster_info: exec["provideClusterInfo"] == true })
    }

    /// Whether it is this program: by its name, in any folder, or by the file. What a script runs cannot be determined.
    pub fn is_ours(&self) -> bool {
        let name = program_name(&self.command);
        // Windows ignores the case of a file's name.
        let is_name = |own: &&str| if cfg!(windows) { own.eq_ignore_ascii_case(name) } else { *own == name };
        NAMES.iter().any(is_name) || self.is_running_file()
    }

    /// Whether it is kubelogin, by itself or as kubectl's plugin. Azure has a program of the same name.
    pub fn is_kubelogin(&self) -> bool {
        match program_name(&self.command) {
            "kubectl" => self.args.first().is_some_and(|first| first == "oidc-login"),
            "kubelogin" | "kubectl-oidc_login" => self.args.iter().any(|arg| arg.starts_with("--oidc-")),
            _ => false,
        }
    }

    /// The program that runs kubelogin in a way of its own, such as a container's.
    pub fn wrapper_of_kubelogin(&self) -> Option<&str> {
        let is_wrapper = !self.is_kubelogin() && !self.is_ours();
        let is_of_kubelogin = self.args.iter().any(|arg| arg.contains("--oidc-issuer-url"));
        (is_wrapper && is_of_kubelogin).then_some(&*self.command)
    }

    /// The value of a variable that the kubeconfig sets for it.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.env.iter().find(|(its_name, _)| its_name == name).map(|(_, value)| value.as_str())
    }

    /// The command of a plugin other than this program and kubelogin, which this program replaces.
    pub fn of_another(exec: &Value) -> Option<String> {
        let exec = Self::read(exec)?;
        let is_of_kubelogin = |arg: &String| arg == "oidc-login" || arg.starts_with("--oidc-issuer-url");
        (!exec.is_ours() && !exec.args.iter().any(is_of_kubelogin)).then_some(exec.command)
    }

    /// Whether this process was started like this, as far as that can be determined.
    pub fn is_this_run(&self) -> bool {
        let arguments: Vec<_> = env::args_os().skip(1).collect();
        let has_same = |(name, value): &(String, String)| env::var_os(name).is_some_and(|own| own == **value);
        let mut pairs = self.args.iter().zip(&arguments);
        self.args.len() == arguments.len()
            && pairs.all(|(own, other)| **own == **other)
            && self.env.iter().all(has_same)
    }

    fn is_running_file(&self) -> bool {
        let Some(running) = env::current_exe().and_then(|path| path.canonicalize()).ok() else { return false };
        let command = Path::new(&self.command);
        let listed = env::var_os("PATH").unwrap_or_default();
        let places: Vec<PathBuf> = match command.components().count() {
            1 => env::split_paths(&listed).filter(|folder| folder.is_absolute()).map(|dir| dir.join(command)).collect(),
            _ => vec![command.to_owned()].into_iter().filter(|path| path.is_absolute()).collect(),
        };
        // As client-go looks for it: the first match is used.
        places.iter().find_map(|path| path.canonicalize().ok()).is_some_and(|path| path == running)
    }
}

/// The last part of a path of any system: `C:\Tools\kubekey.exe` is `kubekey`.
fn program_name(command: &str) -> &str {
    let name = command.rsplit(['/', '\\']).next().unwrap_or(command);
    match name.len().checked_sub(4).and_then(|at| name.split_at_checked(at)) {
        Some((stem, extension)) if extension.eq_ignore_ascii_case(".exe") => stem,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_program_is_ours_by_its_name_wherever_it_is_and_a_wrapper_is_not_guessed() {
        let running = env::current_exe().unwrap();
        for (exec, is_ours) in [
            (json!({ "command": "kubekey" }), true),
            (json!({ "command": "/usr/local/bin/kubekey" }), true),
            (json!({ "command": "../bin/kubekey" }), true),
            (json!({ "command": "kubectl-kubekey" }), true),
            (json!({ "command": "C:\\Program Files\\kubekey\\kubekey.EXE" }), true),
            (json!({ "command": "kubectl", "args": ["kubekey", "--client-id=x"] }), true),
            (json!({ "command": "/usr/bin/kubectl.exe", "args": ["kubekey"] }), true),
            (json!({ "command": running }), true),
            (json!({ "command": "kubectl", "args": ["oidc-login", "get-token"] }), false),
            (json!({ "command": "kubectl" }), false),
            (json!({ "command": "sh", "args": ["-c", "exec kubekey"] }), false),
            (json!({ "command": "kubekey.sh" }), false),
            (json!({ "command": "kubekeys" }), false),
            (json!({ "command": "/opt/kubekey/aws" }), false),
            (json!({ "command": ".exe" }), false),
            (json!({ "command": "é.exe" }), false),
            (json!({ "command": "" }), false),
        ] {
            assert_eq!(Exec::read(&exec).unwrap().is_ours(), is_ours, "{exec}");
        }
    }

    #[test]
    fn kubelogin_is_known_by_its_name_and_its_flags_and_azures_is_another() {
        let issuer = "--oidc-issuer-url=https://x.example";
        for (exec, is_kubelogin, wrapper) in [
            (json!({ "command": "kubectl", "args": ["oidc-login", "get-token", issuer] }), true, None),
            (json!({ "command": "/opt/kubectl.exe", "args": ["oidc-login", "get-token"] }), true, None),
            (json!({ "command": "C:\\bin\\kubelogin.exe", "args": ["get-token", issuer] }), true, None),
            (json!({ "command": "kubectl-oidc_login", "args": ["get-token", issuer] }), true, None),
            (json!({ "command": "kubelogin", "args": ["get-token", "--login", "azurecli"] }), false, None),
            (json!({ "command": "docker", "args": ["run", "get-token", issuer] }), false, Some("docker")),
            (json!({ "command": "kubekey", "args": [issuer] }), false, None),
            (json!({ "command": "kubectl", "args": ["another-plugin"] }), false, None),
        ] {
            let exec = Exec::read(&exec).unwrap();
            assert_eq!((exec.is_kubelogin(), exec.wrapper_of_kubelogin()), (is_kubelogin, wrapper), "{}", exec.command);
        }
    }

    #[test]
    fn what_client_go_would_refuse_is_none_and_nothing_panics() {
        for exec in [
            json!(null),
            json!("kubekey"),
            json!([]),
            json!({ "args": [] }),
            json!({ "command": 7 }),
            json!({ "command": "kubekey", "args": [8000] }),
            json!({ "command": "kubekey", "args": "x" }),
            json!({ "command": "kubekey", "env": [{ "value": "x" }] }),
        ] {
            assert!(Exec::read(&exec).is_none(), "{exec}");
        }
        let exec = Exec::read(&json!({ "command": "kubectl", "args": ["kubekey", "-x"], "env": null })).unwrap();
        assert_eq!((exec.args, exec.env.len(), exec.provides_cluster_info), (vec!["-x".to_owned()], 0, false));
    }
}
