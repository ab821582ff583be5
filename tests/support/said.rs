//! What the program said in all tests, for `messages`: it lists the messages that no test provokes.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex};

/// Names the folder, which gets a file for each process of tests.
pub const SAID: &str = "SAID";

/// Stands between two texts.
pub const END: char = '\0';

static FILE: LazyLock<Option<Mutex<File>>> = LazyLock::new(|| {
    let folder = PathBuf::from(std::env::var_os(SAID)?);
    fs::create_dir_all(&folder).expect("a folder");
    Some(Mutex::new(File::create(folder.join(std::process::id().to_string())).expect("a file of ours")))
});

/// Notes a text that a user has read.
pub fn note(text: &[u8]) {
    if let Some(file) = &*FILE {
        let text = [text, END.to_string().as_bytes()].concat();
        file.lock().expect("the file").write_all(&text).expect("a file of ours");
    }
}
