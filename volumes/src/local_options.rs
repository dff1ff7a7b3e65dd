//! `opts.json`: what the local driver shall mount on `_data`.
//!
//! moby 20.10, volume/local/local_unix.go `optsConfig`, `validateOpts`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The options, as `opts.json` has them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LocalOptions {
    /// `type`: `none`, `tmpfs`, `nfs`, ….
    pub mount_type: String,
    /// `o`: `bind`, `size=10m`, ….
    pub mount_opts: String,
    /// `device`: what is mounted.
    pub mount_device: String,
    /// `size`: for project quotas.
    pub quota: Quota,
}

/// A limit of the file system's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Quota {
    /// Bytes; 0 for none.
    pub size: u64,
}

/// Why options are refused. The words are dockerd's, but for the last.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadOptions {
    /// No option of the local driver.
    #[error("invalid option: {0:?}")]
    Unknown(String),
    /// One that goes with another.
    #[error("missing required option: {0:?}")]
    Missing(&'static str),
    /// `size` without what can keep it.
    #[error("quota size requested but no quota support")]
    Quota,
    /// `size` that is none.
    #[error("invalid size: '{0}'")]
    Size(String),
}

impl LocalOptions {
    /// What was given with `-o`; `None` if that was nothing.
    ///
    /// # Errors
    /// [`BadOptions`].
    pub fn new(given: &BTreeMap<String, String>) -> Result<Option<Self>, BadOptions> {
        if given.is_empty() {
            return Ok(None);
        }
        if let Some(unknown) = given.keys().find(|key| !["type", "o", "device", "size"].contains(&key.as_str())) {
            return Err(BadOptions::Unknown(unknown.clone()));
        }
        for (option, with) in [("device", "type"), ("type", "device"), ("o", "device"), ("o", "type")] {
            if given.contains_key(option) && !given.contains_key(with) {
                return Err(BadOptions::Missing(with));
            }
        }
        if let Some(text) = given.get("size") {
            let size = base::units::ram_in_bytes(text).ok_or_else(|| BadOptions::Size(text.clone()))?;
            if size > 0 {
                return Err(BadOptions::Quota);
            }
        }
        let of = |key: &str| given.get(key).cloned().unwrap_or_default();
        let quota = Quota::default();
        Ok(Some(Self { mount_type: of("type"), mount_opts: of("o"), mount_device: of("device"), quota }))
    }

    /// Reads `opts.json`.
    ///
    /// # Errors
    /// As serde_json.
    pub fn parse(bytes: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(bytes)
    }

    /// The text of `opts.json`, without a newline.
    pub fn to_bytes(&self) -> Vec<u8> {
        base::gojson::to_vec(self).expect("strings and a number are JSON")
    }

    /// Whether something is mounted at all.
    pub fn needs_mount(&self) -> bool {
        !self.mount_device.is_empty() || !self.mount_type.is_empty()
    }

    /// The directory that stands for the volume, if the mount is a plain bind: its path, and
    /// whether mounts below come along.
    pub fn bound(&self) -> Option<(&str, bool)> {
        let words: Vec<_> = self.mount_opts.split(',').filter(|word| !word.is_empty()).collect();
        let plain = matches!(words[..], ["bind" | "rbind"]);
        (plain && self.mount_device.starts_with('/')).then(|| (self.mount_device.as_str(), words[0] == "rbind"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> Result<Option<LocalOptions>, BadOptions> {
        LocalOptions::new(&pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn dockerds_file_reads_back_byte_for_byte() {
        let text = r#"{"MountType":"tmpfs","MountOpts":"size=10m","MountDevice":"tmpfs","Quota":{"Size":0}}"#;
        let options = given(&[("type", "tmpfs"), ("device", "tmpfs"), ("o", "size=10m")]).expect("good").expect("some");
        assert_eq!(String::from_utf8_lossy(&options.to_bytes()), text);
        assert_eq!(LocalOptions::parse(text.as_bytes()).expect("opts.json"), options);
        assert_eq!(options.bound(), None);
    }

    #[test]
    fn a_bind_is_known_and_bad_options_are_refused() {
        let options = given(&[("type", "none"), ("device", "/x"), ("o", "bind")]).expect("good").expect("some");
        assert_eq!(options.bound(), Some(("/x", false)));
        assert_eq!(given(&[]).expect("good"), None);
        let words = |pairs| given(pairs).expect_err("bad").to_string();
        assert_eq!(words(&[("bogus", "1")]), "invalid option: \"bogus\"");
        assert_eq!(words(&[("type", "tmpfs")]), "missing required option: \"device\"");
        assert_eq!(words(&[("size", "1m")]), "quota size requested but no quota support");
    }
}
