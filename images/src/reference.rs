//! What users call an image: `name[:tag][@digest]`, by Docker's rules.
//!
//! On top of the grammar (`grammar`) stand Docker's extra rules: 64 hex digits are an id and never a name, `docker.io/library/` is
//! not said aloud, and a name may come without a tag. moby 20.10, vendored
//! docker/distribution/reference/normalize.go.

use std::{fmt, str::FromStr};

use base::{Digest, ImageId};

use crate::grammar;

const HUB: &str = "docker.io";
const OLD_HUB: &str = "index.docker.io";
const OFFICIAL: &str = "library/";
const DEFAULT_TAG: &str = "latest";
const LONGEST_NAME: usize = 255;

/// A text that names no image. The sentences are dockerd's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadReference {
    /// It does not follow the grammar.
    #[error("invalid reference format")]
    Format,
    /// The name has capital letters.
    #[error("invalid reference format: repository name must be lowercase")]
    Uppercase,
    /// The name could be an id.
    #[error("invalid repository name ({0}), cannot specify 64-byte hexadecimal strings")]
    Id(String),
    /// The name is longer than 255 bytes.
    #[error("repository name must not be more than {LONGEST_NAME} characters")]
    TooLong,
    /// What follows `@` is no digest.
    #[error("{0}")]
    Digest(&'static str),
}

/// A repository's name with, perhaps, a tag and a digest. Ordered as dockerd orders them, by the
/// full text. `Display` is the familiar form, [`Reference::full`] the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    domain: String,
    path: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl FromStr for Reference {
    type Err = BadReference;

    /// normalize.go `ParseNormalizedNamed`.
    fn from_str(text: &str) -> Result<Self, BadReference> {
        if Digest::from_hex(text).is_ok() {
            return Err(BadReference::Id(text.to_owned()));
        }
        let (domain, remainder) = split_domain(text);
        let name = remainder.split(':').next().unwrap_or(remainder.as_str());
        if name.to_lowercase() != name {
            return Err(BadReference::Uppercase);
        }
        let pieces = grammar::read(domain, &remainder)?;
        let read = Self {
            domain: domain.to_owned(),
            path: pieces.path.to_owned(),
            tag: pieces.tag.map(str::to_owned),
            digest: pieces.digest.map(str::to_owned),
        };
        if read.full_name().len() > LONGEST_NAME {
            return Err(BadReference::TooLong);
        }
        read.digest.as_deref().map_or(Ok(()), grammar::check_digest)?;
        Ok(read)
    }
}

/// normalize.go `splitDockerDomain`: what stands before the first slash is a registry if it has
/// a dot or a colon or is `localhost`.
fn split_domain(text: &str) -> (&str, String) {
    let (domain, remainder) = match text.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
        _ => (HUB, text),
    };
    let domain = if domain == OLD_HUB { HUB } else { domain };
    let official = domain == HUB && !remainder.contains('/');
    (domain, if official { format!("{OFFICIAL}{remainder}") } else { remainder.to_owned() })
}

impl Reference {
    /// The repository alone, as users see it: `busybox`, `localhost:5000/x`.
    pub fn familiar_name(&self) -> String {
        match self.path.strip_prefix(OFFICIAL) {
            Some(name) if self.domain == HUB && !name.contains('/') => name.to_owned(),
            _ if self.domain == HUB => self.path.clone(),
            _ => self.full_name(),
        }
    }

    /// The repository with its registry: `docker.io/library/busybox`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.domain, self.path)
    }

    /// The whole with its registry, tag and digest.
    pub fn full(&self) -> String {
        self.full_name() + &self.suffix()
    }

    fn suffix(&self) -> String {
        let tag = self.tag.as_ref().map(|tag| format!(":{tag}"));
        let digest = self.digest.as_ref().map(|digest| format!("@{digest}"));
        [tag, digest].into_iter().flatten().collect()
    }

    /// The tag, if one is named.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest of a manifest, if one is named.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// Whether neither tag nor digest is named.
    pub fn is_name_only(&self) -> bool {
        self.tag.is_none() && self.digest.is_none()
    }

    /// The same, with `latest` if it is a name only (normalize.go `TagNameOnly`).
    #[must_use]
    pub fn or_latest(mut self) -> Self {
        if self.is_name_only() {
            self.tag = Some(DEFAULT_TAG.to_owned());
        }
        self
    }

    /// As it is stored: a digest makes the tag beside it void (moby reference/store.go
    /// `favorDigest`), and a name alone means `latest`.
    #[must_use]
    pub(crate) fn stored(mut self) -> Self {
        if self.digest.is_some() {
            self.tag = None;
        }
        self.or_latest()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.familiar_name())?;
        f.write_str(&self.suffix())
    }
}

