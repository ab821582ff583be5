//! Whether kubectl runs the plugin of the current user.

use super::copies::program;
use super::line::Line;
use crate::error::Result;
use crate::kubeconfig::{Contexts, Exec, Kuberc};

const CHECK: &str = "kuberc";

/// What kubectl's preferences say about the commands that the kubeconfig's users run.
pub fn check(contexts: &Result<Contexts>) -> Line {
    let kuberc = match Kuberc::find() {
        Ok(Some(kuberc)) => kuberc,
        Ok(None) => return Line::ok(CHECK, "there is none: kubectl runs every credential plugin"),
        Err(why) => return Line::warning(CHECK, why, "correct it: kubectl must be able to read it"),
    };
    let users = contexts.iter().flat_map(Contexts::users);
    let ours = users.filter(|(_, user)| Exec::read(&user["exec"]).is_some_and(|exec| exec.is_ours()));
    let mut commands = ours.filter_map(|(_, user)| user["exec"]["command"].as_str());
    let path = kuberc.path.display();
    match commands.find(|command| !kuberc.allows(command, &program)) {
        None => Line::ok(CHECK, format!("{path}: {}", kuberc.policy)),
        Some(command) => Line::error(
            CHECK,
            format!("{path} does not let kubectl run {command} (credentialPluginPolicy: {})", kuberc.policy),
            "add it as the kubeconfig names it; 'kubekey setup --print kuberc' prints the entry",
        ),
    }
}
