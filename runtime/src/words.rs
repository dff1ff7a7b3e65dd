//! Errors in words: a chain of causes in one line, and dockerd's sentences around an error.

use std::{error::Error, fmt};

/// `cannot do it: because of this: because of that`
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        // A transparent error shows its cause's words as its own.
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

/// A sentence of dockerd's that has the reason in it: `Cannot kill container: web: …`. What caused
/// the reason is the sentence's cause.
#[derive(Debug)]
pub struct Sentence<E> {
    begin: String,
    reason: Box<E>,
}

impl<E> Sentence<E> {
    pub(crate) fn new(begin: impl Into<String>, reason: E) -> Self {
        Self { begin: begin.into(), reason: Box::new(reason) }
    }

    /// The reason.
    pub fn reason(&self) -> &E {
        &self.reason
    }
}

impl<E: Error> fmt::Display for Sentence<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.begin, self.reason)
    }
}

impl<E: Error> Error for Sentence<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.reason.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the outer")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn a_sentence_has_its_reason_once_and_the_reasons_cause_as_its_own() {
        let sentence = Sentence::new("Cannot do it", Outer(std::io::Error::other("the inner")));
        assert_eq!(sentence.to_string(), "Cannot do it: the outer");
        assert_eq!(chain(&sentence), "Cannot do it: the outer: the inner");
    }
}
