//! What a container mounts: volumes made and filled at create, sources found at start, anonymous
//! volumes removed with their container.

mod bind_spec;
mod mount_spec;
mod populate;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use base::{gopath, hex_id};
use containers::{Config, Containers, HostConfig, LoadError, LookupError, MountPoint, Record, config_v2::Mount};

pub use self::{
    bind_spec::{BadBind, parse},
    mount_spec::{BadMount, parse_mount},
    populate::{PopulateError, populate},
};
use ::volumes::{Held, NewVolume, VolumeError, Volumes};

use crate::spec::Bind;

/// Why a container's mounts cannot be made ready.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    /// A `-v` that means nothing.
    #[error(transparent)]
    Bind(#[from] BadBind),
    /// Two for one place. The words are dockerd's.
    #[error("Duplicate mount point: {0}")]
    Duplicate(String),
    /// A volume.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// A `--mount` that means nothing.
    #[error(transparent)]
    Mount(#[from] BadMount),
    /// `--volumes-from` of nothing. The words are dockerd's.
    #[error("volumes-from specification cannot be an empty string")]
    VolumesFrom,
    /// `--volumes-from` with a mode that is none. The words are dockerd's.
    #[error("invalid mode: {0}")]
    FromMode(String),
    /// `--volumes-from` a container that is not there.
    #[error(transparent)]
    From(#[from] LookupError),
    /// `--volumes-from` a container that cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// `--mount`.
    #[error("mounts of the type {0} cannot be used yet")]
    Kind(String),
    /// A record that says neither what nor where. The words are dockerd's.
    #[error("Unable to setup mount point, neither source nor volume defined")]
    Nothing,
    /// The source of a bind is not there and cannot be made. The words are dockerd's.
    #[error("error while creating mount source path '{path}'")]
    Source {
        /// On the host.
        path: String,
        /// Why not.
        source: sys::Error,
    },
}

/// The mount points of a new container, by destination; and which volumes were made for it.
#[derive(Debug, Default)]
pub struct Registered {
    /// As the record keeps them.
    pub points: BTreeMap<String, MountPoint>,
    /// Volumes that nobody named, to be removed if nothing comes of the container.
    pub anonymous: Vec<String>,
    /// Destinations of what came with `--volumes-from`: nothing is copied there.
    pub borrowed: BTreeSet<String>,
}

/// Makes the volumes that a new container asks for, named first, then those of `VOLUME`.
///
/// moby 20.10, daemon/volumes.go `registerMountPoints`, daemon/create_unix.go.
///
/// # Errors
/// [`MountError`]; `registered` then says what was made so far. Of that, named volumes are to
/// stay, as with dockerd: somebody else may use them already.
pub fn register(
    volumes: &Volumes,
    containers: &Containers,
    data_root: &Path,
    config: &Config,
    host: &HostConfig,
    held: &Held,
    registered: &mut Registered,
) -> Result<(), MountError> {
    for spec in host.volumes_from.iter().flatten() {
        for point in borrowed(volumes, containers, spec)? {
            registered.borrowed.insert(point.destination.clone());
            registered.points.insert(point.destination.clone(), point);
        }
    }
    let mut own = BTreeSet::new();
    for spec in host.binds.iter().flatten() {
        let mut point = parse(spec)?;
        let tmpfs = host.tmpfs.as_ref().is_some_and(|tmpfs| tmpfs.contains_key(&point.destination));
        if tmpfs || !own.insert(point.destination.clone()) {
            return Err(MountError::Duplicate(point.destination));
        }
        if point.kind == "volume" {
            with_driver(&mut point, &host.volume_driver)?;
            volumes.create(&point.name)?;
            point.source = text(&volumes.data(&point.name));
            "local".clone_into(&mut point.driver);
            if point.mode.is_empty() {
                // moby labels a named volume for all containers.
                "z".clone_into(&mut point.mode);
            }
        } else if point.spec.bind_options.is_none() && overlaps(&point.source, data_root) {
            // moby 20.10, volumes_linux.go: our own mounts must not be pinned by a container.
            "rslave".clone_into(&mut point.propagation);
        }
        registered.borrowed.remove(&point.destination);
        registered.points.insert(point.destination.clone(), point);
    }
    for mount in host.mounts.iter().flatten() {
        let point = mounted(volumes, data_root, mount, held, registered)?;
        if !own.insert(point.destination.clone()) {
            return Err(MountError::Duplicate(mount.target.clone()));
        }
        registered.borrowed.remove(&point.destination);
        registered.points.insert(point.destination.clone(), point);
    }
    for spec in config.volumes.iter().flatten().map(|(path, _)| path) {
        let destination = String::from_utf8_lossy(&gopath::clean(spec.as_bytes())).into_owned();
        let tmpfs = host.tmpfs.as_ref().is_some_and(|tmpfs| tmpfs.contains_key(&destination));
        if tmpfs || registered.points.contains_key(&destination) {
            continue;
        }
        let name = hex_id(sys::random);
        check_driver(&name, &host.volume_driver)?;
        registered.anonymous.push(name.clone());
        volumes.create(&name)?;
        registered.points.insert(destination.clone(), anonymous(name, destination));
    }
    Ok(())
}

/// What another container mounts, for this one too; with `:ro` to read only (moby 20.10,
/// volume/mounts/linux_parser.go `ParseVolumesFrom`).
fn borrowed(volumes: &Volumes, containers: &Containers, spec: &str) -> Result<Vec<MountPoint>, MountError> {
    let (name, mode) = spec.split_once(':').unwrap_or((spec, "rw"));
    if spec.is_empty() {
        return Err(MountError::VolumesFrom);
    }
    if !bind_spec::is_borrowing_mode(mode) {
        return Err(MountError::FromMode(mode.to_owned()));
    }
    let writable = !mode.split(',').any(|word| word == "ro");
    let other = containers.load_record(&containers.lookup(name)?)?;
    for point in other.mounts().filter(|point| point.source.is_empty()) {
        if let Some(name) = point.volume() {
            volumes.get(name)?;
        }
    }
    let points = other.mounts().map(|point| MountPoint {
        rw: point.rw && writable,
        kind: point.kind.clone(),
        name: point.name.clone(),
        source: point.source.clone(),
        driver: point.driver.clone(),
        destination: point.destination.clone(),
        propagation: point.propagation.clone(),
        spec: point.spec.clone(),
        ..MountPoint::default()
    });
    Ok(points.collect())
}

/// Whether making a container writes labels or options of a volume, for which the volumes must be
/// held alone.
pub fn writes_rows(host: &HostConfig) -> bool {
    host.mounts.iter().flatten().any(|mount| new_volume(mount).is_some())
}

/// The volume that a `--mount` makes, if it says more of it than its name.
fn new_volume(mount: &Mount) -> Option<NewVolume> {
    let options = mount.volume_options.as_ref().filter(|_| mount.kind == "volume")?;
    let some = |map: &Option<BTreeMap<String, String>>| map.as_ref().is_some_and(|map| !map.is_empty());
    let driver = options.driver_config.clone().unwrap_or_default();
    (some(&options.labels) || some(&driver.options)).then(|| NewVolume {
        name: mount.source.clone(),
        driver: driver.name,
        labels: options.labels.clone(),
        options: driver.options,
    })
}

/// Only the local driver is a part of dockerd.
fn check_driver(name: &str, driver: &str) -> Result<(), VolumeError> {
    match driver {
        "" | "local" => Ok(()),
        other => Err(VolumeError::NoDriver { name: name.to_owned(), driver: other.to_owned() }),
    }
}

/// A `-v` with `--volume-driver` (moby 20.10, linux_parser.go `ParseMountRaw`).
fn with_driver(point: &mut MountPoint, driver: &str) -> Result<(), VolumeError> {
    check_driver(&point.name, driver)?;
    if !driver.is_empty() {
        let options = point.spec.volume_options.get_or_insert_default();
        options.driver_config.get_or_insert_default().name = driver.to_owned();
    }
    Ok(())
}

/// The mount point of a `--mount`, its volume made.
fn mounted(
    volumes: &Volumes,
    data_root: &Path,
    mount: &Mount,
    held: &Held,
    registered: &mut Registered,
) -> Result<MountPoint, MountError> {
    let mut point = parse_mount(mount, &|path| Path::new(path).exists())?;
    if point.kind == "bind" && point.spec.bind_options.is_none() && overlaps(&point.source, data_root) {
        "rslave".clone_into(&mut point.propagation);
    }
    if point.kind != "volume" {
        return Ok(point);
    }
    check_driver(&point.name, &point.driver)?;
    if point.name.is_empty() {
        point.name = hex_id(sys::random);
        registered.anonymous.push(point.name.clone());
    }
    match new_volume(mount) {
        Some(new) => drop(volumes.create_with(NewVolume { name: point.name.clone(), ..new }, held)?),
        None => drop(volumes.create(&point.name)?),
    }
    point.source = text(&volumes.data(&point.name));
    "local".clone_into(&mut point.driver);
    "z".clone_into(&mut point.mode);
    Ok(point)
}

fn anonymous(name: String, destination: String) -> MountPoint {
    MountPoint {
        destination,
        rw: true,
        name,
        driver: "local".to_owned(),
        kind: "volume".to_owned(),
        ..MountPoint::default()
    }
}

fn overlaps(source: &str, data_root: &Path) -> bool {
    let source = Path::new(source);
    source.starts_with(data_root) || data_root.starts_with(source)
}

/// What a container mounts when it starts, each source ready: a volume that is there, a directory
/// of the host, made if it is missing. What is only known now (a volume's path, a mount's id) goes
/// into the record.
///
/// moby 20.10, daemon/volumes_unix.go `setupMounts`, volume/mounts/mounts.go `Setup`.
///
/// # Errors
/// [`MountError`].
pub fn prepare(volumes: &Volumes, record: &mut Record, host: &HostConfig) -> Result<Vec<Bind>, MountError> {
    let mut binds = Vec::new();
    for point in record.mount_points.iter_mut().flatten().map(|(_, point)| point) {
        let tmpfs = host.tmpfs.as_ref().is_some_and(|tmpfs| tmpfs.contains_key(&point.destination));
        if tmpfs || point.kind == "tmpfs" {
            continue;
        }
        let (source, with_mounts) = match point.volume().map(str::to_owned) {
            Some(name) => volume_source(volumes, &name, point)?,
            None => (bind_source(point)?, true),
        };
        binds.push(Bind {
            source,
            destination: point.destination.clone(),
            writable: point.rw,
            propagation: point.propagation.clone(),
            non_recursive: !with_mounts
                || point.spec.bind_options.as_ref().is_some_and(|options| options.non_recursive),
        });
    }
    Ok(binds)
}

/// A volume's directory, and whether mounts below come along.
fn volume_source(volumes: &Volumes, name: &str, point: &mut MountPoint) -> Result<(PathBuf, bool), MountError> {
    if point.driver.is_empty() {
        return Err(MountError::Nothing);
    }
    let source = volumes.source(name, &point.driver)?;
    point.source = text(&volumes.data(name));
    if point.id.is_empty() {
        point.id = hex_id(sys::random);
    }
    Ok(source)
}

fn bind_source(point: &MountPoint) -> Result<PathBuf, MountError> {
    if !["", "bind"].contains(&point.kind.as_str()) {
        return Err(MountError::Kind(point.kind.clone()));
    }
    if point.source.is_empty() {
        return Err(MountError::Nothing);
    }
    let source = PathBuf::from(&point.source);
    if !point.skip_mountpoint_creation && !source.exists() {
        let failed = |error| MountError::Source { path: point.source.clone(), source: error };
        sys::create_dir_all(&source, 0o755).map_err(failed)?;
    }
    Ok(source)
}

/// The volumes that go when a container is removed with its volumes: those nobody named and no
/// other container mounts.
///
/// moby 20.10, daemon/mounts.go `removeMountPoints`.
pub fn anonymous_of<'r>(record: &'r Record, others: &[Record]) -> Vec<&'r str> {
    let in_use = |name: &str| others.iter().flat_map(Record::mounts).any(|point| point.volume() == Some(name));
    let own = record.mounts().filter(|point| point.is_anonymous_volume()).filter_map(MountPoint::volume);
    own.filter(|name| !in_use(name)).collect()
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use containers::Empty;

    use super::*;

    fn registered(binds: &[&str], images: &[&str]) -> Result<(Registered, tempfile::TempDir), MountError> {
        let root = tempfile::tempdir().expect("a temporary directory");
        sys::create_dir(root.path().join("volumes"), 0o701).expect("mkdir");
        let volumes = Some(images.iter().map(|path| ((*path).to_owned(), Empty::default())).collect());
        let config = Config { volumes, ..Config::default() };
        let binds = Some(binds.iter().map(|bind| (*bind).to_owned()).collect());
        let host = HostConfig { binds, ..HostConfig::new() };
        let mut registered = Registered::default();
        let containers = Containers::open(root.path(), "overlay2");
        let volumes = Volumes::open(root.path());
        let held = volumes.hold()?;
        register(&volumes, &containers, root.path(), &config, &host, &held, &mut registered)?;
        Ok((registered, root))
    }

    #[test]
    fn a_volume_of_the_images_gives_way_to_one_of_the_users() {
        let (registered, _root) = registered(&["mine:/data"], &["/data/", "/other"]).expect("volumes");
        let kinds: Vec<_> =
            registered.points.values().map(|point| (point.destination.as_str(), point.is_anonymous_volume())).collect();
        assert_eq!(kinds, [("/data", false), ("/other", true)]);
        assert_eq!(registered.anonymous, [registered.points["/other"].name.clone()]);
        assert_eq!(registered.points["/data"].mode, "z");
    }

    #[test]
    fn two_mounts_on_one_place_are_refused() {
        let error = registered(&["/tmp:/q", "/etc:/q/"], &[]).expect_err("one place");
        assert_eq!(error.to_string(), "Duplicate mount point: /q");
    }

    #[test]
    fn a_bind_of_the_data_root_itself_is_a_slave() {
        let root = Path::new("/var/lib/minidock");
        assert!(overlaps("/", root) && overlaps("/var/lib/minidock/volumes", root));
        assert!(!overlaps("/var/lib/minidock2", root));
    }

    #[test]
    fn a_missing_directory_of_the_host_is_made_at_start() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let source = dir.path().join("a/b");
        let point = parse(&format!("{}:/q:ro", source.display())).expect("a bind");
        let points = Some([("/q".to_owned(), point)].into());
        let mut record = Record { mount_points: points, ..Record::default() };
        let binds = prepare(&Volumes::open(dir.path()), &mut record, &HostConfig::new()).expect("ready");
        assert!(source.is_dir());
        assert_eq!((binds[0].writable, binds[0].propagation.as_str()), (false, "rprivate"));
    }

    #[test]
    fn only_anonymous_volumes_that_nobody_else_mounts_go_with_a_container() {
        let point = |name: &str, source: &str| {
            let mut point = anonymous(name.to_owned(), format!("/{name}"));
            source.clone_into(&mut point.spec.source);
            (point.destination.clone(), point)
        };
        let points = Some([point("own", ""), point("shared", ""), point("named", "named")].into());
        let record = Record { mount_points: points, ..Record::default() };
        let other = Record { mount_points: Some([point("shared", "")].into()), ..Record::default() };
        assert_eq!(anonymous_of(&record, &[other]), ["own"]);
    }
}
