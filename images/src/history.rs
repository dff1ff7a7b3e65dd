//! How an image was made: the rows of `docker history`.

use layerstore::LayerStore;
use serde::Serialize;

use crate::{Error, Image, Images, Result, config::BadConfig, list::Sizes};

/// One step, as `GET /images/…/history` gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Row {
    /// The message of commit or import.
    pub comment: String,
    /// Seconds since 1970.
    pub created: i64,
    /// The Dockerfile's line, or the command that was committed.
    pub created_by: String,
    /// The image as it was after this step, or `<missing>`.
    pub id: String,
    /// Bytes of the layer it made; none if it made none.
    pub size: u64,
    /// The tags of that image.
    pub tags: Option<Vec<String>>,
}

impl Images {
    /// The steps, the last first.
    ///
    /// moby 20.10, daemon/images/image_history.go: the parents of an image give its steps their
    /// ids, one each, as far as there are parents.
    ///
    /// # Errors
    /// When a layer is not there, or the history speaks of more layers than there are.
    pub fn history(&self, layers: &LayerStore, image: &Image) -> Result<Vec<Row>> {
        let mut rows = self.steps(layers, image)?;
        let names = self.repositories()?;
        let mut next = Some(image.clone());
        for row in &mut rows {
            let Some(image) = next else { break };
            row.id = image.id.to_string();
            let (_, tags) = crate::list::split(names.of_image(&image.id));
            row.tags = (!tags.is_empty()).then(|| tags.iter().map(ToString::to_string).collect());
            // A parent that is gone, or damaged, ends what is known.
            next = image.parent.and_then(|parent| self.get(&parent).ok().flatten());
        }
        Ok(rows)
    }

    fn steps(&self, layers: &LayerStore, image: &Image) -> Result<Vec<Row>> {
        let mut sizes = Sizes::new(layers);
        let mut chains = image.config.chains();
        let mut rows = Vec::with_capacity(image.config.history.len());
        for step in &image.config.history {
            let size = if step.empty_layer {
                0
            } else {
                sizes.layer(&chains.next().ok_or(Error::Config(BadConfig::History))?)?
            };
            rows.push(Row {
                comment: step.comment.clone(),
                created: step.created.time().unix_seconds(),
                created_by: step.created_by.clone(),
                id: "<missing>".to_owned(),
                size,
                tags: None,
            });
        }
        rows.reverse();
        Ok(rows)
    }
}
