//! Group policy on Windows: values below `HKLM\Software\Policies\kubekey`, which only administrators can write.

use std::fmt;
use std::rc::Rc;

use windows_registry::{LOCAL_MACHINE, Type};

use super::source::Managed;
use super::unusable;
use crate::error::Result;

const PATH: &str = r"Software\Policies\kubekey";

/// `ERROR_FILE_NOT_FOUND` as an HRESULT.
const NOT_FOUND: i32 = 0x8007_0002_u32 as i32;

/// What is there, and how it is called; nothing where there is no such key.
///
/// # Errors
/// [`crate::error::ErrorKind::Policy`] if it cannot be read.
pub fn read() -> Result<(Rc<str>, Vec<(String, Managed)>)> {
    let name: Rc<str> = format!(r"HKLM\{PATH}").into();
    let refused = |error: &dyn fmt::Display| unusable(&format!("{name}: {error}"));
    let key = match LOCAL_MACHINE.open(PATH) {
        Err(error) if error.code().0 == NOT_FOUND => return Ok((name, Vec::new())),
        key => key.map_err(|error| refused(&error))?,
    };
    let values = key.values().map_err(|error| refused(&error))?;
    // The unnamed value of a key means nothing.
    let values = values.filter(|(name, _)| !name.is_empty()).map(|(name, value)| {
        let managed = match value.ty() {
            Type::U32 | Type::U64 => u64::try_from(value).map(Managed::Number),
            Type::String | Type::ExpandString => String::try_from(value).map(Managed::Text),
            Type::MultiString => Vec::try_from(value).map(Managed::Texts),
            _ => Ok(Managed::Other),
        };
        (name, managed.unwrap_or(Managed::Other))
    });
    Ok((name.clone(), values.collect()))
}
