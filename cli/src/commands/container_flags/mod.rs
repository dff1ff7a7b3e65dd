//! The flags that say what a container is to be: those of `create`, and of `run` beside its own.

mod process;
mod refused;
mod resources;
mod surroundings;
pub mod value;

use clap::Args;
use runtime::{CreateRequest, Flags, flags::values};

pub use self::surroundings::{check_id_file, write_id};
use crate::failure::Failure;

/// What the user types about a container to be made.
#[derive(Debug, Args)]
pub struct ContainerFlags {
    /// Assign a name to the container
    #[arg(long, allow_hyphen_values = true)]
    pub name: Option<String>,
    /// Set environment variables
    #[arg(short, long, value_name = "KEY[=VALUE]", allow_hyphen_values = true)]
    pub env: Vec<String>,
    /// Working directory inside the container
    #[arg(short, long, allow_hyphen_values = true)]
    pub workdir: Option<String>,
    /// Username or UID (format: <name|uid>[:<group|gid>])
    #[arg(short, long, allow_hyphen_values = true)]
    pub user: Option<String>,
    /// Bind mount a directory, or mount a named volume
    #[arg(short, long, value_name = "SOURCE:DIR[:ro]", allow_hyphen_values = true)]
    pub volume: Vec<String>,
    /// Overwrite the default ENTRYPOINT of the image
    #[arg(long, allow_hyphen_values = true)]
    pub entrypoint: Option<String>,
    /// Container host name
    #[arg(short = 'h', long, allow_hyphen_values = true)]
    pub hostname: Option<String>,
    /// Connect a container to a network
    #[arg(
        long,
        visible_alias = "net",
        value_name = "none|host|bridge|NETWORK|container:NAME",
        allow_hyphen_values = true
    )]
    pub network: Option<String>,
    /// Mount the container's root filesystem as read only
    #[arg(long)]
    pub read_only: bool,
    /// Add Linux capabilities
    #[arg(long, value_name = "CAP", allow_hyphen_values = true)]
    pub cap_add: Vec<String>,
    /// Drop Linux capabilities
    #[arg(long, value_name = "CAP", allow_hyphen_values = true)]
    pub cap_drop: Vec<String>,
    /// Memory limit
    #[arg(short, long, value_name = "BYTES", allow_hyphen_values = true)]
    pub memory: Option<String>,
    /// Number of CPUs
    #[arg(long, allow_hyphen_values = true)]
    pub cpus: Option<String>,
    /// Tune container pids limit (-1 for unlimited)
    #[arg(long, value_name = "INT", allow_hyphen_values = true)]
    pub pids_limit: Option<String>,
    /// Set meta data on a container
    #[arg(short, long, value_name = "KEY[=VALUE]", allow_hyphen_values = true)]
    pub label: Vec<String>,
    /// Signal to stop the container
    #[arg(long, allow_hyphen_values = true)]
    pub stop_signal: Option<String>,
    /// Timeout (in seconds) to stop a container
    #[arg(long, value_name = "INT", allow_hyphen_values = true)]
    pub stop_timeout: Option<String>,
    /// Attach to STDIN, STDOUT or STDERR
    #[arg(short, long, value_name = "STREAM", allow_hyphen_values = true)]
    pub attach: Vec<String>,
    /// Expose a port or a range of ports
    #[arg(long, value_name = "PORT[/PROTOCOL]", allow_hyphen_values = true)]
    pub expose: Vec<String>,
    /// Publish a container's port(s) to the host
    #[arg(short, long, value_name = "[[IP:]PORT:]PORT[/PROTOCOL]", allow_hyphen_values = true)]
    pub publish: Vec<String>,
    /// Publish all exposed ports to random ports
    #[arg(short = 'P', long)]
    pub publish_all: bool,
    /// Container MAC address (e.g., 92:d0:c6:0a:29:33)
    #[arg(long, value_name = "MAC", allow_hyphen_values = true)]
    pub mac_address: Option<String>,
    /// IPv4 address (e.g., 172.30.100.104)
    #[arg(long, value_name = "IP", allow_hyphen_values = true)]
    pub ip: Option<String>,
    /// Add network-scoped alias for the container
    #[arg(long, visible_alias = "net-alias", value_name = "NAME", allow_hyphen_values = true)]
    pub network_alias: Vec<String>,
    #[command(flatten)]
    resources: resources::Resources,
    #[command(flatten)]
    process: process::Process,
    #[command(flatten)]
    health: process::Health,
    #[command(flatten)]
    mounts: surroundings::Mounts,
    #[command(flatten)]
    names: surroundings::Names,
    #[command(flatten)]
    papers: surroundings::Papers,
    #[command(flatten)]
    refused: refused::Refused,
    /// Allocate a pseudo-TTY
    #[arg(short, long)]
    pub tty: bool,
    /// Keep STDIN open even if not attached
    #[arg(short, long)]
    pub interactive: bool,
    /// Automatically remove the container when it exits
    #[arg(long)]
    pub rm: bool,
    /// Print usage
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
    /// The image, and the command to run in it instead of its own
    #[arg(required = true, trailing_var_arg = true, value_names = ["IMAGE", "COMMAND"])]
    pub image_and_command: Vec<String>,
}

