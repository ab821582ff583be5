//! Which flow fits this session: decided here, from facts alone.

use std::fmt;

use super::session::{Session, System};
use crate::config::Flow;

/// Whether a browser can reach this run without the user's help, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// It can.
    Yes(&'static str),
    /// It can be opened, and may not reach our listener from there.
    Doubtful(&'static str),
    /// It cannot be opened.
    No(&'static str),
}

/// What was decided, and why.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The flows to try, in this order: the next one if the provider does not let the client use the one before. Empty if
    /// the policy allows none of those that are possible, or if no person is there.
    pub flows: Vec<Flow>,
    /// Why no browser can be opened in this session; `None` if one can.
    pub no_browser: Option<&'static str>,
    /// Whether the user can paste a URL, and may.
    pub can_paste: bool,
    /// Whether no flow can reach a person.
    pub is_nobody_there: bool,
    /// The facts that decided, in words.
    reasons: Vec<&'static str>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flows: Vec<_> = self.flows.iter().map(|flow| flow.name()).collect();
        let flows = if flows.is_empty() { "none".to_owned() } else { flows.join(", then ") };
        write!(f, "{flows} ({})", self.reasons.join("; "))
    }
}

/// Decides which flows to try. `asked` is the flow that was chosen; `None` means auto. `allows` is the policy's word.
pub fn choose(asked: Option<Flow>, session: &Session, offers_device: bool, allows: impl Fn(Flow) -> bool) -> Verdict {
    let reach = reach(session);
    let (Reach::Yes(why) | Reach::Doubtful(why) | Reach::No(why)) = reach;
    let no_browser = matches!(reach, Reach::No(_)).then_some(why);
    if let Some(asked) = asked {
        let reasons = vec!["it was chosen", why];
        let can_paste = asked == Flow::Paste && session.can_type;
        return Verdict { flows: vec![asked], no_browser, can_paste, is_nobody_there: false, reasons };
    }
    let mut reasons = vec![why];
    // A job without a terminal has no reader either, until it has ended.
    let is_nobody_there = no_browser.is_some() && session.is_ci && !session.is_watched;
    if is_nobody_there {
        reasons.push("this is a CI job without a terminal");
        return Verdict { flows: Vec::new(), no_browser, can_paste: false, is_nobody_there, reasons };
    }
    reasons.push(if offers_device {
        "the provider offers the device flow"
    } else {
        "the provider offers no device flow"
    });
    let mut flows = match reach {
        Reach::Yes(_) => vec![Flow::Browser, Flow::Device],
        Reach::Doubtful(_) | Reach::No(_) => vec![Flow::Device, Flow::Browser, Flow::Paste],
    };
    flows.retain(|flow| match flow {
        Flow::Browser => true,
        Flow::Device => offers_device,
        Flow::Paste => session.can_type,
        _ => false,
    });
    if !flows.iter().all(|flow| allows(*flow)) {
        reasons.push("the policy does not allow every flow");
    }
    flows.retain(|flow| allows(*flow));
    if matches!(reach, Reach::Yes(_)) {
        flows.truncate(1);
    }
    let can_paste = flows.contains(&Flow::Paste);
    Verdict { flows, no_browser, can_paste, is_nobody_there, reasons }
}

