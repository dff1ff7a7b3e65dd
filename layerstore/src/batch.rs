//! Registering layers: all of an image's prepared first, then made durable with one flush, then
//! published.
//!
//! Unlike moby, which publishes each layer as soon as it is unpacked and flushes only the small
//! files. A published layer is whole here, also after a power cut; an image of any number of
//! layers costs one syncfs and one fsync.
//!
//! Two processes may register the same layer at once; the first to publish wins. The loser's
//! layers above it rest, in the driver, on its own copy; they are unpacked again on the winner's
//! before that copy is removed.

use std::{
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
};

use base::{ChainId, chain_id};

use crate::{
    CacheId, Error, Layer, LayerStore, Pin, Result,
    draft::{Draft, Kind},
    ingest::Ingested,
    journal::Journal,
    layerdb::layer_dir,
};

/// moby 20.10, layer/layer_store.go `maxLayerDepth`.
const MAX_DEPTH: usize = 125;

/// What became of a layer that was given to the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The layer as the store has it.
    pub layer: Layer,
    /// Whether the store had it before.
    pub existed: bool,
}

/// Layers that are being registered together. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Batch<'s> {
    store: &'s LayerStore,
    /// In the order they came, so that each comes after what it rests on.
    prepared: Vec<Prepared<'s>>,
    pins: Vec<Pin>,
}

/// A point in the life of a [`Batch`].
#[derive(Debug, Clone, Copy)]
pub struct Mark(usize);

/// A layer that is whole but not yet published.
#[derive(Debug)]
struct Prepared<'s> {
    layer: Layer,
    depth: usize,
    /// The driver layer it was unpacked on.
    on: Option<CacheId>,
    own: Unpublished<'s>,
}

/// What a new layer is put on.
struct Below {
    chain: ChainId,
    cache_id: CacheId,
    depth: usize,
}

/// Layers that are published and stay, until the image that needs them is written.
///
/// Dropped without [`Published::keep`], for instance because the image could not be written, it
/// leaves a note, and the next [`LayerStore::recover`] deletes those of the layers that nobody
/// needs.
#[derive(Debug)]
pub struct Published {
    journal: Option<Journal>,
    pins: Vec<Pin>,
}

impl Published {
    /// The image is written: it holds the layers from now on.
    pub fn keep(mut self) {
        drop(self.journal.take());
    }

    /// The layers that are held, with all they rest on.
    pub fn pins(&self) -> &[Pin] {
        &self.pins
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        if let Some(journal) = self.journal.take() {
            journal.leave();
        }
    }
}

impl LayerStore {
    /// Begins to register layers.
    pub fn batch(&self) -> Batch<'_> {
        Batch { store: self, prepared: Vec::new(), pins: Vec::new() }
    }

    /// Registers one layer: a batch of its own, two flushes. `progress` is told how many bytes of
    /// the tar were read so far.
    ///
    /// # Errors
    /// As [`Batch::add`] and [`Batch::publish`].
    pub fn register(
        &self,
        parent: Option<&ChainId>,
        tar: &mut dyn Read,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(Registered, Published)> {
        let mut batch = self.batch();
        let registered = batch.add(parent, tar, progress)?;
        Ok((registered, batch.publish()?))
    }
}

impl<'s> Batch<'s> {
    /// The layer of that name, if the store or this batch has it. One of the store is pinned
    /// until the batch, or what it published, is dropped.
    ///
    /// # Errors
    /// As [`LayerStore::layer`].
    pub fn find(&mut self, chain: &ChainId) -> Result<Option<Layer>> {
        if let Some(prepared) = self.prepared.iter().find(|prepared| prepared.layer.chain == *chain) {
            return Ok(Some(prepared.layer.clone()));
        }
        let Some(pin) = self.store.pin(chain)? else { return Ok(None) };
        let layer = self.store.layer(chain)?.ok_or(Error::NoLayer(*chain))?;
        // What the layer rests on is held by the layer: one pin for each image is enough.
        self.pins.retain(|pin| pin.chain() != chain && Some(pin.chain()) != layer.parent.as_ref());
        self.pins.push(pin);
        Ok(Some(layer))
    }

