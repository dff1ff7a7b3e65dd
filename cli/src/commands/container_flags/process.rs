//! What a container's process is and may do: namespaces, rights, devices, its end and its health.

use clap::Args;
use containers::HostConfig;
use containers::config_v2::{Config, HealthConfig};
use runtime::flags::values;

use super::value;
use crate::failure::Failure;

/// Rights, namespaces and a process's surroundings.
#[derive(Debug, Args)]
pub struct Process {
    /// Give extended privileges to this container
    #[arg(long)]
    privileged: bool,
    /// Security Options
    #[arg(long, value_name = "KEY=VALUE", allow_hyphen_values = true)]
    security_opt: Vec<String>,
    /// Add additional groups to join
    #[arg(long, value_name = "GROUP", allow_hyphen_values = true)]
    group_add: Vec<String>,
    /// Sysctl options
    #[arg(long, value_name = "KEY=VALUE", allow_hyphen_values = true)]
    sysctl: Vec<String>,
    /// Add a host device to the container
    #[arg(long, value_name = "PATH[:PATH][:rwm]", allow_hyphen_values = true)]
    device: Vec<String>,
    /// Add a rule to the cgroup allowed devices list
    #[arg(long, value_name = "RULE", allow_hyphen_values = true)]
    device_cgroup_rule: Vec<String>,
    /// Run an init inside the container that forwards signals and reaps processes
    #[arg(long)]
    init: bool,
    /// PID namespace to use
    #[arg(long, value_name = "host|container:NAME", allow_hyphen_values = true)]
    pid: Option<String>,
    /// IPC mode to use
    #[arg(long, value_name = "MODE", allow_hyphen_values = true)]
    ipc: Option<String>,
    /// UTS namespace to use
    #[arg(long, value_name = "host", allow_hyphen_values = true)]
    uts: Option<String>,
    /// User namespace to use
    #[arg(long, value_name = "host", allow_hyphen_values = true)]
    userns: Option<String>,
    /// Cgroup namespace to use (host|private)
    #[arg(long, value_name = "host|private", allow_hyphen_values = true)]
    cgroupns: Option<String>,
    /// Optional parent cgroup for the container
    #[arg(long, value_name = "PATH", allow_hyphen_values = true)]
    cgroup_parent: Option<String>,
    /// Runtime to use for this container
    #[arg(long, allow_hyphen_values = true)]
    runtime: Option<String>,
    /// Restart policy to apply when a container exits
    #[arg(long, value_name = "POLICY", allow_hyphen_values = true)]
    restart: Option<String>,
}

impl Process {
    /// Puts them where they belong.
    pub fn put(self, host: &mut HostConfig) -> Result<(), Failure> {
        host.privileged = self.privileged;
        self.security(host)?;
        self.namespaces(host)?;
        let sysctls = value::all("sysctl", &self.sysctl, values::sysctl)?;
        host.sysctls = (!sysctls.is_empty()).then(|| sysctls.into_iter().collect());
        host.devices = Some(self.devices()?);
        host.device_cgroup_rules =
            value::listed(value::all("device-cgroup-rule", &self.device_cgroup_rule, values::device_rule)?);
        host.group_add = value::listed(self.group_add);
        host.init = self.init.then_some(true);
        host.cgroup_parent = self.cgroup_parent.unwrap_or_default();
        if let Some(runtime) = self.runtime {
            host.runtime = runtime;
        }
        if let Some(text) = self.restart.filter(|text| !text.is_empty()) {
            host.restart_policy = values::restart_policy(&text).map_err(|error| value::words(error.0))?;
        }
        Ok(())
    }

    /// The client checks the path when it parses, and tells it as any other mistake.
    fn devices(&self) -> Result<Vec<containers::hostconfig::DeviceMapping>, Failure> {
        let parsed = self.device.iter().map(|text| values::device(text));
        parsed.collect::<Result<_, _>>().map_err(|error| value::words(error.0))
    }

