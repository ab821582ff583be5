//! The flags of kubelogin that kubekey refuses, and what to do instead.

use crate::error::{Error, ErrorKind};

pub(super) fn without_value(name: &str) -> Error {
    usage(format!("{name} has no value"), "give it one, or remove it")
}

pub(super) fn wrong_pkce(name: &str, value: &str) -> Error {
    match value {
        // RFC 7636 §5.
        "no" => usage(
            format!("{name}=no is refused: kubekey always uses PKCE"),
            "remove it: a provider that does not know PKCE ignores it",
        ),
        _ => usage(
            format!("{name} '{value}' cannot be used: it must be auto or S256"),
            "remove it: kubekey always uses PKCE",
        ),
    }
}

/// RFC 9700 §2.4: the password grant must not be used.
pub(super) fn password(name: &str) -> Error {
    usage(
        format!(
            "{name} is refused: kubekey takes no passwords, which belong on the provider's own page (RFC 9700, section 2.4)"
        ),
        "remove --username, --password and --grant-type=password; where no browser can be opened, give --flow=device, \
         and for a program --flow=client-credentials or --flow=token-exchange",
    )
}

/// All processes of a machine can read the arguments of the others.
pub(super) fn subject_token(name: &str) -> Error {
    usage(
        format!("{name} is refused: every program on this machine can read a token in the arguments"),
        "put the token into a file and give --subject-token-file, or name its variable with --subject-token-variable",
    )
}

pub(super) fn not_part(name: &str, why: &str) -> Error {
    usage(format!("{name} is not part of this version: {why}"), "remove it, or keep kubelogin for this user")
}

fn usage(message: String, hint: &str) -> Error {
    Error::new(ErrorKind::Usage, message).hint(hint)
}
