//! `image/<driver>/imagedb` and `repositories.json`: reading what is there.
//!
//! ```text
//! imagedb/content/sha256/<id>                 the config, whose digest is the id
//! imagedb/metadata/sha256/<id>/parent         the image it was made from, if that was here
//! imagedb/metadata/sha256/<id>/lastUpdated    when it was last given a name
//! repositories.json
//! ```
//!
//! Nothing is remembered between two questions. Every read of a config hashes it, as dockerd's
//! does (moby 20.10, image/fs.go).

use std::path::{Path, PathBuf};

use base::{ChainId, Digest, ImageId};

use crate::{
    Error, ImageConfig, Result,
    config::{Created, image_id},
    reference::{Reference, Wanted},
    repositories::Repositories,
};

/// The images of one storage driver.
#[derive(Debug, Clone)]
pub struct Images {
    dir: PathBuf,
}

/// An image: its config, as bytes and as what they say, and what it was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// The digest of the config.
    pub id: ImageId,
    /// What the config says.
    pub config: ImageConfig,
    /// The image it was built or committed on here. Loaded images have none.
    pub parent: Option<ImageId>,
    bytes: Vec<u8>,
}

impl Image {
    /// The config as it is stored, byte for byte.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The chain id of the top layer; an image without layers has none.
    pub fn chain(&self) -> Option<ChainId> {
        self.config.chain()
    }
}

impl Images {
    /// The images that belong to a storage driver. Reads nothing yet.
    pub fn open(data_root: &Path, driver: &str) -> Self {
        Self { dir: data_root.join("image").join(driver) }
    }

    /// `image/<driver>`.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn content_dir(&self) -> PathBuf {
        self.dir.join("imagedb/content/sha256")
    }

    pub(crate) fn content_file(&self, id: &ImageId) -> PathBuf {
        self.content_dir().join(id.hex())
    }

    pub(crate) fn metadata_dir(&self, id: &ImageId) -> PathBuf {
        self.dir.join("imagedb/metadata/sha256").join(id.hex())
    }

    pub(crate) fn repositories_file(&self) -> PathBuf {
        self.dir.join("repositories.json")
    }

    /// An image by its id, as its files say; whether its layers are there is not looked at.
    /// `None` when there is none.
    ///
    /// # Errors
    /// [`Error::NotVerified`], [`Error::Damaged`], or when it cannot be read.
    pub fn get(&self, id: &ImageId) -> Result<Option<Image>> {
        let Some(bytes) = sys::read_opt(self.content_file(id))? else { return Ok(None) };
        if image_id(&bytes) != *id {
            return Err(Error::NotVerified(*id));
        }
        let config = ImageConfig::parse(&bytes).map_err(|source| Error::Damaged { id: *id, source })?;
        Ok(Some(Image { id: *id, config, parent: self.parent(id)?, bytes }))
    }

    /// The image that this one says it was made from; it may be gone.
    pub(crate) fn parent(&self, id: &ImageId) -> Result<Option<ImageId>> {
        let text = sys::read_opt(self.metadata_dir(id).join("parent"))?;
        Ok(text.and_then(|text| String::from_utf8(text).ok()?.parse().ok()))
    }

    /// When an image was last given a name; never for one that was loaded.
    pub(crate) fn last_updated(&self, id: &ImageId) -> Result<Created> {
        let text = sys::read_opt(self.metadata_dir(id).join("lastUpdated"))?;
        Ok(text.and_then(|text| String::from_utf8(text).ok()?.parse().ok()).unwrap_or_default())
    }

    /// The ids of all images, damaged ones too, sorted. Temporary files and junk are left out.
    ///
    /// # Errors
    /// When the directory cannot be read; an absent one is empty.
    pub fn ids(&self) -> Result<Vec<ImageId>> {
        let names = sys::list_dir(self.content_dir())?;
        let ids = names.iter().filter_map(|name| Digest::from_hex(name.to_str()?).ok());
        let mut ids: Vec<_> = ids.map(ImageId::new).collect();
        ids.sort();
        Ok(ids)
    }

    /// All names. Without the file there are none.
    ///
    /// # Errors
    /// [`Error::Repositories`] when the file makes no sense.
    pub fn repositories(&self) -> Result<Repositories> {
        let path = self.repositories_file();
        let Some(bytes) = sys::read_opt(&path)? else { return Ok(Repositories::default()) };
        Repositories::parse(&bytes).map_err(|source| Error::Repositories { path, source })
    }

    /// The image that a user means: a name, a whole id, or the beginning of one.
    ///
    /// moby 20.10, daemon/images/image.go `GetImage`: a name counts before an id that begins so,
    /// and a beginning that fits several images is no image. A damaged `repositories.json` hides
    /// names only.
    ///
    /// # Errors
    /// [`Error::NoImage`], [`Error::Reference`], or when the image is damaged.
    pub fn resolve(&self, typed: &str) -> Result<Image> {
        let wanted: Wanted = typed.parse()?;
        let id = match &wanted {
            Wanted::Id(id) => Some(*id),
            Wanted::ForeignDigest(_) => None,
            Wanted::Name(name) => self.by_name(name, typed)?,
        };
        let image = id.map(|id| self.get(&id)).transpose()?.flatten();
        image.ok_or(Error::NoImage(wanted))
    }

    fn by_name(&self, name: &Reference, typed: &str) -> Result<Option<ImageId>> {
        let repositories = self.repositories();
        let named = repositories.as_ref().ok().and_then(|names| names.image(name));
        let there = named.filter(|id| matches!(sys::exists(self.content_file(id)), Ok(true)));
        let found = there.or(self.begins_with(typed)?.one());
        match (found, repositories) {
            (None, Err(error)) => Err(error),
            _ => Ok(found),
        }
    }

    /// Which images have an id that begins with `typed`, `sha256:` before it or not.
    pub(crate) fn begins_with(&self, typed: &str) -> Result<Beginning> {
        let digits = typed.strip_prefix("sha256:").unwrap_or(typed);
        let mut fitting = self.ids()?.into_iter().filter(|id| !digits.is_empty() && id.hex().starts_with(digits));
        Ok(match (fitting.next(), fitting.next()) {
            (None, _) => Beginning::OfNone,
            (Some(id), None) => Beginning::Of(id),
            _ => Beginning::OfSeveral,
        })
    }
}

/// How many ids begin so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beginning {
    OfNone,
    Of(ImageId),
    OfSeveral,
}

impl Beginning {
    fn one(self) -> Option<ImageId> {
        match self {
            Self::Of(id) => Some(id),
            Self::OfNone | Self::OfSeveral => None,
        }
    }
}