    fn namespaces(&self, host: &mut HostConfig) -> Result<(), Failure> {
        let given = |text: &Option<String>| text.clone().unwrap_or_default();
        let (pid, uts, userns, cgroupns) =
            (given(&self.pid), given(&self.uts), given(&self.userns), given(&self.cgroupns));
        let shared = pid.strip_prefix("container:").is_some_and(|name| !name.is_empty() && !name.contains(':'));
        let checks = [
            (pid.is_empty() || pid == "host" || shared, "--pid: invalid PID mode"),
            (uts.is_empty() || uts == "host", "--uts: invalid UTS mode"),
            (userns.is_empty() || userns == "host", "--userns: invalid USER mode"),
            (["", "host", "private"].contains(&cgroupns.as_str()), "--cgroupns: invalid CGROUP mode"),
        ];
        if let Some((_, words)) = checks.into_iter().find(|(good, _)| !good) {
            return Err(value::words(words.to_owned()));
        }
        (host.pid_mode, host.uts_mode, host.userns_mode) = (pid, uts, userns);
        if !cgroupns.is_empty() {
            host.cgroupns_mode = cgroupns;
        }
        if let Some(ipc) = &self.ipc {
            ipc.clone_into(&mut host.ipc_mode);
        }
        Ok(())
    }

    /// A profile is sent whole, and `systempaths=unconfined` is the client's own affair.
    fn security(&self, host: &mut HostConfig) -> Result<(), Failure> {
        let mut options = Vec::new();
        for text in &self.security_opt {
            if text == "systempaths=unconfined" {
                (host.masked_paths, host.readonly_paths) = (Some(Vec::new()), Some(Vec::new()));
                continue;
            }
            let (key, given) = match text.split_once('=').or_else(|| text.split_once(':')) {
                Some(pair) => pair,
                None if text == "no-new-privileges" => (text.as_str(), ""),
                None => return Err(value::words(format!("Invalid --security-opt: {text:?}"))),
            };
            if key == "seccomp" && given != "unconfined" {
                options.push(format!("seccomp={}", profile(given)?));
            } else {
                options.push(text.clone());
            }
        }
        // Filtered, Go's list is empty and not null.
        host.security_opt = (!self.security_opt.is_empty()).then_some(options);
        Ok(())
    }
}

fn profile(path: &str) -> Result<String, Failure> {
    let text = std::fs::read(path).map_err(|error| {
        let why = crate::commands::go_words(&error);
        value::words(format!("opening seccomp profile ({path}) failed: open {path}: {why}"))
    })?;
    let parsed: serde_json::Value = serde_json::from_slice(&text)
        .map_err(|error| value::words(format!("compacting json for seccomp profile ({path}) failed: {error}")))?;
    Ok(parsed.to_string())
}

/// When a container counts as healthy.
#[derive(Debug, Args)]
pub struct Health {
    /// Command to run to check health
    #[arg(long, allow_hyphen_values = true)]
    health_cmd: Option<String>,
    /// Time between running the check (ms|s|m|h)
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    health_interval: Option<String>,
    /// Consecutive failures needed to report unhealthy
    #[arg(long, value_name = "INT", allow_hyphen_values = true)]
    health_retries: Option<String>,
    /// Maximum time to allow one check to run (ms|s|m|h)
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    health_timeout: Option<String>,
    /// Start period for the container to initialize before starting health-retries countdown
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    health_start_period: Option<String>,
    /// Disable any container-specified HEALTHCHECK
    #[arg(long)]
    no_healthcheck: bool,
}

impl Health {
    /// Puts it where it belongs.
    pub fn put(self, config: &mut Config) -> Result<(), Failure> {
        let mut wanted = HealthConfig::default();
        let time = |flag: &str, text: Option<String>, to: &mut i64| -> Result<(), Failure> {
            value::put(flag, text, to, values::duration)?;
            if *to < 0 { Err(value::words(format!("--{flag} cannot be negative"))) } else { Ok(()) }
        };
        time("health-interval", self.health_interval, &mut wanted.interval)?;
        time("health-timeout", self.health_timeout, &mut wanted.timeout)?;
        time("health-start-period", self.health_start_period, &mut wanted.start_period)?;
        value::put("health-retries", self.health_retries, &mut wanted.retries, value::int)?;
        if wanted.retries < 0 {
            return Err(value::words("--health-retries cannot be negative".to_owned()));
        }
        let command = self.health_cmd.filter(|command| !command.is_empty());
        wanted.test = command.map(|command| vec!["CMD-SHELL".to_owned(), command]);
        let asked = wanted != HealthConfig::default();
        if self.no_healthcheck && asked {
            return Err(value::words("--no-healthcheck conflicts with --health-* options".to_owned()));
        }
        if self.no_healthcheck {
            wanted.test = Some(vec!["NONE".to_owned()]);
        }
        config.healthcheck = (asked || self.no_healthcheck).then_some(wanted);
        Ok(())
    }
}
