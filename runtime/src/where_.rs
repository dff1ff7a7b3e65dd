//! `where`: which directories a container's files are in, and what each belongs to.

use std::path::PathBuf;

use base::{ChainId, ContainerId, ImageId, LayerId};
use serde::Serialize;

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
