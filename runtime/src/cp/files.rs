//! A container's files as dockerd shows them to `cp`: its layer, and over it its volumes, binds
//! and `/etc/hosts` with its like. What a running container mounts itself, tmpfs and `/proc`
//! included, is not there.
//!
//! moby 20.10, daemon/archive.go, volumes_unix.go `mountVolumes`, which mounts all of it where
//! everybody sees it. Here it stands in a mount namespace of one thread, and is gone with it,
//! also after a crash.
//!
//! Everything is reached through one descriptor of the root, with openat2(2) and the root as `/`:
//! a container that changes its files meanwhile leads nobody out of it.

use std::{
    ffi::OsStr,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
};

use base::gopath;
use containers::{Container, HostConfig, Record, config_v2::MountPoint};
use rustix::{fs::FileType, mount::MountFlags};

use super::error::Refusal;
use crate::{
    find,
    home::{Home, HomeError, Writer},
    in_root,
    recover::{self, SettleError},
    spec::{Bind, network_file},
    start, volumes,
};

/// A container's files, seen from outside.
#[derive(Debug)]
pub(super) struct Files {
    /// The root; errors call it as dockerd would have it mounted.
    pub root: sys::Dir,
    /// The container.
    pub container: Container,
}

/// Lets `work` see the files of a container, or why it cannot. Only what is to `write` needs the
/// right to: beside a dockerd that lives one can look.
pub(super) fn with<T: Send>(
    home: &Home,
    text: &str,
    write: bool,
    work: impl FnOnce(Result<&Files, Refusal>) -> T + Send,
) -> T {
    let held = match Held::of(home, text, write) {
        Ok(held) => held,
        Err(refusal) => return work(Err(refusal)),
    };
    let mut work = Some(work);
    let mut once = |files: Result<&Files, Refusal>| work.take().map(|work| work(files)).expect("called once");
    let done = sys::in_private_mounts(|| match held.files(home) {
        Ok(files) => once(Ok(&files)),
        Err(refusal) => once(Err(refusal)),
    });
    match done {
        Ok(done) => done,
        Err(error) => once(Err(error.into())),
    }
}

/// A container that nobody starts or removes meanwhile, if we may say so.
struct Held {
    container: Container,
    write: bool,
    _right: Option<(Writer, containers::Locked)>,
}

