//! Giving an image a name, and what names look like when they are given.

use layerstore::LayerStore;

use crate::{BadTag, Error, Images, Reference, Result, write::Making};

impl Images {
    /// Lets `name` stand for the image that `typed` means. A name alone means `latest`; what it
    /// stood for until now loses it.
    ///
    /// moby 20.10, daemon/images/image_tag.go `TagImage`.
    ///
    /// # Errors
    /// As [`Images::resolve`], [`Error::Tag`] for a name that can be none, and when it cannot be
    /// written; nothing is changed then.
    pub fn tag(&self, layers: &LayerStore, typed: &str, name: &Reference) -> Result<()> {
        let image = self.resolve(typed)?;
        if name.digest().is_some() {
            return Err(Error::Tag(BadTag::Digest));
        }
        let stamp = Some(base::Time::now().into());
        let making = Making { tags: vec![(name.clone(), image.id)], stamp, ..Making::default() };
        self.make(layers, layers.batch(), making)?;
        Ok(())
    }
}
