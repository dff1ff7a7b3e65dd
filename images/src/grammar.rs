//! The grammar of `domain/path[:tag][@digest]`, read letter by letter.
//!
//! moby 20.10, vendored docker/distribution/reference/regexp.go. Not a regular expression: building
//! the one that says all of this takes longer than all else that `create` does.

use crate::BadReference;

const LONGEST_TAG: usize = 128;
/// Fewer hex digits are no digest but a mistake in the grammar.
const SHORTEST_DIGEST: usize = 32;

/// The pieces behind the domain.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pieces<'a> {
    pub path: &'a str,
    pub tag: Option<&'a str>,
    pub digest: Option<&'a str>,
}

/// Reads what stands behind the domain, and looks whether the domain is one.
pub(crate) fn read<'a>(domain: &str, remainder: &'a str) -> Result<Pieces<'a>, BadReference> {
    let (named, digest) = cut(remainder, '@');
    let (path, tag) = cut(named, ':');
    let good = is_domain(domain)
        && path.split('/').all(is_path_component)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(is_digest);
    if good { Ok(Pieces { path, tag, digest }) } else { Err(BadReference::Format) }
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn is_domain(text: &str) -> bool {
    let (host, port) = cut(text, ':');
    let component = |text: &str| {
        let ends_well = |text: &str| !text.starts_with('-') && !text.ends_with('-');
        !text.is_empty()
            && ends_well(text)
            && text.bytes().all(|letter| letter.is_ascii_alphanumeric() || letter == b'-')
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|letter| letter.is_ascii_digit());
    host.split('.').all(component) && port.is_none_or(digits)
}

/// Lower-case words and numbers with one `.`, one or two `_` or any number of `-` between them.
fn is_path_component(text: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let mut separators = text.split(is_plain).filter(|between| !between.is_empty());
    text.starts_with(is_plain)
        && text.ends_with(is_plain)
        && separators.all(|between| matches!(between, "." | "_" | "__") || between.bytes().all(|letter| letter == b'-'))
}

fn is_tag(text: &str) -> bool {
    let is_word = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'_';
    let rest = |letter: u8| is_word(letter) || letter == b'.' || letter == b'-';
    text.len() <= LONGEST_TAG && text.bytes().next().is_some_and(is_word) && text.bytes().all(rest)
}

fn is_digest(text: &str) -> bool {
    let Some((algorithm, hex)) = text.split_once(':') else { return false };
    let word = |text: &str| {
        text.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && text.bytes().all(|letter| letter.is_ascii_alphanumeric())
    };
    algorithm.split(['-', '_', '+', '.']).all(word)
        && hex.len() >= SHORTEST_DIGEST
        && hex.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// vendored opencontainers/go-digest, digest.go `Validate`.
pub(crate) fn check_digest(digest: &str) -> Result<(), BadReference> {
    let (algorithm, hex) = digest.split_once(':').unwrap_or((digest, ""));
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return Err(BadReference::Digest("unsupported digest algorithm")),
    };
    match () {
        () if hex.len() != length => Err(BadReference::Digest("invalid checksum digest length")),
        () if hex.bytes().any(|digit| digit.is_ascii_uppercase()) => {
            Err(BadReference::Digest("invalid checksum digest format"))
        }
        () => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_the_grammar_has_them() {
        for good in ["a", "a/b", "a.b", "a_b", "a__b", "a--b", "a---b/c0", "0/1"] {
            assert!(read("docker.io", good).is_ok(), "{good}");
        }
        for bad in
            ["", "/a", "a/", "a//b", ".a", "a.", "a..b", "a___b", "a._b", "-a", "a-", "A", "a b", "a:", "a@", "a:b:c"]
        {
            assert_eq!(read("docker.io", bad), Err(BadReference::Format), "{bad}");
        }
    }

    #[test]
    fn domains_tags_and_digests() {
        for good in ["a", "A.b-c", "localhost:5000", "1.2.3.4:1"] {
            assert!(read(good, "x").is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "a..b", "a:", "a:b", "a_b", "a:1:2"] {
            assert!(read(bad, "x").is_err(), "{bad}");
        }
        let hex = "0".repeat(32);
        let whole = format!("x:1.0-r_1@a+b.c:{hex}");
        let pieces = read("d.e", &whole).expect("all pieces are good");
        assert_eq!((pieces.path, pieces.tag), ("x", Some("1.0-r_1")));
        assert_eq!(pieces.digest, Some(&*format!("a+b.c:{hex}")));
        for bad in ["x:.a", "x:-a", "x@sha256:0", "x@0a:00000000000000000000000000000000", "x@sha256"] {
            assert!(read("d.e", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn digests_are_checked_by_their_algorithm() {
        let words = |text: &str| check_digest(text).map_err(|bad| bad.to_string());
        assert_eq!(words(&format!("sha256:{}", "a".repeat(64))), Ok(()));
        assert_eq!(words(&format!("sha256:{}", "A".repeat(64))), Err("invalid checksum digest format".to_owned()));
        assert_eq!(words(&format!("sha256:{}", "a".repeat(32))), Err("invalid checksum digest length".to_owned()));
        assert_eq!(words(&format!("md5:{}", "a".repeat(32))), Err("unsupported digest algorithm".to_owned()));
    }
}
