//! `docker rmi`: names are taken away, and images nobody needs any more, with their parents.
//!
//! moby 20.10, daemon/images/image_delete.go `ImageDelete`, its rules and words. Pointer first: a
//! name is durably gone before the image is, the image before its layers.

mod error;

use std::{collections::HashMap, fmt};

use base::{ContainerId, ImageId};
use layerstore::LayerStore;

pub use self::error::{Conflict, RemoveError};
use crate::{Error, Images, Reference, repositories::Repositories};

/// A container that was made from an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The container.
    pub container: ContainerId,
    /// Whether it runs.
    pub running: bool,
}

/// Which containers were made from an image.
pub type Users<'a> = &'a dyn Fn(&ImageId) -> Vec<User>;

/// What one removal did, in `docker rmi`'s words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// A name was taken away.
    Untagged(String),
    /// An image or a layer was deleted.
    Deleted(String),
}

impl fmt::Display for Removed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untagged(name) => write!(f, "Untagged: {name}"),
            Self::Deleted(digest) => write!(f, "Deleted: {digest}"),
        }
    }
}

/// How to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct How {
    /// Also if names or stopped containers are in the way.
    pub force: bool,
    /// Also the nameless images it was made from, as far as nobody needs them.
    pub prune: bool,
}

impl Default for How {
    fn default() -> Self {
        Self { force: false, prune: true }
    }
}

impl Images {
    /// Takes away a name, or all names of an image and the image with it.
    ///
    /// # Errors
    /// [`RemoveError`]. What was taken away before the error stays away.
    pub fn remove(
        &self,
        layers: &LayerStore,
        typed: &str,
        how: How,
        users: Users<'_>,
    ) -> Result<Vec<Removed>, RemoveError> {
        let _lock = layers.lock().map_err(Error::from)?;
        let image = self.resolve(typed)?.id;
        let names = self.repositories()?;
        let mut removal = Removal {
            images: self,
            users,
            names,
            parents: self.parents()?,
            image_ids: Vec::new(),
            untagged: false,
            done: Vec::new(),
        };
        removal.plan(typed, image, how)?;
        Ok(removal.carry_out(layers)?)
    }
}

/// A removal in the making: first all is decided, then done.
struct Removal<'a> {
    images: &'a Images,
    users: Users<'a>,
    names: Repositories,
    /// What each image was made from.
    parents: HashMap<ImageId, ImageId>,
    /// To be deleted, with the number of words to say before.
    image_ids: Vec<(usize, ImageId)>,
    untagged: bool,
    done: Vec<Removed>,
}

/// Which conflicts count.
#[derive(Clone, Copy)]
struct Mask {
    names: bool,
    stopped: bool,
}

