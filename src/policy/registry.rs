//! Group policy on Windows: values below `HKLM\Software\Policies\kubekey`, which only administrators can write.

use std::fmt;
use std::rc::Rc;

use windows_registry::{LOCAL_MACHINE, Type, Value};

use super::error::unusable;
use super::managed::Managed;
use crate::config::windows_variables;
use crate::error::Result;

const PATH: &str = r"Software\Policies\kubekey";

/// `ERROR_FILE_NOT_FOUND` as an HRESULT.
const NOT_FOUND: i32 = 0x8007_0002_u32 as i32;

/// The path of the key, for messages, and its values; no values if there is no such key.
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
    // The unnamed value of a key is not a setting.
    let values = values.filter(|(name, _)| !name.is_empty()).map(|(value_name, value)| {
        let managed = read_value(value).map_err(|why| refused(&format_args!("{value_name}: {why}")))?;
        Ok((value_name, managed))
    });
    Ok((name.clone(), values.collect::<Result<_>>()?))
}

/// The value, with the folders in it where its type asks for that.
fn read_value(value: Value) -> std::result::Result<Managed, String> {
    let managed = match value.ty() {
        Type::U32 | Type::U64 => u64::try_from(value).map(Managed::Number),
        Type::String => String::try_from(value).map(Managed::Text),
        Type::ExpandString => match String::try_from(value) {
            Ok(text) => return windows_variables::expanded(&text, folder).map(Managed::Text),
            Err(error) => Err(error),
        },
        Type::MultiString => Vec::try_from(value).map(Managed::Texts),
        _ => Ok(Managed::Other),
    };
    Ok(managed.unwrap_or(Managed::Other))
}

fn folder(name: &str) -> Option<String> {
    crate::windows::folders::of_variable(name)?.into_os_string().into_string().ok()
}
