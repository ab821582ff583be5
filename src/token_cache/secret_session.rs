//! How a secret travels between kubekey and the Secret Service: in plain text, or encrypted with a key that both
//! derive.
//!
//! Source: Secret Service API draft, "Transfer of Secrets"; RFC 2409 §6.2 for the group.

use aes::Aes128;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use hkdf::Hkdf;
use num_bigint_dig::BigUint;
use sha2::Sha256;
use zbus::OwnedObjectPath;

const KEY_LENGTH: usize = 16;
const GROUP_LENGTH: usize = 128;

/// The prime of the Second Oakley Group; its generator is 2.
const PRIME: &[u8] = b"FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74\
020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6\
F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF";

/// An open session with the service.
pub struct Session {
    path: OwnedObjectPath,
    key: Option<[u8; KEY_LENGTH]>,
}

impl Session {
    /// The name of the encryption.
    pub const ALGORITHM: &str = "dh-ietf1024-sha256-aes128-cbc-pkcs7";

    /// A session in which secrets travel in plain text.
    pub fn plain(path: OwnedObjectPath) -> Self {
        Self { path, key: None }
    }

    /// A new private key, and the public one for the service.
    pub fn key_pair() -> (BigUint, Vec<u8>) {
        let private = BigUint::from_bytes_be(&random::<GROUP_LENGTH>());
        let public = BigUint::from(2u8).modpow(&private, &prime());
        (private, public.to_bytes_be())
    }

    /// A session in which they are encrypted, after the service has sent its public key.
    pub fn encrypted(path: OwnedObjectPath, private: &BigUint, theirs: &[u8]) -> Self {
        let shared = BigUint::from_bytes_be(theirs).modpow(private, &prime()).to_bytes_be();
        let mut padded = [0; GROUP_LENGTH];
        padded[GROUP_LENGTH - shared.len()..].copy_from_slice(&shared);
        let mut key = [0; KEY_LENGTH];
        Hkdf::<Sha256>::new(None, &padded).expand(&[], &mut key).expect("16 bytes are not too many for HKDF");
        Self { path, key: Some(key) }
    }

    /// The object that secrets name as their session.
    pub fn path(&self) -> &OwnedObjectPath {
        &self.path
    }

    /// The parameters and the value of a secret on its way to the service.
    pub fn encrypt(&self, secret: &[u8]) -> (Vec<u8>, Vec<u8>) {
        match &self.key {
            None => (Vec::new(), secret.to_vec()),
            Some(key) => {
                let iv = random::<KEY_LENGTH>();
                let cipher = cbc::Encryptor::<Aes128>::new(key.into(), &iv.into());
                (iv.to_vec(), cipher.encrypt_padded_vec_mut::<Pkcs7>(secret))
            }
        }
    }

    /// The secret in a value from the service; `None` if it was encrypted differently.
    pub fn decrypt(&self, parameters: &[u8], value: Vec<u8>) -> Option<Vec<u8>> {
        match &self.key {
            None => Some(value),
            Some(key) => {
                let cipher = cbc::Decryptor::<Aes128>::new_from_slices(key, parameters).ok()?;
                cipher.decrypt_padded_vec_mut::<Pkcs7>(&value).ok()
            }
        }
    }
}

fn prime() -> BigUint {
    BigUint::parse_bytes(PRIME, 16).expect("a number in hexadecimal")
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("a system has random numbers");
    bytes
}
