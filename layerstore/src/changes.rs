//! What a container changed: `docker diff`, and how much that is.
//!
//! Compared with the init layer, so that mount points and empty files do not show. dockerd always
//! compares two mounted trees; where the driver keeps a layer's changes apart (overlay2) only
//! those are looked at, with the same result.

use archive::Change;
use base::{ContainerId, LayerId};
use graphdriver::RootFs;
use sys::Dir;

use crate::{LayerStore, Result, RwLayer, View};

/// A container's changes, and the tree they are in.
enum Compared {
    /// The directory that holds nothing but the changes.
    Upper(Vec<Change>),
    /// The whole tree.
    Tree(Vec<Change>, View),
}

impl LayerStore {
    /// What differs between a container's files and what it was made with, a directory's names in
    /// order, those that are gone last.
    ///
    /// # Errors
    /// [`crate::Error::NoMount`], and what cannot be read. What vanishes meanwhile, while the
    /// container runs, is left out.
    pub fn changes(&self, container: &ContainerId) -> Result<Vec<Change>> {
        match self.compare(&self.present_rw(container)?)? {
            Compared::Upper(changes) | Compared::Tree(changes, _) => Ok(changes),
        }
    }

    /// The bytes of the files a container changed or added: `SizeRw` of `inspect`.
    ///
    /// moby 20.10, overlay2 `DiffSize`: on overlay2 the size of the upper directory, whatever is
    /// in it; elsewhere of what [`LayerStore::changes`] finds.
    ///
    /// # Errors
    /// As [`LayerStore::changes`].
    pub fn size_rw(&self, container: &ContainerId) -> Result<u64> {
        let rw = self.present_rw(container)?;
        if let Some(upper) = self.upper(&rw)? {
            return Ok(sys::tree_size(upper)?.bytes);
        }
        match self.compare(&rw)? {
            Compared::Tree(changes, view) => Ok(archive::changes_size(&Dir::open(view.path())?, &changes)?),
            Compared::Upper(_) => Ok(0),
        }
    }

    fn compare(&self, rw: &RwLayer) -> Result<Compared> {
        if let Some(changes) = self.changes_in_upper(rw)? {
            return Ok(Compared::Upper(changes));
        }
        let view = self.view_of(rw.mount_id.layer())?;
        let changes = self.changes_in_tree(rw, &view)?;
        Ok(Compared::Tree(changes, view))
    }

    /// Two trees compared, as dockerd does it.
    fn changes_in_tree(&self, rw: &RwLayer, view: &View) -> Result<Vec<Change>> {
        let below = self.below(rw)?.map(|below| self.view_of(&below)).transpose()?;
        let below = below.as_ref().map(|below| Dir::open(below.path())).transpose()?;
        Ok(archive::changes(&Dir::open(view.path())?, below.as_ref())?)
    }

    /// The changes as the driver keeps them; `None` where trees must be compared.
    fn changes_in_upper(&self, rw: &RwLayer) -> Result<Option<Vec<Change>>> {
        let Some(upper) = self.upper(rw)? else { return Ok(None) };
        let lowers = match self.driver().rootfs(rw.mount_id.layer())? {
            // A layer that is not written to has itself among those below.
            RootFs::Overlay(overlay) if overlay.upper().is_some() => overlay.lower(),
            _ => return Ok(None),
        };
        let lowers = lowers.iter().map(Dir::open).collect::<sys::Result<Vec<_>>>()?;
        Ok(archive::overlay_changes(&Dir::open(upper)?, &lowers)?)
    }

    pub(crate) fn upper(&self, rw: &RwLayer) -> Result<Option<std::path::PathBuf>> {
        let Some(native) = self.driver().native_diff() else { return Ok(None) };
        Ok(native.upper(rw.mount_id.layer(), self.below(rw)?.as_ref())?)
    }

    /// What the container's layer is compared with.
    fn below(&self, rw: &RwLayer) -> Result<Option<LayerId>> {
        if let Some(init) = &rw.init_id {
            return Ok(Some(init.layer().clone()));
        }
        let Some(parent) = &rw.parent else { return Ok(None) };
        let layer = self.layer(parent)?.ok_or(crate::Error::NoLayer(*parent))?;
        Ok(Some(layer.cache_id.layer().clone()))
    }
}

#[cfg(test)]
mod tests {
    use graphdriver::Access;

    use super::*;
    use crate::Init;

    #[test]
    fn both_ways_of_comparing_say_the_same() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let driver = graphdriver::open("overlay2", root.path(), Access::ReadWrite).expect("the driver opens");
        let store = LayerStore::open(root.path(), driver, Access::ReadWrite).expect("the store opens");
        let (image, published) = store.register(None, &mut &tar()[..], &mut |_| {}).expect("register");
        published.keep();
        let id: ContainerId = "a".repeat(64).parse().expect("an id");
        store.create_rw_layer(&id, Some(&image.layer.chain), Init::Docker, None).expect("create");
        let mounted = store.mount(&id, None).expect("mount");
        let at = |name: &str| mounted.path().join(name);
        sys::truncate_write(at("d/kept"), b"changed", 0o644).expect("write");
        sys::truncate_write(at("d/new"), b"new", 0o644).expect("write");
        sys::remove_file(at("d/gone")).expect("remove");
        sys::remove_tree(at("e")).expect("remove");
        sys::create_dir(at("e"), 0o755).expect("mkdir");
        sys::write_new(at("e/again"), b"", 0o644).expect("write");
        sys::remove_tree(at("f")).expect("remove");
        sys::symlink("d", at("f")).expect("symlink");

        let rw = store.present_rw(&id).expect("made above");
        let words = |changes: Vec<Change>| {
            let mut words: Vec<_> = changes.iter().map(ToString::to_string).collect();
            words.sort();
            words
        };
        let running = words(store.changes_in_tree(&rw, &store.view(&id).expect("view")).expect("compare"));
        let upper = store.changes_in_upper(&rw).expect("compare").expect("overlay2 keeps changes apart");
        let upper = words(upper);
        mounted.unmount().expect("unmount");
        let stopped = words(store.changes_in_tree(&rw, &store.view(&id).expect("view")).expect("compare"));
        let wanted = ["A /d/new", "A /e/again", "C /d", "C /d/kept", "C /e", "C /f", "D /d/gone", "D /e/in"];
        assert_eq!(running, wanted);
        assert_eq!((&upper, &stopped), (&running, &running));
    }

    /// `d/kept`, `d/gone`, `e/in`, `f/in`: empty files.
    fn tar() -> Vec<u8> {
        let mut tar = Vec::new();
        for name in ["d/kept", "d/gone", "e/in", "f/in"] {
            let mut block = [0_u8; 512];
            let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
            put(0, name.as_bytes());
            put(100, b"0000644");
            put(124, b"00000000000\x0000000000000");
            put(148, b"        0");
            put(257, b"ustar\x0000");
            let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            tar.extend(block);
        }
        tar.resize(tar.len() + 1024, 0);
        tar
    }
}
