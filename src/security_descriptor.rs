//! Owners and access control lists of Windows, as values: who can change a file or read it ([MS-DTYP] §2.4).

use std::fmt;
#[cfg(windows)]
use std::fs::File;
#[cfg(windows)]
use std::io;
use std::ops::Range;

#[cfg(windows)]
use crate::windows::security;

pub(crate) const SYSTEM: &str = "S-1-5-18";
pub(crate) const ADMINISTRATORS: &str = "S-1-5-32-544";
const TRUSTED_INSTALLER: &str = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";
const OWNER_RIGHTS: &str = "S-1-3-4";
pub(crate) const USERS: &str = "S-1-5-32-545";

/// Names of groups with the same SID on every machine. Windows translates its own names for them.
const NAMES: [(&str, &str); 8] = [
    ("S-1-1-0", "Everyone"),
    ("S-1-3-0", "CREATOR OWNER"),
    ("S-1-5-4", "INTERACTIVE"),
    ("S-1-5-7", "ANONYMOUS LOGON"),
    ("S-1-5-11", "Authenticated Users"),
    (USERS, "Users"),
    ("S-1-5-32-546", "Guests"),
    ("S-1-5-32-547", "Power Users"),
];

/// The rights that let nobody change a file, a folder or its access control list: to read data, extended attributes,
/// attributes and the list, to execute, to wait. All others do, or have no meaning yet ([MS-DTYP] §2.4.3).
const HARMLESS: u32 = GENERIC_READ | 0x2000_0000 | 0x0010_0000 | 0x0002_0000 | READ_DATA | 0x08 | 0x20 | 0x80;
const GENERIC_READ: u32 = 0x8000_0000;
const GENERIC_ALL: u32 = 0x1000_0000;
const READ_DATA: u32 = 0x01;

/// Flags of a descriptor ([MS-DTYP] §2.4.6).
const DACL_PRESENT: u16 = 0x0004;
const SELF_RELATIVE: u16 = 0x8000;

/// Types of entries ([MS-DTYP] §2.4.4.1) that deny: the plain one, that for objects, and both with a condition.
const DENIED: [u8; 4] = [0x01, 0x06, 0x0a, 0x0c];
const ALLOWED: u8 = 0x00;
/// The flag of an entry that applies only to what will be created in the folder.
const INHERIT_ONLY: u8 = 0x08;

/// The identifier of a user or a group, such as `S-1-5-18`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sid(pub(crate) String);

impl Sid {
    /// The user that runs this program.
    ///
    /// # Errors
    /// If Windows does not tell.
    #[cfg(windows)]
    pub fn of_user() -> io::Result<Self> {
        Self::parse(&security::user()?).ok_or_else(|| io::Error::other("the user's SID cannot be parsed"))
    }

    /// Parses the binary form ([MS-DTYP] §2.4.2.2).
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<8>()?;
        let [revision, count, authority @ ..] = head;
        let authority = authority.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let parts = rest.get(..usize::from(*count) * 4)?.chunks_exact(4);
        let parts =
            parts.map(|part| format!("-{}", part.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))));
        Some(Self(format!("S-{revision}-{authority}{}", parts.collect::<String>())))
    }

    fn is_administrator(&self) -> bool {
        [SYSTEM, ADMINISTRATORS, TRUSTED_INSTALLER].contains(&self.0.as_str())
    }

    /// Domain Admins and Enterprise Admins of any domain: a file server gives them the homes of its users.
    fn is_administrator_of_domain(&self) -> bool {
        self.0.starts_with("S-1-5-21-") && (self.0.ends_with("-512") || self.0.ends_with("-519"))
    }

    /// Whether this one may change a file that only administrators may change, or also `user` if there is one.
    fn is_trusted(&self, user: Option<&Self>) -> bool {
        let is_of_user = user.is_some_and(|user| self == user || self.is_administrator_of_domain());
        is_of_user || self.is_administrator()
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(sid, _)| *sid == self.0) {
            Some((sid, name)) => write!(f, "{name} ({sid})"),
            None => f.write_str(&self.0),
        }
    }
}

/// An entry of an access control list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    kind: u8,
    flags: u8,
    mask: u32,
    /// `None` if the type is not the plain one, which has it elsewhere.
    sid: Option<Sid>,
}

