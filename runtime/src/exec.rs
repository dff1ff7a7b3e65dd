//! `exec`: one more process in a running container.

/// What to run, and where.
#[derive(Debug, Clone, Default)]
pub struct ExecRequest {
    /// Name, id or a prefix of the id.
    pub container: String,
    /// Executable and arguments.
    pub command: Vec<String>,
    /// `-e`, on top of the container's own.
    pub env: Vec<String>,
    /// `-u`; else the container's.
    pub user: Option<String>,
    /// `-w`; else the container's.
    pub working_dir: Option<String>,
    /// `--privileged`: all capabilities.
    pub privileged: bool,
    /// `-d`: do not wait for it.
    pub detach: bool,
}