impl ContainerFlags {
    /// The request that the flags mean.
    ///
    /// # Errors
    /// A flag that is not supported, or a value that means nothing, in the words of docker's client.
    pub fn request(self, detach: bool) -> Result<CreateRequest, Failure> {
        self.refused.check()?;
        let mut words = self.image_and_command.into_iter();
        let (mut memory, mut nano_cpus) = (0, 0);
        value::put("m, --memory", self.memory.clone(), &mut memory, value::size)?;
        value::put("cpus", self.cpus.clone(), &mut nano_cpus, value::nano_cpus)?;
        let whole = |flag: &str, text: Option<String>| -> Result<Option<i64>, Failure> {
            text.map(|text| {
                let mut number = 0;
                value::put(flag, Some(text), &mut number, value::int)?;
                Ok(number)
            })
            .transpose()
        };
        let flags = Flags {
            name: self.name,
            image: words.next().unwrap_or_default(),
            command: words.collect(),
            env: self.env.into_iter().filter_map(from_our_environment).collect(),
            working_dir: self.workdir,
            user: self.user,
            volumes: self.volume,
            entrypoint: self.entrypoint,
            hostname: self.hostname,
            network: self.network,
            read_only: self.read_only,
            cap_add: self.cap_add,
            cap_drop: self.cap_drop,
            memory: self.memory.map(|_| memory),
            nano_cpus: self.cpus.map(|_| nano_cpus),
            pids_limit: whole("pids-limit", self.pids_limit)?,
            labels: value::all("l, --label", &self.label, values::label)?,
            stop_signal: self.stop_signal,
            stop_timeout: whole("stop-timeout", self.stop_timeout)?,
            auto_remove: self.rm,
            interactive: self.interactive,
            detach,
            attach: value::all("a, --attach", &self.attach, values::stream)?,
            tty: self.tty,
        };
        let mut request = flags.request();
        self.resources.put(&mut request.host_config)?;
        self.process.put(&mut request.host_config)?;
        self.health.put(&mut request.config)?;
        self.mounts.put(&mut request)?;
        self.names.put(&mut request)?;
        self.papers.put(&mut request)?;
        let mut published = containers::config_v2::PortMap::new();
        for text in &self.publish {
            for (port, binding) in values::published(text).map_err(|error| value::words(error.0))? {
                published.entry(port).or_default().get_or_insert_default().push(binding);
            }
        }
        // docker/cli 20.10, container/opts.go: what does not fit the default networks is not sent.
        if !["default", "bridge", "host", "none"].contains(&request.host_config.network_mode.as_str()) {
            let endpoint = &mut request.endpoint;
            endpoint.aliases = (!self.network_alias.is_empty()).then_some(self.network_alias);
            if let Some(ip) = self.ip {
                let ipv4_address = values::address(&ip).map_err(|error| value::words(error.0))?;
                endpoint.ipam_config = Some(containers::config_v2::IpamConfig { ipv4_address, ..Default::default() });
            }
        }
        let ports = self.expose.iter().map(|text| values::exposed(text));
        let ports = ports.collect::<Result<Vec<_>, _>>().map_err(|error| value::words(error.0))?.concat();
        let ports: Vec<String> = ports.into_iter().chain(published.keys().cloned()).collect();
        if !ports.is_empty() {
            request.config.exposed_ports = Some(ports.into_iter().map(|port| (port, Default::default())).collect());
        }
        request.host_config.port_bindings = Some(published);
        request.host_config.publish_all_ports = self.publish_all;
        if let Some(mac) = self.mac_address {
            request.config.mac_address = values::mac_address(&mac).map_err(|error| value::words(error.0))?;
        }
        let restarts = !["", "no"].contains(&request.host_config.restart_policy.name.as_str());
        if request.host_config.auto_remove && restarts {
            return Err(value::words("Conflicting options: --restart and --rm".to_owned()));
        }
        Ok(request)
    }
}

/// `-e KEY` takes the value from our own environment, and is nothing when that has none.
fn from_our_environment(text: String) -> Option<String> {
    if text.contains('=') {
        return Some(text);
    }
    std::env::var(&text).ok().map(|value| format!("{text}={value}"))
}
