//! `create`: a container's layer, its volumes and its two files. Nothing runs yet.
//!
//! Leaf first, pointer last: the layer and the volumes are garbage that recovery clears away until
//! one rename puts the container's directory in its place. Two flushes: everything, then the
//! rename. moby 20.10, daemon/create.go.

use std::collections::BTreeMap;

use ::volumes::{Held, Volumes};
use base::{ContainerId, Time, hex_id};
use containers::{
    Config, Containers, Draft, HostConfig, LookupError, MountPoint, NameError, PublishError, Record,
    config_v2::{Endpoint, NetworkSettings},
};
use images::Image;
use layerstore::{Init, LayerStore};

use crate::{
    config::{self, BadConfig},
    events,
    home::{Home, HomeError, Writer},
    host::{self, BadHost, HostFacts},
    in_root, join, leftovers,
    logging::{self, BadLog},
    needed::Needed,
    network::{self, Network},
    security_opt::{self, BadSecurityOpt},
    start,
    volumes::{self, MountError, PopulateError, Registered},
};

/// What a container shall be. As over docker's API: what is empty is taken from the image or
/// from the defaults.
#[derive(Debug, Clone)]
pub struct CreateRequest {
    /// Its name; one is made up if there is none.
    pub name: Option<String>,
    /// What is the same on every host; `config.image` says which image.
    pub config: Config,
    /// What depends on the host.
    pub host_config: HostConfig,
    /// What it wants on its network: `--network-alias`, `--ip`.
    pub endpoint: Endpoint,
}

/// A container that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Its id.
    pub id: ContainerId,
    /// What the user should know, one line each, without `WARNING:`.
    pub warnings: Vec<String>,
}

