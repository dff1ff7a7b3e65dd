//! What can be wrong with a file.

/// Why bytes are no database that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Bad {
    /// Neither meta page is whole.
    #[error("neither meta page is whole")]
    Meta,
    /// A page lies outside the file, or its entries lie outside it.
    #[error("page {0} is cut off")]
    Short(u64),
    /// A page of another kind than its place asks for.
    #[error("page {page} is of the kind {flags:#x}")]
    Kind {
        /// Its number.
        page: u64,
        /// What it says it is.
        flags: u16,
    },
    /// A page that is used twice: a circle, or two owners.
    #[error("page {0} is used twice")]
    Twice(u64),
    /// Buckets in buckets beyond reason.
    #[error("buckets lie too deep in each other")]
    Deep,
}
