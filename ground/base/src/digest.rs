//! `sha256:<64 hex>`, and the three things Docker names by one.
//!
//! In moby `ChainID`, `DiffID` and image id are one type, `digest.Digest`; here they cannot be
//! mixed up.

use std::{fmt, io, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

/// A text that is not `sha256:` and 64 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a sha256 digest")]
pub struct BadDigest(pub String);

/// A sha256, shown as `sha256:<64 hex>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The 64 hex digits alone, as they name files.
    pub fn hex(&self) -> String {
        hex(&self.0)
    }

    /// The digest that a file is named for: 64 lower-case hex digits, nothing else.
    ///
    /// # Errors
    /// [`BadDigest`] for any other text.
    pub fn from_hex(text: &str) -> Result<Self, BadDigest> {
        let bad = || BadDigest(text.to_owned());
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(bad());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let (Some(high), Some(low)) = (nibble(pair[0]), nibble(pair[1])) else {
                return Err(bad());
            };
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }
}

/// Lower-case hex of any bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Digest {
    type Err = BadDigest;

    fn from_str(text: &str) -> Result<Self, BadDigest> {
        text.strip_prefix("sha256:").and_then(|hex| Self::from_hex(hex).ok()).ok_or_else(|| BadDigest(text.to_owned()))
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! named_digest {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Digest);

        impl $name {
            /// States that this digest is one of these.
            pub const fn new(digest: Digest) -> Self {
                Self(digest)
            }

            /// The digest itself.
            pub const fn digest(&self) -> &Digest {
                &self.0
            }

            /// The 64 hex digits alone, as they name files.
            pub fn hex(&self) -> String {
                self.0.hex()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = BadDigest;

            fn from_str(text: &str) -> Result<Self, BadDigest> {
                text.parse().map(Self)
            }
        }
    };
}

named_digest! {
    /// The sha256 of a layer's uncompressed tar, as received.
    DiffId
}
named_digest! {
    /// The name of a layer together with all it rests on.
    ChainId
}
named_digest! {
    /// The sha256 of an image's config JSON.
    ImageId
}

/// The chain id of `diff` on `parent`.
///
/// moby 20.10, image/rootfs.go `CreateChainID`: a base layer's chain id is its diff id; above it,
/// the sha256 of both texts with one space between.
pub fn chain_id(parent: Option<&ChainId>, diff: &DiffId) -> ChainId {
    match parent {
        None => ChainId(diff.0),
        Some(parent) => ChainId(Digest::of(format!("{parent} {diff}").as_bytes())),
    }
}

/// A sha256 in the making.
#[derive(Clone, Default)]
pub struct Sha256(sha2::Sha256);

impl Sha256 {
    /// Takes in more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all that was taken in.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sha256")
    }
}

/// Passes bytes on to a writer and hashes them on the way.
#[derive(Debug)]
pub struct Sha256Writer<W> {
    inner: W,
    hash: Sha256,
    written: u64,
}

impl<W> Sha256Writer<W> {
    /// Hashes what goes to `inner`.
    pub fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::default(), written: 0 }
    }

    /// The writer, the digest and the count of the bytes that went through.
    pub fn finish(self) -> (W, Digest, u64) {
        (self.inner, self.hash.finish(), self.written)
    }
}

impl<W: io::Write> io::Write for Sha256Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.inner.write(bytes)?;
        self.hash.update(&bytes[..taken]);
        self.written += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_layers_chain_id_is_its_diff_id() {
        let diff = DiffId::new(Digest::of(b"layer"));
        assert_eq!(chain_id(None, &diff).digest(), diff.digest());
    }

    #[test]
    fn a_chain_id_hashes_both_texts_with_one_space() {
        let diff = DiffId::new(Digest::of(b"layer"));
        let parent = chain_id(None, &DiffId::new(Digest::of(b"base")));
        let text = format!("sha256:{} sha256:{}", parent.hex(), diff.hex());
        assert_eq!(chain_id(Some(&parent), &diff).digest(), &Digest::of(text.as_bytes()));
    }

    #[test]
    fn only_sha256_and_64_lower_case_digits_are_a_digest() {
        let good = Digest::of(b"").to_string();
        assert_eq!(good, "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(good.parse::<Digest>().map(|digest| digest.to_string()), Ok(good.clone()));
        for bad in ["", "sha256:", &good[..70], &good.to_uppercase(), &good[7..], &format!("{good} ")] {
            assert!(bad.parse::<Digest>().is_err(), "{bad:?}");
        }
    }
}