/// Why no container was made. Nothing is left of it but named volumes, which dockerd keeps too.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The data root cannot be written to.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// A wish that contradicts itself.
    #[error(transparent)]
    Config(#[from] BadConfig),
    /// A wish that this host cannot fulfil.
    #[error(transparent)]
    Host(#[from] BadHost),
    /// A container whose namespace is to be shared.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// `--security-opt`.
    #[error(transparent)]
    Security(#[from] BadSecurityOpt),
    /// `--log-driver` and `--log-opt`.
    #[error(transparent)]
    Log(#[from] BadLog),
    /// Wishes for the network that contradict each other.
    #[error(transparent)]
    Conflict(#[from] network::Conflict),
    /// A network that is not there yet.
    #[error(transparent)]
    Network(#[from] network::Unusable),
    /// No such image, or a damaged one.
    #[error(transparent)]
    Image(Box<images::Error>),
    /// The image's config is none of a container's.
    #[error("the config of image {id} cannot be used for a container")]
    ImageConfig {
        /// The image, as typed.
        id: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The name cannot be had.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Its layer could not be made.
    #[error(transparent)]
    Layer(Box<layerstore::Error>),
    /// A volume or bind.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// A volume could not be filled.
    #[error(transparent)]
    Populate(#[from] PopulateError),
    /// Its working directory is a file in the image. The words are dockerd's.
    #[error("Cannot mkdir: {0} is not a directory")]
    WorkingDir(String),
    /// Its files could not be put in their place.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// A system call.
    #[error(transparent)]
    System(#[from] sys::Error),
}

impl From<images::Error> for CreateError {
    fn from(error: images::Error) -> Self {
        Self::Image(Box::new(error))
    }
}

impl From<layerstore::Error> for CreateError {
    fn from(error: layerstore::Error) -> Self {
        Self::Layer(Box::new(error))
    }
}

/// Makes a container.
///
/// # Errors
/// [`CreateError`], in dockerd's words where it has some.
pub fn create(home: &Home, request: CreateRequest) -> Result<Created, CreateError> {
    let writer = home.writer()?;
    create_with(home, &writer, request)
}

/// [`create`] for who has the right to write already.
pub(crate) fn create_with(home: &Home, writer: &Writer, request: CreateRequest) -> Result<Created, CreateError> {
    let CreateRequest { name, mut config, mut host_config, endpoint } = request;
    config::check(&config)?;
    network::check(&config, &host_config)?;
    let mut warnings = host::adapt(&mut host_config, &HostFacts::of_this_host())?;
    join::by_id(home, &mut host_config)?;
    let network = network::choose(home, &mut host_config, &mut warnings)?;
    let layers = home.layers_for(writer)?;
    let containers = home.containers();
    leftovers::clear(home, &layers)?;
    // Until the container is there, its image must not be removed: rmi takes this lock alone.
    let image_dir = home.data_root().join("image").join(home.driver_name());
    let images_stay = sys::wait_shared(sys::open_dir(&image_dir)?, &image_dir)?;
    let image = home.images().resolve(&config.image)?;
    let image_config = image_config(&image, &config.image)?;
    config::merge(&mut config, image_config.as_ref())?;
    logging::check(&host_config)?;
    if let Some(name) = &name {
        containers.check_name(name)?;
    }
    let id = new_id();
    let host_name = (network == Network::Host).then(network::host_name);
    config::settle(&mut config, &id, host_name.as_deref());
    let volumes = home.volumes();
    let held = match volumes::writes_rows(&host_config) {
        true => volumes.hold_alone(),
        false => volumes.hold(),
    };
    let held = held.map_err(MountError::from)?;
    let making = Making { draft: containers.draft(&id)?, layers: &layers, home, volumes, held, made: None };
    let id = making.finish(&containers, name.as_deref(), &image, config, host_config, endpoint)?;
    drop(images_stay);
    Ok(Created { id, warnings })
}

fn new_id() -> ContainerId {
    hex_id(sys::random).parse().expect("64 hex digits are an id")
}

/// The image's config in the shape of a container's: the same fields, in the same spelling.
fn image_config(image: &Image, typed: &str) -> Result<Option<Config>, CreateError> {
    let convert = |config| serde_json::from_value(serde_json::to_value(config)?);
    let converted = image.config.config.as_ref().map(convert).transpose();
    converted.map_err(|source| CreateError::ImageConfig { id: typed.to_owned(), source })
}

/// A container in the making. Dropped before it is finished, nothing is left of it.
struct Making<'a> {
    draft: Draft<'a>,
    layers: &'a LayerStore,
    home: &'a Home,
    volumes: Volumes,
    /// No volume goes while this container is in the making.
    held: Held,
    /// Set once there is something in the data root that dropping the draft does not remove.
    made: Option<Registered>,
}

impl Making<'_> {
    fn finish(
        mut self,
        containers: &Containers,
        name: Option<&str>,
        image: &Image,
        config: Config,
        host_config: HostConfig,
        endpoint: Endpoint,
    ) -> Result<ContainerId, CreateError> {
        let filled = self.fill(image, &config, &host_config).and_then(|points| {
            let names = containers.lock_names()?;
            let chosen = match name {
                Some(name) => names.claim(name)?.to_owned(),
                None => names.make_up(self.draft.id(), random_below)?,
            };
            let mut record = record(&self, &chosen, name.is_none(), image, config, (&host_config, endpoint));
            security_opt::apply(&mut record, &host_config)?;
            record.mount_points = Some(points);
            Ok((names, record))
        });
        let (names, record) = match filled {
            Ok(filled) => filled,
            Err(error) => {
                self.undo();
                return Err(error);
            }
        };
        let Self { draft, layers, home, volumes, held, made } = self;
        let id = draft.id().clone();
        // What is published flushes its own file system; the layers may lie on another.
        let published = layers.sync_apart_from(containers.dir()).map_err(CreateError::from).and_then(|()| {
            draft.publish(&names, &record, &host_config)?;
            Ok(())
        });
        drop(names);
        if let Err(error) = published {
            undo(&id, layers, home, &volumes, made);
            return Err(error);
        }
        drop(held);
        events::of_record(home, &id, &record, "create", &[]);
        Ok(id)
    }

    /// The layer, the working directory in it, the volumes and what is copied into them.
    fn fill(
        &mut self,
        image: &Image,
        config: &Config,
        host: &HostConfig,
    ) -> Result<BTreeMap<String, MountPoint>, CreateError> {
        let id = self.draft.id().clone();
        let made = self.made.insert(Registered::default());
        self.layers.create_rw_layer(&id, image.chain().as_ref(), Init::Docker, None)?;
        volumes::register(
            &self.volumes,
            &self.home.containers(),
            self.home.data_root(),
            config,
            host,
            &self.held,
            made,
        )?;
        let (points, borrowed) = (made.points.clone(), made.borrowed.clone());
        self.make_working_dir(&id, &config.working_dir)?;
        let own = |point: &&MountPoint| point.volume().is_some() && !borrowed.contains(&point.destination);
        let to_fill: Vec<_> = points.values().filter(own).collect();
        if !to_fill.is_empty() {
            let view = self.layers.view(&id)?;
            let root = sys::Dir::open(view.path())?;
            let shown = start::merged(self.layers, &id)?;
            for point in to_fill {
                let (data, _) = self.volumes.source(&point.name, &point.driver).map_err(MountError::from)?;
                volumes::populate(&root, &shown, point, &data)?;
            }
        }
        Ok(points)
    }

    /// Mounts the container only if there is something to make: unmounting an overlay flushes
    /// the whole file system below.
    fn make_working_dir(&self, id: &ContainerId, path: &str) -> Result<(), CreateError> {
        if path.is_empty() || path == "/" {
            return Ok(());
        }
        let in_the_way = |error: sys::Error| match error.io().kind() {
            std::io::ErrorKind::NotADirectory => CreateError::WorkingDir(path.to_owned()),
            _ => error.into(),
        };
        let view = self.layers.view(id)?;
        match sys::Dir::open(view.path())?.below(path.trim_start_matches('/').as_bytes()) {
            Ok(_) => return Ok(()),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(in_the_way(error)),
        }
        drop(view);
        let mounted = self.layers.mount(id, None)?;
        in_root::make_dirs(&sys::Dir::open(mounted.path())?, path).map_err(in_the_way)?;
        Ok(mounted.unmount()?)
    }

    fn undo(self) {
        let Self { draft, layers, home, volumes, held, made } = self;
        undo(draft.id(), layers, home, &volumes, made);
        drop((draft, held));
    }
}

/// Takes back what was made. What fails here is garbage for the next writer; the error that
/// brought us here is the one to tell.
fn undo(id: &ContainerId, layers: &LayerStore, home: &Home, volumes: &Volumes, made: Option<Registered>) {
    let Some(made) = made else { return };
    drop(layers.release_rw(id, &Needed::of(home).as_fn()));
    for name in &made.anonymous {
        drop(volumes.forget(name));
    }
}

fn record(
    making: &Making<'_>,
    name: &str,
    made_up: bool,
    image: &Image,
    config: Config,
    (host, endpoint): (&HostConfig, Endpoint),
) -> Record {
    let mut record = Record::new(making.draft.id(), name, making.home.driver_name(), Time::now());
    let (path, args) = config::path_and_args(&config);
    (record.path, record.args) = (path, Some(args));
    record.config = config;
    record.image = image.id.to_string();
    let own_network = !network::is_container(&host.network_mode);
    record.network_settings = NetworkSettings {
        networks: own_network.then(|| [(network::recorded(host).to_owned(), endpoint)].into()),
        is_anonymous_endpoint: made_up && own_network,
        ..NetworkSettings::default()
    };
    record
}

fn random_below(count: usize) -> usize {
    let number = u64::from_le_bytes(sys::random());
    usize::try_from(number % count.max(1) as u64).unwrap_or(0)
}