impl Ord for Reference {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.full().cmp(&other.full())
    }
}

impl PartialOrd for Reference {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// What a user may type where an image is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A whole id: 64 hex digits, with or without `sha256:`.
    Id(ImageId),
    /// A digest that no image of ours can have.
    ForeignDigest(String),
    /// A name, or the beginning of an id.
    Name(Reference),
}

impl FromStr for Wanted {
    type Err = BadReference;

    /// normalize.go `ParseAnyReference`.
    fn from_str(text: &str) -> Result<Self, BadReference> {
        if let Ok(digest) = Digest::from_hex(text).or_else(|_| text.parse()) {
            return Ok(Self::Id(ImageId::new(digest)));
        }
        if is_long_digest(text) {
            return Ok(Self::ForeignDigest(text.to_owned()));
        }
        text.parse().map(Self::Name)
    }
}

fn is_long_digest(text: &str) -> bool {
    let digits =
        |hex: &str, count| hex.len() == count && hex.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    match text.split_once(':') {
        Some(("sha384", hex)) => digits(hex, 96),
        Some(("sha512", hex)) => digits(hex, 128),
        _ => false,
    }
}

impl fmt::Display for Wanted {
    /// As in dockerd's `No such image: …`: a name without a tag is shown with `latest`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::ForeignDigest(text) => f.write_str(text),
            Self::Name(name) => name.clone().or_latest().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Reference, BadReference> {
        text.parse()
    }

    #[test]
    fn names_are_shown_as_people_know_them() {
        for (typed, shown, full) in [
            ("busybox", "busybox", "docker.io/library/busybox"),
            ("docker.io/library/q:1", "q:1", "docker.io/library/q:1"),
            ("index.docker.io/w", "w", "docker.io/library/w"),
            ("ok/x:y", "ok/x:y", "docker.io/ok/x:y"),
            ("library/a/b", "library/a/b", "docker.io/library/a/b"),
            ("localhost/z", "localhost/z", "localhost/z"),
            ("localhost:5000/h2/multi:x", "localhost:5000/h2/multi:x", "localhost:5000/h2/multi:x"),
            ("A.b/c", "A.b/c", "A.b/c"),
        ] {
            let read = parse(typed).expect(typed);
            assert_eq!((read.to_string().as_str(), read.full().as_str()), (shown, full), "{typed}");
        }
    }

    #[test]
    fn a_name_alone_means_latest_only_when_asked() {
        let name = parse("busybox").expect("a name");
        assert!(name.is_name_only());
        assert_eq!(name.or_latest().to_string(), "busybox:latest");
        let named_latest = parse("busybox:latest").expect("a name with a tag");
        assert_eq!(named_latest.tag(), Some("latest"));
    }

    #[test]
    fn dockerds_sentences_for_what_is_no_name() {
        let hex = "0".repeat(64);
        let long = "a".repeat(250);
        for (typed, sentence) in [
            ("UP", "invalid reference format: repository name must be lowercase"),
            ("", "invalid reference format"),
            (":x", "invalid reference format"),
            ("t:ä", "invalid reference format"),
            ("sv@sha256:12", "invalid reference format"),
            (&*format!("a:{}", "x".repeat(129)), "invalid reference format"),
            (&hex, &*format!("invalid repository name ({hex}), cannot specify 64-byte hexadecimal strings")),
            (&long, "repository name must not be more than 255 characters"),
            (&*format!("a@sha256:{}", "0".repeat(63)), "invalid checksum digest length"),
        ] {
            assert_eq!(parse(typed).map_err(|bad| bad.to_string()), Err(sentence.to_owned()), "{typed}");
        }
    }

    #[test]
    fn an_id_is_an_id_with_and_without_its_algorithm() {
        let hex = "ab".repeat(32);
        let id = Wanted::Id(format!("sha256:{hex}").parse().expect("an id"));
        assert_eq!(hex.parse(), Ok(id.clone()));
        assert_eq!(format!("sha256:{hex}").parse(), Ok(id));
        assert!(matches!("sha256:abc".parse(), Ok(Wanted::Name(_))), "a prefix may still be a name");
        assert!(matches!(format!("sha512:{hex}{hex}").parse(), Ok(Wanted::ForeignDigest(_))));
    }
}
