//! `stop`: the stop signal, a while, then SIGKILL.

/// Which container to stop, and how.
#[derive(Debug, Clone, Default)]
pub struct StopRequest {
    /// Name, id or a prefix of the id.
    pub container: String,
    /// Seconds until SIGKILL; negative waits for ever. Else what the container says, else 10.
    pub timeout: Option<i64>,
    /// As typed (`TERM`, `SIGTERM`, `15`). Else what the container says, else SIGTERM.
    pub signal: Option<String>,
}
