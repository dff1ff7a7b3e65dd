//! `commit`: an image of what a container changed.
//!
//! moby 20.10, daemon/commit.go `CreateImageFromContainer`. The archive is packed by a thread and
//! registered by another as it comes: it is never whole in memory or on disk.

use std::{
    io::{self, PipeReader, Read},
    sync::mpsc::{Receiver, sync_channel},
};

use archive::Moment;
use base::{ContainerId, ImageId, Time};
use containers::LookupError;
use images::{BadChange, Reference, commit};
use layerstore::LayerStore;

use crate::{
    events,
    home::{Home, HomeError},
    recover::{self, SettleError},
    shim,
};

/// What to make an image of, and how.
#[derive(Debug, Clone, Default)]
pub struct CommitRequest {
    /// Name, id or a prefix of the id.
    pub container: String,
    /// The name to give.
    pub name: Option<Reference>,
    /// `--author`.
    pub author: String,
    /// `--message`.
    pub comment: String,
    /// `--change`: Dockerfile instructions.
    pub changes: Vec<String>,
    /// Whether the container is held still meanwhile.
    pub pause: bool,
}

/// Why no image was made. Nothing is left of it.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The data root cannot be written to.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// Its state cannot be settled.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// The words are dockerd's.
    #[error("You cannot commit container {0} which is Dead")]
    Dead(ContainerId),
    /// The words are dockerd's.
    #[error("You cannot commit container {0} which is being removed")]
    Removing(ContainerId),
    /// It cannot be held still.
    #[error("container {id} cannot be held still")]
    Pause {
        /// The container.
        id: ContainerId,
        /// Why not.
        source: sys::Error,
    },
    /// A change that is none.
    #[error(transparent)]
    Change(#[from] BadChange),
    /// Its config is none of an image's.
    #[error("the config of container {id} cannot be an image's")]
    Config {
        /// The container.
        id: ContainerId,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The image, or its layer, could not be made.
    #[error(transparent)]
    Image(Box<images::Error>),
    /// Its files could not be packed.
    #[error(transparent)]
    Layer(Box<layerstore::Error>),
    /// A system call.
    #[error(transparent)]
    System(#[from] sys::Error),
}

impl From<images::Error> for CommitError {
    fn from(error: images::Error) -> Self {
        Self::Image(Box::new(error))
    }
}

/// Makes an image of a container. `progress` is told how many bytes of its changes were read.
///
/// # Errors
/// [`CommitError`].
pub fn commit(home: &Home, request: &CommitRequest, progress: &mut dyn FnMut(u64)) -> Result<ImageId, CommitError> {
    let id = home.containers().lookup(&request.container)?;
    let writer = home.writer()?;
    let settled = recover::settle(home, &writer, &id)?;
    let record = &settled.container.record;
    match () {
        () if record.state.dead => return Err(CommitError::Dead(id)),
        () if record.state.removal_in_progress => return Err(CommitError::Removing(id)),
        () => {}
    }
    let own = serde_json::to_value(&record.config).and_then(images::config::Config::read);
    let own = own.map_err(|source| CommitError::Config { id: id.clone(), source })?;
    let config = commit::changed(&own, &request.changes)?;
    let images = home.images();
    let parent = match record.image.parse::<ImageId>() {
        Ok(image) => images.get(&image)?,
        Err(_) => None,
    };
    let layers = home.layers_for_images(&writer)?;
    let _still = match settled.running && request.pause && !record.state.paused {
        true => Some(Still::hold(home, &id)?),
        false => None,
    };
    let made = commit::Commit {
        container: &id,
        parent: parent.as_ref(),
        author: &request.author,
        comment: &request.comment,
        config,
        container_config: own,
        name: request.name.clone(),
    };
    let image = register(&layers, &id, |tar| Ok(images.commit(&layers, tar, made, progress)?))?;
    let name = request.name.as_ref().map(ToString::to_string).unwrap_or_default();
    let shown = image.to_string();
    let more = [("comment", request.comment.as_str()), ("imageID", &shown), ("imageRef", &name)];
    events::container(home, &settled.container, "commit", &more);
    Ok(image)
}

/// A container that is held still as long as this lives.
struct Still(std::path::PathBuf);

impl Still {
    fn hold(home: &Home, id: &ContainerId) -> Result<Self, CommitError> {
        let dir = home.run_dir(id);
        shim::freeze(&dir, true).map_err(|source| CommitError::Pause { id: id.clone(), source })?;
        Ok(Self(dir))
    }
}

impl Drop for Still {
    fn drop(&mut self) {
        // One that has ended meanwhile is not there to go on.
        drop(shim::freeze(&self.0, false));
    }
}

/// Packs in one thread, and lets `take` read in this one.
fn register<T>(
    layers: &LayerStore,
    id: &ContainerId,
    take: impl FnOnce(&mut dyn Read) -> Result<T, CommitError>,
) -> Result<T, CommitError> {
    let piped = |error| CommitError::System(sys::Error::new("pipe", "", error));
    let (read, write) = io::pipe().map_err(piped)?;
    let (tell, heard) = sync_channel(1);
    let now = i64::try_from(Time::now().unix_nanos() / 1_000_000_000).unwrap_or(0);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut out = io::BufWriter::with_capacity(256 << 10, write);
            let packed = layers.write_changes(id, Moment::second(now), &mut out);
            let packed = packed.and_then(|()| io::Write::flush(&mut out).map_err(layerstore::Error::WriteTar));
            // Before the pipe's end is seen: whoever reads it looks here then.
            drop(tell.send(packed));
        });
        let mut tar = Packed { pipe: read, heard, error: None };
        let taken = take(&mut tar);
        match tar.error.take() {
            Some(error) => Err(CommitError::Layer(Box::new(error))),
            None => taken,
        }
    })
}

/// An archive that ends well only if it was packed well.
struct Packed {
    pipe: PipeReader,
    heard: Receiver<layerstore::Result<()>>,
    error: Option<layerstore::Error>,
}

impl Read for Packed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.pipe.read(buffer)?;
        if count == 0
            && let Ok(Err(error)) = self.heard.try_recv()
        {
            let words = error.to_string();
            self.error = Some(error);
            return Err(io::Error::other(words));
        }
        Ok(count)
    }
}
