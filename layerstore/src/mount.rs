//! Seeing a container's files: mounted where dockerd mounts them, or without a trace.

use std::path::{Path, PathBuf};

use base::{ChainId, ContainerId, LayerId};
use graphdriver::{OverlayMount, RootFs};

use crate::{Error, LayerStore, Result, RwLayer};

/// A container's mounted root. Dropped, it is unmounted and its directory removed.
#[derive(Debug)]
pub struct Mounted {
    path: PathBuf,
    /// What is to be unmounted; a driver without mounts has none.
    target: Option<PathBuf>,
}

impl Mounted {
    /// The container's root directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves the mount to whoever it is told: what must be unmounted (detached) and then removed
    /// as an empty directory when the container ends; `None` when nothing is mounted.
    #[must_use = "somebody must unmount it"]
    pub fn hand_over(mut self) -> Option<PathBuf> {
        self.target.take()
    }

    /// Unmounts now, and says what went wrong.
    ///
    /// # Errors
    /// As umount2(2) and rmdir(2).
    pub fn unmount(mut self) -> Result<()> {
        self.target.take().map_or(Ok(()), |target| unmount(&target))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if let Some(target) = self.target.take() {
            // dockerd only logs a failure here too; the next mount will say that it is mounted.
            drop(unmount(&target));
        }
    }
}

/// A look at files that nobody can change through it. It leaves no mount behind, whatever happens.
#[derive(Debug)]
pub struct View(Seen);

#[derive(Debug)]
enum Seen {
    Directory(PathBuf),
    Detached(sys::Detached),
}

impl View {
    /// The root of the files: a path for this process, while this value lives.
    pub fn path(&self) -> PathBuf {
        match &self.0 {
            Seen::Directory(path) => path.clone(),
            // The path of a descriptor is a link; with the dot it is the directory.
            Seen::Detached(mount) => mount.path().join("."),
        }
    }
}

impl LayerStore {
    /// Mounts a container's root where dockerd mounts it, in this process's mount namespace, with
    /// dockerd's very options. `label` is the SELinux label of the mount.
    ///
    /// # Errors
    /// [`Error::NoMount`]; [`Error::Mounted`] when something is mounted there, be it ours; the
    /// kernel's refusal, in words where it gives any.
    pub fn mount(&self, container: &ContainerId, label: Option<&str>) -> Result<Mounted> {
        match self.rootfs(&self.present_rw(container)?)? {
            RootFs::Directory(path) => Ok(Mounted { path, target: None }),
            RootFs::Overlay(overlay) => mount(&overlay, label),
            _ => Err(self.no_way()),
        }
    }

    /// Where a container's root is mounted, if it is.
    ///
    /// # Errors
    /// As [`LayerStore::rw_layer`]; [`Error::NoMount`].
    pub fn mounted_on(&self, container: &ContainerId) -> Result<Option<PathBuf>> {
        match self.rootfs(&self.present_rw(container)?)? {
            RootFs::Overlay(overlay) => {
                let target = overlay.target();
                Ok(is_mounted(&target)?.then_some(target))
            }
            _ => Ok(None),
        }
    }

    /// Unmounts a container's root that a dead process left mounted, and removes the directory.
    /// Not mounted is fine.
    ///
    /// # Errors
    /// As [`LayerStore::mounted_on`], umount2(2) and rmdir(2).
    pub fn unmount(&self, container: &ContainerId) -> Result<()> {
        let RootFs::Overlay(overlay) = self.rootfs(&self.present_rw(container)?)? else { return Ok(()) };
        let target = overlay.target();
        if is_mounted(&target)? { unmount(&target) } else { Ok(sys::remove_dir(&target)?) }
    }

    /// A container's files as they are now, to read: those of its mount if it is mounted, else
    /// through a mount that stands nowhere.
    ///
    /// # Errors
    /// [`Error::NoMount`], and as the mount fails.
    pub fn view(&self, container: &ContainerId) -> Result<View> {
        self.view_of(self.present_rw(container)?.mount_id.layer())
    }

    /// An image's files up to this layer, to read.
    ///
    /// # Errors
    /// [`Error::NoLayer`], and as the mount fails.
    pub fn view_layer(&self, chain: &ChainId) -> Result<View> {
        let layer = self.layer(chain)?.ok_or(Error::NoLayer(*chain))?;
        self.view_of(layer.cache_id.layer())
    }

