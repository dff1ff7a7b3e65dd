//! The volumes of a data root: made, found, listed, removed.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use base::{Time, hex_id};

use crate::{
    error::VolumeError,
    local_options::LocalOptions,
    metadata::Metadata,
    name::{check_new, is_inside},
    row::Row,
};

/// The begin of names in the data root's `tmp/` that are ours: what comes and what goes.
const TEMPORARY: &str = "volume-";

/// The volumes of a data root.
#[derive(Debug, Clone)]
pub struct Volumes {
    dir: PathBuf,
    tmp: PathBuf,
}

/// The right to change who refers to volumes, among our own processes.
///
/// Shared by who makes a container, from before its volumes are looked up until its record is in
/// its place; alone for who writes rows, or removes a volume that nobody may begin to use.
#[derive(Debug)]
pub struct Held {
    _lock: sys::Lock,
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// `local`; of others only the row is known.
    pub driver: String,
    /// From its row.
    pub labels: Option<BTreeMap<String, String>>,
    /// From its row.
    pub options: Option<BTreeMap<String, String>>,
    /// Where its files are.
    pub mountpoint: PathBuf,
    /// When `_data` was last changed, which is what dockerd calls so. `None` without a `_data`.
    pub created: Option<Time>,
}

/// A volume to make.
#[derive(Debug, Clone, Default)]
pub struct NewVolume {
    /// Its name; made up if empty.
    pub name: String,
    /// Its driver; empty for whatever has it.
    pub driver: String,
    /// Its labels.
    pub labels: Option<BTreeMap<String, String>>,
    /// Options of its driver.
    pub options: Option<BTreeMap<String, String>>,
}

impl Volumes {
    /// Those under `data_root`. Touches nothing.
    pub fn open(data_root: &Path) -> Self {
        Self { dir: data_root.join("volumes"), tmp: data_root.join("tmp") }
    }

    /// Where a volume's files are.
    pub fn data(&self, name: &str) -> PathBuf {
        self.dir.join(name).join("_data")
    }

    /// Waits until no volume is made or removed, and keeps it so beside others who do the same.
    ///
    /// # Errors
    /// When `volumes/` cannot be opened or locked.
    pub fn hold(&self) -> Result<Held, VolumeError> {
        Ok(Held { _lock: sys::wait_shared(sys::open_dir(&self.dir)?, &self.dir)? })
    }

    /// Waits until nobody else holds the volumes.
    ///
    /// # Errors
    /// When `volumes/` cannot be opened or locked.
    pub fn hold_alone(&self) -> Result<Held, VolumeError> {
        let held = Held { _lock: sys::wait_exclusive(sys::open_dir(&self.dir)?, &self.dir)? };
        self.sweep();
        Ok(held)
    }

    /// Makes a volume without labels and options unless it is there; says whether it made it.
    ///
    /// # Errors
    /// For a bad name, or when a directory cannot be made.
    pub fn create(&self, name: &str) -> Result<bool, VolumeError> {
        check_new(name)?;
        let dir = self.dir.join(name);
        let draft = match sys::Draft::new(&dir, 0o701) {
            Ok(draft) => Some(draft),
            Err(error) if error.is_exists() => None,
            Err(error) => return Err(error.into()),
        };
        match sys::create_dir(dir.join("_data"), 0o755) {
            Err(error) if !error.is_exists() => return Err(error.into()),
            _ => {}
        }
        Ok(draft.map(sys::Draft::keep).is_some())
    }

    /// Makes a volume, unless it is there: then that one is meant, whatever its labels. Says its
    /// name, and whether it was made. Needs [`Volumes::hold_alone`]; durable when this returns.
    ///
    /// moby 20.10, volume/service/store.go `create`.
    ///
    /// # Errors
    /// A bad name, driver or option; a system call.
    pub fn create_with(&self, new: NewVolume, held: &Held) -> Result<(String, bool), VolumeError> {
        let name = if new.name.is_empty() { hex_id(sys::random) } else { new.name.clone() };
        check_new(&name)?;
        if !["", "local"].contains(&new.driver.as_str()) {
            return Err(VolumeError::NoDriver { name, driver: new.driver });
        }
        if self.exists(&name)? {
            self.create(&name)?;
            return Ok((name, false));
        }
        let new = NewVolume { name: name.clone(), ..new };
        self.fill_new::<VolumeError>(new, held, |_| Ok(()))?;
        Ok((name, true))
    }

