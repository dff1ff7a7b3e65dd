//! `Home`: which data root, which exec root, which driver; and who may write there.
//!
//! Opening one writes nothing. Whoever writes takes [`Home::writer`] first: a shared lock on
//! `volumes/metadata.db`, which dockerd wants for itself alone. So a dockerd cannot start while we
//! write or while a container of ours runs, and we do not write while one lives.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use base::{ContainerId, Digest};
use containers::Containers;
use graphdriver::Access;
use images::Images;
use layerstore::LayerStore;
use volumes::Volumes;

/// Why a data root cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// Only root may.
    #[error("only root can do this: it mounts file systems and starts containers")]
    NotRoot,
    /// A daemon works on the same files.
    #[error("a running dockerd owns {0}: it can be read, but not written to")]
    LiveDockerd(PathBuf),
    /// The data root must be an absolute path, or one that can be made absolute.
    #[error("the data root {path} cannot be used")]
    DataRoot {
        /// As given.
        path: PathBuf,
        /// Why not.
        source: sys::Error,
    },
    /// No driver for it, or not the one asked for.
    #[error(transparent)]
    Driver(Box<graphdriver::Error>),
    /// Its layers cannot be opened.
    #[error(transparent)]
    Layers(Box<layerstore::Error>),
    /// What a dead process left among the images cannot be cleared away.
    #[error("what a process that died left behind cannot be cleared away")]
    Leftovers(#[source] Box<images::Error>),
    /// A directory that must be there cannot be made, or the lock not be taken.
    #[error(transparent)]
    System(#[from] sys::Error),
}

impl From<graphdriver::Error> for HomeError {
    fn from(error: graphdriver::Error) -> Self {
        Self::Driver(Box::new(error))
    }
}

impl From<layerstore::Error> for HomeError {
    fn from(error: layerstore::Error) -> Self {
        Self::Layers(Box::new(error))
    }
}

/// Which data root to use, and how.
#[derive(Debug, Clone, Default)]
pub struct HomeOptions {
    /// `--data-root`; else `/var/lib/minidock`.
    pub data_root: Option<PathBuf>,
    /// `--exec-root`; else a directory in `/run/minidock` of the data root's own.
    pub exec_root: Option<PathBuf>,
    /// `--storage-driver`; else what the data root has, else overlay2.
    pub storage_driver: Option<String>,
    /// Whether containers may be on bridges; not (dockerd's `--bridge none`) by default.
    pub bridge: bool,
}

/// A data root, where its running containers are, and its storage driver.
#[derive(Debug, Clone)]
pub struct Home {
    data_root: PathBuf,
    exec_root: PathBuf,
    wanted: Option<String>,
    bridge: bool,
    /// What a reader takes the data root's driver for.
    driver: &'static str,
    /// What the first writer made of a data root that had none.
    decided: OnceLock<&'static str>,
}

/// The right to write to a data root, held until dropped.
#[derive(Debug)]
pub struct Writer {
    lock: sys::Lock,
}

impl Writer {
    /// The descriptor that carries the lock: whoever gets it holds the lock, too.
    pub(crate) fn file(&self) -> &File {
        self.lock.file()
    }
}

impl Home {
    /// Where containers are kept if nothing else is said.
    pub const DEFAULT_DATA_ROOT: &str = "/var/lib/minidock";

    /// Looks at a data root; it need not be there yet.
    ///
    /// # Errors
    /// When the path cannot be made absolute, or no driver can be chosen for it.
    pub fn open(options: HomeOptions) -> Result<Self, HomeError> {
        let given = options.data_root.unwrap_or_else(|| PathBuf::from(Self::DEFAULT_DATA_ROOT));
        let data_root = canonical(&given).map_err(|source| {
            let source = sys::Error::new("realpath", &given, source);
            HomeError::DataRoot { path: given, source }
        })?;
        may_be_read(&data_root).map_err(|source| HomeError::DataRoot { path: data_root.clone(), source })?;
        let exec_root = options.exec_root.unwrap_or_else(|| default_exec_root(&data_root));
        let wanted = options.storage_driver;
        let driver = graphdriver::choose(&data_root, wanted.as_deref(), Access::ReadOnly)?;
        let bridge = options.bridge;
        Ok(Self { data_root, exec_root, wanted, bridge, driver, decided: OnceLock::new() })
    }

    /// The data root, absolute and without symlinks.
    pub fn data_root(&self) -> &Path {
        &self.data_root
    }

    /// Where running containers have their bundles and sockets.
    pub fn exec_root(&self) -> &Path {
        &self.exec_root
    }

    /// Whether containers may be on bridges.
    pub fn bridge(&self) -> bool {
        self.bridge
    }

    /// Who is on which network.
    pub fn network_place(&self) -> networks::Place {
        networks::Place::of(&self.exec_root)
    }

    /// The name of the storage driver. Of a data root without layers only a writer knows it.
    pub fn driver_name(&self) -> &'static str {
        self.decided.get().copied().unwrap_or(self.driver)
    }

    /// Its images.
    pub fn images(&self) -> Images {
        Images::open(&self.data_root, self.driver_name())
    }

    /// Its containers.
    pub fn containers(&self) -> Containers {
        Containers::open(&self.data_root, self.driver_name())
    }

    /// Its volumes.
    pub fn volumes(&self) -> Volumes {
        Volumes::open(&self.data_root)
    }

    /// Its layers, to read; nothing is written for it.
    ///
    /// # Errors
    /// When the driver cannot be opened.
    pub fn layers(&self) -> Result<LayerStore, HomeError> {
        self.open_layers(Access::ReadOnly)
    }

    /// Its layers, to change; the writer is the proof that this is allowed.
    ///
    /// # Errors
    /// When the driver's home cannot be made or opened.
    pub fn layers_for(&self, _writer: &Writer) -> Result<LayerStore, HomeError> {
        self.open_layers(Access::ReadWrite)
    }

    /// As [`Home::layers_for`], for what changes images: what loads and removals that died left
    /// behind is cleared away first.
    ///
    /// # Errors
    /// As [`Home::layers_for`], and when something cannot be cleared away.
    pub fn layers_for_images(&self, writer: &Writer) -> Result<LayerStore, HomeError> {
        let layers = self.layers_for(writer)?;
        self.images().recover(&layers).map_err(|error| HomeError::Leftovers(Box::new(error)))?;
        Ok(layers)
    }

    fn open_layers(&self, access: Access) -> Result<LayerStore, HomeError> {
        let driver = graphdriver::open(self.driver_name(), &self.data_root, access)?;
        Ok(LayerStore::open(&self.data_root, driver, access)?)
    }

    /// Where a running container has its bundle and socket.
    pub fn run_dir(&self, container: &ContainerId) -> PathBuf {
        self.exec_root.join(container)
    }

    /// A container's directory in the data root.
    pub fn container_dir(&self, container: &ContainerId) -> PathBuf {
        self.data_root.join("containers").join(container)
    }

    /// Takes the right to write; a data root that is not there yet is made as dockerd 20.10.24
    /// makes it (moby 20.10, daemon/daemon_unix.go `setupDaemonRoot`).
    ///
    /// # Errors
    /// Without root rights, beside a live dockerd, or when a directory cannot be made.
    pub fn writer(&self) -> Result<Writer, HomeError> {
        if !is_root() {
            return Err(HomeError::NotRoot);
        }
        self.make_directories()?;
        let path = self.lock_path();
        let file = open_or_create(&path)?;
        let Some(lock) = sys::try_shared(file, &path)? else {
            return Err(HomeError::LiveDockerd(self.data_root.clone()));
        };
        self.uncover()?;
        let driver = graphdriver::choose(&self.data_root, self.wanted.as_deref(), Access::ReadWrite)?;
        sys::create_dir_all(self.data_root.join("image").join(driver), 0o700)?;
        // Whoever else decided it in this process decided the same.
        self.decided.get_or_init(|| driver);
        Ok(Writer { lock })
    }

    /// Whether containers can be looked for; a data root that is not there has none.
    ///
    /// # Errors
    /// When something else is in its place, or we may not look.
    pub(crate) fn check_readable(&self) -> Result<(), HomeError> {
        match sys::open_dir(self.data_root.join("containers")) {
            Err(error) if !error.is_not_found() => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Where `/` is not a shared mount, a dockerd that starts mounts the data root upon itself,
    /// and one that then cannot have the lock leaves it so: what runs is mounted below, where
    /// nobody can reach it any more. dockerd itself takes such a mount away when it ends (moby
    /// 20.10, daemon_linux.go `cleanupMounts`).
    fn uncover(&self) -> sys::Result<()> {
        let points = sys::mount_points()?;
        let Some(cover) = points.iter().rposition(|point| point.at == self.data_root) else { return Ok(()) };
        let covered =
            points[..cover].iter().any(|point| point.at != self.data_root && point.at.starts_with(&self.data_root));
        if covered { sys::unmount_detach(&self.data_root) } else { Ok(()) }
    }

    /// Whether a dockerd works on the data root now. Writes nothing.
    ///
    /// # Errors
    /// When the lock cannot be looked at.
    pub fn live_dockerd(&self) -> Result<bool, HomeError> {
        let path = self.lock_path();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(sys::Error::new("open", &path, error).into()),
        };
        Ok(sys::try_shared(file, &path)?.is_none())
    }

    /// The file whose lock says who may write.
    pub(crate) fn lock_path(&self) -> PathBuf {
        self.data_root.join("volumes/metadata.db")
    }

    fn make_directories(&self) -> sys::Result<()> {
        if !sys::exists(&self.data_root)?
            && let Some(parent) = self.data_root.parent()
        {
            sys::create_dir_all(parent, 0o755)?;
        }
        for (dir, mode) in [("", 0o710), ("containers", 0o710), ("image", 0o700), ("volumes", 0o701), ("tmp", 0o700)] {
            sys::create_dir_all(self.data_root.join(dir), mode)?;
        }
        Ok(())
    }
}

/// A data root that is not there may come; one that is no directory, or is closed to us, would
/// else look empty.
fn may_be_read(path: &Path) -> sys::Result<()> {
    match sys::open_dir(path) {
        Err(error) if error.is_not_found() => Ok(()),
        other => other.map(drop),
    }
}

/// The path without symlinks; of one that is not there, as far as it is.
fn canonical(path: &Path) -> std::io::Result<PathBuf> {
    match path.canonicalize() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let path = std::path::absolute(path)?;
            match (path.parent(), path.file_name()) {
                (Some(parent), Some(name)) => Ok(canonical(parent)?.join(name)),
                _ => Ok(path),
            }
        }
        other => other,
    }
}

