//! The user's terminal: raw while a container's terminal is shown on it, and as it was before on
//! every way out; and the keys that leave the container to itself.

use std::os::fd::{AsFd, OwnedFd};

use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};

/// Rows and columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Lines of text.
    pub rows: u16,
    /// Characters in a line.
    pub columns: u16,
}

/// The size of the terminal behind a descriptor, if there is one and it has a size.
pub fn size(fd: impl AsFd) -> Option<Size> {
    let size = tcgetwinsize(fd).ok()?;
    let known = size.ws_row != 0 && size.ws_col != 0;
    known.then_some(Size { rows: size.ws_row, columns: size.ws_col })
}

/// Whether a descriptor is a terminal's.
pub fn is_terminal(fd: impl AsFd) -> bool {
    isatty(fd)
}

/// A terminal in raw mode; dropped, it is as it was.
#[derive(Debug)]
pub struct Raw {
    terminal: OwnedFd,
    before: Termios,
}

impl Raw {
    /// Makes the terminal behind `fd` raw; none if it is no terminal.
    ///
    /// # Errors
    /// When its mode cannot be read or set.
    pub fn enter(fd: impl AsFd) -> std::io::Result<Option<Self>> {
        if !isatty(&fd) {
            return Ok(None);
        }
        let before = tcgetattr(&fd)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(&fd, OptionalActions::Now, &raw)?;
        Ok(Some(Self { terminal: fd.as_fd().try_clone_to_owned()?, before }))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // With the terminal gone there is nothing to put right.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}

/// Keys that mean "leave it running": `ctrl-p,ctrl-q`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetachKeys(Vec<u8>);

/// No such keys. The words are dockerd's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid detach keys ({0}) provided")]
pub struct BadKeys(pub String);

impl Default for DetachKeys {
    fn default() -> Self {
        Self(vec![0x10, 0x11])
    }
}

impl std::str::FromStr for DetachKeys {
    type Err = BadKeys;

    /// Keys with commas between them: letters and other characters as they are, and `ctrl-` with
    /// one of `a` to `z`, `@[\]^_` (moby/term, ascii.go `ToBytes`).
    fn from_str(text: &str) -> Result<Self, BadKeys> {
        let bad = || BadKeys(text.to_owned());
        let key = |word: &str| match word.as_bytes() {
            [byte] => Ok(*byte),
            _ => match word.strip_prefix("ctrl-").map(str::as_bytes) {
                Some([letter @ b'a'..=b'z']) => Ok(letter - b'a' + 1),
                Some([b'@']) => Ok(0),
                Some([sign @ b'['..=b'_']) => Ok(sign - b'[' + 27),
                _ => Err(bad()),
            },
        };
        text.split(',').map(key).collect::<Result<_, _>>().map(Self)
    }
}

/// Looks for the keys in what is typed.
#[derive(Debug)]
pub(crate) struct Watch {
    keys: Vec<u8>,
    /// How many of them have been typed; they are held back.
    seen: usize,
}

impl Watch {
    pub fn new(keys: &DetachKeys) -> Self {
        Self { keys: keys.0.clone(), seen: 0 }
    }

    /// What of the typed bytes is to be passed on, and whether the keys are complete: what follows
    /// them is dropped.
    pub fn pass(&mut self, typed: &[u8]) -> (Vec<u8>, bool) {
        let mut passed = Vec::with_capacity(typed.len());
        for &byte in typed {
            if self.keys.get(self.seen) == Some(&byte) {
                self.seen += 1;
                if self.seen == self.keys.len() {
                    return (passed, true);
                }
                continue;
            }
            passed.extend_from_slice(&self.keys[..self.seen]);
            self.seen = usize::from(self.keys.first() == Some(&byte));
            if self.seen == 0 {
                passed.push(byte);
            }
        }
        (passed, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_letters_and_controls() {
        assert_eq!("ctrl-p,ctrl-q".parse(), Ok(DetachKeys::default()));
        assert_eq!("a,ctrl-@,ctrl-[,ctrl-_".parse(), Ok(DetachKeys(vec![b'a', 0, 27, 31])));
        let words = "ctrl-bogus".parse::<DetachKeys>().expect_err("no key").to_string();
        assert_eq!(words, "Invalid detach keys (ctrl-bogus) provided");
        assert!("".parse::<DetachKeys>().is_err());
    }

    #[test]
    fn half_of_the_keys_is_typed_text() {
        let mut watch = Watch::new(&DetachKeys::default());
        assert_eq!(watch.pass(b"ab"), (b"ab".to_vec(), false));
        assert_eq!(watch.pass(b"\x10"), (vec![], false));
        assert_eq!(watch.pass(b"x"), (b"\x10x".to_vec(), false));
        assert_eq!(watch.pass(b"\x10\x10"), (vec![0x10], false));
        assert_eq!(watch.pass(b"\x11rest"), (vec![], true));
    }

    #[test]
    fn what_is_no_terminal_is_left_alone() {
        let (read, _write) = std::io::pipe().expect("a pipe");
        assert!(Raw::enter(&read).expect("no error").is_none());
        assert_eq!((size(&read), is_terminal(&read)), (None, false));
    }
}
