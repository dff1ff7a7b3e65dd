//! How much disk a container takes.

use containers::Container;
use layerstore::LayerStore;

use crate::home::Home;

/// Bytes in its own layer, and together with its image's layers. What cannot be measured counts
/// as nothing, as with dockerd.
pub(crate) fn of(home: &Home, layers: &LayerStore, container: &Container) -> (u64, u64) {
    let own = layers.size_rw(&container.id).unwrap_or(0);
    let image = container.record.image_id().and_then(|id| home.images().get(&id).ok().flatten());
    let lineage = image.and_then(|image| image.chain()).and_then(|chain| layers.lineage(&chain).ok());
    let below: u64 = lineage.into_iter().flatten().map(|layer| layer.size).sum();
    (own, own + below)
}
