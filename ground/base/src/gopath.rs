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

/// Go's `path.Match`: `*` and `?` stop at a slash, `[a-z]` and `[^a-z]` are classes, `\\` takes the
/// next character as it is. A pattern that is none matches nothing.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    matches_from(&pattern, &text)
}

fn matches_from(pattern: &[char], text: &[char]) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    // Where the last star stands, and what it has taken so far: it alone is tried again.
    let mut star: Option<(&[char], &[char])> = None;
    loop {
        if let Some((&'*', rest)) = pattern.split_first() {
            star = Some((rest, text));
            pattern = rest;
            continue;
        }
        match (one(pattern, text.first()), text.split_first()) {
            (Some(rest), Some((_, left))) => (pattern, text) = (rest, left),
            _ if pattern.is_empty() && text.is_empty() => return true,
            _ => match star {
                Some((after, [taken, left @ ..])) if *taken != '/' => {
                    star = Some((after, left));
                    (pattern, text) = (after, left);
                }
                _ => return false,
            },
        }
    }
}

/// What is left of a pattern after its first element took this letter.
fn one<'p>(pattern: &'p [char], letter: Option<&char>) -> Option<&'p [char]> {
    let letter = *letter?;
    match pattern {
        ['?', rest @ ..] if letter != '/' => Some(rest),
        ['\\', plain, rest @ ..] if *plain == letter => Some(rest),
        ['[', class @ ..] if letter != '/' => {
            let (not, class) = class.strip_prefix(&['^']).map_or((false, class), |class| (true, class));
            let end = class.iter().skip(1).position(|end| *end == ']')? + 1;
            let (class, rest) = (&class[..end], &class[end + 1..]);
            (in_class(class, letter) != not).then_some(rest)
        }
        [plain, rest @ ..] if !matches!(plain, '?' | '[' | '\\') && *plain == letter => Some(rest),
        _ => None,
    }
}

fn in_class(class: &[char], letter: char) -> bool {
    match class {
        [low, '-', high, rest @ ..] => (*low..=*high).contains(&letter) || in_class(rest, letter),
        [plain, rest @ ..] => *plain == letter || in_class(rest, letter),
        [] => false,
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

    #[test]
    fn patterns_match_as_go_s_do() {
        let yes = [
            ("a*", "abc"),
            ("a*c", "abbc"),
            ("*", ""),
            ("a?c", "abc"),
            ("[a-c]x", "bx"),
            ("[^a]x", "bx"),
            ("a\\*", "a*"),
            ("*/b", "a/b"),
        ];
        let no = [("a*", "a/b"), ("?", "/"), ("a", "ab"), ("ab", "a"), ("[a-c]x", "dx"), ("[", "["), ("a*c", "abcd")];
        for (pattern, text) in yes {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in no {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
