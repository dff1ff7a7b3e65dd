//! A value in `metadata.db`: what a volume has besides its files.
//!
//! moby 20.10, volume/service/db.go `volumeMetadata`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A volume's row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Row {
    /// Its name, also the key.
    pub name: String,
    /// `local`.
    pub driver: String,
    /// `{}` after `volume create`, null after `-v NAME:/x`.
    pub labels: Option<BTreeMap<String, String>>,
    /// As the labels; the local driver keeps its own in `opts.json`.
    pub options: Option<BTreeMap<String, String>>,
}

impl Row {
    /// Reads a row.
    ///
    /// # Errors
    /// As serde_json.
    pub fn parse(bytes: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(bytes)
    }

    /// The row as dockerd writes it.
    pub fn to_bytes(&self) -> Vec<u8> {
        base::gojson::to_vec(self).expect("maps of strings are JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_dockerds_read_back_byte_for_byte() {
        for text in [
            r#"{"Name":"vol1","Driver":"local","Labels":null,"Options":null}"#,
            r#"{"Name":"tv","Driver":"local","Labels":{},"Options":{"device":"tmpfs","o":"size=10m","type":"tmpfs"}}"#,
            r#"{"Name":"p","Driver":"local","Labels":{"a":"\u003cb"},"Options":{}}"#,
        ] {
            let row = Row::parse(text.as_bytes()).expect("a row");
            assert_eq!(String::from_utf8_lossy(&row.to_bytes()), text);
        }
    }
}