/// The owner of a file or folder, and its discretionary access control list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityDescriptor {
    owner: Option<Sid>,
    /// `None` lets everyone do everything; an empty one lets nobody do anything.
    entries: Option<Vec<Entry>>,
}

impl SecurityDescriptor {
    /// That of an open file or folder.
    ///
    /// # Errors
    /// If Windows does not tell.
    #[cfg(windows)]
    pub fn of(file: &File) -> io::Result<Self> {
        let error = || io::Error::other("its owner and access control list cannot be parsed");
        Self::parse(&security::descriptor(file)?).ok_or_else(error)
    }

    /// Parses the self-relative form ([MS-DTYP] §2.4.6).
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let owner = match number_at(bytes, 4)? {
            0 => None,
            offset => Some(Sid::parse(bytes.get(offset as usize..)?)?),
        };
        let entries = dacl(bytes)?.map(|range| entries(&bytes[range])).map_or(Some(None), |list| list.map(Some))?;
        Some(Self { owner, entries })
    }

    /// Checks that only administrators can change a file or a folder, or also `user` if there is one. Returns why not.
    ///
    /// # Errors
    /// If others can: "it belongs to ..." without "it".
    pub fn require_trusted(&self, user: Option<&Sid>) -> Result<(), String> {
        let owner = self.owner.as_ref().ok_or("has no owner")?;
        // An owner can change the list, whatever is in it.
        if !owner.is_trusted(user) {
            return Err(format!("belongs to {owner}"));
        }
        let entries = self.entries.as_ref().ok_or("has no access control list, so everyone can write it")?;
        let mut effective = entries.iter().filter(|entry| entry.flags & INHERIT_ONLY == 0);
        effective.try_for_each(|entry| entry.require_trusted(user))
    }

    /// Those besides `user` and the administrators who can read a file that belongs to them; an access control list
    /// that is absent counts as one for nobody, since [`Self::require_trusted`] tells that.
    pub fn other_readers(&self, user: &Sid) -> Vec<&Sid> {
        let reads =
            |entry: &&Entry| entry.kind == ALLOWED && entry.mask & (READ_DATA | GENERIC_READ | GENERIC_ALL) != 0;
        let effective = self.entries.iter().flatten().filter(|entry| entry.flags & INHERIT_ONLY == 0).filter(reads);
        let sids = effective.filter_map(|entry| entry.sid.as_ref());
        sids.filter(|sid| !sid.is_trusted(Some(user)) && sid.0 != OWNER_RIGHTS).collect()
    }

    /// Whether it belongs to `user`.
    pub fn is_of(&self, user: &Sid) -> bool {
        self.owner.as_ref() == Some(user)
    }
}

impl Entry {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (kind, flags, mask) = (*bytes.first()?, *bytes.get(1)?, number_at(bytes, 4)?);
        let sid = if kind == ALLOWED { Some(Sid::parse(bytes.get(8..)?)?) } else { None };
        Some(Self { kind, flags, mask, sid })
    }

    /// What is denied does not count: it may name another group than the one that allows. Conditions and types of
    /// entries that are not known may allow.
    fn require_trusted(&self, user: Option<&Sid>) -> Result<(), String> {
        match &self.sid {
            _ if DENIED.contains(&self.kind) => Ok(()),
            None => Err(format!("has an access control entry of type {}, which is not supported", self.kind)),
            _ if self.mask & !HARMLESS == 0 => Ok(()),
            Some(sid) if sid.is_trusted(user) || sid.0 == OWNER_RIGHTS => Ok(()),
            Some(sid) => Err(format!("can be written by {sid}")),
        }
    }
}

/// Where the access control list is in a descriptor; `Some(None)` if everyone may do everything.
fn dacl(bytes: &[u8]) -> Option<Option<Range<usize>>> {
    let control = control(bytes)?;
    let start = number_at(bytes, 16)? as usize;
    if control & SELF_RELATIVE == 0 {
        return None;
    }
    if control & DACL_PRESENT == 0 || start == 0 {
        return Some(None);
    }
    let size = bytes.get(start..)?.get(2..4)?;
    let range = start..start + usize::from(u16::from_le_bytes([size[0], size[1]]));
    bytes.get(range.clone()).filter(|list| list.len() >= 8).map(|_| Some(range))
}

