//! A secret larger than one item of the keyring may be, split over several items: read whole or not at all.
//!
//! The first item has the length in bytes and the SHA-256 of the rest; the other items are named after that digest, so
//! a new secret never overwrites parts of the current one. Before parts are written or removed, an item of its own lists
//! them: the next run removes what a killed one has left.

use sha2::{Digest, Sha256};

use crate::secret::Secret;

/// The start of the first item of a split secret. No JSON starts like this.
const MARK: &str = "kubekey-split ";

/// A store of small named items.
pub trait Items {
    /// The error of an access.
    type Error;
    /// An item's bytes.
    fn get(&mut self, name: &str) -> Result<Option<Vec<u8>>, Self::Error>;
    /// Writes an item, replacing the old one.
    fn set(&mut self, name: &str, bytes: &[u8]) -> Result<(), Self::Error>;
    /// Removes an item; a missing one is not an error.
    fn delete(&mut self, name: &str) -> Result<(), Self::Error>;
}

/// What the first item says about the others.
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

    fn text(&self) -> String {
        format!("{MARK}{} {} {}", self.length, self.parts, self.digest)
    }

    fn name(&self, name: &str, part: usize) -> String {
        format!("{name}.{}.{part}", &self.digest[..16])
    }
}

/// Reads the secret; an incomplete one is treated like text that cannot be parsed.
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

/// Saves the secret in items of at most `largest` bytes.
pub fn store<I: Items>(items: &mut I, name: &str, secret: &Secret, largest: usize) -> Result<(), I::Error> {
    let bytes = secret.expose().as_bytes();
    let parts: Vec<_> = if bytes.len() <= largest { Vec::new() } else { bytes.chunks(largest).collect() };
    let head = Head { length: bytes.len(), parts: parts.len(), digest: digest(bytes) };
    let old = remove_leftovers(items, name)?;
    list(items, name, &[&head].into_iter().chain(&old).filter(|head| head.parts > 0).collect::<Vec<_>>())?;
    for (number, part) in parts.iter().enumerate() {
        items.set(&head.name(name, number), part)?;
    }
    // From here on the new secret is the current one.
    match parts.is_empty() {
        true => items.set(name, bytes)?,
        false => items.set(name, head.text().as_bytes())?,
    }
    remove_leftovers(items, name).map(drop)
}

/// Removes the secret, starting with the item that makes it readable, and returns whether there was one.
pub fn remove<I: Items>(items: &mut I, name: &str) -> Result<bool, I::Error> {
    let old = remove_leftovers(items, name)?;
    // A store without space must not keep what is to be removed.
    drop(list(items, name, old.iter().collect::<Vec<_>>().as_slice()));
    let is_there = items.get(name)?.is_some();
    items.delete(name)?;
    remove_leftovers(items, name)?;
    Ok(is_there)
}

/// The item that lists the secrets whose parts are being written or removed.
fn list_name(name: &str) -> String {
    format!("{name}.list")
}

fn list<I: Items>(items: &mut I, name: &str, heads: &[&Head]) -> Result<(), I::Error> {
    let lines: Vec<_> = heads.iter().map(|head| head.text()).collect();
    if lines.is_empty() { Ok(()) } else { items.set(&list_name(name), lines.join("\n").as_bytes()) }
}

/// Removes the parts of listed secrets that are not the current one, and the list. Returns the current one, if it is
/// split.
fn remove_leftovers<I: Items>(items: &mut I, name: &str) -> Result<Option<Head>, I::Error> {
    let current = items.get(name)?.and_then(|first| Head::parse(&first));
    let Some(list) = items.get(&list_name(name))? else { return Ok(current) };
    for head in list.split(|byte| *byte == b'\n').filter_map(Head::parse).filter(|head| Some(head) != current.as_ref())
    {
        delete_parts(items, name, &head)?;
    }
    items.delete(&list_name(name))?;
    Ok(current)
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

    /// Holds as much in one item as Credential Manager does, and fails after some writes, like a killed process.
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
            assert!(remove(&mut small, "a").unwrap());
            assert!(small.items.is_empty() && !remove(&mut small, "a").unwrap());
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
                small.writes_left = None;
                store(&mut small, "a", &secret("l", 20), LIMIT).unwrap();
                assert_eq!(small.items.len(), 1, "after {writes} writes, nothing of them is left");
                if finished {
                    break;
                }
            }
        }
    }

    #[test]
    fn what_a_killed_removal_has_left_the_next_one_removes() {
        for writes in 0..9 {
            let mut small = Small::default();
            store(&mut small, "a", &secret("o", 9000), LIMIT).unwrap();
            small.writes_left = Some(writes);
            let is_done = remove(&mut small, "a").is_ok();
            small.writes_left = None;
            remove(&mut small, "a").unwrap();
            assert!(small.items.is_empty(), "after {writes} writes");
            assert_eq!(is_done, writes >= 7);
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
