//! `where`: which directories a container's files are in, and what each belongs to.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use base::{ChainId, ContainerId, ImageId, LayerId};
use containers::LookupError;
use graphdriver::RootFs;
use layerstore::LayerStore;
use serde::Serialize;

use crate::{
    find,
    home::{Home, HomeError},
};

/// Where a container's files are.
#[derive(Debug, Clone, Serialize)]
pub struct Where {
    /// Its id.
    pub id: ContainerId,
    /// Its name, without slash.
    pub name: String,
    /// The storage driver.
    pub driver: String,
    /// The image it was made from, as the user named it, and its id.
    pub image: (String, Option<ImageId>),
    /// The container's own directory: `config.v2.json` and the others.
    pub config: PathBuf,
    /// Where all layers are seen as one while it runs.
    pub merged: PathBuf,
    /// Whether it is mounted there now.
    pub mounted: bool,
    /// What the container changed.
    pub upper: PathBuf,
    /// Overlay's scratch directory, if the driver has one.
    pub work: Option<PathBuf>,
    /// The layer between image and container that holds mount points.
    pub init: Option<PathBuf>,
    /// The image's layers, nearest first.
    pub lower: Vec<LowerLayer>,
}

/// One layer of the image below a container.
#[derive(Debug, Clone, Serialize)]
pub struct LowerLayer {
    /// Its directory.
    pub path: PathBuf,
    /// The directory's name in the driver's home.
    pub cache_id: LayerId,
    /// The layer's chain id.
    pub chain: ChainId,
    /// Its size in bytes.
    pub size: u64,
    /// Tags of images that end with this layer.
    pub images: Vec<String>,
}

/// Why it cannot be told where a container's files are.
#[derive(Debug, thiserror::Error)]
pub enum WhereError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The data root cannot be read.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// Its layers cannot be read.
    #[error(transparent)]
    Layers(#[from] layerstore::Error),
    /// The driver does not know them.
    #[error(transparent)]
    Driver(#[from] graphdriver::Error),
    /// It has no layer.
    #[error("container {0} has no layer")]
    NoLayer(ContainerId),
}

/// Where a container's files are.
///
/// # Errors
/// [`WhereError`].
pub fn whereis(home: &Home, container: &str) -> Result<Where, WhereError> {
    let container = find::container(home, container)?;
    let id = container.id.clone();
    let layers = home.layers()?;
    let rw = layers.rw_layer(&id)?.ok_or_else(|| WhereError::NoLayer(id.clone()))?;
    let (merged, upper, work) = places(&layers, rw.mount_id.layer())?;
    let init = rw.init_id.as_ref().map(|init| places(&layers, init.layer()).map(|(_, own, _)| own)).transpose()?;
    Ok(Where {
        name: container.record.name().to_owned(),
        driver: home.driver_name().to_owned(),
        image: (container.record.config.image.clone(), container.record.image_id()),
        config: home.container_dir(&id),
        // A driver without mounts shows a container's files where they are, always.
        mounted: merged == upper || layers.mounted_on(&id)?.is_some(),
        merged,
        upper,
        work,
        init,
        lower: rw.parent.map(|chain| lower(home, &layers, &chain)).transpose()?.unwrap_or_default(),
        id,
    })
}

/// Where a layer is seen with all below it, where its own files are, and its scratch directory.
fn places(layers: &LayerStore, id: &LayerId) -> Result<(PathBuf, PathBuf, Option<PathBuf>), WhereError> {
    Ok(match layers.driver().rootfs(id)? {
        RootFs::Overlay(overlay) => {
            let upper = overlay.upper().unwrap_or_else(|| layers.driver().home().join(id).join("diff"));
            (overlay.target(), upper, overlay.work())
        }
        RootFs::Directory(path) => (path.clone(), path, None),
        _ => (PathBuf::new(), PathBuf::new(), None),
    })
}

fn lower(home: &Home, layers: &LayerStore, top: &ChainId) -> Result<Vec<LowerLayer>, WhereError> {
    let tags = tags_by_chain(home);
    let of = |layer: layerstore::Layer| LowerLayer {
        path: own_files(layers, layer.cache_id.layer()),
        cache_id: layer.cache_id.layer().clone(),
        size: layer.size,
        images: tags.get(&layer.chain).cloned().unwrap_or_default(),
        chain: layer.chain,
    };
    Ok(layers.lineage(top)?.into_iter().map(of).collect())
}

fn own_files(layers: &LayerStore, id: &LayerId) -> PathBuf {
    let dir = layers.driver().home().join(id);
    let diff: &Path = &dir.join("diff");
    if diff.is_dir() { diff.to_owned() } else { layers.driver().home().join("dir").join(id) }
}

/// The names of images by the chain id of their top layer.
fn tags_by_chain(home: &Home) -> HashMap<ChainId, Vec<String>> {
    let mut tags = HashMap::<ChainId, Vec<String>>::new();
    let images = home.images();
    for (name, id) in images.repositories().map(|repositories| repositories.all()).unwrap_or_default() {
        if let Ok(Some(image)) = images.get(&id)
            && let Some(chain) = image.chain()
        {
            tags.entry(chain).or_default().push(name.to_string());
        }
    }
    tags
}