fn entries(list: &[u8]) -> Option<Vec<Entry>> {
    let count = u16::from_le_bytes([list[4], list[5]]);
    let mut rest = &list[8..];
    let mut next = || {
        let size = usize::from(u16::from_le_bytes([*rest.get(2)?, *rest.get(3)?]));
        // A size of 0 would never end.
        let (entry, others) = rest.split_at_checked(size).filter(|_| size >= 8)?;
        rest = others;
        Entry::parse(entry)
    };
    (0..count).map(|_| next()).collect()
}

fn control(bytes: &[u8]) -> Option<u16> {
    Some(u16::from_le_bytes([*bytes.get(2)?, *bytes.get(3)?]))
}

fn number_at(bytes: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(offset..)?.first_chunk()?))
}

/// A descriptor that sets the access control list with the entries that were inherited, and marks them as such
/// ([MS-DTYP] §2.4.6: SE_DACL_AUTO_INHERIT_REQ asks for SE_DACL_AUTO_INHERITED).
pub fn to_set(mut dacl: Vec<u8>) -> Vec<u8> {
    const AUTO_INHERITED: u16 = 0x0400;
    const AUTO_INHERIT_REQ: u16 = 0x0100;
    if let Some(control) = control(&dacl).filter(|control| control & AUTO_INHERITED != 0) {
        dacl[2..4].copy_from_slice(&(control | AUTO_INHERIT_REQ).to_le_bytes());
    }
    dacl
}

