//! `<layer>/lower`: what a layer rests on, nearest first, as `l/LINK:l/LINK`.
//!
//! moby 20.10 and 29.7, overlay2/overlay.go `getLower`: no newline; a base layer has no such
//! file. dockerd joins each entry to its home unread: an empty one would put the home itself
//! into the container, one with a newline fails as a mount of something that is not there.

use std::{fmt, path::PathBuf};

use super::{BadLinkId, LinkId};

/// More layers than this dockerd refuses to stack.
const MAX_DEPTH: usize = 128;

/// Why a `lower` file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadLower {
    /// Nothing in it.
    #[error("it is empty: a layer that rests on nothing has no such file")]
    Empty,
    /// An entry with nothing in it.
    #[error("entry {0} of the chain is empty")]
    Hole(usize),
    /// An entry that does not lead to `l/`.
    #[error("entry {entry:?} does not start with \"l/\"")]
    Prefix {
        /// The entry.
        entry: String,
    },
    /// An entry that is no link name.
    #[error(transparent)]
    Link(BadLinkId),
    /// Not text.
    #[error("it is not text")]
    NotText,
}

/// A chain of at least one layer, nearest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lower(Vec<LinkId>);

impl Lower {
    /// Reads a `lower` file. An entry we cannot read is an error: a chain with a hole in it
    /// would mount as a different image.
    ///
    /// # Errors
    /// [`BadLower`] says which entry and what of it.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadLower> {
        let text = std::str::from_utf8(bytes).map_err(|_| BadLower::NotText)?;
        if text.is_empty() {
            return Err(BadLower::Empty);
        }
        let link = |(at, entry): (usize, &str)| match entry.strip_prefix("l/") {
            Some(link) => link.parse().map_err(BadLower::Link),
            None if entry.is_empty() => Err(BadLower::Hole(at + 1)),
            None => Err(BadLower::Prefix { entry: entry.to_owned() }),
        };
        text.split(':').enumerate().map(link).collect::<Result<_, _>>().map(Self)
    }

    /// The chain of a layer that rests on the one named `nearest`, which rests on `rest`.
    /// `None` when it would be deeper than dockerd allows.
    pub fn on(nearest: LinkId, rest: Option<Self>) -> Option<Self> {
        let mut links = vec![nearest];
        links.extend(rest.map(|rest| rest.0).unwrap_or_default());
        (links.len() <= MAX_DEPTH).then_some(Self(links))
    }

    /// The links, nearest first.
    pub fn links(&self) -> &[LinkId] {
        &self.0
    }

    /// Where they lie in the driver's home, nearest first.
    pub fn paths(&self) -> impl Iterator<Item = PathBuf> {
        self.0.iter().map(LinkId::path)
    }
}

impl fmt::Display for Lower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, link) in self.0.iter().enumerate() {
            let colon = if at == 0 { "" } else { ":" };
            write!(f, "{colon}l/{link}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: &str = "l/TVUBFLRPYWPC7W5PANUH7X6MSE";
    const B: &str = "l/5KZB6B23BO556MLXPIOX26645A";

    #[test]
    fn a_chain_from_dockerd_survives_byte_for_byte() {
        let golden = include_str!("golden/lower");
        let read = Lower::parse(golden.as_bytes()).expect("dockerd wrote it");
        assert_eq!(read.links().len(), 4);
        assert_eq!(read.to_string(), golden);
    }

    #[test]
    fn a_hole_in_the_chain_is_an_error() {
        let told = |text: String| Lower::parse(text.as_bytes()).expect_err("a damaged chain").to_string();
        assert_eq!(told(format!("{A}::{B}")), "entry 2 of the chain is empty");
        assert_eq!(told(format!("{A}:")), "entry 2 of the chain is empty");
        assert_eq!(told(format!("{A}:/etc")), r#"entry "/etc" does not start with "l/""#);
        assert_eq!(told("l/../../etc".into()), r#""../../etc" is not a link name of 26 characters A-Z2-7"#);
    }

    #[test]
    fn an_empty_file_is_an_error() {
        assert_eq!(Lower::parse(b""), Err(BadLower::Empty));
    }

    #[test]
    fn a_newline_at_the_end_is_an_error() {
        let told = Lower::parse(format!("{A}\n").as_bytes()).expect_err("dockerd cannot mount it");
        assert!(matches!(told, BadLower::Link(_)), "{told}");
    }

    #[test]
    fn the_129th_layer_is_one_too_many() {
        let link: LinkId = A[2..].parse().expect("a link");
        let mut chain = Lower::on(link.clone(), None);
        for _ in 1..128 {
            chain = Lower::on(link.clone(), chain.take());
        }
        assert_eq!(chain.as_ref().map(|chain| chain.links().len()), Some(128));
        assert_eq!(Lower::on(link, chain), None);
    }

    proptest! {
        #[test]
        fn what_we_write_we_read(links in proptest::collection::vec(any::<[u8; 17]>(), 1..20)) {
            let chain = Lower(links.into_iter().map(LinkId::from_random).collect());
            prop_assert_eq!(Lower::parse(chain.to_string().as_bytes()), Ok(chain));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            drop(Lower::parse(&bytes));
        }
    }
}
