//! How a deletion stands in a directory that a layer is unpacked to.

/// What becomes of `.wh.` entries of a layer's tar, said by the driver for each place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Whiteouts {
    /// The directory holds one layer's own changes as overlay keeps them: a deletion is a
    /// character device 0:0, an opaque directory has the attribute `trusted.overlay.opaque`.
    Overlay,
    /// The directory shows the whole tree: a deletion is carried out and leaves no trace.
    Applied,
}
