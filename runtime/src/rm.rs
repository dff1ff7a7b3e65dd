//! `rm`: a container's files and layer, and if wished its anonymous volumes.

/// Which container to remove, and how.
#[derive(Debug, Clone, Default)]
pub struct RmRequest {
    /// Name, id or a prefix of the id.
    pub container: String,
    /// Kill it first if it runs.
    pub force: bool,
    /// Remove its anonymous volumes too.
    pub volumes: bool,
}
