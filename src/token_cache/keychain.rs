//! What the errors of the macOS Keychain mean.
//!
//! Source: `SecBase.h` of the Security framework.

use super::keyring_error::KeyringError;

/// The verdict on an `OSStatus`; `text` is what the system says about it.
pub fn verdict(status: i32, text: &str) -> KeyringError {
    match status {
        // errSecInteractionNotAllowed, errSecInteractionRequired, errSecInDarkWake, and
        // errAuthorizationInteractionNotAllowed: it is locked, or the user must allow the access of a new kubekey.
        -25308 | -25315 | -25320 | -60007 => {
            KeyringError::Locked("the Keychain is locked, or must ask for your permission, and cannot ask here".into())
        }
        // errSecAuthFailed, errAuthorizationDenied: "Deny", or a wrong password.
        -25293 | -60005 => KeyringError::Denied("access to the Keychain was denied".into()),
        // errSecUserCanceled, errAuthorizationCanceled.
        -128 | -60006 => KeyringError::Denied("the Keychain's dialog was canceled".into()),
        // errSecInvalidOwnerEdit, and errSecDuplicateItem: a new item where the old one may not be seen.
        -25244 | -25299 => KeyringError::Denied("the Keychain does not let kubekey replace the saved sign-in".into()),
        // errSecNoSuchKeychain, errSecNoDefaultKeychain, errSecNotAvailable.
        -25294 | -25307 | -25291 => KeyringError::Absent("this user has no Keychain".into()),
        // wrPermErr, errSecReadOnly.
        -61 | -25292 => KeyringError::Broken("the Keychain is read-only".into()),
        // errSecInvalidKeychain.
        -25295 => KeyringError::Broken("the Keychain is damaged".into()),
        // errSecDataTooLarge.
        -25302 => KeyringError::Broken("the sign-in is too large for the Keychain".into()),
        _ => KeyringError::Broken(format!("the Keychain failed: {text} ({status})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_verdict() {
        let verdicts = [
            ("Locked", &[-25308, -25315, -25320, -60007][..]),
            ("Denied", &[-25293, -128, -60005, -60006, -25244, -25299]),
            ("Absent", &[-25294, -25307, -25291]),
            ("Broken", &[-61, -25292, -25295, -25302, -25300, -34018, 0, i32::MIN]),
        ];
        for (kind, statuses) in verdicts {
            for status in statuses {
                let found = format!("{:?}", verdict(*status, "text"));
                assert!(found.starts_with(kind), "{status}: {found}");
            }
        }
        assert_eq!(verdict(-34018, "no entitlement").to_string(), "the Keychain failed: no entitlement (-34018)");
    }
}
