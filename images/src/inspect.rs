//! All that is known of an image: the JSON of `docker image inspect`.

use std::collections::BTreeMap;

use base::DiffId;
use layerstore::LayerStore;
use serde::Serialize;

use crate::{
    Image, Images, Result,
    config::{Config, Created},
    list::Sizes,
};

/// moby 20.10, api/types/types.go `ImageInspect`, in its order.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "Docker's own names")]
pub struct Inspect {
    pub id: String,
    pub repo_tags: Vec<String>,
    pub repo_digests: Vec<String>,
    pub parent: String,
    pub comment: String,
    pub created: Created,
    pub container: String,
    pub container_config: Config,
    pub docker_version: String,
    pub author: String,
    pub config: Option<Config>,
    pub architecture: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub variant: String,
    pub os: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub os_version: String,
    pub size: u64,
    pub virtual_size: u64,
    pub graph_driver: GraphDriver,
    #[serde(rename = "RootFS")]
    pub root_fs: InspectRootFs,
    pub metadata: Metadata,
}

/// Where the top layer lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GraphDriver {
    /// What the driver says of the layer; `None` (null) for vfs, and for an image without layers.
    pub data: Option<BTreeMap<&'static str, String>>,
    /// The driver.
    pub name: &'static str,
}

/// The layers' digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct InspectRootFs {
    /// `layers`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// From the base up.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<DiffId>,
}

/// What only this store knows of the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Metadata {
    /// When it was last given a name.
    pub last_tag_time: Created,
}

impl Images {
    /// All that is known of an image.
    ///
    /// moby 20.10, daemon/images/image_inspect.go `LookupImage`.
    ///
    /// # Errors
    /// When a layer is not there, or `repositories.json` is damaged.
    pub fn inspect(&self, layers: &LayerStore, image: &Image) -> Result<Inspect> {
        let (digests, tags) = crate::list::split(self.repositories()?.of_image(&image.id));
        let texts = |names: Vec<crate::Reference>| names.iter().map(ToString::to_string).collect();
        let config = image.config.clone();
        let size = Sizes::new(layers).image(image)?;
        let comment = match config.history.last() {
            Some(step) if config.comment.is_empty() => step.comment.clone(),
            _ => config.comment,
        };
        Ok(Inspect {
            id: image.id.to_string(),
            repo_tags: texts(tags),
            repo_digests: texts(digests),
            parent: image.parent.map(|parent| parent.to_string()).unwrap_or_default(),
            comment,
            created: config.created,
            container: config.container,
            container_config: config.container_config,
            docker_version: config.docker_version,
            author: config.author,
            config: config.config,
            architecture: config.architecture,
            variant: config.variant,
            os: image.config.operating_system().to_owned(),
            os_version: config.os_version,
            size,
            virtual_size: size,
            graph_driver: graph_driver(layers, image)?,
            root_fs: config
                .rootfs
                .map_or_else(no_layers, |rootfs| InspectRootFs { kind: rootfs.kind, layers: rootfs.diff_ids }),
            metadata: Metadata { last_tag_time: self.last_updated(&image.id)? },
        })
    }
}

fn no_layers() -> InspectRootFs {
    InspectRootFs { kind: String::new(), layers: Vec::new() }
}

fn graph_driver(layers: &LayerStore, image: &Image) -> Result<GraphDriver> {
    let driver = layers.driver();
    let mut data = Vec::new();
    if let Some(chain) = image.chain() {
        let layer = layers.layer(&chain)?.ok_or(layerstore::Error::NoLayer(chain))?;
        data = driver.data(layer.cache_id.layer()).map_err(layerstore::Error::from)?;
    }
    let data = (!data.is_empty()).then(|| data.into_iter().collect());
    Ok(GraphDriver { data, name: driver.name() })
}
