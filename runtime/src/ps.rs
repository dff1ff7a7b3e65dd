//! `ps`: one row per container.
//!
//! Running containers are found through the exec root, without reading the files of all others.
//! Only when something is mounted or running that is not ours (a dockerd's) all are read.

use std::collections::{BTreeSet, HashMap};

use base::{ContainerId, ImageId, Time};
use containers::{Container, LookupError, config_v2::PortMap};

use crate::{
    filter::{BadFilter, Filters},
    home::{Home, HomeError},
    truth,
};

/// Which containers to list.
#[derive(Debug, Clone, Default)]
pub struct PsRequest {
    /// Stopped ones too.
    pub all: bool,
    /// Only so many of the youngest, stopped ones too.
    pub last: Option<usize>,
    /// Measure them.
    pub size: bool,
    /// `key=value` texts.
    pub filters: Vec<String>,
}

/// What there is.
#[derive(Debug, Default)]
pub struct Listed {
    /// The youngest first.
    pub rows: Vec<PsRow>,
    /// What cannot be shown and why, one line each.
    pub damaged: Vec<String>,
}

/// What `ps` knows of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PsRow {
    /// Its id.
    pub id: ContainerId,
    /// The image as the user named it, or its id if that name means another image now.
    pub image: String,
    /// The image's id.
    pub image_id: String,
    /// Executable and arguments in one line, as docker writes them (without quotes around).
    pub command: String,
    /// When it was made.
    pub created: Time,
    /// `Up 3 seconds`, `Exited (0) 2 days ago`, …
    pub status: String,
    /// `created`, `running`, `paused`, `restarting`, `exited`, `removing` or `dead`.
    pub state: &'static str,
    /// Exposed and published ports, as docker writes them.
    pub ports: String,
    /// The name, without slash.
    pub name: String,
    /// Labels, sorted by key.
    pub labels: Vec<(String, String)>,
    /// Volumes' names and binds' sources.
    pub mounts: Vec<String>,
    /// How many of `mounts` are volumes of the local driver.
    pub local_volumes: usize,
    /// Names of its networks.
    pub networks: Vec<String>,
    /// Bytes in its own layer, and with its image; only if asked for.
    pub size: Option<(u64, u64)>,
}