    /// Prepares a layer: unpacks `tar` on `parent`, which the store or this batch must have.
    /// Compression is already undone. `progress` is told how many bytes were read so far.
    ///
    /// # Errors
    /// [`Error::NoLayer`] for the parent, [`Error::TooDeep`], and whatever is wrong with the tar.
    /// Nothing of this layer is left behind; the batch can go on.
    pub fn add(
        &mut self,
        parent: Option<&ChainId>,
        tar: &mut dyn Read,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Registered> {
        let below = parent.map(|chain| self.below(chain)).transpose()?;
        if below.as_ref().is_some_and(|below| below.depth >= MAX_DEPTH) {
            return Err(Error::TooDeep);
        }
        let prepared = self.store.prepare(below, tar, progress)?;
        if let Some(layer) = self.find(&prepared.layer.chain)? {
            return Ok(Registered { layer, existed: true });
        }
        let layer = prepared.layer.clone();
        self.prepared.push(prepared);
        Ok(Registered { layer, existed: false })
    }

    /// Whether nothing is prepared: [`Batch::publish`] will not flush then.
    pub fn is_empty(&self) -> bool {
        self.prepared.is_empty()
    }

    /// Where the batch stands now, to go back to.
    pub fn mark(&self) -> Mark {
        Mark(self.prepared.len())
    }

    /// Removes what was prepared since then; what came before stays.
    pub fn rewind(&mut self, mark: Mark) {
        drop_from_the_top(self.prepared.split_off(mark.0.min(self.prepared.len())));
    }

    fn below(&mut self, chain: &ChainId) -> Result<Below> {
        let layer = self.find(chain)?.ok_or(Error::NoLayer(*chain))?;
        let depth = match self.prepared.iter().find(|prepared| prepared.layer.chain == *chain) {
            Some(prepared) => prepared.depth,
            None => self.store.lineage(chain)?.len(),
        };
        Ok(Below { chain: *chain, cache_id: layer.cache_id, depth })
    }

    /// Makes everything prepared durable and publishes it: one syncfs, a rename for each layer,
    /// one fsync. With nothing prepared, because the store had it all, it costs nothing.
    ///
    /// # Errors
    /// When something cannot be written. What was published until then is left to recovery, the
    /// rest is removed.
    pub fn publish(mut self) -> Result<Published> {
        let mut published = Published { journal: None, pins: std::mem::take(&mut self.pins) };
        if self.prepared.is_empty() {
            return Ok(published);
        }
        sys::create_dir_all(self.store.layers_dir(), 0o755)?;
        let chains = self.prepared.iter().rev().map(|prepared| prepared.layer.chain);
        published.journal = Some(Journal::new(self.store, chains)?);
        self.store.sync()?;
        let mut lost = Vec::new();
        let placed = self.place_all(&mut published, &mut lost);
        drop_from_the_top(lost);
        placed?;
        sys::fsync_dir(self.store.layers_dir())?;
        Ok(published)
    }

    /// Publishes one after the other. Those that somebody else published first go to `lost`;
    /// they are still looked into when what rests on them is unpacked again.
    fn place_all(&mut self, published: &mut Published, lost: &mut Vec<Prepared<'s>>) -> Result<()> {
        self.prepared.reverse();
        while let Some(mut prepared) = self.prepared.pop() {
            loop {
                let chain = prepared.layer.chain;
                if let Some(pin) = self.store.pin(&chain)? {
                    self.store.layer(&chain)?;
                    published.pins.push(pin);
                    lost.push(prepared);
                    break;
                }
                if let Some(moved) = self.moved_parent(&prepared)? {
                    let again = self.store.prepare_again(&prepared, moved)?;
                    self.store.sync()?;
                    lost.push(std::mem::replace(&mut prepared, again));
                }
                if let Some(lock) = prepared.own.publish(&self.store.layer_dir(&chain))? {
                    published.pins.push(Pin::new(chain, lock));
                    break;
                }
            }
        }
        Ok(())
    }

    /// What a prepared layer should rest on, if that is not what it was unpacked on.
    fn moved_parent(&self, prepared: &Prepared<'_>) -> Result<Option<Below>> {
        let Some(parent) = prepared.layer.parent else { return Ok(None) };
        let layer = self.store.layer(&parent)?.ok_or(Error::NoLayer(parent))?;
        let moved = prepared.on.as_ref() != Some(&layer.cache_id);
        Ok(moved.then_some(Below { chain: parent, cache_id: layer.cache_id, depth: prepared.depth - 1 }))
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        drop_from_the_top(std::mem::take(&mut self.prepared));
    }
}

fn drop_from_the_top(mut prepared: Vec<Prepared<'_>>) {
    while prepared.pop().is_some() {}
}

/// A driver layer and the draft that names it, both removed on drop unless published.
#[derive(Debug)]
struct Unpublished<'s> {
    store: &'s LayerStore,
    cache_id: CacheId,
    draft: Option<Draft>,
}

