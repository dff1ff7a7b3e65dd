//! Names of driver layers by what they are for: a read-only layer's, a container's.
//!
//! Both wrap the driver's `LayerId`. They are not the names of `layerdb`: a layer is found by its
//! chain id, a container's layer by the container's id, and the files there say which directory
//! of the driver holds the content.

use std::{fmt, str::FromStr};

use base::{LayerId, hex_id};

/// A text that cannot be what the file says it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// A `cache-id` that is empty or no plain directory name.
    #[error("invalid cache id value: {0:?}")]
    Cache(String),
    /// A `mount-id` that is not 64 hex digits.
    #[error("invalid mount id value: {0:?}")]
    Mount(String),
    /// An `init-id` that is not 64 hex digits and perhaps `-init`.
    #[error("invalid init id value: {0:?}")]
    Init(String),
}

/// The driver layer that holds a read-only layer's content: 64 hex digits, or BuildKit's 25
/// base-36 digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CacheId(LayerId);

impl CacheId {
    /// A new one, from 32 random bytes.
    pub fn random() -> Self {
        Self(random_layer())
    }

    /// The driver's name for it.
    pub fn layer(&self) -> &LayerId {
        &self.0
    }
}

impl FromStr for CacheId {
    type Err = BadName;

    /// moby 20.10, filestore.go `GetCacheID`: any text that is not empty; we also refuse one that
    /// would leave the driver's home.
    fn from_str(text: &str) -> Result<Self, BadName> {
        text.parse().map(Self).map_err(|_| BadName::Cache(text.to_owned()))
    }
}

/// The driver layer a container writes to: 64 hex digits, another number than the container's id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MountId(LayerId);

impl MountId {
    /// A new one, from 32 random bytes.
    pub fn random() -> Self {
        Self(random_layer())
    }

    /// The driver's name for it.
    pub fn layer(&self) -> &LayerId {
        &self.0
    }

    /// The name of the init layer below it.
    pub fn init(&self) -> InitId {
        let name = format!("{}-init", self.0);
        InitId(name.parse().expect("an id with a suffix is still one path component"))
    }
}

impl FromStr for MountId {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        mount_name(text).map(Self).ok_or_else(|| BadName::Mount(text.to_owned()))
    }
}

/// The layer between the image and the container's own: mount points and empty files that no
/// `docker diff` shows.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InitId(LayerId);

impl InitId {
    /// The driver's name for it.
    pub fn layer(&self) -> &LayerId {
        &self.0
    }
}

impl FromStr for InitId {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        mount_name(text).map(Self).ok_or_else(|| BadName::Init(text.to_owned()))
    }
}

/// moby 20.10, filestore.go: `^[a-f0-9]{64}(-init)?$` for both `mount-id` and `init-id`.
fn mount_name(text: &str) -> Option<LayerId> {
    let digits = text.strip_suffix("-init").unwrap_or(text);
    let hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (digits.len() == 64 && digits.as_bytes().iter().all(hex)).then(|| text.parse().ok()).flatten()
}

fn random_layer() -> LayerId {
    hex_id(sys::random).parse().expect("64 hex digits are one path component")
}

macro_rules! shown_as_text {
    ($($name:ident)*) => {$(
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
    )*};
}

shown_as_text!(CacheId MountId InitId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buildkits_directories_are_cache_ids() {
        assert!("o2g5pzkk0lkkpzh0dbn6q1wcy".parse::<CacheId>().is_ok());
        for bad in ["", "../l", "a/b", ".."] {
            assert_eq!(bad.parse::<CacheId>(), Err(BadName::Cache(bad.to_owned())));
        }
    }

    #[test]
    fn a_mount_id_is_64_hex_digits_and_perhaps_init() {
        let id = "ab".repeat(32);
        assert_eq!(id.parse::<MountId>().map(|id| id.init().to_string()), Ok(format!("{id}-init")));
        assert!(format!("{id}-init").parse::<MountId>().is_ok(), "dockerd's pattern allows it");
        for bad in ["", "ab", &id.to_uppercase(), &format!("{id}-"), &format!("{id}-init-init")] {
            assert!(bad.parse::<MountId>().is_err(), "{bad:?}");
            assert!(bad.parse::<InitId>().is_err(), "{bad:?}");
        }
    }
}
