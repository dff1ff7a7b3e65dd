//! Words of an instruction: quotes, backslashes and variables.

use super::{BadChange, Result};
use crate::config::Config;

/// The words of a text, without quotes and backslashes.
pub(super) fn words(text: &str) -> Result<Vec<String>> {
    raw_words(text)?.iter().map(|word| unquote(word)).collect()
}

/// Words between blanks, quotes and backslashes still in them.
pub(super) fn raw_words(text: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            ('\\', None | Some('"')) => {
                word.push(character);
                word.extend(characters.next());
            }
            (blank, None) if blank.is_whitespace() => {
                if !word.is_empty() {
                    found.push(std::mem::take(&mut word));
                }
            }
            (mark @ ('"' | '\''), None) => {
                quote = Some(mark);
                word.push(mark);
            }
            (mark, open) => {
                if open == Some(mark) {
                    quote = None;
                }
                word.push(mark);
            }
        }
    }
    if quote.is_some() {
        return Err(BadChange::Quote(text.to_owned()));
    }
    found.extend(Some(word).filter(|word| !word.is_empty()));
    Ok(found)
}

/// A word without its quotes and backslashes.
pub(super) fn unquote(word: &str) -> Result<String> {
    let mut plain = String::with_capacity(word.len());
    let mut quote = None;
    let mut characters = word.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            ('\\', None) => plain.extend(characters.next()),
            ('\\', Some('"')) => match characters.next() {
                Some(escaped @ ('"' | '$' | '\\')) => plain.push(escaped),
                other => {
                    plain.push('\\');
                    plain.extend(other);
                }
            },
            (mark @ ('"' | '\''), None) => quote = Some(mark),
            (mark, Some(open)) if mark == open => quote = None,
            (other, _) => plain.push(other),
        }
    }
    if quote.is_some() { Err(BadChange::Quote(word.to_owned())) } else { Ok(plain) }
}

/// The text with variables put in, outside single quotes.
pub(super) fn expand(text: &str, config: &Config) -> Result<String> {
    let mut expanded = String::with_capacity(text.len());
    let mut single = false;
    let mut double = false;
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        match character {
            '\\' if !single => {
                expanded.push('\\');
                if let Some(next) = rest.chars().next() {
                    expanded.push(next);
                    rest = &rest[next.len_utf8()..];
                }
            }
            '$' if !single => {
                let (name, after) = variable(rest).ok_or_else(|| BadChange::Variable(text.to_owned()))?;
                let env = config.env.iter().flatten().rev().filter_map(|line| line.split_once('='));
                let value = env.into_iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value);
                // What is put in is a value, no more syntax.
                let literal = value.chars().flat_map(|part| {
                    let special =
                        matches!(part, '"' | '\\' | '$') || (!double && (part == '\'' || part.is_whitespace()));
                    special.then_some('\\').into_iter().chain([part])
                });
                expanded.extend(literal);
                rest = after;
            }
            mark => {
                single ^= mark == '\'' && !double;
                double ^= mark == '"' && !single;
                expanded.push(mark);
            }
        }
    }
    Ok(expanded)
}

/// A variable's name after its `$`, and what follows.
fn variable(text: &str) -> Option<(&str, &str)> {
    let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    match text.strip_prefix('{') {
        Some(inner) => inner.split_once('}').filter(|(name, _)| !name.is_empty() && name.chars().all(is_name)),
        None => {
            let end = text.find(|character| !is_name(character)).unwrap_or(text.len());
            (end > 0).then(|| text.split_at(end))
        }
    }
}
