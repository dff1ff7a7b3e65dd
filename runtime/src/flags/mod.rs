//! What `create` and `run` were asked for, as typed, and what docker's client makes of it before
//! it asks the daemon.
//!
//! The split is docker's: [`Flags`] is the client's side (docker/cli 20.10, container/opts.go
//! `parse`), [`CreateRequest`] is what goes over the API.

pub mod env_file;
mod mount_flag;
pub mod values;

use containers::{Config, Empty, HostConfig, config_v2::Endpoint};

pub use mount_flag::mount;
pub(crate) use mount_flag::truth;

use crate::create::CreateRequest;

/// The flags of `create` and `run` that are known, and the words behind them.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--name`.
    pub name: Option<String>,
    /// The image, as typed.
    pub image: String,
    /// The words after the image.
    pub command: Vec<String>,
    /// `-e`, each `KEY=value` or `KEY` (taken away from the image's).
    pub env: Vec<String>,
    /// `-w`.
    pub working_dir: Option<String>,
    /// `-u`.
    pub user: Option<String>,
    /// `-v`, each as typed: `/host:/in[:ro]`, `name:/in`, `/in`.
    pub volumes: Vec<String>,
    /// `--entrypoint`; an empty one takes the image's away.
    pub entrypoint: Option<String>,
    /// `--hostname`.
    pub hostname: Option<String>,
    /// `--network`.
    pub network: Option<String>,
    /// `--read-only`.
    pub read_only: bool,
    /// `--cap-add`, each as typed.
    pub cap_add: Vec<String>,
    /// `--cap-drop`, each as typed.
    pub cap_drop: Vec<String>,
    /// `--memory`, bytes.
    pub memory: Option<i64>,
    /// `--cpus`, in billionths of a processor.
    pub nano_cpus: Option<i64>,
    /// `--pids-limit`.
    pub pids_limit: Option<i64>,
    /// `--label`, each `key=value` or `key`. Of one key given twice the last counts.
    pub labels: Vec<String>,
    /// `--stop-signal`.
    pub stop_signal: Option<String>,
    /// `--stop-timeout`, seconds.
    pub stop_timeout: Option<i64>,
    /// `--rm`.
    pub auto_remove: bool,
    /// `-i`.
    pub interactive: bool,
    /// `-d`: nobody is attached.
    pub detach: bool,
    /// `-a`, each `stdin`, `stdout` or `stderr`; none is the last two.
    pub attach: Vec<String>,
    /// `-t`.
    pub tty: bool,
}

impl Flags {
    /// The request that docker's client sends for these flags.
    pub fn request(self) -> CreateRequest {
        let (volumes, binds): (Vec<_>, Vec<_>) = self.volumes.into_iter().partition(|spec| !spec.contains(':'));
        let wants = |stream: &str| !self.detach && self.attach.iter().any(|wanted| wanted == stream);
        let by_default = !self.detach && self.attach.is_empty();
        let attach_stdin = !self.detach && (self.interactive || wants("stdin"));
        let config = Config {
            hostname: self.hostname.unwrap_or_default(),
            user: self.user.unwrap_or_default(),
            attach_stdin,
            attach_stdout: by_default || wants("stdout"),
            attach_stderr: by_default || wants("stderr"),
            tty: self.tty,
            open_stdin: self.interactive,
            // Whoever is attached takes stdin along on leaving; detached, it stays open.
            stdin_once: self.interactive && attach_stdin,
            env: listed(self.env),
            cmd: listed(self.command),
            image: self.image,
            volumes: Some(volumes.into_iter().map(|path| (path, Empty::default())).collect()),
            working_dir: self.working_dir.unwrap_or_default(),
            entrypoint: self.entrypoint.map(|word| vec![word]),
            labels: Some(values::pairs(&self.labels)),
            stop_signal: self.stop_signal.unwrap_or_default(),
            stop_timeout: self.stop_timeout,
            ..Config::default()
        };
        let host_config = HostConfig {
            binds: listed(binds),
            network_mode: self.network.unwrap_or_else(|| "default".to_owned()),
            readonly_rootfs: self.read_only,
            cap_add: listed(self.cap_add),
            cap_drop: listed(self.cap_drop),
            memory: self.memory.unwrap_or_default(),
            nano_cpus: self.nano_cpus.unwrap_or_default(),
            pids_limit: self.pids_limit,
            auto_remove: self.auto_remove,
            ..HostConfig::new()
        };
        CreateRequest { name: self.name, config, host_config, endpoint: Endpoint::default() }
    }
}

/// A list as Go keeps it: none is null.
fn listed(list: Vec<String>) -> Option<Vec<String>> {
    (!list.is_empty()).then_some(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_without_a_source_is_part_of_the_config_and_one_with_is_a_bind() {
        let volumes = vec!["/data".to_owned(), "named:/x".to_owned(), "/host:/y:ro".to_owned()];
        let request = Flags { volumes, ..Flags::default() }.request();
        let anonymous: Vec<_> = request.config.volumes.iter().flatten().map(|(path, _)| path.as_str()).collect();
        assert_eq!(anonymous, ["/data"]);
        assert_eq!(request.host_config.binds, Some(vec!["named:/x".to_owned(), "/host:/y:ro".to_owned()]));
    }

    #[test]
    fn stdin_stays_open_only_for_a_detached_container() {
        let stdin = |detach| {
            let config = Flags { interactive: true, detach, ..Flags::default() }.request().config;
            (config.open_stdin, config.attach_stdin, config.stdin_once)
        };
        assert_eq!(stdin(false), (true, true, true));
        assert_eq!(stdin(true), (true, false, false));
    }

    #[test]
    fn the_last_of_two_labels_counts_and_one_without_value_is_empty() {
        let labels = ["a=1", "b", "a=2=3"].map(str::to_owned).to_vec();
        let request = Flags { labels, ..Flags::default() }.request();
        let expected = [("a", "2=3"), ("b", "")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(request.config.labels, Some(expected.into()));
    }
}
