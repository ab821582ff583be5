//! A secret that is larger than an item of the keyring may be, over several items: read whole or not at all.
//!
//! The first item says of how many bytes and with which SHA-256 the rest is; the further ones are named after that
//! digest, so a new secret never overwrites parts of the one that is still in force.

use sha2::{Digest, Sha256};

use crate::secret::Secret;

/// What the first item of a split secret begins with. No JSON does.
const MARK: &str = "kubekey-split ";

/// A store of small named items.
pub trait Items {
    /// Why it fails.
    type Error;
    /// An item's bytes.
    fn get(&mut self, name: &str) -> Result<Option<Vec<u8>>, Self::Error>;
    /// Writes an item, in place of what was there.
    fn set(&mut self, name: &str, bytes: &[u8]) -> Result<(), Self::Error>;
    /// Removes an item; nothing there is as good.
    fn delete(&mut self, name: &str) -> Result<(), Self::Error>;
}

/// What the first item says of the others.
#[derive(PartialEq)]
struct Head {
    length: usize,
    parts: usize,
    digest: String,
}

impl Head {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = std::str::from_utf8(bytes).ok()?.strip_prefix(MARK)?.split(' ');
        let (length, parts): (usize, usize) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        let digest = fields.next()?.to_owned();
        let is_ours = parts <= length && digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_ours.then_some(Self { length, parts, digest })
    }

    fn name(&self, name: &str, part: usize) -> String {
        format!("{name}.{}.{part}", &self.digest[..16])
    }
}

/// Reads the secret; one that is not whole is like text that nobody can read.
pub fn load<I: Items>(items: &mut I, name: &str) -> Result<Option<Secret>, I::Error> {
    let Some(first) = items.get(name)? else { return Ok(None) };
    let Some(head) = Head::parse(&first) else { return Ok(Some(text(first))) };
    let mut bytes = Vec::new();
    for part in 0..head.parts {
        bytes.extend(items.get(&head.name(name, part))?.unwrap_or_default());
    }
    let is_whole = bytes.len() == head.length && digest(&bytes) == head.digest;
    Ok(Some(if is_whole { text(bytes) } else { Secret::new("") }))
}

/// Keeps the secret in items of at most `largest` bytes.
pub fn store<I: Items>(items: &mut I, name: &str, secret: &Secret, largest: usize) -> Result<(), I::Error> {
    let old = items.get(name)?.and_then(|first| Head::parse(&first));
    let bytes = secret.expose().as_bytes();
    let parts: Vec<_> = if bytes.len() <= largest { Vec::new() } else { bytes.chunks(largest).collect() };
    let head = Head { length: bytes.len(), parts: parts.len(), digest: digest(bytes) };
    for (number, part) in parts.iter().enumerate() {
        items.set(&head.name(name, number), part)?;
    }
    // From here on the new one is in force.
    match parts.is_empty() {
        true => items.set(name, bytes)?,
        false => items.set(name, format!("{MARK}{} {} {}", head.length, head.parts, head.digest).as_bytes())?,
    }
    old.filter(|old| *old != head).map_or(Ok(()), |old| delete_parts(items, name, &old))
}

/// Removes the secret, first what makes it readable.
pub fn remove<I: Items>(items: &mut I, name: &str) -> Result<(), I::Error> {
    let old = items.get(name)?.and_then(|first| Head::parse(&first));
    items.delete(name)?;
    old.map_or(Ok(()), |old| delete_parts(items, name, &old))
}

fn delete_parts<I: Items>(items: &mut I, name: &str, head: &Head) -> Result<(), I::Error> {
    (0..head.parts).try_for_each(|part| items.delete(&head.name(name, part)))
}

