//! Go's words: its error texts begin in lower case and have no number, its quotes are its own.

use std::{fmt::Write as _, io};

/// `no such file or directory`, as Go's `syscall.Errno` says it.
pub(crate) fn go_text(error: &io::Error) -> String {
    let text = error.to_string();
    let plain = text.split(" (os error ").next().unwrap_or(&text);
    let mut letters = plain.chars();
    // `RFS specific error` and its like keep their capitals; the common ones have only one.
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// Go's `strconv.Quote`.
pub(crate) fn go_quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            c if c < ' ' || c == '\u{7f}' => write!(quoted, "\\x{:02x}", u32::from(c)).expect("a string takes all"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_numbers_are_in_gos_words() {
        let text = |number| go_text(&io::Error::from_raw_os_error(number));
        assert_eq!(text(libc::ENOENT), "no such file or directory");
        assert_eq!(text(libc::ELOOP), "too many levels of symbolic links");
        assert_eq!(text(libc::ENOEXEC), "exec format error");
    }

    #[test]
    fn quotes_are_gos() {
        assert_eq!(go_quote("a\"b\\c\n\u{1}é"), "\"a\\\"b\\\\c\\n\\x01é\"");
    }
}
