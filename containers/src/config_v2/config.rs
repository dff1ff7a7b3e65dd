//! `Config`: what is the same on every host; made of the image's config and the command line.

use std::collections::BTreeMap;

use crate::go_object::{Empty, go_object};

go_object! {
    /// What runs, as who, where, with which environment.
    pub struct Config {
        /// The first 12 digits of the id unless given. Empty: the host's name is used.
        pub hostname: String = "Hostname",
        /// Becomes the sysctl `kernel.domainname`.
        pub domainname: String = "Domainname",
        /// `user[:group]`, by name or number, resolved in the container's own passwd at start.
        pub user: String = "User",
        /// Whether the client's stdin goes to init.
        pub attach_stdin: bool = "AttachStdin",
        /// Whether init's stdout goes to the client.
        pub attach_stdout: bool = "AttachStdout",
        /// Whether init's stderr goes to the client.
        pub attach_stderr: bool = "AttachStderr",
        /// `80/tcp` and the like.
        pub exposed_ports: Option<BTreeMap<String, Empty>> = "ExposedPorts" omit,
        /// Whether init gets a terminal.
        pub tty: bool = "Tty",
        /// Whether init's stdin is kept open.
        pub open_stdin: bool = "OpenStdin",
        /// Whether stdin is closed when the first client leaves.
        pub stdin_once: bool = "StdinOnce",
        /// `KEY=value`, without what is added at start (PATH, HOSTNAME, TERM).
        pub env: Option<Vec<String>> = "Env",
        /// The arguments, or the command if there is no entrypoint.
        pub cmd: Option<Vec<String>> = "Cmd",
        /// How to see whether it is healthy.
        pub healthcheck: Option<HealthConfig> = "Healthcheck" omit,
        /// Windows only.
        pub args_escaped: bool = "ArgsEscaped" omit,
        /// The image as the user named it. Empty, it makes `docker ps -a` of 20.10 fail for all.
        pub image: String = "Image",
        /// Destinations of anonymous volumes.
        pub volumes: Option<BTreeMap<String, Empty>> = "Volumes",
        /// Where the command starts; empty for `/`.
        pub working_dir: String = "WorkingDir",
        /// The command, if the image or the user fixed it.
        pub entrypoint: Option<Vec<String>> = "Entrypoint",
        /// Whether there is no network at all.
        pub network_disabled: bool = "NetworkDisabled" omit,
        /// Wanted address of the first interface.
        pub mac_address: String = "MacAddress" omit,
        /// Triggers of the image, for builds.
        pub on_build: Option<Vec<String>> = "OnBuild",
        /// Labels of image and user.
        pub labels: Option<BTreeMap<String, String>> = "Labels",
        /// What `stop` sends first; SIGTERM if empty.
        pub stop_signal: String = "StopSignal" omit,
        /// Seconds until `stop` sends SIGKILL; 10 if none, for ever if negative.
        pub stop_timeout: Option<i64> = "StopTimeout" omit,
        /// For shell-form instructions of builds.
        pub shell: Option<Vec<String>> = "Shell" omit,
    }

    /// How to see whether a container is healthy. Times are nanoseconds; zero means inherited.
    pub struct HealthConfig {
        /// `["NONE"]`, `["CMD", arg…]` or `["CMD-SHELL", command]`.
        pub test: Option<Vec<String>> = "Test" omit,
        /// Between two probes.
        pub interval: i64 = "Interval" omit,
        /// Until a probe counts as hung.
        pub timeout: i64 = "Timeout" omit,
        /// At the beginning, while failures do not count.
        pub start_period: i64 = "StartPeriod" omit,
        /// Between two probes in the start period (25.0).
        pub start_interval: i64 = "StartInterval" omit,
        /// Failures in a row that make it unhealthy.
        pub retries: i64 = "Retries" omit,
    }
}
