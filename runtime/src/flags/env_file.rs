//! `--env-file` and `--label-file`: a variable or a label on each line.
//!
//! docker/cli 20.10, opts/file.go `parseKeyValueFile`.

use std::path::Path;

use super::values::BadValue;

/// Reads such a file. A line without `=` is passed on if `value_of` has a value for it.
///
/// # Errors
/// In the words of docker's client.
pub fn read(path: &Path, value_of: &dyn Fn(&str) -> Option<String>) -> Result<Vec<String>, BadValue> {
    let bytes = std::fs::read(path).map_err(|error| {
        let text = error.to_string();
        let why = text.split(" (os error").next().unwrap_or_default().to_lowercase();
        BadValue(format!("open {}: {why}", path.display()))
    })?;
    parse(&path.display().to_string(), &bytes, value_of)
}

fn parse(name: &str, bytes: &[u8], value_of: &dyn Fn(&str) -> Option<String>) -> Result<Vec<String>, BadValue> {
    let mut found = Vec::new();
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Ok(line) = std::str::from_utf8(line) else {
            let numbers: Vec<String> = line.iter().map(u8::to_string).collect();
            let words = format!("contains invalid utf8 bytes at line {}: [{}]", at + 1, numbers.join(" "));
            return Err(BadValue(format!("env file {name} {words}")));
        };
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let bad = |words: String| Err(BadValue(format!("poorly formatted environment: {words}")));
        let key = line.split('=').next().unwrap_or_default().trim_start();
        if key.contains([' ', '\t']) {
            return bad(format!("variable '{key}' contains whitespaces"));
        }
        if key.is_empty() {
            return bad(format!("no variable name on line '{line}'"));
        }
        match line.split_once('=') {
            Some((_, value)) => found.push(format!("{key}={value}")),
            None => found.extend(value_of(line).map(|value| format!("{}={value}", line.trim()))),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &[u8]) -> Result<Vec<String>, String> {
        let ours = |name: &str| (name == "OURS").then(|| "1".to_owned());
        parse("f", text, &ours).map_err(|bad| bad.0)
    }

    #[test]
    fn comments_are_skipped_and_values_are_taken_as_they_are() {
        let text = b"\xef\xbb\xbf# all\n  A=1 \n\nB=x=y\r\nOURS\nTHEIRS\n";
        assert_eq!(parsed(text).expect("variables"), ["A=1 ", "B=x=y", "OURS=1"]);
    }

    #[test]
    fn what_is_no_variable_is_refused_in_dockers_words() {
        assert_eq!(parsed(b"a b=1").unwrap_err(), "poorly formatted environment: variable 'a b' contains whitespaces");
        assert_eq!(parsed(b"=1").unwrap_err(), "poorly formatted environment: no variable name on line '=1'");
        assert_eq!(parsed(b"\nA=\xff").unwrap_err(), "env file f contains invalid utf8 bytes at line 2: [65 61 255]");
    }
}
