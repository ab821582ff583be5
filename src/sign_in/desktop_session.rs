//! Whether a browser that is started in this session of Windows would be visible.

#[cfg(windows)]
use super::session::OF_SSH;

/// Why a browser in this session would be invisible; `None` if it would not.
#[cfg(windows)]
pub(super) fn why_invisible() -> Option<&'static str> {
    let is_ssh = OF_SSH.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    why(crate::windows::process::session_id(), is_ssh)
}

fn why(session: Option<u32>, is_ssh: bool) -> Option<&'static str> {
    match session {
        _ if is_ssh => Some("this is an SSH session"),
        Some(0) => Some("this is the session of services, which has no desktop"),
        _ => None,
    }
}

/// What the launcher's error means, for those that its words do not explain.
pub(super) fn meaning(code: i32) -> Option<&'static str> {
    match code {
        // ERROR_FILE_NOT_FOUND, ERROR_NO_ASSOCIATION: what Server Core says.
        2 | 1155 => Some("no program is set to open web pages"),
        // ERROR_ACCESS_DENIED, ERROR_ACCESS_DISABLED_BY_POLICY: AppLocker, or a policy of the system.
        5 | 1260 => Some("the system does not allow the program that opens web pages"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_session_with_a_desktop_of_the_users_shows_a_browser() {
        for (session, is_ssh, expected) in [
            (Some(0), false, Some("session of services")),
            (Some(0), true, Some("SSH session")),
            (Some(1), true, Some("SSH session")),
            (None, true, Some("SSH session")),
            (Some(1), false, None),
            (Some(17), false, None),
            (None, false, None),
        ] {
            let why = why(session, is_ssh);
            assert_eq!(why.is_some(), expected.is_some(), "{session:?} {is_ssh}");
            assert!(why.unwrap_or_default().contains(expected.unwrap_or_default()), "{session:?} {is_ssh}");
        }
    }

    #[test]
    fn a_machine_without_a_browser_is_told_from_one_that_forbids_it() {
        for (code, expected) in [
            (2, Some("no program is set to open web pages")),
            (1155, Some("no program is set to open web pages")),
            (5, Some("the system does not allow the program that opens web pages")),
            (1260, Some("the system does not allow the program that opens web pages")),
            (87, None),
        ] {
            assert_eq!(meaning(code), expected, "{code}");
        }
    }
}
