//! `docker save`: images go into one archive, each layer as the very tar it came from.
//!
//! moby 20.10, image/tarexport/save.go: byte for byte the archive of dockerd 20.10.24, with these
//! exceptions. Several images stand in `manifest.json` in the order they were asked for, where
//! dockerd's order is random. A directory whose `layer.tar` is a link to another one's has the
//! image's time, where dockerd forgets to set any. Nothing is put aside first: on an error the
//! archive is cut short.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use base::{ChainId, DiffId, Digest, ImageId};
use layerstore::LayerStore;

mod header;

use self::header::{Kind, header};
use crate::{
    BadReference, Error, Image, Images, Reference, Wanted,
    manifest::{self, Item},
    store::Beginning,
    v1::{self, V1Layer},
};

/// Why images were not saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SaveError {
    /// What was typed is no name of an image.
    #[error(transparent)]
    Reference(#[from] BadReference),
    /// There is no such image. Unlike elsewhere dockerd adds no `:latest` here.
    #[error("No such image: {0}")]
    NoImage(String),
    /// There is no such name.
    // moby 20.10, reference/store.go ErrDoesNotExist
    #[error("reference does not exist")]
    NoName,
    /// The beginning of several ids.
    // moby 20.10, vendored digestset ErrDigestAmbiguous
    #[error("ambiguous digest string")]
    Ambiguous,
    /// An image without layers.
    #[error("empty export - not implemented")]
    NoLayers,
    /// The archive cannot be written.
    #[error("the archive cannot be written")]
    Write(#[source] io::Error),
    /// The store failed.
    #[error(transparent)]
    Other(#[from] Error),
}

impl From<layerstore::Error> for SaveError {
    fn from(error: layerstore::Error) -> Self {
        Self::Other(error.into())
    }
}

/// An image that was asked for, and by which names.
struct Asked {
    image: Image,
    names: Vec<Reference>,
}

/// What stands at the top of the archive.
enum Top {
    File { bytes: Vec<u8>, seconds: u64 },
    Layer { json: Vec<u8>, seconds: u64, tar: Tar },
}

enum Tar {
    Of(ChainId),
    SameAs(Digest),
}

impl Images {
    /// Writes an archive of these images. A name without a tag means all tags of it.
    ///
    /// # Errors
    /// [`SaveError`]; what was written until then is no whole archive.
    pub fn save(&self, layers: &LayerStore, typed: &[String], out: &mut dyn Write) -> Result<(), SaveError> {
        let asked = self.asked(typed)?;
        let mut out = io::BufWriter::with_capacity(64 << 10, out);
        for (name, top) in contents(&asked)? {
            write_top(layers, &name, top, &mut out)?;
        }
        out.write_all(&[0; 1024]).and_then(|()| out.flush()).map_err(SaveError::Write)
    }

    /// moby `parseNames`.
    fn asked(&self, typed: &[String]) -> Result<Vec<Asked>, SaveError> {
        let mut asked: Vec<Asked> = Vec::new();
        let names = self.repositories()?;
        for typed in typed {
            let found = match typed.parse::<Wanted>()? {
                Wanted::Id(id) => vec![(id, None)],
                Wanted::ForeignDigest(text) => return Err(SaveError::NoImage(text)),
                Wanted::Name(name) if name.familiar_name() == "sha256" => vec![(self.search(typed)?, None)],
                Wanted::Name(name) if name.is_name_only() => match names.in_repository(&name) {
                    all if all.is_empty() => vec![(self.search(typed)?, None)],
                    all => all.into_iter().map(|(name, id)| (id, Some(name))).collect(),
                },
                Wanted::Name(name) => vec![(names.image(&name).ok_or(SaveError::NoName)?, Some(name))],
            };
            for (id, name) in found {
                self.ask(&mut asked, id, name)?;
            }
        }
        Ok(asked)
    }

    fn ask(&self, asked: &mut Vec<Asked>, id: ImageId, name: Option<Reference>) -> Result<(), SaveError> {
        let at = match asked.iter().position(|asked| asked.image.id == id) {
            Some(at) => at,
            None => {
                let image = self.get(&id)?.ok_or_else(|| SaveError::NoImage(id.to_string()))?;
                asked.push(Asked { image, names: Vec::new() });
                asked.len() - 1
            }
        };
        let tag = name.filter(|name| name.digest().is_none()).map(Reference::or_latest);
        if let Some(tag) = tag.filter(|tag| !asked[at].names.contains(tag)) {
            asked[at].names.push(tag);
        }
        Ok(())
    }

    fn search(&self, typed: &str) -> Result<ImageId, SaveError> {
        match self.begins_with(typed)? {
            Beginning::Of(id) => Ok(id),
            Beginning::OfSeveral => Err(SaveError::Ambiguous),
            Beginning::OfNone => Err(SaveError::NoImage(typed.to_owned())),
        }
    }
}

/// All that stands at the top of the archive, by name.
fn contents(asked: &[Asked]) -> Result<BTreeMap<String, Top>, SaveError> {
    let mut tops = BTreeMap::new();
    let mut saved: BTreeMap<DiffId, Digest> = BTreeMap::new();
    let mut repositories: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut items = Vec::new();
    for Asked { image, names } in asked {
        let seconds = seconds(image);
        let layers = v1::layers(&image.config);
        let top = layers.last().ok_or(SaveError::NoLayers)?.id.hex();
        for name in names {
            let tags = repositories.entry(name.familiar_name()).or_default();
            tags.insert(name.tag().unwrap_or_default().to_owned(), top.clone());
        }
        items.push(item(image, names, &layers, asked));
        for (V1Layer { id, json, chain }, diff) in layers.into_iter().zip(image.config.diff_ids()) {
            tops.entry(id.hex()).or_insert_with(|| {
                let first = *saved.entry(*diff).or_insert(id);
                let tar = if first == id { Tar::Of(chain) } else { Tar::SameAs(first) };
                Top::Layer { json, seconds, tar }
            });
        }
        let config = Top::File { bytes: image.bytes().to_vec(), seconds };
        tops.insert(format!("{}.json", image.id.hex()), config);
    }
    let json = |bytes| Top::File { bytes, seconds: 0 };
    if !repositories.is_empty() {
        let bytes = base::gojson::to_line(&repositories).expect("maps with string keys are JSON");
        tops.insert("repositories".to_owned(), json(bytes));
    }
    tops.insert("manifest.json".to_owned(), json(manifest::to_bytes(&items)));
    Ok(tops)
}

/// moby, pkg/system `Chtimes`: a time before 1970 counts as 1970.
fn seconds(image: &Image) -> u64 {
    u64::try_from(image.config.created.time().unix_seconds()).unwrap_or(0)
}

fn item(image: &Image, names: &[Reference], layers: &[V1Layer], asked: &[Asked]) -> Item {
    let there = |id: &ImageId| asked.iter().any(|asked| asked.image.id == *id);
    Item {
        config: format!("{}.json", image.id.hex()),
        repo_tags: (!names.is_empty()).then(|| names.iter().map(ToString::to_string).collect()),
        layers: Some(layers.iter().map(|layer| format!("{}/layer.tar", layer.id.hex())).collect()),
        parent: image.parent.filter(there).map(|id| id.to_string()).unwrap_or_default(),
        ..Item::default()
    }
}

fn write_top(layers: &LayerStore, name: &str, top: Top, out: &mut dyn Write) -> Result<(), SaveError> {
    let (json, seconds, tar) = match top {
        Top::File { bytes, seconds } => return write_file(name, &bytes, seconds, out),
        Top::Layer { json, seconds, tar } => (json, seconds, tar),
    };
    let mut put = |bytes: &[u8]| out.write_all(bytes).map_err(SaveError::Write);
    put(&header(&format!("{name}/"), Kind::Directory, seconds))?;
    write_file(&format!("{name}/VERSION"), b"1.0", seconds, out)?;
    write_file(&format!("{name}/json"), &json, seconds, out)?;
    let name = format!("{name}/layer.tar");
    match tar {
        Tar::SameAs(first) => {
            let target = format!("../{}/layer.tar", first.hex());
            out.write_all(&header(&name, Kind::Symlink(&target), seconds)).map_err(SaveError::Write)
        }
        Tar::Of(chain) => write_layer(layers, &name, chain, seconds, out),
    }
}

fn write_file(name: &str, bytes: &[u8], seconds: u64, out: &mut dyn Write) -> Result<(), SaveError> {
    let mut blocks = header(name, Kind::File(bytes.len() as u64), seconds);
    blocks.extend_from_slice(bytes);
    blocks.resize(blocks.len().next_multiple_of(512), 0);
    out.write_all(&blocks).map_err(SaveError::Write)
}

fn write_layer(
    layers: &LayerStore,
    name: &str,
    chain: ChainId,
    seconds: u64,
    out: &mut dyn Write,
) -> Result<(), SaveError> {
    let size = layers.tar_size(&chain)?;
    out.write_all(&header(name, Kind::File(size), seconds)).map_err(SaveError::Write)?;
    if layers.write_tar(&chain, out)? != size {
        let layer = layers.layer(&chain)?.ok_or(layerstore::Error::NoLayer(chain))?;
        return Err(layerstore::Error::NotVerified(layer.diff).into());
    }
    let padding = usize::try_from(size.wrapping_neg() % 512).expect("less than a block");
    out.write_all(&[0; 512][..padding]).map_err(SaveError::Write)
}