    /// Makes a volume that is not there yet, with what `fill` puts into its directory: it appears
    /// whole or not at all, and durable. Needs [`Volumes::hold_alone`].
    ///
    /// # Errors
    /// A bad name or option, a volume of that name, what `fill` says; a system call.
    pub fn fill_new<E: From<VolumeError>>(
        &self,
        new: NewVolume,
        _held: &Held,
        fill: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<(), E> {
        let NewVolume { name, labels, options, .. } = new;
        check_new(&name)?;
        if self.exists(&name)? {
            return Err(VolumeError::Taken(name).into());
        }
        let local = LocalOptions::new(options.as_ref().unwrap_or(&BTreeMap::new()))
            .map_err(|source| VolumeError::NewOptions { name: name.clone(), source })?;
        let temporary = self.temporary();
        sys::create_dir(&temporary, 0o701).map_err(VolumeError::from)?;
        let made = draft(&temporary, local.as_ref()).map_err(E::from).and_then(|data| fill(&data));
        let row = Row { name, driver: "local".to_owned(), labels, options };
        let made = made.and_then(|()| Ok(self.publish(&temporary, row)?));
        made.inspect_err(|_| drop(sys::remove_tree(&temporary)))
    }

    /// The row first: one without a volume is nothing, dockerd drops it when it starts.
    fn publish(&self, temporary: &Path, row: Row) -> Result<(), VolumeError> {
        sys::syncfs(temporary)?;
        let place = self.dir.join(&row.name);
        Metadata::of(&self.dir).change(&[row], &[])?;
        sys::rename(temporary, place)?;
        Ok(sys::fsync_dir(&self.dir)?)
    }

    /// Gives a volume another name. Needs [`Volumes::hold_alone`], and that nobody refers to it.
    ///
    /// # Errors
    /// A bad name or one that is taken, a volume that is not there; a system call.
    pub fn rename(&self, from: &str, to: &str, _held: &Held) -> Result<(), VolumeError> {
        check_new(to)?;
        let Volume { driver, labels, options, .. } = self.get(from)?;
        if self.exists(to)? {
            return Err(VolumeError::Taken(to.to_owned()));
        }
        // A crash in between leaves a row without a volume, which is none.
        Metadata::of(&self.dir).change(&[Row { name: to.to_owned(), driver, labels, options }], &[])?;
        sys::rename(self.dir.join(from), self.dir.join(to))?;
        sys::fsync_dir(&self.dir)?;
        Metadata::of(&self.dir).change(&[], &[from])
    }

    fn temporary(&self) -> PathBuf {
        self.tmp.join(format!("{TEMPORARY}{:016x}", u64::from_le_bytes(sys::random())))
    }

    /// What a process that died left in `tmp/`; whoever holds the volumes alone may clear it away.
    fn sweep(&self) {
        for name in sys::list_dir(&self.tmp).unwrap_or_default() {
            if name.to_string_lossy().starts_with(TEMPORARY) {
                // What cannot be removed now is tried again by the next one.
                drop(sys::remove_tree(self.tmp.join(name)));
            }
        }
    }

    /// All volumes, by name. A row without a directory is none, as for a dockerd that starts.
    ///
    /// # Errors
    /// When `volumes/` or its rows cannot be read.
    pub fn list(&self) -> Result<Vec<Volume>, VolumeError> {
        let mut rows = Metadata::of(&self.dir).rows()?;
        let mut volumes = Vec::new();
        for name in
            sys::list_dir(&self.dir).or_else(|error| if error.is_not_found() { Ok(vec![]) } else { Err(error) })?
        {
            let Ok(name) = name.into_string() else { continue };
            if sys::stat(self.dir.join(&name)).is_ok_and(|stat| sys::is_dir(&stat)) {
                let row = rows.remove(&name);
                volumes.push(self.described(name, row)?);
            }
        }
        volumes.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(volumes)
    }

    /// One volume.
    ///
    /// # Errors
    /// When it is not there, or its row cannot be read.
    pub fn get(&self, name: &str) -> Result<Volume, VolumeError> {
        if !self.exists(name)? {
            return Err(VolumeError::NotThere(name.to_owned()));
        }
        let row = Metadata::of(&self.dir).rows()?.remove(name);
        self.described(name.to_owned(), row)
    }

    fn described(&self, name: String, row: Option<Row>) -> Result<Volume, VolumeError> {
        let mountpoint = self.data(&name);
        let created = sys::stat_opt(&mountpoint)?.map(|stat| {
            Time::from_unix_nanos(i128::from(stat.st_ctime) * 1_000_000_000 + i128::from(stat.st_ctime_nsec))
        });
        let Row { driver, labels, options, .. } = row.unwrap_or_default();
        let driver = if driver.is_empty() { "local".to_owned() } else { driver };
        Ok(Volume { name, driver, labels, options, mountpoint, created })
    }

    fn exists(&self, name: &str) -> Result<bool, VolumeError> {
        Ok(is_inside(name) && sys::exists(self.dir.join(name))?)
    }

    /// Where a volume's files are, if it can be mounted: its own directory, or the one it is
    /// bound to; and whether mounts below come along.
    ///
    /// # Errors
    /// When it is not there, or needs more than a directory.
    pub fn source(&self, name: &str, driver: &str) -> Result<(PathBuf, bool), VolumeError> {
        if !["", "local"].contains(&driver) {
            return Err(VolumeError::Driver { name: name.to_owned(), driver: driver.to_owned() });
        }
        if !self.exists(name)? {
            return Err(VolumeError::NotThere(name.to_owned()));
        }
        match self.local_options(name)?.filter(LocalOptions::needs_mount) {
            None => Ok((self.data(name), true)),
            Some(options) => match options.bound() {
                Some((path, with_mounts)) => Ok((PathBuf::from(path), with_mounts)),
                None => Err(VolumeError::Options { name: name.to_owned(), kind: options.mount_type }),
            },
        }
    }

    fn local_options(&self, name: &str) -> Result<Option<LocalOptions>, VolumeError> {
        let path = self.dir.join(name).join("opts.json");
        let Some(bytes) = sys::read_opt(&path)? else { return Ok(None) };
        let parsed = LocalOptions::parse(&bytes);
        parsed.map(Some).map_err(|source| VolumeError::Damaged { path, source: source.into() })
    }

    /// Removes a volume; one that is gone is fine. Needs [`Volumes::hold_alone`].
    ///
    /// The pointer goes first: out of `volumes/` in one step, then its row, then its files.
    ///
    /// # Errors
    /// What could not be removed.
    pub fn remove(&self, name: &str, _held: &Held) -> Result<(), VolumeError> {
        let removed = self.take_away(name)?;
        Metadata::of(&self.dir).change(&[], &[name])?;
        if let Some(doomed) = removed {
            sys::remove_tree(doomed)?;
        }
        Ok(())
    }

    /// Takes a volume that was made without labels and options for a container of which nothing
    /// came, and which nobody else knows.
    ///
    /// # Errors
    /// What could not be removed.
    pub fn forget(&self, name: &str) -> Result<(), VolumeError> {
        match self.take_away(name)? {
            Some(doomed) => Ok(sys::remove_tree(doomed)?),
            None => Ok(()),
        }
    }

    /// Out of `volumes/`, to where it can be removed at leisure.
    fn take_away(&self, name: &str) -> Result<Option<PathBuf>, VolumeError> {
        if !self.exists(name)? {
            return Ok(None);
        }
        // What a dockerd that died left mounted is not the volume's to remove.
        let data = self.data(name);
        for _ in sys::mount_points()?.iter().filter(|point| point.at == data) {
            sys::unmount_detach(&data)?;
        }
        let (place, temporary) = (self.dir.join(name), self.temporary());
        match sys::rename(&place, &temporary) {
            Ok(()) => {
                sys::fsync_dir(&self.dir)?;
                Ok(Some(temporary))
            }
            // With `volumes/` on a disk of its own it goes where it lies.
            Err(error) if error.is_cross_device() || error.is_not_found() => Ok(Some(place)),
            Err(error) => Err(error.into()),
        }
    }
}

/// A new volume's directories and `opts.json`; says where its files go.
fn draft(temporary: &Path, options: Option<&LocalOptions>) -> Result<PathBuf, VolumeError> {
    let data = temporary.join("_data");
    sys::create_dir(&data, 0o755)?;
    if let Some(options) = options {
        sys::write_new(temporary.join("opts.json"), &options.to_bytes(), 0o600)?;
    }
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volumes() -> (Volumes, tempfile::TempDir) {
        let root = tempfile::tempdir().expect("a temporary directory");
        for (dir, mode) in [("volumes", 0o701), ("tmp", 0o700)] {
            sys::create_dir(root.path().join(dir), mode).expect("mkdir");
        }
        sys::write_new(root.path().join("volumes/metadata.db"), b"", 0o600).expect("write");
        (Volumes::open(root.path()), root)
    }

    #[test]
    fn a_volume_is_made_once_and_found_again() {
        let (volumes, root) = volumes();
        assert!(matches!(volumes.source("vol1", "local"), Err(VolumeError::NotThere(_))));
        assert!(volumes.create("vol1").expect("made"));
        assert!(!volumes.create("vol1").expect("found"));
        assert_eq!(volumes.source("vol1", "local").expect("there"), (root.path().join("volumes/vol1/_data"), true));
        volumes.remove("vol1", &volumes.hold_alone().expect("held")).expect("removed");
        assert!(matches!(volumes.source("vol1", "local"), Err(VolumeError::NotThere(_))));
        assert!(sys::list_dir(root.path().join("tmp")).expect("list").is_empty());
    }

    #[test]
    fn labels_and_options_come_back() {
        let (volumes, _root) = volumes();
        let map = |pairs: &[(&str, &str)]| {
            Some(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
        };
        let options = map(&[("type", "none"), ("o", "bind"), ("device", "/etc")]);
        let new = NewVolume { name: "vol1".to_owned(), labels: map(&[("a", "b")]), options, ..NewVolume::default() };
        let held = volumes.hold_alone().expect("held");
        assert_eq!(volumes.create_with(new.clone(), &held).expect("made"), ("vol1".to_owned(), true));
        assert_eq!(volumes.create_with(new.clone(), &held).expect("found"), ("vol1".to_owned(), false));
        let found = volumes.get("vol1").expect("there");
        assert_eq!((found.labels, found.options), (new.labels, new.options));
        assert_eq!(volumes.source("vol1", "local").expect("bound"), (PathBuf::from("/etc"), false));
        assert_eq!(volumes.list().expect("listed").len(), 1);
    }

    #[test]
    fn a_name_that_is_a_path_is_no_volume() {
        let (volumes, _root) = volumes();
        for name in ["", ".", "..", "a/b", "../../etc"] {
            assert!(matches!(volumes.source(name, "local"), Err(VolumeError::NotThere(_))), "{name:?}");
            assert!(volumes.forget(name).is_ok(), "and never removed: {name:?}");
        }
        assert!(matches!(volumes.create(".."), Err(VolumeError::Name(_))));
        assert!(matches!(volumes.create("a"), Err(VolumeError::Short(_))));
    }

    #[test]
    fn what_a_process_that_died_left_is_cleared_away() {
        let (volumes, root) = volumes();
        sys::create_dir(root.path().join("tmp/volume-1"), 0o700).expect("mkdir");
        sys::create_dir(root.path().join("tmp/other"), 0o700).expect("mkdir");
        drop(volumes.hold_alone().expect("held"));
        assert_eq!(sys::list_dir(root.path().join("tmp")).expect("list"), ["other"]);
    }
}
