//! All images at once: what `docker images` shows, what may not be deleted, what is damaged.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
};

use base::{ChainId, ImageId};
use layerstore::LayerStore;

use crate::{Error, Image, Images, Reference, Result, repositories::Repositories};

/// One image and what it takes to show it.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The image.
    pub image: Image,
    /// Its tags, sorted.
    pub tags: Vec<Reference>,
    /// Its digests (`name@sha256:…`), sorted.
    pub digests: Vec<Reference>,
    /// Bytes of all its layers, each counted once for each place it has in the chain.
    pub size: u64,
    /// Whether another image was made from it here.
    pub has_children: bool,
}

impl Listed {
    /// Whether it has no name at all.
    pub fn is_nameless(&self) -> bool {
        self.tags.is_empty() && self.digests.is_empty()
    }

    /// Whether it is a step on the way to another image, shown by `docker images -a` only.
    pub fn is_intermediate(&self) -> bool {
        self.is_nameless() && self.has_children
    }

    /// Whether it is `dangling`: no tag, and no image made from it.
    pub fn is_dangling(&self) -> bool {
        self.tags.is_empty() && !self.has_children
    }
}

/// Something in the image store that cannot be used. dockerd behaves as if it were not there.
#[derive(Debug)]
pub struct Finding {
    /// The file.
    pub path: PathBuf,
    /// Why it cannot be used.
    pub reason: Error,
}

/// All images.
#[derive(Debug, Default)]
pub struct Listing {
    /// Those that can be used, the youngest first.
    pub images: Vec<Listed>,
    /// What cannot.
    pub findings: Vec<Finding>,
}

/// The sizes of chains, each layer looked up once.
#[derive(Debug)]
pub(crate) struct Sizes<'a> {
    layers: &'a LayerStore,
    known: HashMap<ChainId, u64>,
}

impl<'a> Sizes<'a> {
    pub(crate) fn new(layers: &'a LayerStore) -> Self {
        Self { layers, known: HashMap::new() }
    }

    /// Bytes of one layer alone.
    pub(crate) fn layer(&mut self, chain: &ChainId) -> layerstore::Result<u64> {
        if let Some(size) = self.known.get(chain) {
            return Ok(*size);
        }
        let layer = self.layers.layer(chain)?.ok_or(layerstore::Error::NoLayer(*chain))?;
        self.known.insert(*chain, layer.size);
        Ok(layer.size)
    }

    /// Bytes of all layers of an image.
    pub(crate) fn image(&mut self, image: &Image) -> layerstore::Result<u64> {
        image.config.chains().try_fold(0, |sum, chain| Ok(sum + self.layer(&chain)?))
    }
}

impl Images {
    /// All images, the youngest first, and what is wrong in the store. A damaged image, or one
    /// whose layers are not there, hides no other; a damaged `repositories.json` only the names.
    ///
    /// moby 20.10, image/store.go `restore` and daemon/images/images.go `Images`.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub fn list(&self, layers: &LayerStore) -> Result<Listing> {
        let mut listing = Listing::default();
        let names = self.repositories().unwrap_or_else(|reason| {
            listing.findings.push(Finding { path: self.repositories_file(), reason });
            Repositories::default()
        });
        let names = by_image(&names);
        let mut sizes = Sizes::new(layers);
        for id in self.ids()? {
            match self.usable(&id, &mut sizes) {
                Ok(Some((image, size))) => listing.images.push(listed(image, size, &names)),
                Ok(None) => {}
                Err(reason) => listing.findings.push(Finding { path: self.content_file(&id), reason }),
            }
        }
        let parents: HashSet<ImageId> = listing.images.iter().filter_map(|listed| listed.image.parent).collect();
        for listed in &mut listing.images {
            listed.has_children = parents.contains(&listed.image.id);
        }
        listing.images.sort_by_key(|listed| {
            (std::cmp::Reverse(listed.image.config.created.time().unix_seconds()), listed.image.id)
        });
        Ok(listing)
    }

    fn usable(&self, id: &ImageId, sizes: &mut Sizes<'_>) -> Result<Option<(Image, u64)>> {
        let Some(image) = self.get(id)? else { return Ok(None) };
        let os = image.config.operating_system();
        if os != "linux" {
            return Err(Error::ForeignSystem { id: *id, os: os.to_owned() });
        }
        let size = sizes.image(&image)?;
        Ok(Some((image, size)))
    }

    /// What each image was made from here; the parent may be gone.
    pub(crate) fn parents(&self) -> Result<HashMap<ImageId, ImageId>> {
        let mut parents = HashMap::new();
        for id in self.ids()? {
            parents.extend(self.parent(&id)?.map(|parent| (id, parent)));
        }
        Ok(parents)
    }

    /// The top layers of all images: no deletion of layers may touch them, or what they rest on.
    /// Damaged images count as far as they can be read.
    ///
    /// # Errors
    /// When a config is there and cannot be read at all.
    pub fn needed_chains(&self) -> Result<HashSet<ChainId>> {
        let mut needed = HashSet::new();
        for id in self.ids()? {
            let bytes = sys::read_opt(self.content_file(&id))?;
            let config = bytes.and_then(|bytes| crate::ImageConfig::parse(&bytes).ok());
            needed.extend(config.and_then(|config| config.chain()));
        }
        Ok(needed)
    }
}

fn by_image(names: &Repositories) -> HashMap<ImageId, Vec<Reference>> {
    let mut found: HashMap<ImageId, Vec<Reference>> = HashMap::new();
    for (name, id) in names.all() {
        found.entry(id).or_default().push(name);
    }
    found
}

fn listed(image: Image, size: u64, names: &HashMap<ImageId, Vec<Reference>>) -> Listed {
    let (digests, tags) = split(names.get(&image.id).cloned().unwrap_or_default());
    Listed { image, tags, digests, size, has_children: false }
}

/// Names with a digest, and names with a tag.
pub(crate) fn split(names: Vec<Reference>) -> (Vec<Reference>, Vec<Reference>) {
    let named = names.into_iter().filter(|name| !name.is_name_only());
    named.partition(|name| name.digest().is_some())
}
