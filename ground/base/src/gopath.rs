//! Paths as Go's `path/filepath` treats them, on bytes: names in archives need not be UTF-8.

/// Go's `filepath.Clean`: no empty or `.` elements, `..` taken away with the name before it,
/// no slash at the end. Nothing is `.`; a leading `..` stays unless the path is absolute.
pub fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.first() == Some(&b'/');
    let mut kept: Vec<&[u8]> = Vec::new();
    for element in path.split(|byte| *byte == b'/') {
        match element {
            b"" | b"." => {}
            b".." => match kept.last() {
                Some(&last) if last != b".." => drop(kept.pop()),
                _ if rooted => {}
                _ => kept.push(element),
            },
            _ => kept.push(element),
        }
    }
    let mut cleaned = if rooted { b"/".to_vec() } else { Vec::with_capacity(path.len().max(1)) };
    cleaned.extend(kept.join(&b'/'));
    if cleaned.is_empty() {
        cleaned.push(b'.');
    }
    cleaned
}

/// The path from the root of a tree to what `path` names in it: [`clean`] of `/` and the path,
/// without the slash in front. The root itself is empty; `..` never leads out of it.
pub fn in_root(path: &[u8]) -> Vec<u8> {
    let mut rooted = Vec::with_capacity(path.len() + 1);
    rooted.push(b'/');
    rooted.extend_from_slice(path);
    let mut cleaned = clean(&rooted);
    cleaned.remove(0);
    cleaned
}

/// A cleaned path's directory and last element; the directory of a single name is empty.
pub fn split(cleaned: &[u8]) -> (&[u8], &[u8]) {
    match cleaned.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&cleaned[..slash], &cleaned[slash + 1..]),
        None => (b"", cleaned),
    }
}

/// Go's `%q`: in double quotes, what cannot be printed as Go's escapes, bytes that are not
/// UTF-8 as `\xNN`.
pub fn quote(text: &[u8]) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for chunk in text.utf8_chunks() {
        chunk.valid().chars().for_each(|character| quote_char(character, &mut quoted));
        for byte in chunk.invalid() {
            quoted.push_str(&format!("\\x{byte:02x}"));
        }
    }
    quoted.push('"');
    quoted
}

fn quote_char(character: char, to: &mut String) {
    let short = match character {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\u{7}' => "\\a",
        '\u{8}' => "\\b",
        '\u{c}' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\u{b}' => "\\v",
        _ => "",
    };
    let code = u32::from(character);
    if !short.is_empty() {
        to.push_str(short);
    } else if code < 0x20 || code == 0x7f {
        to.push_str(&format!("\\x{code:02x}"));
    } else if character == ' ' || !(character.is_control() || character.is_whitespace()) {
        to.push(character);
    } else if code < 0x1_0000 {
        to.push_str(&format!("\\u{code:04x}"));
    } else {
        to.push_str(&format!("\\U{code:08x}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleaned_as_go_cleans() {
        let cases: [(&str, &str); 14] = [
            ("", "."),
            ("./", "."),
            ("./a", "a"),
            ("a/", "a"),
            ("a//b/./c", "a/b/c"),
            ("a/../b", "b"),
            ("a/..", "."),
            ("../a", "../a"),
            ("a/../../b", "../b"),
            ("../..", "../.."),
            ("/", "/"),
            ("/..", "/"),
            ("/../a", "/a"),
            ("//a", "/a"),
        ];
        for (path, cleaned) in cases {
            assert_eq!(clean(path.as_bytes()), cleaned.as_bytes(), "{path:?}");
        }
    }

    #[test]
    fn nothing_leads_out_of_a_root() {
        for (path, inside) in [("../../etc/x", "etc/x"), ("/a/./b", "a/b"), ("..", ""), ("./", ""), ("a/../..", "")] {
            assert_eq!(in_root(path.as_bytes()), inside.as_bytes(), "{path:?}");
        }
    }

    #[test]
    fn quoted_as_go_quotes() {
        assert_eq!(quote(b"a\"b\\\n\x01\x7f\xe9"), r#""a\"b\\\n\x01\x7f\xe9""#);
        assert_eq!(quote("é\u{a0}\u{2028}".as_bytes()), "\"é\\u00a0\\u2028\"");
    }
}