/// Two data roots never share an exec root, and one always has the same.
fn default_exec_root(data_root: &Path) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    let digest = Digest::of(data_root.as_os_str().as_bytes()).hex();
    Path::new("/run/minidock").join(&digest[..12])
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// An absent lock file is made empty: dockerd takes that for a new database.
fn open_or_create(path: &Path) -> sys::Result<File> {
    match sys::create_new(path, 0o600) {
        Err(error) if error.is_exists() => File::open(path).map_err(|error| sys::Error::new("open", path, error)),
        made => made,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn home(dir: &Path) -> Home {
        let options = HomeOptions { data_root: Some(dir.join("root")), ..HomeOptions::default() };
        Home::open(options).expect("a home")
    }

    #[test]
    fn looking_at_a_data_root_writes_nothing() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let home = home(dir.path());
        assert!(!home.live_dockerd().expect("nobody there"));
        assert_eq!(sys::list_dir(dir.path()).expect("list"), Vec::<std::ffi::OsString>::new());
    }

    #[test]
    fn a_fresh_data_root_has_dockerds_modes() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let home = home(dir.path());
        let writer = home.writer().expect("root may write");
        let mode = |path: &str| {
            let data = home.data_root().join(path).metadata().expect("it is there");
            data.permissions().mode() & 0o7777
        };
        let modes = ["", "containers", "image", "image/overlay2", "volumes", "volumes/metadata.db", "tmp"].map(mode);
        assert_eq!(modes, [0o710, 0o710, 0o700, 0o700, 0o701, 0o600, 0o700]);
        drop(writer);
    }

    #[test]
    fn writers_live_side_by_side_but_not_beside_a_dockerd() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let home = home(dir.path());
        let (one, two) = (home.writer().expect("one"), home.writer().expect("two"));
        assert!(!home.live_dockerd().expect("look"), "our own locks are no dockerd");
        drop((one, two));
        let path = home.lock_path();
        let dockerd = sys::try_exclusive(File::open(&path).expect("open"), &path).expect("flock");
        assert!(matches!(home.writer(), Err(HomeError::LiveDockerd(_))));
        assert!(home.live_dockerd().expect("look"));
        drop(dockerd);
    }

    #[test]
    fn a_mount_that_a_dockerd_left_over_ours_is_taken_away() {
        use rustix::mount::{MountFlags, mount, mount_bind};
        let dir = tempfile::tempdir().expect("a temporary directory");
        let home = home(dir.path());
        drop(home.writer().expect("root may write"));
        let ours = home.data_root().join("tmp");
        mount("tmpfs", &ours, "tmpfs", MountFlags::empty(), None).expect("mount");
        mount_bind(home.data_root(), home.data_root()).expect("bind");
        sys::unmount_detach(&ours).expect_err("it is covered");
        drop(home.writer().expect("root may write"));
        sys::unmount_detach(&ours).expect("it can be reached again");
        sys::unmount_detach(home.data_root()).expect_err("the cover is gone");
    }

    #[test]
    fn an_exec_root_belongs_to_one_data_root_however_it_is_spelled() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        sys::symlink(dir.path(), dir.path().join("again")).expect("symlink");
        let through_link = home(&dir.path().join("again"));
        assert_eq!(home(dir.path()).exec_root(), through_link.exec_root());
    }
}
