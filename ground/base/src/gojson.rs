//! JSON as Go's encoding/json writes it, so that files we write compare equal to dockerd's.
//!
//! Compact, `<`, `>`, `&`, U+2028 and U+2029 escaped, control characters as `\u00xx` (20.10 is
//! built with a Go that writes backspace and form feed so, too). Key order is the value's own.

use std::io;

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter};

/// Go's escapes for serde_json.
#[derive(Debug, Clone, Copy, Default)]
struct Go;

impl Formatter for Go {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, to: &mut W, text: &str) -> io::Result<()> {
        let mut rest = text;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (plain, found) = rest.split_at(at);
            let escaped = found.chars().next().expect("find returned where it stands");
            to.write_all(plain.as_bytes())?;
            write!(to, "\\u{:04x}", u32::from(escaped))?;
            rest = &found[escaped.len_utf8()..];
        }
        to.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: ?Sized + io::Write>(&mut self, to: &mut W, escape: CharEscape) -> io::Result<()> {
        let short = match escape {
            CharEscape::Quote => "\\\"",
            CharEscape::ReverseSolidus => "\\\\",
            CharEscape::LineFeed => "\\n",
            CharEscape::CarriageReturn => "\\r",
            CharEscape::Tab => "\\t",
            CharEscape::Solidus => "/",
            CharEscape::Backspace => "\\u0008",
            CharEscape::FormFeed => "\\u000c",
            CharEscape::AsciiControl(byte) => return write!(to, "\\u{byte:04x}"),
        };
        to.write_all(short.as_bytes())
    }
}

/// The value as Go's `json.Marshal` gives it.
///
/// # Errors
/// As serde_json: a map whose keys are not strings, or a `Serialize` that fails.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(256);
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Go))?;
    Ok(bytes)
}

/// The value as Go's `json.Encoder` writes it: [`to_vec`] and a newline.
///
/// # Errors
/// As [`to_vec`].
pub fn to_line<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Vec<u8>> {
    let mut bytes = to_vec(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// [`to_vec`] as text.
///
/// # Errors
/// As [`to_vec`].
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<String> {
    to_vec(value).map(|bytes| String::from_utf8(bytes).expect("JSON is UTF-8"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn gos_escapes() {
        let text = "<a>&\u{2028}\u{2029}\"\\\n\r\t\u{8}\u{c}\u{1}\u{7f}é";
        let go = r#""\u003ca\u003e\u0026\u2028\u2029\"\\\n\r\t\u0008\u000c\u0001"#.to_owned() + "\u{7f}é\"";
        assert_eq!(super::to_string(text).expect("a string is JSON"), go);
    }

    #[test]
    fn a_line_ends_with_a_newline() {
        assert_eq!(super::to_line(&[1]).expect("an array is JSON"), b"[1]\n");
    }
}
