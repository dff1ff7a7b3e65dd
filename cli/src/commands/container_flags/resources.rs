//! How much a container may use: memory, processors, block devices, and limits of its processes.

use clap::Args;
use containers::HostConfig;
use runtime::flags::values;

use super::value;
use crate::failure::Failure;

/// Limits.
#[derive(Debug, Args)]
pub struct Resources {
    /// Memory soft limit
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true)]
    memory_reservation: Option<String>,
    /// Swap limit equal to memory plus swap: '-1' to enable unlimited swap
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true)]
    memory_swap: Option<String>,
    /// Tune container memory swappiness (0 to 100)
    #[arg(long, value_name = "INT", allow_hyphen_values = true)]
    memory_swappiness: Option<String>,
    /// Kernel memory limit
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true)]
    kernel_memory: Option<String>,
    /// Disable OOM Killer
    #[arg(long)]
    oom_kill_disable: bool,
    /// Tune host's OOM preferences (-1000 to 1000)
    #[arg(long, value_name = "INT", allow_hyphen_values = true)]
    oom_score_adj: Option<String>,
    /// CPU shares (relative weight)
    #[arg(short = 'c', long, value_name = "INT", allow_hyphen_values = true)]
    cpu_shares: Option<String>,
    /// Limit CPU CFS (Completely Fair Scheduler) period
    #[arg(long, value_name = "INT", allow_hyphen_values = true)]
    cpu_period: Option<String>,
    /// Limit CPU CFS (Completely Fair Scheduler) quota
    #[arg(long, value_name = "INT", allow_hyphen_values = true)]
    cpu_quota: Option<String>,
    /// Limit CPU real-time period in microseconds
    #[arg(long, value_name = "INT", allow_hyphen_values = true)]
    cpu_rt_period: Option<String>,
    /// Limit CPU real-time runtime in microseconds
    #[arg(long, value_name = "INT", allow_hyphen_values = true)]
    cpu_rt_runtime: Option<String>,
    /// CPUs in which to allow execution (0-3, 0,1)
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    cpuset_cpus: Option<String>,
    /// MEMs in which to allow execution (0-3, 0,1)
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    cpuset_mems: Option<String>,
    /// Block IO (relative weight), between 10 and 1000, or 0 to disable
    #[arg(long, value_name = "INT", allow_hyphen_values = true)]
    blkio_weight: Option<String>,
    /// Block IO weight (relative device weight)
    #[arg(long, value_name = "PATH:WEIGHT", allow_hyphen_values = true)]
    blkio_weight_device: Vec<String>,
    /// Limit read rate (bytes per second) from a device
    #[arg(long, value_name = "PATH:RATE", allow_hyphen_values = true)]
    device_read_bps: Vec<String>,
    /// Limit write rate (bytes per second) to a device
    #[arg(long, value_name = "PATH:RATE", allow_hyphen_values = true)]
    device_write_bps: Vec<String>,
    /// Limit read rate (IO per second) from a device
    #[arg(long, value_name = "PATH:RATE", allow_hyphen_values = true)]
    device_read_iops: Vec<String>,
    /// Limit write rate (IO per second) to a device
    #[arg(long, value_name = "PATH:RATE", allow_hyphen_values = true)]
    device_write_iops: Vec<String>,
    /// Ulimit options
    #[arg(long, value_name = "NAME=SOFT[:HARD]", allow_hyphen_values = true)]
    ulimit: Vec<String>,
    /// Size of /dev/shm
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true)]
    shm_size: Option<String>,
}

impl Resources {
    /// Puts them where they belong.
    pub fn put(self, host: &mut HostConfig) -> Result<(), Failure> {
        let size = |flag: &str, text: Option<String>, to: &mut i64| value::put(flag, text, to, value::size);
        size("memory-reservation", self.memory_reservation, &mut host.memory_reservation)?;
        value::put("memory-swap", self.memory_swap, &mut host.memory_swap, value::size_or_unlimited)?;
        size("kernel-memory", self.kernel_memory, &mut host.kernel_memory)?;
        size("shm-size", self.shm_size, &mut host.shm_size)?;
        swappiness(self.memory_swappiness, host)?;
        let int = |flag: &str, text: Option<String>, to: &mut i64| value::put(flag, text, to, value::int);
        int("oom-score-adj", self.oom_score_adj, &mut host.oom_score_adj)?;
        int("c, --cpu-shares", self.cpu_shares, &mut host.cpu_shares)?;
        int("cpu-period", self.cpu_period, &mut host.cpu_period)?;
        int("cpu-quota", self.cpu_quota, &mut host.cpu_quota)?;
        int("cpu-rt-period", self.cpu_rt_period, &mut host.cpu_realtime_period)?;
        int("cpu-rt-runtime", self.cpu_rt_runtime, &mut host.cpu_realtime_runtime)?;
        value::put("blkio-weight", self.blkio_weight, &mut host.blkio_weight, value::small)?;
        host.cpuset_cpus = self.cpuset_cpus.unwrap_or_default();
        host.cpuset_mems = self.cpuset_mems.unwrap_or_default();
        if self.oom_kill_disable {
            host.oom_kill_disable = Some(true);
        }
        let weights = value::all("blkio-weight-device", &self.blkio_weight_device, values::weight_of_device)?;
        host.blkio_weight_device = Some(weights);
        let throttles = [
            ("device-read-bps", &self.device_read_bps, &mut host.blkio_device_read_bps),
            ("device-write-bps", &self.device_write_bps, &mut host.blkio_device_write_bps),
        ];
        for (flag, texts, to) in throttles {
            *to = value::listed(value::all(flag, texts, values::bytes_per_second)?);
        }
        let throttles = [
            ("device-read-iops", &self.device_read_iops, &mut host.blkio_device_read_iops),
            ("device-write-iops", &self.device_write_iops, &mut host.blkio_device_write_iops),
        ];
        for (flag, texts, to) in throttles {
            *to = value::listed(value::all(flag, texts, values::operations_per_second)?);
        }
        let mut ulimits = value::all("ulimit", &self.ulimit, values::ulimit)?;
        // Of one name the last counts; the client sends them by name.
        ulimits.reverse();
        ulimits.sort_by(|one, other| one.name.cmp(&other.name));
        ulimits.dedup_by(|one, other| one.name == other.name);
        host.ulimits = value::listed(ulimits);
        Ok(())
    }
}

fn swappiness(text: Option<String>, host: &mut HostConfig) -> Result<(), Failure> {
    let mut wanted = -1;
    value::put("memory-swappiness", text, &mut wanted, value::int)?;
    if wanted != -1 && !(0..=100).contains(&wanted) {
        return Err(value::words(format!("invalid value: {wanted}. Valid memory swappiness range is 0-100")));
    }
    host.memory_swappiness = (wanted != -1).then_some(wanted);
    Ok(())
}
