//! What the user calls a container: its id, its name, or the beginning of its id, in that order;
//! and which names are free.

use base::ContainerId;

use super::{Containers, LoadError, LookupError, NameError, RECORD};
use crate::{Record, names};

/// The right to give out names: no other process gives one while this is held. Readers are not
/// kept waiting.
#[derive(Debug)]
pub struct Names<'a> {
    containers: &'a Containers,
    _lock: sys::Lock,
}

impl Containers {
    /// The container that `text` means. A full id costs one directory entry, the beginning of one
    /// the listing; only a name is looked for in all records.
    ///
    /// moby 20.10, daemon/container.go `GetContainer`.
    ///
    /// # Errors
    /// [`LookupError`], in dockerd's words.
    pub fn lookup(&self, text: &str) -> Result<ContainerId, LookupError> {
        if text.is_empty() {
            return Err(LookupError::Empty);
        }
        let unseen = match self.with_id(text)?.map(|id| self.visible(id, text)) {
            Some(Ok(id)) => return Ok(id),
            Some(Err(error)) => Some(error),
            None => None,
        };
        if let Some(id) = self.named(text.strip_prefix('/').unwrap_or(text))? {
            return Ok(id);
        }
        match (self.with_prefix(text), unseen) {
            // What dockerd does not see is in nobody's way, but says why it is not seen.
            (Err(_), Some(error)) => Err(error),
            (found, _) => found,
        }
    }

    /// The id that `text` is as a whole.
    fn with_id(&self, text: &str) -> sys::Result<Option<ContainerId>> {
        match text.parse::<ContainerId>() {
            Ok(id) if !sys::is_temporary(text.as_ref()) && sys::exists(self.dir_of(&id))? => Ok(Some(id)),
            _ => Ok(None),
        }
    }

    fn with_prefix(&self, text: &str) -> Result<ContainerId, LookupError> {
        let candidates = self.ids()?.into_iter().filter(|id| id.as_str().starts_with(text));
        let loaded = candidates.map(|id| self.visible(id, text));
        let (found, unloadable): (Vec<_>, Vec<_>) = loaded.partition(Result::is_ok);
        let mut found = found.into_iter().flatten();
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(LookupError::Ambiguous(text.to_owned())),
            (Some(id), None) => Ok(id),
            (None, _) if unloadable.len() > 1 => Err(LookupError::Ambiguous(text.to_owned())),
            (None, _) => unloadable.into_iter().next().unwrap_or_else(|| Err(LookupError::NotFound(text.to_owned()))),
        }
    }

    /// The id, if dockerd would show the container.
    fn visible(&self, id: ContainerId, text: &str) -> Result<ContainerId, LookupError> {
        match self.load(&id) {
            Ok(_) => Ok(id),
            Err(LoadError::NotFound(_)) => Err(LookupError::NotFound(text.to_owned())),
            Err(source) => Err(LookupError::Unloadable { text: text.to_owned(), source }),
        }
    }

    /// Who has this name; of several the oldest.
    ///
    /// # Errors
    /// When the directory is there and cannot be read. A record that cannot be read has no name.
    pub fn named(&self, name: &str) -> sys::Result<Option<ContainerId>> {
        let mut owners = Vec::new();
        for id in self.ids()? {
            let Ok(Some(bytes)) = sys::read_opt(self.dir_of(&id).join(RECORD)) else { continue };
            if !may_be_named(&bytes, name) {
                continue;
            }
            let Ok(record) = Record::parse(&bytes, &id) else { continue };
            if record.name() == name && self.sees(&id, &record).is_ok() {
                owners.push((record.created, id));
            }
        }
        Ok(owners.into_iter().min().map(|(_, id)| id))
    }

    /// Whether this may be a new container's name and is free at the moment; [`Names::claim`] says
    /// it for certain. For refusing early.
    ///
    /// # Errors
    /// [`NameError`], in dockerd's words.
    pub fn check_name(&self, name: &str) -> Result<(), NameError> {
        if !names::is_valid(name) {
            return Err(NameError::Invalid(name.to_owned()));
        }
        let name = name.strip_prefix('/').unwrap_or(name);
        match self.named(name)? {
            Some(owner) => Err(NameError::Taken { name: name.to_owned(), owner }),
            None => Ok(()),
        }
    }

    /// Waits for the right to give out names. Hold it from choosing the name to publishing the
    /// container or saving its new name, and no longer.
    ///
    /// # Errors
    /// When `containers/` cannot be opened or locked.
    pub fn lock_names(&self) -> sys::Result<Names<'_>> {
        let lock = sys::wait_exclusive(sys::open_dir(&self.dir)?, &self.dir)?;
        Ok(Names { containers: self, _lock: lock })
    }
}

impl Names<'_> {
    /// The name, without a slash, if it is allowed and free.
    ///
    /// # Errors
    /// [`NameError`], in dockerd's words.
    pub fn claim<'n>(&self, name: &'n str) -> Result<&'n str, NameError> {
        self.containers.check_name(name)?;
        Ok(name.strip_prefix('/').unwrap_or(name))
    }

    /// A made-up name that is free; after six that were not, the id's first twelve digits.
    /// `pick(n)` gives a random number below `n`.
    ///
    /// moby 20.10, daemon/names.go `generateNewName`.
    ///
    /// # Errors
    /// [`NameError`] when even these are taken, or the names in use cannot be read.
    pub fn make_up(&self, id: &ContainerId, mut pick: impl FnMut(usize) -> usize) -> Result<String, NameError> {
        for attempt in 0..names::TRIES {
            let name = names::generate(attempt, &mut pick);
            if self.containers.named(&name)?.is_none() {
                return Ok(name);
            }
        }
        self.claim(id.short()).map(str::to_owned)
    }
}

/// Whether a record with these bytes can have this name; a cheap no for nearly all.
fn may_be_named(bytes: &[u8], name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    let needle = format!("{name}\"");
    // A name of plain characters stands as it is, unless somebody wrote it with needless escapes.
    !plain || contains(bytes, needle.as_bytes()) || contains(bytes, b"\\u00")
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    let Some((first, rest)) = needle.split_first() else { return true };
    let mut from = bytes;
    while let Some(at) = from.iter().position(|byte| byte == first) {
        from = &from[at + 1..];
        if from.starts_with(rest) {
            return true;
        }
    }
    false
}
