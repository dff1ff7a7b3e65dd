//! `volumes/metadata.db` on the disk: rows read beside anybody, written in place.
//!
//! The file's own lock is for dockerd: every writer of ours shares it while it works. Between
//! ours, whoever changes rows holds `volumes/` alone ([`crate::Held`]).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use bolt::{Bad, Database, Item};

use crate::{error::VolumeError, row::Row};

const BUCKET: &[u8] = b"volumes";

/// The file.
#[derive(Debug, Clone)]
pub struct Metadata {
    path: PathBuf,
}

/// Reading failed, or what was read.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    System(#[from] sys::Error),
    #[error(transparent)]
    Bad(#[from] Bad),
}

impl Metadata {
    /// That of a `volumes/` directory. Touches nothing.
    pub fn of(dir: &Path) -> Self {
        Self { path: dir.join("metadata.db") }
    }

    /// All rows by name. A row that cannot be read is none, as for dockerd.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn rows(&self) -> Result<BTreeMap<String, Row>, VolumeError> {
        let Some(database) = self.read()? else { return Ok(BTreeMap::new()) };
        let Some(bucket) = database.root().bucket(BUCKET) else { return Ok(BTreeMap::new()) };
        let read =
            |(key, value): (&[u8], &[u8])| Some((String::from_utf8(key.to_vec()).ok()?, Row::parse(value).ok()?));
        Ok(bucket.values().filter_map(read).collect())
    }

    /// Puts rows in and takes rows out, in one transaction; durable when this returns.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn change(&self, put: &[Row], remove: &[&str]) -> Result<(), VolumeError> {
        let database = self.read()?;
        let mut root = database.as_ref().map(|database| database.root().clone()).unwrap_or_default();
        let before = root.clone();
        let bucket = root.bucket_mut(BUCKET);
        for row in put {
            bucket.items.insert(row.name.clone().into_bytes(), Item::Value(row.to_bytes()));
        }
        for name in remove {
            bucket.items.remove(name.as_bytes());
        }
        if root == before || (database.is_none() && put.is_empty()) {
            return Ok(());
        }
        let database = match database {
            Some(database) => database,
            None => {
                let (database, bytes) = Database::fresh();
                sys::write_durably_at(&self.path, &[(0, &bytes)])?;
                database
            }
        };
        let change = database.change_to(&root);
        let pages: Vec<_> = change.pages.iter().map(|piece| (piece.offset, piece.bytes.as_slice())).collect();
        sys::write_durably_at(&self.path, &pages)?;
        Ok(sys::write_durably_at(&self.path, &[(change.meta.offset, &change.meta.bytes)])?)
    }

    fn read(&self) -> Result<Option<Database>, VolumeError> {
        let bytes = || Ok::<_, ReadError>(sys::read_opt(&self.path)?.unwrap_or_default());
        bolt::settled(bytes).map_err(|error| match error {
            ReadError::System(error) => error.into(),
            ReadError::Bad(bad) => VolumeError::Damaged { path: self.path.clone(), source: bad.into() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_and_go_and_the_inode_stays() {
        use std::os::unix::fs::MetadataExt as _;
        let dir = tempfile::tempdir().expect("a temporary directory");
        let metadata = Metadata::of(dir.path());
        assert!(metadata.rows().expect("no file").is_empty());
        sys::write_new(dir.path().join("metadata.db"), b"", 0o600).expect("write");
        let inode = || dir.path().join("metadata.db").metadata().expect("there").ino();
        let before = inode();
        let row = |name: &str| Row { name: name.to_owned(), driver: "local".to_owned(), ..Row::default() };
        metadata.change(&[row("one"), row("two")], &[]).expect("put");
        metadata.change(&[], &["one"]).expect("removed");
        assert_eq!(metadata.rows().expect("rows").into_keys().collect::<Vec<_>>(), ["two"]);
        assert_eq!(inode(), before);
    }
}
