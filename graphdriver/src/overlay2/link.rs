//! `<layer>/link`: the layer's short name, under which `l/` points to its `diff` directory.
//!
//! moby 20.10, overlayutils/randomid.go: 26 characters of base32 from 17 random bytes, no
//! newline. Short names let more layers fit into the one page of mount options.

use std::{fmt, path::PathBuf, str::FromStr};

const LENGTH: usize = 26;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A text that is not 26 characters of A–Z and 2–7.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a link name of 26 characters A-Z2-7")]
pub struct BadLinkId(pub String);

/// The short name of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LinkId(String);

impl LinkId {
    /// Encodes random bytes.
    pub(crate) fn from_random(bytes: [u8; 17]) -> Self {
        let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
        let digit = |at: usize| (0..5).fold(0_u8, |digit, offset| digit << 1 | bit(at * 5 + offset));
        Self((0..LENGTH).map(|at| char::from(ALPHABET[usize::from(digit(at) & 31)])).collect())
    }

    /// Where it lies in the driver's home: `l/<name>`.
    pub fn path(&self) -> PathBuf {
        PathBuf::from("l").join(&self.0)
    }
}

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for LinkId {
    type Err = BadLinkId;

    fn from_str(text: &str) -> Result<Self, BadLinkId> {
        let good = text.len() == LENGTH && text.bytes().all(|byte| ALPHABET.contains(&byte));
        if good { Ok(Self(text.to_owned())) } else { Err(BadLinkId(text.to_owned())) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_from_dockerd_survives() {
        let golden = include_str!("golden/link");
        assert_eq!(golden.parse::<LinkId>().map(|link| link.to_string()), Ok(golden.to_owned()));
    }

    #[test]
    fn a_newline_is_not_trimmed() {
        let told = "LQRI7LVU25LAVZNZAIRSM357LX\n".parse::<LinkId>().expect_err("dockerd does not trim it either");
        assert_eq!(told.to_string(), r#""LQRI7LVU25LAVZNZAIRSM357LX\n" is not a link name of 26 characters A-Z2-7"#);
    }

    #[test]
    fn the_encoding_is_base32() {
        assert_eq!(LinkId::from_random([0; 17]).to_string(), "A".repeat(26));
        assert_eq!(LinkId::from_random([255; 17]).to_string(), "7".repeat(26));
        let mut foobar = *b"foobar\0\0\0\0\0\0\0\0\0\0\0";
        assert!(LinkId::from_random(foobar).to_string().starts_with("MZXW6YTBOIA"));
        foobar[16] = 0xff;
        assert!(LinkId::from_random(foobar).to_string().ends_with("AD"), "130 of 136 bits are used");
    }

    proptest! {
        #[test]
        fn every_name_we_make_is_one(bytes: [u8; 17]) {
            let link = LinkId::from_random(bytes);
            prop_assert_eq!(link.to_string().parse(), Ok(link));
        }
    }
}
