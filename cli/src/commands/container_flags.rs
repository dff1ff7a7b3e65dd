//! The flags that say what a container is to be: those of `create`, and of `run` beside its own.

use clap::Args;
use runtime::Flags;

use crate::failure::{BEFORE_THE_CONTAINER, Failure};

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
    #[arg(long, visible_alias = "net", value_name = "none|host", allow_hyphen_values = true)]
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
    #[arg(long, allow_hyphen_values = true)]
    pub pids_limit: Option<i64>,
    /// Set meta data on a container
    #[arg(short, long, value_name = "KEY[=VALUE]", allow_hyphen_values = true)]
    pub label: Vec<String>,
    /// Signal to stop the container
    #[arg(long, allow_hyphen_values = true)]
    pub stop_signal: Option<String>,
    /// Timeout (in seconds) to stop a container
    #[arg(long, allow_hyphen_values = true)]
    pub stop_timeout: Option<i64>,
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
    /// What the flags mean.
    ///
    /// # Errors
    /// A value that is no size or no number, in the words of docker's client.
    pub fn meaning(self, detach: bool) -> Result<Flags, Failure> {
        let mut words = self.image_and_command.into_iter();
        Ok(Flags {
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
            memory: self.memory.map(|text| size("-m, --memory", &text)).transpose()?,
            nano_cpus: self.cpus.map(|text| nano_cpus(&text)).transpose()?,
            pids_limit: self.pids_limit,
            labels: self.label,
            stop_signal: self.stop_signal,
            stop_timeout: self.stop_timeout,
            auto_remove: self.rm,
            interactive: self.interactive,
            detach,
        })
    }
}

/// `-e KEY` takes the value from our own environment, and is nothing when that has none.
fn from_our_environment(text: String) -> Option<String> {
    if text.contains('=') {
        return Some(text);
    }
    std::env::var(&text).ok().map(|value| format!("{text}={value}"))
}

fn bad_value(flag: &str, text: &str, why: &str) -> Failure {
    Failure::words(format!("invalid argument {text:?} for \"{flag}\" flag: {why}")).with_code(BEFORE_THE_CONTAINER)
}

fn size(flag: &str, text: &str) -> Result<i64, Failure> {
    base::units::ram_in_bytes(text).ok_or_else(|| bad_value(flag, text, &format!("invalid size: '{text}'")))
}

/// Processors in billionths: `1.5` is 1,500,000,000.
fn nano_cpus(text: &str) -> Result<i64, Failure> {
    let parsed = text.parse::<f64>().ok().filter(|cpus| cpus.is_finite() && (0.0..1e9).contains(cpus));
    let Some(cpus) = parsed else {
        return Err(bad_value("--cpus", text, "failed to parse as a rational number"));
    };
    Ok((cpus * 1e9).round() as i64)
}