/// Why containers cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum PsError {
    /// The data root cannot be read.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// A filter that means nothing.
    #[error(transparent)]
    Filter(#[from] BadFilter),
    /// `before` or `since` a container that is not there.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// Its size cannot be told.
    #[error(transparent)]
    Size(#[from] layerstore::Error),
    /// A directory cannot be read.
    #[error(transparent)]
    System(#[from] sys::Error),
}

/// Lists containers.
///
/// # Errors
/// [`PsError`]; one damaged container is none, but a line in [`Listed::damaged`].
pub fn ps(home: &Home, request: &PsRequest) -> Result<Listed, PsError> {
    let filters = Filters::parse(&request.filters)?;
    home.check_readable()?;
    let all = request.all || request.last.is_some() || filters.wants_all();
    let (mut containers, damaged) = if all { read_all(home)? } else { read_running(home)? };
    containers.retain(|container| (all || container.record.state.running) && filters.take(container));
    containers.sort_by(|one, other| (other.record.created, &other.id).cmp(&(one.record.created, &one.id)));
    between(home, &filters, &mut containers)?;
    let mut images = ImageNames { home, known: HashMap::new() };
    of_ancestors(&mut images, &filters, &mut containers);
    containers.truncate(request.last.unwrap_or(usize::MAX));
    let mut rows: Vec<_> = containers.iter().map(|container| row(container, &mut images)).collect();
    if request.size {
        measure(home, &containers, &mut rows)?;
    }
    Ok(Listed { rows, damaged })
}

fn read_all(home: &Home) -> Result<(Vec<Container>, Vec<String>), PsError> {
    let mut listing = home.containers().load_records()?;
    // One look for all that say they do not run; those that do are looked at one by one.
    let ours = truth::in_exec_root(home)?;
    let doubtful = |container: &&mut Container| container.record.state.running || ours.contains(&container.id);
    listing.containers.iter_mut().filter(doubtful).for_each(|container| truth::correct(home, container));
    let foreign = |finding: &containers::Finding| {
        use containers::{Finding, LoadError};
        let other = |source: &LoadError| matches!(source, LoadError::OtherDriver { .. } | LoadError::OtherOs { .. });
        matches!(finding, Finding::Unloadable { source, .. } if other(source))
    };
    let damaged = listing
        .findings
        .iter()
        .filter(|finding| !foreign(finding))
        .map(|finding| crate::words::chain(finding))
        .collect();
    Ok((listing.containers, damaged))
}

fn read_running(home: &Home) -> Result<(Vec<Container>, Vec<String>), PsError> {
    let ours = truth::in_exec_root(home)?;
    if home.live_dockerd().unwrap_or(false) || others_run(home, &ours)? {
        return read_all(home);
    }
    let containers = home.containers();
    let mut running: Vec<_> = ours.iter().filter_map(|id| containers.load(id).ok()).collect();
    running.iter_mut().for_each(|container| truth::correct(home, container));
    Ok((running, Vec::new()))
}

/// Whether more is mounted below the driver's home than our containers account for: a dockerd
/// with live-restore has left containers running.
fn others_run(home: &Home, ours: &BTreeSet<ContainerId>) -> sys::Result<bool> {
    let driver = home.data_root().join(home.driver_name());
    let mounts = sys::mount_points()?;
    Ok(mounts.iter().filter(|point| point.at.starts_with(&driver)).count() > ours.len())
}

/// `before` and `since`, in the order of age.
fn between(home: &Home, filters: &Filters, containers: &mut Vec<Container>) -> Result<(), PsError> {
    let created = |text: &String| -> Result<(Time, ContainerId), PsError> {
        let id = home.containers().lookup(text)?;
        let record = home
            .containers()
            .load_record(&id)
            .map_err(|source| LookupError::Unloadable { text: text.clone(), source })?;
        Ok((record.created, id))
    };
    let age = |container: &Container| (container.record.created, container.id.clone());
    for text in filters.values("before") {
        let limit = created(text)?;
        containers.retain(|container| age(container) < limit);
    }
    for text in filters.values("since") {
        let limit = created(text)?;
        containers.retain(|container| age(container) > limit);
    }
    Ok(())
}

/// `ancestor`: containers of this image, or of one made from it here.
fn of_ancestors(images: &mut ImageNames<'_>, filters: &Filters, containers: &mut Vec<Container>) {
    let wanted: Vec<_> = filters.values("ancestor").iter().map(|text| images.id(text)).collect();
    if wanted.is_empty() {
        return;
    }
    let store = images.home.images();
    containers.retain(|container| {
        let mut next = container.record.image_id();
        while let Some(id) = next {
            if wanted.contains(&Some(id)) {
                return true;
            }
            next = store.get(&id).ok().flatten().and_then(|image| image.parent);
        }
        false
    });
}

/// What image names mean now, each looked up once.
struct ImageNames<'a> {
    home: &'a Home,
    known: HashMap<String, Option<ImageId>>,
}

impl ImageNames<'_> {
    fn id(&mut self, name: &str) -> Option<ImageId> {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let id = self.home.images().resolve(name).ok().map(|image| image.id);
        self.known.insert(name.to_owned(), id);
        id
    }

    /// moby 20.10, daemon/list.go `refreshImage`.
    fn shown(&mut self, name: &str, id: &str) -> String {
        if id.is_empty() {
            return String::new();
        }
        let same = self.id(name).is_some_and(|now| now.to_string() == id);
        if same { name.to_owned() } else { id.to_owned() }
    }
}

fn row(container: &Container, images: &mut ImageNames<'_>) -> PsRow {
    let record = &container.record;
    PsRow {
        id: container.id.clone(),
        image: images.shown(&record.config.image, &record.image),
        image_id: record.image.clone(),
        command: record.command(),
        created: record.created,
        status: record.state.text(Time::now()),
        state: record.state.word(),
        ports: if record.state.running { ports(record.network_settings.ports.as_ref()) } else { String::new() },
        name: record.name().to_owned(),
        labels: record.config.labels.iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect(),
        mounts: record
            .mounts()
            .map(|point| if point.name.is_empty() { &point.source } else { &point.name })
            .cloned()
            .collect(),
        local_volumes: record.mounts().filter(|point| point.driver == "local").count(),
        networks: record.network_settings.networks.iter().flatten().map(|(name, _)| name.clone()).collect(),
        size: None,
    }
}

/// `0.0.0.0:8080->80/tcp, 443/tcp`
fn ports(ports: Option<&PortMap>) -> String {
    let mut shown = Vec::new();
    for (port, bindings) in ports.into_iter().flatten() {
        match bindings {
            Some(bindings) if !bindings.is_empty() => {
                shown.extend(bindings.iter().map(|on| format!("{}:{}->{port}", on.host_ip, on.host_port)));
            }
            _ => shown.push(port.clone()),
        }
    }
    shown.join(", ")
}

fn measure(home: &Home, containers: &[Container], rows: &mut [PsRow]) -> Result<(), PsError> {
    let layers = home.layers()?;
    for (container, row) in containers.iter().zip(rows) {
        row.size = Some(crate::size::of(home, &layers, container));
    }
    Ok(())
}