fn reach(session: &Session) -> Reach {
    const SSH: &str = "this is an SSH session";
    const SERVICES: &str = "this is the session of services, which has no desktop";
    match session.system {
        // The browser's address there is not the loopback address that the provider sends the response to.
        _ if session.has_command && session.is_codespace => {
            Reach::Doubtful("in a codespace the browser may not reach this machine")
        }
        _ if session.has_command && session.is_vs_code => Reach::Yes("VS Code opens the browser on the user's machine"),
        _ if session.has_command => Reach::Yes("a command opens the browser"),
        System::Mac | System::Windows if session.is_ssh => Reach::No(SSH),
        System::Windows if session.windows_session == Some(0) => Reach::No(SERVICES),
        System::Mac | System::Windows => Reach::Yes("there is a desktop"),
        // WSL has a display of its own even where Windows has none.
        System::Unix if session.is_wsl && session.windows_session == Some(0) => Reach::No(SERVICES),
        System::Unix if session.has_screen => Reach::Yes("there is a display"),
        System::Unix if session.is_ssh => Reach::No(SSH),
        System::Unix if session.is_wsl => Reach::Yes("Windows has a browser"),
        System::Unix if session.is_codespace => Reach::No("this is a codespace"),
        System::Unix if session.is_container => Reach::No("this is a container"),
        System::Unix => Reach::No("neither DISPLAY nor WAYLAND_DISPLAY is set"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Opener;

    const SSH: (&str, &str) = ("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22");
    const IPC: (&str, &str) = ("VSCODE_IPC_HOOK_CLI", "/run/user/1000/vscode-ipc.sock");
    const HELPER: (&str, &str) = ("BROWSER", "/vscode/bin/helpers/browser.sh");

    /// The facts that these variables tell on this system. `on` may add `watched`, `types`, and `session 0` or `session 1`.
    fn session(system: System, on: &str, variables: &[(&str, &str)]) -> Session {
        let get = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let opener = get("BROWSER").map_or(Opener::Desktop, Opener::Variable);
        let is_wsl = get("WSL_DISTRO_NAME").is_some();
        let windows_session = on.split("session ").nth(1).map(|number| number.parse().unwrap());
        let can_type = on.contains("types");
        let is_watched = can_type || on.contains("watched");
        Session { system, is_wsl, windows_session, is_watched, can_type, ..Session::of(get, &opener) }
    }

    fn flows(verdict: &Verdict) -> String {
        verdict.flows.iter().map(|flow| flow.name()).collect::<Vec<_>>().join(" ")
    }

    const WSL: (&str, &str) = ("WSL_DISTRO_NAME", "Debian");
    const X11: (&str, &str) = ("DISPLAY", ":0");
    const CODESPACE: (&str, &str) = ("CODESPACES", "true");

    type Variables = &'static [(&'static str, &'static str)];

    /// Sessions as [`session`] takes them, and the flows with a provider that offers the device flow, and with one that does not.
    const SESSIONS: [(System, &str, Variables, &str, &str); 50] = [
        (System::Unix, "watched", &[X11], "browser", "browser"),
        (System::Unix, "watched", &[("WAYLAND_DISPLAY", "wayland-0")], "browser", "browser"),
        (System::Unix, "", &[X11], "browser", "browser"),
        (System::Unix, "watched", &[("DISPLAY", "")], "device browser", "browser"),
        (System::Unix, "watched", &[], "device browser", "browser"),
        (System::Unix, "", &[], "device browser", "browser"),
        (System::Unix, "watched", &[SSH], "device browser", "browser"),
        (System::Unix, "types", &[SSH], "device browser paste", "browser paste"),
        (System::Unix, "types", &[X11], "browser", "browser"),
        (System::Unix, "types", &[CODESPACE, IPC, HELPER], "device browser paste", "browser paste"),
        (System::Unix, "types", &[("CI", "true")], "device browser paste", "browser paste"),
        (System::Unix, "types session 0", &[WSL], "device browser paste", "browser paste"),
        (System::Mac, "types", &[SSH], "device browser paste", "browser paste"),
        (System::Windows, "types session 1", &[], "browser", "browser"),
        (System::Windows, "types session 1", &[SSH], "device browser paste", "browser paste"),
        (System::Unix, "watched", &[("SSH_TTY", "/dev/pts/0")], "device browser", "browser"),
        (System::Unix, "watched", &[SSH, ("DISPLAY", "localhost:10.0")], "browser", "browser"),
        (System::Unix, "watched", &[SSH, ("BROWSER", "forward")], "browser", "browser"),
        (System::Unix, "watched", &[SSH, ("BROWSER", " : ")], "device browser", "browser"),
        (System::Unix, "watched session 1", &[WSL], "browser", "browser"),
        (System::Unix, "watched session 1", &[WSL, X11], "browser", "browser"),
        (System::Unix, "watched", &[WSL], "browser", "browser"),
        (System::Unix, "watched session 0", &[WSL, X11], "device browser", "browser"),
        (System::Unix, "watched session 1", &[WSL, SSH], "device browser", "browser"),
        (System::Unix, "watched", &[SSH, IPC, HELPER], "browser", "browser"),
        (System::Unix, "watched", &[SSH, IPC], "device browser", "browser"),
        (System::Unix, "watched", &[("REMOTE_CONTAINERS", "true"), IPC, HELPER], "browser", "browser"),
        (System::Unix, "watched", &[("REMOTE_CONTAINERS", "true")], "device browser", "browser"),
        (System::Unix, "watched", &[CODESPACE, IPC, HELPER], "device browser", "browser"),
        (System::Unix, "watched", &[CODESPACE, SSH], "device browser", "browser"),
        (System::Unix, "watched", &[CODESPACE], "device browser", "browser"),
        (System::Unix, "watched", &[("container", "podman")], "device browser", "browser"),
        (System::Unix, "watched", &[("KUBERNETES_SERVICE_HOST", "10.0.0.1")], "device browser", "browser"),
        (System::Unix, "watched", &[("container", "oci"), X11], "browser", "browser"),
        (System::Unix, "", &[("CI", "true")], "", ""),
        (System::Unix, "", &[("TF_BUILD", "True"), SSH], "", ""),
        (System::Unix, "", &[("CI", "true"), ("container", "docker")], "", ""),
        (System::Unix, "watched", &[("CI", "true")], "device browser", "browser"),
        (System::Unix, "", &[("CI", "true"), X11], "browser", "browser"),
        (System::Unix, "", &[("CI", "true"), ("BROWSER", "robot")], "browser", "browser"),
        (System::Unix, "", &[("CI", "false")], "device browser", "browser"),
        (System::Mac, "watched", &[], "browser", "browser"),
        (System::Mac, "", &[], "browser", "browser"),
        (System::Mac, "watched", &[SSH], "device browser", "browser"),
        (System::Mac, "", &[SSH, ("CI", "1")], "", ""),
        (System::Windows, "watched session 1", &[], "browser", "browser"),
        (System::Windows, "watched session 17", &[], "browser", "browser"),
        (System::Windows, "watched session 1", &[SSH], "device browser", "browser"),
        (System::Windows, "watched session 0", &[], "device browser", "browser"),
        (System::Windows, "session 0", &[("CI", "true")], "", ""),
    ];

    #[test]
    fn each_session_has_its_flow() {
        for (system, on, variables, with_device, without) in SESSIONS {
            let session = session(system, on, variables);
            for (offers, expected) in [(true, with_device), (false, without)] {
                let verdict = choose(None, &session, offers, |_| true);
                assert_eq!(flows(&verdict), expected, "{system:?} {on} {variables:?} {offers}: {verdict}");
                assert_eq!(verdict.is_nobody_there, expected.is_empty(), "{verdict}");
            }
        }
    }

    #[test]
    fn a_verdict_says_whether_a_browser_can_be_opened_and_why() {
        for (variables, no_browser, words) in [
            (&[SSH][..], Some("this is an SSH session"), "device, then browser (this is an SSH session; "),
            (&[("DISPLAY", ":0")], None, "browser (there is a display; "),
            (&[SSH, IPC, HELPER], None, "browser (VS Code opens the browser on the user's machine; "),
            (&[("CODESPACES", "true"), HELPER], None, "device, then browser (in a codespace the browser may not"),
            (&[("CI", "true")], Some("neither DISPLAY nor WAYLAND_DISPLAY is set"), "none (neither "),
        ] {
            let verdict = choose(None, &session(System::Unix, "", variables), true, |_| true);
            assert_eq!(verdict.no_browser, no_browser, "{verdict}");
            assert!(verdict.to_string().starts_with(words), "{verdict}");
        }
    }

    #[test]
    fn the_policy_decides_over_the_session_and_a_choice_over_both() {
        let (desktop, remote) =
            (session(System::Unix, "", &[("DISPLAY", ":0")]), session(System::Unix, "watched", &[SSH]));
        let typing = session(System::Unix, "types", &[SSH]);
        for (allowed, session, offers, expected) in [
            (&[Flow::Device][..], &desktop, true, "device"),
            (&[Flow::Device], &desktop, false, ""),
            (&[Flow::Device], &remote, true, "device"),
            (&[Flow::Browser], &remote, true, "browser"),
            (&[Flow::Browser], &desktop, true, "browser"),
            (&[Flow::Paste], &remote, true, ""),
            (&[Flow::Paste], &typing, true, "paste"),
            (&[Flow::Paste, Flow::Browser], &typing, true, "browser paste"),
            (&[Flow::Browser], &typing, false, "browser"),
            (&[], &desktop, true, ""),
        ] {
            let verdict = choose(None, session, offers, |flow| allowed.contains(&flow));
            assert_eq!(flows(&verdict), expected, "{allowed:?} {verdict}");
            assert!(!verdict.is_nobody_there);
        }
        // Whether it is allowed is checked before.
        for asked in [Flow::Browser, Flow::Device, Flow::Paste] {
            let ci = session(System::Unix, "", &[("CI", "true")]);
            assert_eq!(choose(Some(asked), &ci, false, |_| false).flows, [asked]);
        }
    }
}
