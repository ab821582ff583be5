//! What the errors of Windows Credential Manager mean.
//!
//! Sources: the documentation of `CredReadW`, `CredWriteW` and `CredGetSessionTypes`, and that of the system error codes.

use super::keyring_error::KeyringError;

/// `CRED_PERSIST_LOCAL_MACHINE`: until it is removed, on this machine only.
const UNTIL_REMOVED: u32 = 2;

/// The verdict on a system error code.
pub fn verdict(code: u32) -> KeyringError {
    match code {
        // ERROR_NO_SUCH_LOGON_SESSION: the logon of OpenSSH and of WinRM is one from the network, and has no vault. The
        // policy "Do not allow storage of passwords and credentials for network authentication" has the same error.
        1312 => KeyringError::Absent(
            "this session has no Credential Manager, as over SSH, in a service, or by an administrator's policy".into(),
        ),
        // ERROR_NOT_SUPPORTED, ERROR_CALL_NOT_IMPLEMENTED: editions and containers without it.
        50 | 120 => KeyringError::Absent(format!("this Windows has no Credential Manager (error {code})")),
        // ERROR_SERVICE_DISABLED, _DOES_NOT_EXIST, _NOT_ACTIVE, ERROR_SERVICE_DEPENDENCY_FAIL, _LOGON_FAILED,
        // RPC_S_SERVER_UNAVAILABLE, RPC_S_UNKNOWN_IF, EPT_S_NOT_REGISTERED.
        1058 | 1060 | 1062 | 1068 | 1069 | 1722 | 1717 | 1753 => {
            KeyringError::Absent(format!("the service of Credential Manager is not running (error {code})"))
        }
        // ERROR_SERVICE_REQUEST_TIMEOUT, ERROR_TIMEOUT, RPC_S_SERVER_TOO_BUSY, RPC_S_CALL_FAILED, _DNE.
        1053 | 1460 | 1723 | 1726 | 1727 => {
            KeyringError::Silent(format!("Credential Manager does not respond (error {code})"))
        }
        // RPC_X_BAD_STUB_DATA: what an item that is too large results in.
        1783 => too_large(),
        // ERROR_NOT_ENOUGH_MEMORY, ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL, ERROR_NOT_ENOUGH_QUOTA.
        8 | 39 | 112 | 1816 => KeyringError::Broken(format!("Credential Manager has no space (error {code})")),
        // ERROR_ACCESS_DENIED.
        5 => KeyringError::Broken("Credential Manager denied access".into()),
        // Among them ERROR_BAD_USERNAME, ERROR_INVALID_PARAMETER and NTE_BAD_KEY_STATE, after a password was reset.
        _ => KeyringError::Broken(format!("Credential Manager failed (error {code})")),
    }
}

/// The verdict on an item that does not fit.
pub fn too_large() -> KeyringError {
    KeyringError::Broken("the sign-in is too large for Credential Manager".into())
}

/// Whether a session can save a sign-in, from the longest persistence of its credentials.
///
/// # Errors
/// [`KeyringError::Absent`] if credentials do not outlive the session, or cannot be saved at all.
pub fn require_persistence(longest: u32) -> Result<(), KeyringError> {
    match longest {
        UNTIL_REMOVED.. => Ok(()),
        _ => Err(KeyringError::Absent("a policy of this machine does not allow saved credentials".into())),
    }
}

/// The code in an error of the store, whose type is private: it is at the end of its text, except for the three errors
/// that have a name there.
pub fn code(text: &str) -> Option<u32> {
    match text.rsplit(' ').next()? {
        "ERROR_BAD_USERNAME" => Some(2202),
        "ERROR_INVALID_FLAGS" => Some(1004),
        "ERROR_INVALID_PARAMETER" => Some(87),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_code_has_its_verdict() {
        let verdicts = [
            ("Absent", &[1312, 50, 120, 1058, 1060, 1062, 1068, 1069, 1717, 1722, 1753][..]),
            ("Silent", &[1053, 1460, 1723, 1726, 1727]),
            ("Broken", &[1783, 5, 8, 39, 87, 112, 1004, 1168, 1816, 2202, 0x8009_000B, 0, u32::MAX]),
        ];
        for (kind, codes) in verdicts {
            for code in codes {
                let found = format!("{:?}", verdict(*code));
                assert!(found.starts_with(kind), "{code}: {found}");
            }
        }
        assert!(verdict(1783).to_string().contains("too large"));
        assert!(verdict(1312).to_string().contains("this session has no Credential Manager"));
    }

    #[test]
    fn what_a_policy_does_not_let_outlive_the_session_is_absent() {
        for (longest, is_allowed) in [(0, false), (1, false), (2, true), (3, true)] {
            let verdict = require_persistence(longest);
            assert_eq!(verdict.is_ok(), is_allowed, "{longest}");
            assert!(verdict.err().is_none_or(|error| matches!(error, KeyringError::Absent(_))));
        }
    }

    #[test]
    fn the_code_is_found_in_the_text_of_the_store() {
        let texts = [
            ("Windows error code 1058", Some(1058)),
            ("Windows error code 2148073483", Some(0x8009_000B)),
            ("Windows ERROR_BAD_USERNAME", Some(2202)),
            ("Windows ERROR_INVALID_FLAGS", Some(1004)),
            ("Windows ERROR_INVALID_PARAMETER", Some(87)),
            ("something else", None),
            ("", None),
        ];
        for (text, found) in texts {
            assert_eq!(code(text), found, "{text}");
        }
    }
}
