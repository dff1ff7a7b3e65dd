//! Names of containers and of driver layers, as they stand in paths.

use std::{fmt, path::Path, str::FromStr};

use serde::{Deserialize, Serialize};

/// A text that cannot name a directory of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an id: it must be one plain path component")]
pub struct BadId(pub String);

/// One safe path component: not empty, not `.` or `..`, no `/`, no NUL.
fn component(text: &str) -> Result<String, BadId> {
    let unsafe_name = text.is_empty() || text == "." || text == ".." || text.len() > 255;
    if unsafe_name || text.contains(['/', '\0', '\n']) {
        return Err(BadId(text.to_owned()));
    }
    Ok(text.to_owned())
}

macro_rules! named_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                component(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;

            fn try_from(text: String) -> Result<Self, BadId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<Path> for $name {
            fn as_ref(&self) -> &Path {
                Path::new(&self.0)
            }
        }
    };
}

named_id! {
    /// A container's id: 64 hex digits when we or dockerd make one, but dockerd accepts any
    /// directory name in `containers/`.
    ContainerId
}
named_id! {
    /// The name of a directory in a driver's home: 64 hex digits, `<64 hex>-init`, or the 25
    /// base-36 digits of BuildKit.
    LayerId
}

impl ContainerId {
    /// The first twelve characters, as `docker ps` shows them.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

/// 64 hex digits of 32 random bytes, drawn again while the first twelve are all decimal.
///
/// moby 20.10, pkg/stringid/stringid.go `generateID`: such an id, cut to twelve, would be read as
/// a number where a host name is wanted.
pub fn hex_id(mut random: impl FnMut() -> [u8; 32]) -> String {
    loop {
        let id = crate::digest::hex(&random());
        if !id.as_bytes()[..12].iter().all(u8::is_ascii_digit) {
            return id;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buildkits_short_ids_are_layer_ids() {
        assert!("o2g5pzkk0lkkpzh0dbn6q1wcy".parse::<LayerId>().is_ok());
    }

    #[test]
    fn an_id_that_would_leave_its_directory_is_refused() {
        for bad in ["", ".", "..", "a/b", "/etc", "a\0b", "a\nb"] {
            assert!(bad.parse::<LayerId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_id_that_starts_like_a_number_is_drawn_again() {
        let mut draws = [[0x11; 32], [0xab; 32]].into_iter();
        assert_eq!(hex_id(|| draws.next().expect("two draws are enough")), "ab".repeat(32));
    }
}