fn digest(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

fn text(bytes: Vec<u8>) -> Secret {
    Secret::new(String::from_utf8(bytes).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const LIMIT: usize = 2560;

    /// Holds as much in an item as Credential Manager does, and stops working after some writes, as a killed process.
    #[derive(Default)]
    struct Small {
        items: BTreeMap<String, Vec<u8>>,
        writes_left: Option<usize>,
    }

    impl Small {
        fn write(&mut self) -> Result<(), ()> {
            match &mut self.writes_left {
                Some(0) => Err(()),
                Some(left) => {
                    *left -= 1;
                    Ok(())
                }
                None => Ok(()),
            }
        }
    }

    impl Items for Small {
        type Error = ();

        fn get(&mut self, name: &str) -> Result<Option<Vec<u8>>, ()> {
            Ok(self.items.get(name).cloned())
        }

        fn set(&mut self, name: &str, bytes: &[u8]) -> Result<(), ()> {
            self.write()?;
            assert!(bytes.len() <= LIMIT, "{} bytes in one item", bytes.len());
            self.items.insert(name.into(), bytes.into());
            Ok(())
        }

        fn delete(&mut self, name: &str) -> Result<(), ()> {
            self.write()?;
            self.items.remove(name);
            Ok(())
        }
    }

    fn secret(character: &str, length: usize) -> Secret {
        Secret::new(character.repeat(length))
    }

    #[test]
    fn what_fits_is_one_item_and_what_does_not_is_several() {
        for (length, items) in [(1, 1), (LIMIT, 1), (LIMIT + 1, 3), (64 * 1024, 27)] {
            let mut small = Small::default();
            store(&mut small, "a", &secret("x", length), LIMIT).unwrap();
            assert_eq!(small.items.len(), items, "{length}");
            assert_eq!(load(&mut small, "a").unwrap(), Some(secret("x", length)));
            remove(&mut small, "a").unwrap();
            assert!(small.items.is_empty());
        }
    }

    #[test]
    fn at_every_moment_the_old_secret_or_the_new_one_is_there() {
        for (old, new) in [(9000, 6000), (9000, 10), (10, 9000)] {
            let (old, new) = (secret("o", old), secret("n", new));
            let mut finished = false;
            for writes in 0.. {
                let mut small = Small::default();
                store(&mut small, "a", &old, LIMIT).unwrap();
                small.writes_left = Some(writes);
                finished |= store(&mut small, "a", &new, LIMIT).is_ok();
                let left = load(&mut small, "a").unwrap().unwrap();
                assert!(left == old || left == new, "after {writes} writes");
                if finished {
                    break;
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn whatever_is_stored_is_read_back(secret in "\\PC{0,2000}", largest in 100..LIMIT) {
            let (mut small, secret) = (Small::default(), Secret::new(secret));
            store(&mut small, "a", &secret, largest).unwrap();
            prop_assert_eq!(load(&mut small, "a").unwrap(), Some(secret));
            remove(&mut small, "a").unwrap();
            prop_assert!(small.items.is_empty());
        }

        #[test]
        fn an_item_of_somebody_else_is_read_without_harm(first in "kubekey-split [0-9]{1,3} [0-9]{1,3} \\PC{0,20}") {
            let items = BTreeMap::from([("a".to_owned(), first.into_bytes())]);
            let loaded = load(&mut Small { items, writes_left: None }, "a");
            prop_assert!(loaded.is_ok());
        }
    }

    #[test]
    fn parts_of_another_secret_are_not_joined() {
        let mut small = Small::default();
        store(&mut small, "a", &secret("x", 9000), LIMIT).unwrap();
        let part = small.items.keys().nth(2).unwrap().clone();
        for damage in [None, Some(b"y".repeat(LIMIT))] {
            let mut damaged = Small { items: small.items.clone(), writes_left: None };
            match damage {
                None => damaged.items.remove(&part),
                Some(bytes) => damaged.items.insert(part.clone(), bytes),
            };
            assert_eq!(load(&mut damaged, "a").unwrap(), Some(Secret::new("")));
        }
    }
}
