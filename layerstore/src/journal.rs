//! A note of layers that nobody may need if the process that wrote it dies: those it published
//! for an image it had not yet written, those it was deleting.
//!
//! Layers that nobody needs are otherwise never collected, neither by dockerd nor by us: BuildKit
//! keeps layers of which only its own cache knows. So recovery deletes only what a note names.

use base::ChainId;

use crate::{
    LayerStore, Result,
    draft::{Draft, Kind},
};

/// The name of the file in the note's directory: chain ids, one a line, those that rest on others
/// first.
pub(crate) const CHAINS: &str = "chains";

/// A note that is there while this value lives.
#[derive(Debug)]
pub(crate) struct Journal(Draft);

impl Journal {
    pub(crate) fn new(store: &LayerStore, chains: impl IntoIterator<Item = ChainId>) -> Result<Self> {
        let draft = store.draft(Kind::Journal)?;
        let lines: String = chains.into_iter().map(|chain| format!("{chain}\n")).collect();
        draft.write(CHAINS, lines.as_bytes())?;
        Ok(Self(draft))
    }

    /// Leaves the note for recovery: what it names may be garbage.
    pub(crate) fn leave(self) {
        self.0.leave();
    }
}

/// Layers whose image is about to be deleted. Dropped without [`InDoubt::settled`], or when the
/// process dies, the next [`LayerStore::recover`] deletes those of them that nobody needs.
#[derive(Debug)]
pub struct InDoubt(Option<Journal>);

impl InDoubt {
    /// Those that nobody needs are released.
    pub fn settled(mut self) {
        drop(self.0.take());
    }
}

impl Drop for InDoubt {
    fn drop(&mut self) {
        if let Some(journal) = self.0.take() {
            journal.leave();
        }
    }
}

impl LayerStore {
    /// Notes layers that nobody may need soon, those that rest on others first. Written before
    /// their image is deleted; unflushed, since a power cut leaves garbage that nobody sees.
    ///
    /// # Errors
    /// When the note cannot be written.
    pub fn in_doubt(&self, chains: impl IntoIterator<Item = ChainId>) -> Result<InDoubt> {
        Ok(InDoubt(Some(Journal::new(self, chains)?)))
    }
}

/// The chain ids of a note. One whose writing was cut short is read as far as it goes.
pub(crate) fn parse(bytes: &[u8]) -> Vec<ChainId> {
    String::from_utf8_lossy(bytes).lines().filter_map(|line| line.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use base::Digest;

    use super::*;

    #[test]
    fn a_note_cut_short_names_what_it_names() {
        let chains = [b"one", b"two"].map(|text| ChainId::new(Digest::of(text)));
        let whole = format!("{}\n{}\n", chains[0], chains[1]);
        assert_eq!(parse(whole.as_bytes()), chains);
        assert_eq!(parse(&whole.as_bytes()[..whole.len() - 2]), chains[..1]);
    }
}
