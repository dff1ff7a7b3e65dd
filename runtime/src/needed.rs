//! Which layers images need: asked only when a layer is about to go.

use std::{cell::OnceCell, collections::HashSet};

use base::ChainId;

use crate::home::Home;

/// Answers whether a layer is the top of an image. Images are read at the first question.
pub(crate) struct Needed<'a> {
    home: &'a Home,
    chains: OnceCell<Option<HashSet<ChainId>>>,
}

impl<'a> Needed<'a> {
    /// By the images of this data root.
    pub fn of(home: &'a Home) -> Self {
        Self { home, chains: OnceCell::new() }
    }

    /// As the layer store asks. When the images cannot be read, every layer is needed.
    pub fn as_fn(&self) -> impl Fn(&ChainId) -> bool {
        |chain| {
            let chains = self.chains.get_or_init(|| self.home.images().needed_chains().ok());
            chains.as_ref().is_none_or(|chains| chains.contains(chain))
        }
    }
}
