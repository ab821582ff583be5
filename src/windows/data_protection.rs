//! Encryption for the user (DPAPI).
#![expect(unsafe_code, reason = "the standard library does not offer it")]

use std::io;
use std::ptr::null;
use std::slice;

use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Security::Cryptography::{
    CRYPT_INTEGER_BLOB, CRYPTPROTECT_UI_FORBIDDEN, CryptProtectData, CryptUnprotectData,
};
use windows_sys::core::BOOL;
use zeroize::{Zeroize, Zeroizing};

/// Encrypts `bytes` for this user on this machine. Only the same `entropy` decrypts them. Never prompts.
///
/// # Errors
/// If the user has no key, or `bytes` are over 4 GiB.
pub fn protect(bytes: &[u8], entropy: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
    let (input, entropy, mut output) = (blob(bytes)?, blob(entropy)?, blob(&[])?);
    // SAFETY: all blobs outlive the call, which reads the first two and sets the last one.
    let done =
        unsafe { CryptProtectData(&input, null(), &entropy, null(), null(), CRYPTPROTECT_UI_FORBIDDEN, &mut output) };
    taken(done, output)
}

/// Decrypts what [`protect`] returned for the same `entropy`. Never prompts.
///
/// # Errors
/// If another user, machine or entropy encrypted `bytes`, or nobody did.
pub fn unprotect(bytes: &[u8], entropy: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
    let (input, entropy, mut output) = (blob(bytes)?, blob(entropy)?, blob(&[])?);
    // SAFETY: all blobs outlive the call, which reads the first two and sets the last one.
    let done = unsafe {
        let no_description = std::ptr::null_mut();
        CryptUnprotectData(&input, no_description, &entropy, null(), null(), CRYPTPROTECT_UI_FORBIDDEN, &mut output)
    };
    taken(done, output)
}

fn blob(bytes: &[u8]) -> io::Result<CRYPT_INTEGER_BLOB> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    Ok(CRYPT_INTEGER_BLOB { cbData: length, pbData: bytes.as_ptr().cast_mut() })
}

/// Copies what a call returned, zeroes the original, and frees it.
fn taken(done: BOOL, output: CRYPT_INTEGER_BLOB) -> io::Result<Zeroizing<Vec<u8>>> {
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so it has set the pointer to `cbData` bytes that are ours until they are freed; the
    // pointer is freed once, and not used afterwards.
    unsafe {
        let original = slice::from_raw_parts_mut(output.pbData, output.cbData as usize);
        let copy = Zeroizing::new(original.to_vec());
        original.zeroize();
        LocalFree(output.pbData.cast());
        Ok(copy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_protected_is_read_back_only_with_the_same_entropy() {
        for secret in [&b"{\"id_token\":\"a.b.c\"}"[..], b"", &[7; 100_000]] {
            let protected = protect(secret, b"one").unwrap();
            assert!(secret.is_empty() || !protected.windows(secret.len()).any(|part| part == secret));
            assert_eq!(*unprotect(&protected, b"one").unwrap(), secret);
            for other in [&b"two"[..], b"", b"one "] {
                assert!(unprotect(&protected, other).is_err());
            }
        }
    }

    #[test]
    fn garbage_is_an_error() {
        let mut damaged = protect(b"secret", b"one").unwrap();
        *damaged.last_mut().unwrap() ^= 1;
        for garbage in [&b""[..], b"{\"id_token\":\"a.b.c\"}", &[0; 4096], &damaged] {
            assert!(unprotect(garbage, b"one").is_err());
        }
    }
}
