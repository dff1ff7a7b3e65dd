//! Why a container or an exec did not start, in the words of docker, containerd and runc, which
//! say it in layers; the client's exit code depends on them.

/// A process that did not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[error("{message}")]
pub struct StartError {
    /// What `docker start` prints after `Error response from daemon: `.
    pub message: String,
    /// What the container's state records: 126, 127 or 128. (`docker run` has its own rule for
    /// what it exits with.)
    pub exit_code: i32,
}

const MISMATCH: &str = ": Are you trying to mount a directory onto a file (or vice-versa)? \
                        Check if the specified host path exists and is the expected type";

impl StartError {
    /// A container's process did not start, because of what runc would say.
    pub(crate) fn create(reason: &str) -> Self {
        Self::translated(format!(
            "failed to create shim task: OCI runtime create failed: runc create failed: \
             unable to start container process: {reason}: unknown"
        ))
    }

    /// The container could not be prepared, because of something that is not the container's.
    pub(crate) fn shim(reason: &str) -> Self {
        Self::translated(format!("failed to create shim task: {reason}: unknown"))
    }

    /// A port of the host cannot be had any more; the words are whole.
    pub(crate) fn network(message: String) -> Self {
        Self { message, exit_code: 128 }
    }

    /// A process did not start in a running container.
    pub(crate) fn exec(reason: &str) -> Self {
        let text =
            format!("OCI runtime exec failed: exec failed: unable to start container process: {reason}: unknown");
        // moby 20.10, daemon/exec.go: whatever the reason, and the client exits with it.
        Self { exit_code: 126, ..Self::translated(text) }
    }

    /// moby 20.10.24, daemon/errors.go `translateContainerdStartErr`, and daemon/start.go: 128 for
    /// what has no code of its own.
    fn translated(mut message: String) -> Self {
        let says = |text: &str| message.to_lowercase().contains(text);
        let missing = ["executable file not found", "no such file or directory"].into_iter().any(says);
        let mut exit_code = if missing { 127 } else { 128 };
        if says("permission denied") {
            exit_code = 126;
        }
        if says("not a directory") {
            exit_code = 127;
            message.push_str(MISMATCH);
        }
        Self { message, exit_code }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole line and the code of `docker inspect`, as dockerd 20.10.24 with containerd
    /// 1.6.20 and runc 1.1.5 gave them.
    #[test]
    fn a_missing_executable_is_127() {
        let error = StartError::create("exec: \"nope\": executable file not found in $PATH");
        assert_eq!(
            error.to_string(),
            "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container \
             process: exec: \"nope\": executable file not found in $PATH: unknown"
        );
        assert_eq!(error.exit_code, 127);
    }

    #[test]
    fn the_code_depends_on_the_words() {
        assert_eq!(StartError::create("exec: \"/dir\": permission denied").exit_code, 126);
        assert_eq!(StartError::create("error during container init: sethostname: invalid argument").exit_code, 128);
        assert_eq!(StartError::exec("exec: \"nope\": executable file not found in $PATH").exit_code, 126);
    }

    #[test]
    fn a_directory_in_the_way_brings_dockers_question() {
        let error = StartError::exec("chdir to cwd (\"/bin/sh\") set in config.json failed: not a directory");
        assert!(error.message.ends_with(
            "failed: not a directory: unknown: Are you trying to mount a directory onto a \
                                         file (or vice-versa)? Check if the specified host path exists and is the \
                                         expected type"
        ));
    }
}