impl<'s> Unpublished<'s> {
    /// Only the draft as yet: it is there before the layer it names.
    fn new(store: &'s LayerStore) -> Result<Self> {
        let cache_id = CacheId::random();
        let draft = store.draft(Kind::Layer)?;
        draft.write(layer_dir::CACHE_ID, cache_id.to_string().as_bytes())?;
        Ok(Self { store, cache_id, draft: Some(draft) })
    }

    fn draft(&self) -> &Draft {
        self.draft.as_ref().expect("the draft is there until it is published")
    }

    fn tar_split(&self) -> PathBuf {
        self.draft().path().join(layer_dir::TAR_SPLIT)
    }

    fn unpack(&self, below: Option<&Below>, tar: &mut dyn Read, progress: &mut dyn FnMut(u64)) -> Result<Layer> {
        let id = self.cache_id.layer();
        self.store.driver().create(id, below.map(|below| below.cache_id.layer()))?;
        let tar_split = sys::create_new(self.tar_split(), 0o644)?;
        let Ingested { diff, size } = self.store.ingest(id, tar_split, tar, progress)?;
        let parent = below.map(|below| below.chain);
        let chain = chain_id(parent.as_ref(), &diff);
        let layer = Layer { chain, diff, parent, cache_id: self.cache_id.clone(), size };
        for (name, text) in layer.files().iter().filter(|(name, _)| *name != layer_dir::CACHE_ID) {
            self.draft().write(name, text.as_bytes())?;
        }
        Ok(layer)
    }

    /// Publishes it, unless something is at its place. The lock that comes back is the new
    /// layer's pin.
    fn publish(&mut self, to: &Path) -> Result<Option<sys::Lock>> {
        let Some(draft) = self.draft.take() else { return Ok(None) };
        match draft.publish(to) {
            Ok(lock) => Ok(Some(lock)),
            Err((draft, error)) => {
                self.draft = Some(draft);
                match error.io().kind() {
                    ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists => Ok(None),
                    // Such as a file, which no waiting makes a layer. The place is what is wrong.
                    kind => Err(sys::Error::new("rename", to, kind).into()),
                }
            }
        }
    }
}

impl Drop for Unpublished<'_> {
    fn drop(&mut self) {
        let Some(draft) = self.draft.take() else { return };
        if self.store.driver().remove(self.cache_id.layer()).is_err() {
            // Recovery finds the draft and tries again.
            draft.leave();
        }
    }
}

impl LayerStore {
    fn prepare(&self, below: Option<Below>, tar: &mut dyn Read, progress: &mut dyn FnMut(u64)) -> Result<Prepared<'_>> {
        let own = Unpublished::new(self)?;
        let layer = own.unpack(below.as_ref(), tar, progress)?;
        let depth = below.as_ref().map_or(1, |below| below.depth + 1);
        Ok(Prepared { layer, depth, on: below.map(|below| below.cache_id), own })
    }

    /// Unpacks a prepared layer once more, on another driver layer of the same content.
    fn prepare_again<'s>(&'s self, prepared: &Prepared<'s>, below: Below) -> Result<Prepared<'s>> {
        let (mut reader, mut writer) = std::io::pipe().map_err(|source| sys::Error::new("pipe", "", source))?;
        let (id, tar_split) = (prepared.own.cache_id.layer(), prepared.own.tar_split());
        std::thread::scope(|threads| {
            let assembling = threads.spawn(move || self.assemble(id, &tar_split, &mut writer));
            let again = self.prepare(Some(below), &mut reader, &mut |_| {});
            // A writer that is still at work then stops.
            drop(reader);
            let assembled = assembling.join().expect("putting a tar together does not panic");
            let again = again?;
            if again.layer.chain != prepared.layer.chain {
                return assembled.and(Err(Error::NotVerified(prepared.layer.diff)));
            }
            assembled.map(|()| again)
        })
    }
}