    /// A container's files as a mount that stands nowhere, for others to be mounted in it: those of
    /// its own mount if it is mounted, so that both see each other's changes.
    ///
    /// Must be called in the namespace it is to be attached in. Without `write` files of a container
    /// that is not mounted cannot be changed through it.
    ///
    /// # Errors
    /// [`Error::NoMount`], and as the mount fails.
    pub fn tree(&self, container: &ContainerId, write: bool) -> Result<sys::Detached> {
        match self.rootfs(&self.present_rw(container)?)? {
            RootFs::Directory(path) => Ok(sys::bind_detached(path)?),
            RootFs::Overlay(overlay) if is_mounted(&overlay.target())? => Ok(sys::bind_detached(overlay.target())?),
            RootFs::Overlay(overlay) => {
                let (mut lower, upper, work) = (overlay.lower(), overlay.upper(), overlay.work());
                let upper_and_work = upper.as_deref().zip(work.as_deref()).filter(|_| write);
                if !write {
                    lower.splice(..0, upper.clone());
                }
                Ok(sys::mount_overlay_detached(&lower, upper_and_work, overlay.index_off())?)
            }
            _ => Err(self.no_way()),
        }
    }

    pub(crate) fn view_of(&self, id: &LayerId) -> Result<View> {
        match self.driver().rootfs(id)? {
            RootFs::Overlay(overlay) if is_mounted(&overlay.target())? => Ok(View(Seen::Directory(overlay.target()))),
            rootfs => self.see(&rootfs),
        }
    }

    /// The files of a layer, to read, through a mount that stands nowhere if it takes one.
    pub(crate) fn see(&self, rootfs: &RootFs) -> Result<View> {
        let seen = match rootfs {
            RootFs::Directory(path) => Seen::Directory(path.clone()),
            RootFs::Overlay(overlay) => {
                let layers: Vec<_> = overlay.upper().into_iter().chain(overlay.lower()).collect();
                Seen::Detached(sys::mount_overlay_detached(&layers, None, overlay.index_off())?)
            }
            _ => return Err(self.no_way()),
        };
        Ok(View(seen))
    }

    /// Shows `work` the files of a new layer, to fill it, through a mount that stands nowhere if
    /// it takes one. The mount's end flushes nothing: a layer is made durable with all the rest.
    pub(crate) fn fill<T>(&self, rootfs: &RootFs, work: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
        let overlay = match rootfs {
            RootFs::Directory(path) => return work(path),
            RootFs::Overlay(overlay) => overlay,
            _ => return Err(self.no_way()),
        };
        let (lower, upper, own) = (overlay.lower(), overlay.upper(), overlay.work());
        let upper_and_work = upper.as_deref().zip(own.as_deref());
        let mount =
            sys::DetachedOverlay { lower: &lower, upper_and_work, index_off: overlay.index_off(), unsynced: true };
        let mount = mount.mount()?;
        let filled = work(&mount.path().join("."))?;
        drop(mount);
        if let Some(own) = own {
            // The kernel's mark that something may not be on disk yet.
            sys::remove_tree(own.join("work/incompat"))?;
        }
        Ok(filled)
    }

    pub(crate) fn present_rw(&self, container: &ContainerId) -> Result<RwLayer> {
        self.rw_layer(container)?.ok_or_else(|| Error::NoMount(container.clone()))
    }

    fn rootfs(&self, rw: &RwLayer) -> Result<RootFs> {
        Ok(self.driver().rootfs(rw.mount_id.layer())?)
    }

    fn no_way(&self) -> Error {
        Error::NoWayToSee(self.driver().name())
    }
}

fn mount(overlay: &OverlayMount, label: Option<&str>) -> Result<Mounted> {
    let target = overlay.target();
    let options = overlay.options(label)?;
    match sys::create_dir(&target, 0o700) {
        // A crash leaves the directory, dockerd up to 17.11 always had it.
        Err(error) if error.is_exists() && is_mounted(&target)? => return Err(Error::Mounted(target)),
        Err(error) if error.is_exists() => {}
        other => other?,
    }
    if let Err(error) = sys::mount_overlay_at(&options.target, &options.text, options.relative_to.as_deref()) {
        sys::remove_dir(&target).ok();
        return Err(error.into());
    }
    let mounted = Mounted { path: target.clone(), target: Some(target) };
    if let Some(work) = overlay.work() {
        // moby 20.10, overlay2/overlay.go Get: the kernel's own directory belongs to the remapped
        // root, which is root as long as nothing is remapped.
        sys::chown(work.join("work"), 0, 0)?;
    }
    Ok(mounted)
}

fn unmount(target: &Path) -> Result<()> {
    sys::unmount_detach(target)?;
    Ok(sys::remove_dir(target)?)
}

/// Whether a mount begins at `path`, ours or a foreign one. Most often nothing is there at all,
/// which is the cheap answer.
fn is_mounted(path: &Path) -> Result<bool> {
    if !sys::exists(path)? {
        return Ok(false);
    }
    // mountinfo has no links in its paths.
    let real = path.canonicalize().map_err(|source| sys::Error::new("realpath", path, source))?;
    Ok(sys::mount_points()?.iter().any(|point| point.at == real))
}
