//! `stats`: what containers use, from the counters of the kernel.
//!
//! moby 20.10, daemon/stats.go, daemon/stats/collector_unix.go; docker/cli 20.10,
//! command/container/stats_helpers.go.

use base::ContainerId;
use containers::{Container, LookupError};

use crate::{cgroup::Usage, find, home::Home, truth};

/// What is counted of a container at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Which container.
    pub id: ContainerId,
    /// Its name, without a slash.
    pub name: String,
    /// Whether it runs. One that does not uses nothing.
    pub running: bool,
    /// What it has used, with a limit that is not above what the machine has.
    pub usage: Usage,
    /// Bytes that came over the network.
    pub received: u64,
    /// Bytes that went over the network.
    pub sent: u64,
    /// Time of processors that the whole machine has had, in nanoseconds, and how many there are.
    pub machine: (u64, usize),
}

/// Counts what a container uses now.
///
/// # Errors
/// No such container, in dockerd's words.
pub fn sample(home: &Home, container: &str) -> Result<Sample, LookupError> {
    let container = find::container(home, container)?;
    let state = &container.record.state;
    let runs = state.running && !state.restarting;
    let counted = runs.then(|| truth::group(home, &container)?.usage()).flatten();
    let (received, sent) = if counted.is_some() { network(&container) } else { (0, 0) };
    let mut usage = counted.unwrap_or_default();
    usage.limit = usage.limit.min(crate::info::total_memory());
    Ok(Sample {
        name: container.record.name().to_owned(),
        running: counted.is_some(),
        usage,
        received,
        sent,
        machine: machine(),
        id: container.id,
    })
}

impl Sample {
    /// The share of one processor, in hundredths, that it used since an earlier sample; since ever
    /// without one.
    pub fn cpu_percent(&self, before: Option<&Self>) -> f64 {
        let (cpu, system) = before.map_or((0, 0), |before| (before.usage.cpu, before.machine.0));
        let (own, all) = (self.usage.cpu as f64 - cpu as f64, self.machine.0 as f64 - system as f64);
        if own > 0.0 && all > 0.0 { own / all * self.machine.1 as f64 * 100.0 } else { 0.0 }
    }

    /// How much of its memory it uses, in hundredths.
    pub fn memory_percent(&self) -> f64 {
        match self.usage.limit {
            0 => 0.0,
            limit => self.usage.memory as f64 / limit as f64 * 100.0,
        }
    }
}

/// What came in and went out over all devices of a container but loopback. Who is in the host's
/// network has none of his own.
fn network(container: &Container) -> (u64, u64) {
    let namespace = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/net")).ok();
    let pid = container.record.state.pid.to_string();
    if namespace(&pid).is_none_or(|own| namespace("self") == Some(own)) {
        return (0, 0);
    }
    devices(&std::fs::read_to_string(format!("/proc/{pid}/net/dev")).unwrap_or_default())
}

/// `  eth0: 1 2 …`: bytes received are the first number, bytes sent the ninth.
fn devices(text: &str) -> (u64, u64) {
    let counted = text.lines().filter_map(|line| {
        let (_, numbers) = line.split_once(':').filter(|(name, _)| name.trim() != "lo")?;
        let numbers: Vec<u64> = numbers.split_whitespace().map_while(|number| number.parse().ok()).collect();
        Some((*numbers.first()?, *numbers.get(8)?))
    });
    counted.fold((0, 0), |(received, sent), (more, and_more)| (received + more, sent + and_more))
}

/// The first seven columns of all processors, in hundredths of a second; and how many we may use.
fn machine() -> (u64, usize) {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("cpu ")).unwrap_or_default();
    let ticks: u64 = line.split_whitespace().take(7).filter_map(|number| number.parse::<u64>().ok()).sum();
    let processors = rustix::thread::sched_getaffinity(None).map_or(1, |set| set.count() as usize);
    (ticks.saturating_mul(10_000_000), processors)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(cpu: u64, system: u64) -> Sample {
        Sample {
            id: "ab".repeat(32).parse().expect("an id"),
            name: "web".to_owned(),
            running: true,
            usage: Usage { cpu, memory: 1, limit: 4, ..Usage::default() },
            received: 0,
            sent: 0,
            machine: (system, 2),
        }
    }

    #[test]
    fn a_share_is_of_one_processor() {
        assert_eq!(sample(300, 2000).cpu_percent(Some(&sample(100, 1000))), 40.0);
        assert_eq!(sample(100, 1000).cpu_percent(None), 20.0);
        assert_eq!(sample(100, 1000).cpu_percent(Some(&sample(100, 1000))), 0.0);
        assert_eq!(sample(0, 0).memory_percent(), 25.0);
    }

    #[test]
    fn loopback_is_no_network() {
        let text = "Inter-|   Receive  |  Transmit\n face |bytes packets|bytes\n    lo: 9 1 0 0 0 0 0 0 9 1\n  \
                    eth0: 10 1 0 0 0 0 0 0 20 1 0\n  eth1:5 1 0 0 0 0 0 0 7 1\n";
        assert_eq!(devices(text), (15, 27));
    }
}