impl Held {
    fn of(home: &Home, text: &str, write: bool) -> Result<Self, Refusal> {
        let looked = || Ok(Self { container: find::container(home, text)?, write: false, _right: None });
        let id = home.containers().lookup(text)?;
        let writer = match home.writer() {
            // A dockerd lives, or nobody can write there.
            Err(HomeError::LiveDockerd(_) | HomeError::System(_)) if !write => return looked(),
            other => other?,
        };
        match recover::settle(home, &writer, &id) {
            Ok(settled) => Ok(Self { container: settled.container, write: true, _right: Some((writer, settled.lock)) }),
            Err(SettleError::Foreign(_)) if !write => looked(),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts the files together, in the calling thread's mounts.
    fn files(&self, home: &Home) -> Result<Files, Refusal> {
        let layers = home.layers()?;
        let Container { id, record, host_config, .. } = &self.container;
        let binds = self.binds(home, record, host_config)?;
        let tree = layers.tree(id, self.write)?;
        // Any directory will do: nobody else sees it covered, and here nobody goes by a path of the
        // host any more.
        let place = home.container_dir(id);
        tree.attach(sys::open_dir(&place)?, &place)?;
        let root = sys::Dir::open(tree.path().join("."))?.shown_as(start::merged(&layers, id)?);
        let files = Files { root, container: self.container.clone() };
        for (bind, mount) in binds {
            files.mount(&bind, &mount, self.write)?;
        }
        // Also for who is led back here from a volume by a link. A tmpfs is not there, and dockerd
        // takes files for it all the same.
        if host_config.readonly_rootfs && record.mounts().all(|point| point.kind != "tmpfs") {
            tree.make_read_only()?;
        }
        Ok(files)
    }

    /// What is to be mounted, the highest first, each taken from where it is before anything is
    /// covered.
    fn binds(&self, home: &Home, record: &Record, host: &HostConfig) -> Result<Vec<(Bind, sys::Detached)>, Refusal> {
        let mut record = record.clone();
        if !self.write {
            // A bind whose source is not there is made by who may write.
            let there = |point: &MountPoint| point.volume().is_some() || Path::new(&point.source).exists();
            record.mount_points.iter_mut().for_each(|points| points.retain(|_, point| there(point)));
        }
        let mut binds = volumes::prepare(&home.volumes(), &mut record, host)?;
        let own = network_files(&record, host, &mut binds);
        binds.sort_by_key(|bind| depth(&bind.destination));
        binds.extend(own);
        let taken = binds.into_iter().map(|bind| {
            let take = if bind.non_recursive { sys::bind_detached } else { sys::bind_detached_whole };
            match take(&bind.source) {
                Err(error) if error.is_not_found() => Err(Refusal::NoSource(error)),
                Err(error) => Err(error.into()),
                Ok(mount) => Ok((bind, mount)),
            }
        });
        taken.collect()
    }
}

impl Files {
    fn mount(&self, bind: &Bind, mount: &sys::Detached, write: bool) -> Result<(), Refusal> {
        let path = self.resolve(bind.destination.as_bytes())?;
        let is_dir = mount.path().is_dir();
        let place = match self.root.find_below(&path) {
            Err(error) if error.is_not_found() && write => {
                self.make_place(&path, is_dir)?;
                self.root.find_below(&path)?
            }
            // Who only looks makes no place for it, and does not see it.
            Err(error) if error.is_not_found() => return Ok(()),
            other => other?,
        };
        if is_dir != is_directory(&place)? {
            let flags = if bind.non_recursive { MountFlags::BIND } else { MountFlags::BIND | MountFlags::REC };
            let place = self.root.path().join(OsStr::from_bytes(&path));
            return Err(Refusal::Unlike { source_path: bind.source.clone(), place, flags: flags.bits() });
        }
        mount.attach(place, &bind.destination)?;
        if bind.writable { Ok(()) } else { Ok(mount.make_read_only()?) }
    }

    /// moby 20.10, pkg/fileutils `CreateIfNotExists`.
    fn make_place(&self, path: &[u8], is_dir: bool) -> Result<(), Refusal> {
        let (above, name) = gopath::split(path);
        let made = if is_dir { path } else { above };
        in_root::make_dirs(&self.root, &String::from_utf8_lossy(made))?;
        if !is_dir {
            drop(self.root.below(above)?.create_file(name, 0o755)?);
        }
        Ok(())
    }
}

/// `/etc/resolv.conf` and its like as the last start left them; a user's own comes in their place
/// (moby 20.10, container_unix.go `NetworkMounts`, `TrySetNetworkMount`).
fn network_files(record: &Record, host: &HostConfig, binds: &mut Vec<Bind>) -> Vec<Bind> {
    let noted = [
        ("/etc/resolv.conf", &record.resolv_conf_path),
        ("/etc/hostname", &record.hostname_path),
        ("/etc/hosts", &record.hosts_path),
    ];
    let own = noted.into_iter().filter_map(|(destination, source)| {
        let users = binds.iter().position(|bind| bind.destination == destination).map(|at| binds.remove(at));
        let (source, writable) = match users {
            Some(bind) => (bind.source, bind.writable),
            None => (PathBuf::from(source), !host.readonly_rootfs),
        };
        let there = !source.as_os_str().is_empty() && source.exists();
        there.then(|| network_file(source, destination, writable))
    });
    own.collect()
}

fn is_directory(place: &OwnedFd) -> Result<bool, Refusal> {
    let stat = rustix::fs::fstat(place).map_err(|errno| sys::Error::new("fstat", "", errno))?;
    Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
}

fn depth(path: &str) -> usize {
    gopath::clean(path.as_bytes()).iter().filter(|byte| **byte == b'/').count()
}