impl Removal<'_> {
    fn plan(&mut self, typed: &str, image: ImageId, how: How) -> Result<(), RemoveError> {
        let names = self.names.of_image(&image);
        let by_id = is_prefix_of_id(&image, typed);
        if by_id {
            if is_single(&names) {
                self.refuse(&image, Mask { names: false, stopped: !how.force })?;
                names.iter().for_each(|name| self.untag(name));
            }
        } else {
            if !how.force && is_single(&names) {
                self.keep_last_name(typed, image)?;
            }
            let name: Reference = typed.parse().map_err(Error::from)?;
            if self.untag_all_of(&name.or_latest(), &image) {
                return Ok(());
            }
        }
        self.delete(image, how.force, how.prune, !by_id)
    }

    /// moby: without force, the last name of an image that a container needs stays.
    fn keep_last_name(&self, typed: &str, image: ImageId) -> Result<(), RemoveError> {
        match (self.users)(&image).into_iter().next() {
            Some(user) => Err(RemoveError::LastName { name: typed.to_owned(), container: user.container, image }),
            None => Ok(()),
        }
    }

    fn untag(&mut self, name: &Reference) {
        self.untagged |= self.names.untag(name);
        self.done.push(Removed::Untagged(name.to_string()));
    }

    /// Takes a name away, and with a repository's last tag its digests. Whether names are left.
    fn untag_all_of(&mut self, name: &Reference, image: &ImageId) -> bool {
        self.untag(name);
        let mut left = self.names.of_image(image);
        let in_same = |other: &Reference| other.full_name() == name.full_name();
        if name.digest().is_none() && !left.iter().any(|other| other.digest().is_none() && in_same(other)) {
            let (digests, others) = left.into_iter().partition::<Vec<_>, _>(in_same);
            digests.iter().for_each(|digest| self.untag(digest));
            left = others;
        }
        !left.is_empty()
    }

    /// Deletes an image, then the one it was made from, and so on while nobody needs them.
    fn delete(&mut self, image: ImageId, force: bool, prune: bool, quiet: bool) -> Result<(), RemoveError> {
        let (mut image, mut force, mut quiet) = (image, force, quiet);
        loop {
            if let Some(conflict) = self.conflict(&image, Mask { names: !force, stopped: !force }) {
                // A conflict is told of images that would stay without any name.
                let silent = quiet && (!self.is_dangling(&image) || conflict.is_use());
                return if silent { Ok(()) } else { Err(RemoveError::Conflict { image, conflict }) };
            }
            let parent = self.parents.get(&image).copied();
            self.names.of_image(&image).iter().for_each(|name| self.untag(name));
            self.image_ids.push((self.done.len(), image));
            self.done.push(Removed::Deleted(image.to_string()));
            match parent.filter(|_| prune) {
                Some(parent) if sys::exists(self.images.content_file(&parent)).map_err(Error::from)? => image = parent,
                _ => return Ok(()),
            }
            (force, quiet) = (false, true);
        }
    }

    fn refuse(&self, image: &ImageId, mask: Mask) -> Result<(), RemoveError> {
        match self.conflict(image, mask) {
            Some(conflict) => Err(RemoveError::Conflict { image: *image, conflict }),
            None => Ok(()),
        }
    }

    fn conflict(&self, image: &ImageId, mask: Mask) -> Option<Conflict> {
        if self.has_children(image) {
            return Some(Conflict::Children);
        }
        let users = (self.users)(image);
        if let Some(user) = users.iter().find(|user| user.running) {
            return Some(Conflict::Running(user.container.clone()));
        }
        if mask.names && !self.names.of_image(image).is_empty() {
            return Some(Conflict::Names);
        }
        let stopped = users.into_iter().find(|_| mask.stopped);
        stopped.map(|user| Conflict::Stopped(user.container))
    }

    fn has_children(&self, image: &ImageId) -> bool {
        let stays = |child: &ImageId| !self.image_ids.iter().any(|(_, gone)| gone == child);
        self.parents.iter().any(|(child, parent)| parent == image && stays(child))
    }

    fn is_dangling(&self, image: &ImageId) -> bool {
        self.names.of_image(image).is_empty() && !self.has_children(image)
    }

    /// Names first, then images, then layers that no other image or container needs.
    fn carry_out(self, layers: &LayerStore) -> Result<Vec<Removed>, Error> {
        let Self { images, names, image_ids, untagged, mut done, .. } = self;
        if untagged {
            images.write_names(&names)?;
        }
        if image_ids.is_empty() {
            return Ok(done);
        }
        let mut tops = Vec::new();
        for (_, id) in &image_ids {
            tops.push(images.get(id)?.and_then(|image| image.chain()));
        }
        let in_doubt = layers.in_doubt(tops.iter().flatten().copied())?;
        for (_, id) in &image_ids {
            images.erase(id)?;
        }
        sys::fsync_dir(images.content_dir())?;
        let needed = images.needed_chains()?;
        // From the last to the first, so that the places of the words stay right. What a parent
        // has, it takes along itself: so the layers are told after the image that had them last.
        let mut said = Vec::new();
        for (at, ((word, _), top)) in image_ids.iter().zip(&tops).enumerate() {
            let Some(top) = top else { continue };
            let later = &tops[at + 1..];
            let gone = layers.release(top, &|chain| needed.contains(chain) || later.contains(&Some(*chain)))?;
            said.push((word + 1, gone));
        }
        in_doubt.settled();
        for (word, gone) in said.into_iter().rev() {
            let words = gone.iter().map(|chain| Removed::Deleted(chain.to_string()));
            done.splice(word..word, words);
        }
        Ok(done)
    }
}

/// moby `isSingleReference`: one name, or one tag with digests of the same repository.
fn is_single(names: &[Reference]) -> bool {
    if names.len() <= 1 {
        return names.len() == 1;
    }
    let mut tags = names.iter().filter(|name| name.digest().is_none());
    let tag = tags.next();
    if tags.next().is_some() {
        return false;
    }
    let repository = tag.or(names.first()).map(Reference::full_name);
    names.iter().filter(|name| name.digest().is_some()).all(|name| Some(name.full_name()) == repository)
}

/// moby `isImageIDPrefix`.
fn is_prefix_of_id(image: &ImageId, typed: &str) -> bool {
    image.to_string().starts_with(typed) || image.hex().starts_with(typed)
}
