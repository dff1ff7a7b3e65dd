//! How a flag's value is read, and what is said of one that cannot be.

use runtime::flags::values::{BadValue, Parsed};

use crate::failure::{BEFORE_THE_CONTAINER, Failure};

/// What docker's flag parser says of a value: `flag` with its short name, `m, --memory`.
pub fn bad(flag: &str, text: &str, why: &str) -> Failure {
    let dashes = if flag.len() > 1 && flag.as_bytes()[1] == b',' { "-" } else { "--" };
    Failure::words(format!("invalid argument {text:?} for \"{dashes}{flag}\" flag: {why}"))
        .with_code(BEFORE_THE_CONTAINER)
}

/// What docker's client says of flags that it could parse and makes no sense of (docker/cli 20.10,
/// run.go `reportError`).
pub fn words(text: String) -> Failure {
    Failure::words(format!("docker: {text}"))
        .ended_with_a_stop()
        .and_line("See 'minidock run --help'.")
        .with_code(BEFORE_THE_CONTAINER)
}

/// Reads a value that was given.
pub fn put<T>(flag: &str, text: Option<String>, to: &mut T, read: fn(&str) -> Parsed<T>) -> Result<(), Failure> {
    if let Some(text) = text {
        *to = read(&text).map_err(|error| bad(flag, &text, &error.0))?;
    }
    Ok(())
}

/// Reads each of several.
pub fn all<T>(flag: &str, texts: &[String], read: fn(&str) -> Parsed<T>) -> Result<Vec<T>, Failure> {
    texts.iter().map(|text| read(text).map_err(|error| bad(flag, text, &error.0))).collect()
}

/// A list as Go keeps it: none is null.
pub fn listed<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

/// `64m`
pub fn size(text: &str) -> Parsed<i64> {
    base::units::ram_in_bytes(text).ok_or_else(|| BadValue(format!("invalid size: '{text}'")))
}

/// `64m`, or `-1` for no limit.
pub fn size_or_unlimited(text: &str) -> Parsed<i64> {
    if text == "-1" { Ok(-1) } else { size(text) }
}

/// A whole number.
pub fn int(text: &str) -> Parsed<i64> {
    text.parse().map_err(|_| BadValue(format!("strconv.ParseInt: parsing {text:?}: invalid syntax")))
}

/// A whole number of 16 bits.
pub fn small(text: &str) -> Parsed<u16> {
    text.parse().map_err(|_| BadValue(format!("strconv.ParseUint: parsing {text:?}: invalid syntax")))
}

/// Processors in billionths: `1.5` is 1,500,000,000.
pub fn nano_cpus(text: &str) -> Parsed<i64> {
    let parsed = text.parse::<f64>().ok().filter(|cpus| cpus.is_finite() && (0.0..1e9).contains(cpus));
    match parsed {
        Some(cpus) => Ok((cpus * 1e9).round() as i64),
        None => Err(BadValue(format!("failed to parse {text} as a rational number"))),
    }
}
