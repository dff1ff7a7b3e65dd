//! `minidock update`: other limits, or another restart policy, for containers that are there.

use containers::HostConfig;
use runtime::flags::values;

use super::{Place, container_flags::value};
use crate::{failure::Failure, out::Out};

/// Update configuration of one or more containers
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    wanted: Wanted,
    #[arg(required = true, value_name = "CONTAINER")]
    containers: Vec<String>,
}

#[derive(Debug, clap::Args)]
struct Wanted {
    /// Block IO (relative weight), between 10 and 1000, or 0 to disable
    #[arg(long, value_name = "INT", allow_hyphen_values = true)]
    blkio_weight: Option<String>,
    /// Limit CPU CFS (Completely Fair Scheduler) period
    #[arg(long, value_name = "INT", allow_hyphen_values = true)]
    cpu_period: Option<String>,
    /// Limit CPU CFS (Completely Fair Scheduler) quota
    #[arg(long, value_name = "INT", allow_hyphen_values = true)]
    cpu_quota: Option<String>,
    /// Limit the CPU real-time period in microseconds
    #[arg(long, value_name = "INT", allow_hyphen_values = true)]
    cpu_rt_period: Option<String>,
    /// Limit the CPU real-time runtime in microseconds
    #[arg(long, value_name = "INT", allow_hyphen_values = true)]
    cpu_rt_runtime: Option<String>,
    /// CPUs in which to allow execution (0-3, 0,1)
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    cpuset_cpus: Option<String>,
    /// MEMs in which to allow execution (0-3, 0,1)
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    cpuset_mems: Option<String>,
    /// CPU shares (relative weight)
    #[arg(short = 'c', long, value_name = "INT", allow_hyphen_values = true)]
    cpu_shares: Option<String>,
    /// Memory limit
    #[arg(short, long, value_name = "BYTES", allow_hyphen_values = true)]
    memory: Option<String>,
    /// Memory soft limit
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true)]
    memory_reservation: Option<String>,
    /// Swap limit equal to memory plus swap: '-1' to enable unlimited swap
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true)]
    memory_swap: Option<String>,
    /// Kernel memory limit
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true)]
    kernel_memory: Option<String>,
    /// Restart policy to apply when a container exits
    #[arg(long, value_name = "POLICY", allow_hyphen_values = true)]
    restart: Option<String>,
    /// Tune container pids limit (set -1 for unlimited)
    #[arg(long, value_name = "INT", allow_hyphen_values = true)]
    pids_limit: Option<String>,
    /// Number of CPUs
    #[arg(long, allow_hyphen_values = true)]
    cpus: Option<String>,
}

impl Wanted {
    /// What is to be changed; nothing where no flag says otherwise.
    fn limits(self) -> Result<HostConfig, Failure> {
        let mut host = HostConfig::default();
        let mut pids = 0;
        let texts = [
            &self.blkio_weight,
            &self.cpu_period,
            &self.cpu_quota,
            &self.cpu_rt_period,
            &self.cpu_rt_runtime,
            &self.cpuset_cpus,
            &self.cpuset_mems,
            &self.cpu_shares,
            &self.memory,
            &self.memory_reservation,
            &self.memory_swap,
            &self.kernel_memory,
            &self.restart,
            &self.pids_limit,
            &self.cpus,
        ];
        let any = texts.iter().any(|text| text.is_some());
        value::put("blkio-weight", self.blkio_weight, &mut host.blkio_weight, value::small)?;
        value::put("cpu-period", self.cpu_period, &mut host.cpu_period, value::int)?;
        value::put("cpu-quota", self.cpu_quota, &mut host.cpu_quota, value::int)?;
        value::put("cpu-rt-period", self.cpu_rt_period, &mut host.cpu_realtime_period, value::int)?;
        value::put("cpu-rt-runtime", self.cpu_rt_runtime, &mut host.cpu_realtime_runtime, value::int)?;
        value::put("c, --cpu-shares", self.cpu_shares, &mut host.cpu_shares, value::int)?;
        value::put("m, --memory", self.memory, &mut host.memory, value::size)?;
        value::put("memory-reservation", self.memory_reservation, &mut host.memory_reservation, value::size)?;
        value::put("memory-swap", self.memory_swap, &mut host.memory_swap, value::size_or_unlimited)?;
        value::put("kernel-memory", self.kernel_memory, &mut host.kernel_memory, value::size)?;
        value::put("pids-limit", self.pids_limit, &mut pids, value::int)?;
        value::put("cpus", self.cpus, &mut host.nano_cpus, value::nano_cpus)?;
        if !any {
            return Err(Failure::words("you must provide one or more flags when using this command"));
        }
        host.pids_limit = (pids != 0).then_some(pids);
        host.cpuset_cpus = self.cpuset_cpus.unwrap_or_default();
        host.cpuset_mems = self.cpuset_mems.unwrap_or_default();
        if let Some(text) = self.restart.filter(|text| !text.is_empty()) {
            host.restart_policy = values::restart_policy(&text).map_err(|error| Failure::words(error.0))?;
        }
        Ok(host)
    }
}

/// The names first, then all warnings, then what went wrong (docker/cli 20.10, update.go
/// `runUpdate`).
pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let wanted = args.wanted.limits()?;
    let home = place.open()?;
    let (mut warnings, mut failures) = (Vec::new(), Vec::new());
    for name in &args.containers {
        match runtime::update(&home, name, &wanted) {
            Ok(more) => {
                out.line(name)?;
                warnings.extend(more);
            }
            Err(error) => failures.push(Failure::engine(&error)),
        }
    }
    warnings.iter().try_for_each(|warning| out.line(warning))?;
    if failures.is_empty() {
        return Ok(());
    }
    out.flush()?;
    failures.iter().for_each(Failure::say);
    Err(Failure::code(1))
}
