//! `inspect`: all that is known of a container or an image, as the API's object.

use std::collections::BTreeMap;

use containers::{Container, LookupError, MountPoint, inspect as api};
use serde_json::Value;

use crate::{
    home::{Home, HomeError},
    truth,
};

/// What may be inspected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InspectKind {
    /// Whatever has that name; a container first.
    Any,
    /// Containers only.
    Container,
    /// Images only.
    Image,
}

impl InspectKind {
    /// The value of `--type`; `None` for what is no type.
    pub fn parse(text: Option<&str>) -> Option<Self> {
        match text {
            None | Some("") => Some(Self::Any),
            Some("container") => Some(Self::Container),
            Some("image") => Some(Self::Image),
            Some(_) => None,
        }
    }
}

/// Why something cannot be inspected.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// Nothing has that name. The words are docker's client's.
    #[error("No such object: {0}")]
    NoSuchObject(String),
    /// No container has that name. The words are docker's client's.
    #[error("No such container: {0}")]
    NoSuchContainer(String),
    /// No image has that name. The words are docker's client's.
    #[error("No such image: {0}")]
    NoSuchImage(String),
    /// Several ids begin so, or it is damaged.
    #[error(transparent)]
    Lookup(LookupError),
    /// The image is damaged.
    #[error(transparent)]
    Image(#[from] images::Error),
    /// The data root cannot be read.
    #[error(transparent)]
    Home(#[from] HomeError),
}

/// The API's object of what `name` means.
///
/// # Errors
/// [`InspectError`].
pub fn inspect(home: &Home, name: &str, kind: InspectKind, size: bool) -> Result<Value, InspectError> {
    if kind != InspectKind::Image {
        match home.containers().lookup(name) {
            Ok(id) => {
                let container = home.containers().load(&id).map_err(|source| {
                    InspectError::Lookup(LookupError::Unloadable { text: name.to_owned(), source })
                })?;
                return container_object(home, container, size);
            }
            Err(LookupError::NotFound(_) | LookupError::Empty) if kind == InspectKind::Any => {}
            Err(LookupError::NotFound(_)) => return Err(InspectError::NoSuchContainer(name.to_owned())),
            Err(error) => return Err(InspectError::Lookup(error)),
        }
    }
    match home.images().resolve(name) {
        Ok(image) => {
            let inspected = home.images().inspect(&home.layers()?, &image)?;
            Ok(serde_json::to_value(inspected).expect("an image's object has string keys only"))
        }
        Err(images::Error::NoImage(_) | images::Error::Reference(_)) => Err(match kind {
            InspectKind::Image => InspectError::NoSuchImage(name.to_owned()),
            _ => InspectError::NoSuchObject(name.to_owned()),
        }),
        Err(error) => Err(error.into()),
    }
}

fn container_object(home: &Home, mut container: Container, size: bool) -> Result<Value, InspectError> {
    truth::correct(home, &mut container);
    let layers = home.layers()?;
    // A container whose layers are damaged can be inspected all the same.
    let rw = layers.rw_layer(&container.id).ok().flatten();
    let data = rw.and_then(|rw| layers.driver().data(rw.mount_id.layer()).ok());
    let to_map = |data: Vec<(&'static str, String)>| {
        data.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<BTreeMap<_, _>>()
    };
    let volumes = home.volumes();
    let data_of = |point: &MountPoint| {
        let name = point.volume()?;
        let volume = volumes.get(name).ok()?;
        Some((name.to_owned(), volume.mountpoint.to_string_lossy().into_owned()))
    };
    let facts = api::Facts {
        // vfs has nothing to tell, which is null.
        graph_driver: data.map(to_map).filter(|data| !data.is_empty()),
        volumes: container.record.mounts().filter_map(data_of).collect(),
        exec_ids: Vec::new(),
        links: None,
        sizes: size.then(|| {
            let (rw, root_fs) = crate::size::of(home, &layers, &container);
            let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
            api::Sizes { rw: signed(rw), root_fs: signed(root_fs) }
        }),
    };
    Ok(api::inspect(&container, &facts))
}