/// Whether a change of the access control list from one descriptor to the other would change nothing.
pub fn has_same_dacl(one: &[u8], other: &[u8]) -> bool {
    /// The list is not inherited from the folder.
    const PROTECTED: u16 = 0x1000;
    let part = |bytes| Some((control(bytes)? & PROTECTED, dacl(bytes)?.map(|range| &bytes[range])));
    part(one).is_some_and(|one| Some(one) == part(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    const JANE: &str = "S-1-5-21-1-2-3-1001";
    const JOHN: &str = "S-1-5-21-1-2-3-1002";
    const EVERYONE: &str = "S-1-1-0";
    const CREATOR_OWNER: &str = "S-1-3-0";
    const DOMAIN_ADMINS: &str = "S-1-5-21-9-9-9-512";
    /// What icacls calls F, M and RX.
    const FULL: u32 = 0x1f_01ff;
    const READ: u32 = 0x12_00a9;
    /// Object and container inherit.
    const INHERITED: u8 = 0x03;

    fn sid(text: &str) -> Vec<u8> {
        let parts: Vec<u64> = text.split('-').skip(1).map(|part| part.parse().unwrap()).collect();
        let mut bytes = vec![parts[0] as u8, parts.len() as u8 - 2];
        bytes.extend(&parts[1].to_be_bytes()[2..]);
        parts[2..].iter().for_each(|part| bytes.extend((*part as u32).to_le_bytes()));
        bytes
    }

    fn entry((kind, flags, mask, who): (u8, u8, u32, &str)) -> Vec<u8> {
        let mut bytes = vec![kind, flags, 0, 0];
        bytes.extend(mask.to_le_bytes());
        bytes.extend(sid(who));
        bytes[2] = bytes.len() as u8;
        bytes
    }

    /// The descriptor as Windows writes it; without `entries`, it has no list.
    fn descriptor(owner: &str, entries: Option<&[(u8, u8, u32, &str)]>) -> Vec<u8> {
        let control = SELF_RELATIVE | if entries.is_some() { DACL_PRESENT } else { 0 };
        let (owner, start) = (sid(owner), 20);
        let mut bytes = vec![1, 0];
        bytes.extend(control.to_le_bytes());
        let dacl = entries.map_or(0, |_| start + owner.len() as u32);
        [start, 0, 0, dacl].iter().for_each(|offset| bytes.extend(offset.to_le_bytes()));
        bytes.extend(owner);
        if let Some(entries) = entries {
            let all: Vec<u8> = entries.iter().flat_map(|of| entry(*of)).collect();
            bytes.extend([2, 0]);
            bytes.extend((all.len() as u16 + 8).to_le_bytes());
            bytes.extend((entries.len() as u16).to_le_bytes());
            bytes.extend([0, 0]);
            bytes.extend(all);
        }
        bytes
    }

    fn verdict(bytes: &[u8], user: Option<&str>) -> Result<(), String> {
        let user = user.map(|user| Sid(user.to_owned()));
        SecurityDescriptor::parse(bytes).ok_or("it cannot be parsed")?.require_trusted(user.as_ref())
    }

    #[test]
    fn a_file_is_the_administrators_by_its_owner() {
        let entries: &[_] = &[(ALLOWED, 0, FULL, SYSTEM), (ALLOWED, 0, READ, USERS)];
        for (owner, of_system, of_jane) in [
            (SYSTEM, true, true),
            (ADMINISTRATORS, true, true),
            (TRUSTED_INSTALLER, true, true),
            (JANE, false, true),
            (JOHN, false, false),
            (USERS, false, false),
            (EVERYONE, false, false),
            (CREATOR_OWNER, false, false),
            (DOMAIN_ADMINS, false, true),
            ("S-1-5-80-956008885-3418522649-1831038044-1853292631-1", false, false),
            ("S-1-5-32-5440", false, false),
        ] {
            let bytes = descriptor(owner, Some(entries));
            assert_eq!(verdict(&bytes, None).is_ok(), of_system, "{owner} for the system");
            assert_eq!(verdict(&bytes, Some(JANE)).is_ok(), of_jane, "{owner} for Jane");
        }
        assert_eq!(verdict(&descriptor(JOHN, Some(entries)), None), Err(format!("belongs to {JOHN}")));
    }

    #[test]
    fn each_right_to_change_something_refuses_unless_it_is_an_administrators() {
        let of_change = [0, 1, 2, 4, 6, 8, 16, 18, 19, 24, 28, 30].map(|bit| 1_u32 << bit);
        let (reads, changes) = ([of_change[0]], &of_change[1..]);
        // FILE_WRITE_DATA, APPEND_DATA, DELETE_CHILD, WRITE_ATTRIBUTES, DELETE, WRITE_DAC, WRITE_OWNER, (SACL),
        // GENERIC_ALL, GENERIC_WRITE; WRITE_EA is 0x10.
        for mask in changes.iter().copied().chain([0x10, 0x100, FULL, READ | 0x02, 0x13_01bf]) {
            for who in [USERS, EVERYONE, JOHN, CREATOR_OWNER, "S-1-5-11", DOMAIN_ADMINS] {
                let bytes = descriptor(SYSTEM, Some(&[(ALLOWED, INHERITED, mask, who)]));
                assert!(verdict(&bytes, None).unwrap_err().starts_with("can be written by"), "{mask:x} {who}");
            }
            for who in [SYSTEM, ADMINISTRATORS, TRUSTED_INSTALLER, OWNER_RIGHTS] {
                assert_eq!(
                    verdict(&descriptor(SYSTEM, Some(&[(ALLOWED, 0, mask, who)])), None),
                    Ok(()),
                    "{mask:x} {who}"
                );
            }
            let of_jane = descriptor(SYSTEM, Some(&[(ALLOWED, 0, mask, JANE), (ALLOWED, 0, mask, DOMAIN_ADMINS)]));
            assert_eq!(verdict(&of_jane, Some(JANE)), Ok(()), "{mask:x}");
            assert!(verdict(&of_jane, Some(JOHN)).is_err(), "{mask:x}");
        }
        for mask in reads.into_iter().chain([READ, 0x8000_0000, 0x2000_0000, 0]) {
            assert_eq!(verdict(&descriptor(SYSTEM, Some(&[(ALLOWED, 0, mask, EVERYONE)])), None), Ok(()), "{mask:x}");
        }
    }

    #[test]
    fn what_is_denied_does_not_help_and_what_is_unknown_refuses() {
        let denied = descriptor(SYSTEM, Some(&[(0x01, 0, FULL, EVERYONE), (ALLOWED, 0, FULL, EVERYONE)]));
        assert_eq!(verdict(&denied, None), Err("can be written by Everyone (S-1-1-0)".into()));
        for kind in DENIED {
            assert_eq!(verdict(&descriptor(SYSTEM, Some(&[(kind, 0, FULL, EVERYONE)])), None), Ok(()), "{kind}");
        }
        // Compound, object, callback, callback object, and one that does not exist.
        for kind in [0x04, 0x05, 0x09, 0x0b, 0x77] {
            let error = verdict(&descriptor(SYSTEM, Some(&[(kind, 0, READ, SYSTEM)])), None).unwrap_err();
            assert!(error.contains(&format!("type {kind}")), "{error}");
        }
    }

    #[test]
    fn what_only_children_inherit_does_not_count_for_the_folder() {
        let entries: &[_] = &[(ALLOWED, INHERITED | INHERIT_ONLY, FULL, CREATOR_OWNER), (ALLOWED, 0, READ, USERS)];
        assert_eq!(verdict(&descriptor(ADMINISTRATORS, Some(entries)), None), Ok(()));
        // A folder that an administrator makes in ProgramData lets users create files.
        let made: &[_] = &[(ALLOWED, INHERITED, FULL, SYSTEM), (ALLOWED, 0x12, 0x116, USERS)];
        let error = verdict(&descriptor(ADMINISTRATORS, Some(made)), None).unwrap_err();
        assert_eq!(error, "can be written by Users (S-1-5-32-545)");
    }

    #[test]
    fn without_a_list_everyone_can_write_and_with_an_empty_one_nobody() {
        assert!(verdict(&descriptor(SYSTEM, None), None).unwrap_err().contains("everyone can write it"));
        assert_eq!(verdict(&descriptor(SYSTEM, Some(&[])), None), Ok(()));
    }

    #[test]
    fn a_descriptor_that_is_cut_or_changed_is_never_a_panic() {
        let whole = descriptor(SYSTEM, Some(&[(ALLOWED, 0, READ, USERS), (ALLOWED, 0, FULL, SYSTEM)]));
        for length in 0..whole.len() {
            assert!(verdict(&whole[..length], None).is_err(), "{length}");
        }
        for place in 0..whole.len() {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut changed = whole.clone();
                changed[place] = byte;
                let _ = verdict(&changed, None);
            }
        }
    }

    #[test]
    fn who_else_can_read_a_secret_is_named() {
        let jane = Sid(JANE.into());
        let readers = |entries: &[_]| {
            let bytes = descriptor(JANE, Some(entries));
            let found = SecurityDescriptor::parse(&bytes).unwrap();
            found.other_readers(&jane).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert!(readers(&[(ALLOWED, 0, FULL, JANE), (ALLOWED, 0, FULL, SYSTEM), (0x01, 0, FULL, JOHN)]).is_empty());
        assert!(readers(&[(ALLOWED, INHERIT_ONLY, FULL, JOHN), (ALLOWED, 0, 0x80, USERS)]).is_empty());
        assert_eq!(readers(&[(ALLOWED, 0, READ, USERS)]), ["Users (S-1-5-32-545)"]);
        assert_eq!(readers(&[(ALLOWED, 0, GENERIC_READ, JOHN)]), [JOHN]);
        let of_system = SecurityDescriptor::parse(&descriptor(SYSTEM, None)).unwrap();
        assert!(!of_system.is_of(&jane) && of_system.other_readers(&jane).is_empty());
    }

    #[test]
    fn lists_are_compared_without_the_owner() {
        let (one, other) = (&[(ALLOWED, 0, READ, USERS)], &[(ALLOWED, 0, READ, EVERYONE)]);
        assert!(has_same_dacl(&descriptor(SYSTEM, Some(one)), &descriptor(JANE, Some(one))));
        assert!(!has_same_dacl(&descriptor(SYSTEM, Some(one)), &descriptor(SYSTEM, Some(other))));
        assert!(!has_same_dacl(&descriptor(SYSTEM, Some(one)), &descriptor(SYSTEM, None)));
        assert!(!has_same_dacl(&[], &[]), "what cannot be parsed is set");
    }

    #[test]
    fn an_inherited_list_is_set_as_inherited() {
        let mut dacl = descriptor(SYSTEM, Some(&[(ALLOWED, 0x10, READ, USERS)]));
        assert_eq!(to_set(dacl.clone()), dacl);
        dacl[3] |= 0x04;
        let set = to_set(dacl.clone());
        assert_eq!((set[3], has_same_dacl(&set, &dacl)), (dacl[3] | 0x01, true));
    }
}
