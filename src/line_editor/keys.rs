//! The keys of a terminal, from the bytes that it sends.

use nix::sys::signal::Signal;
use rustix::io::Errno;

/// What a person can do with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Char(char),
    Enter,
    Tab,
    Left,
    Right,
    Up,
    First,
    Last,
    Backspace,
    Delete,
    EraseBefore,
    EraseAfter,
    EraseWord,
    /// Ctrl-D: the end of the input, or within a line the same as [`Key::Delete`].
    End,
    Signal(Signal),
    Nothing,
}

/// Reads keys, byte by byte: what is typed ahead belongs to the next question.
#[derive(Default)]
pub struct Keys {
    ahead: Option<u8>,
}

impl Keys {
    /// The next key; `None` if the terminal is gone.
    pub fn next(&mut self) -> Option<Key> {
        Some(match self.byte()? {
            b'\r' | b'\n' => Key::Enter,
            b'\t' => Key::Tab,
            0x01 => Key::First,
            0x02 => Key::Left,
            0x03 => Key::Signal(Signal::SIGINT),
            0x04 => Key::End,
            0x05 => Key::Last,
            0x06 => Key::Right,
            0x08 | 0x7f => Key::Backspace,
            0x0b => Key::EraseAfter,
            0x15 => Key::EraseBefore,
            0x17 => Key::EraseWord,
            0x1a => Key::Signal(Signal::SIGTSTP),
            0x1b => self.escaped()?,
            0x1c => Key::Signal(Signal::SIGQUIT),
            byte if byte.is_ascii_control() => Key::Nothing,
            byte => self.character(byte)?,
        })
    }

    /// The keys of a terminal that send no character (ECMA-48 §5.4, and xterm's for the application mode).
    fn escaped(&mut self) -> Option<Key> {
        let kind = self.byte()?;
        if !b"[O".contains(&kind) {
            self.ahead = Some(kind);
            return Some(Key::Nothing);
        }
        let mut parameters = Vec::new();
        let last = loop {
            match self.byte()? {
                byte @ 0x20..=0x3f if kind == b'[' => parameters.push(byte),
                byte => break byte,
            }
        };
        Some(match (last, &*parameters) {
            (b'A', _) => Key::Up,
            (b'D', _) => Key::Left,
            (b'C', _) => Key::Right,
            (b'H', _) | (b'~', b"1" | b"7") => Key::First,
            (b'F', _) | (b'~', b"4" | b"8") => Key::Last,
            (b'~', b"3") => Key::Delete,
            _ => Key::Nothing,
        })
    }

    fn character(&mut self, first: u8) -> Option<Key> {
        let length = match first {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xff => 4,
            _ => 1,
        };
        let mut bytes = vec![first];
        while bytes.len() < length {
            let byte = self.byte()?;
            if !(0x80..0xc0).contains(&byte) {
                self.ahead = Some(byte);
                break;
            }
            bytes.push(byte);
        }
        let character = std::str::from_utf8(&bytes).ok().and_then(|text| text.chars().next());
        Some(character.filter(|character| !character.is_control()).map_or(Key::Nothing, Key::Char))
    }

    fn byte(&mut self) -> Option<u8> {
        if let Some(byte) = self.ahead.take() {
            return Some(byte);
        }
        let mut byte = [0];
        loop {
            match rustix::io::read(rustix::stdio::stdin(), &mut byte) {
                Err(Errno::INTR) => {}
                Ok(1) => return Some(byte[0]),
                _ => return None,
            }
        }
    }
}
