//! A container's health: when to look, what an answer means. No process is run here.
//!
//! moby 20.10, daemon/health.go `monitor` and `handleProbeResult`.

use std::time::{Duration, Instant};

use base::{Time, units};
use containers::config_v2::{Health, Probe};
use serde::{Deserialize, Serialize};

/// Most of a probe's output that is kept, in bytes.
const MOST_OUTPUT: usize = 4096;

/// Most probes that are kept.
const MOST_PROBES: usize = 5;

/// How often it is looked, and what counts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HealthPlan {
    /// Between two probes, and before the first.
    pub interval: Duration,
    /// What takes longer has failed.
    pub timeout: Duration,
    /// So long failures do not count while it has not been healthy yet.
    pub start_period: Duration,
    /// So many failures in a row make it unhealthy.
    pub retries: i64,
    /// What was known before this run.
    pub before: Health,
}

/// How a probe ended.
#[derive(Debug)]
pub(super) enum Answer {
    /// Its process did.
    Code(i32),
    /// Its process never was.
    Failed(String),
}

/// A probe that runs.
#[derive(Debug)]
struct Running {
    number: u32,
    began: Instant,
    start: Time,
    output: Vec<u8>,
    cut: bool,
    /// It has been told to end: at first kindly.
    told: Option<Instant>,
}

/// What a probe that takes too long is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdue {
    /// It has failed by now.
    Terminate(u32),
    /// It has not even gone when told to.
    Kill(u32),
}

/// After the first signal there is one more of them, as moby 20.10, daemon/exec.go has it.
const UNTIL_KILL: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Watch {
    plan: HealthPlan,
    pub health: Health,
    next: Instant,
    started: Time,
    probe: Option<Running>,
}

impl Watch {
    pub fn new(mut plan: HealthPlan, now: Instant, started: Time) -> Self {
        let mut health = std::mem::take(&mut plan.before);
        begin(&mut health);
        Self { next: now + plan.interval, plan, health, started, probe: None }
    }

    /// When to look at it again.
    pub fn deadline(&self) -> Instant {
        match &self.probe {
            None => self.next,
            Some(probe) => probe.told.map_or(probe.began + self.plan.timeout, |told| told + UNTIL_KILL),
        }
    }

    /// Whether a probe is to be begun.
    pub fn is_due(&self, now: Instant) -> bool {
        self.probe.is_none() && now >= self.next
    }

    /// Not now: it is held still, or nothing can be run in it.
    pub fn put_off(&mut self, now: Instant) {
        self.next = now + self.plan.interval;
    }

    pub fn begin(&mut self, number: u32, now: Instant) {
        let start = Time::now();
        self.probe = Some(Running { number, began: now, start, output: Vec::new(), cut: false, told: None });
    }

    /// Whether this is the probe's number.
    pub fn owns(&self, number: u32) -> bool {
        self.probe.as_ref().is_some_and(|probe| probe.number == number)
    }

    /// What the probe writes.
    pub fn hear(&mut self, bytes: &[u8]) {
        if let Some(probe) = &mut self.probe {
            let room = MOST_OUTPUT - probe.output.len();
            probe.output.extend_from_slice(&bytes[..room.min(bytes.len())]);
            probe.cut |= bytes.len() > room;
        }
    }

    /// A probe that has run too long; its failure is noted with the first of the two.
    pub fn overdue(&mut self, now: Instant) -> Option<Overdue> {
        if now < self.deadline() {
            return None;
        }
        let probe = self.probe.as_mut()?;
        let number = probe.number;
        if probe.told.replace(now).is_some() {
            return Some(Overdue::Kill(number));
        }
        let (start, took) = (probe.start, i64::try_from(self.plan.timeout.as_nanos()).unwrap_or(i64::MAX));
        let words = format!("Health check exceeded timeout ({})", units::go_duration_text(took));
        self.note(start, -1, words);
        Some(Overdue::Terminate(number))
    }

    /// The probe is over. Whether that is news.
    pub fn answered(&mut self, answer: Answer, now: Instant) -> bool {
        let Some(probe) = self.probe.take() else { return false };
        self.next = now + self.plan.interval;
        if probe.told.is_some() {
            return false;
        }
        let mut output = String::from_utf8_lossy(&probe.output).into_owned();
        if probe.cut {
            output.push_str("...");
        }
        match answer {
            Answer::Code(code) => self.note(probe.start, i64::from(code), output),
            Answer::Failed(words) => self.note(probe.start, -1, words),
        }
        true
    }

    fn note(&mut self, start: Time, exit_code: i64, output: String) {
        let log = self.health.log.get_or_insert_default();
        let over = (log.len() + 1).saturating_sub(MOST_PROBES);
        log.drain(..over);
        log.push(Probe {
            start: start.local_rfc3339(),
            end: Time::now().local_rfc3339(),
            exit_code,
            output,
            ..Probe::default()
        });
        if exit_code == 0 {
            self.health.failing_streak = 0;
            "healthy".clone_into(&mut self.health.status);
            return;
        }
        let ran = u128::try_from(start.unix_nanos() - self.started.unix_nanos()).unwrap_or_default();
        if self.health.status == "starting" && ran < self.plan.start_period.as_nanos() {
            return;
        }
        self.health.failing_streak += 1;
        if self.health.failing_streak >= self.plan.retries {
            "unhealthy".clone_into(&mut self.health.status);
        }
    }
}

/// What is known of a container that has just been started (moby 20.10, health.go
/// `initHealthMonitor`): the last run's probes stay.
pub(crate) fn begin(health: &mut Health) {
    "starting".clone_into(&mut health.status);
    health.failing_streak = 0;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(start_period: Duration, now: Instant) -> Watch {
        let second = Duration::from_secs(1);
        let plan =
            HealthPlan { interval: second, timeout: second, start_period, retries: 2, before: Health::default() };
        Watch::new(plan, now, Time::now())
    }

    fn probe(watch: &mut Watch, answer: Answer, now: Instant) {
        assert!(watch.is_due(now));
        watch.begin(1, now);
        watch.answered(answer, now);
    }

    #[test]
    fn so_many_failures_in_a_row_make_it_unhealthy_and_one_success_healthy() {
        let mut now = Instant::now();
        let mut watch = watch(Duration::ZERO, now);
        assert_eq!(watch.health.status, "starting");
        let mut seen = Vec::new();
        for code in [1, 0, 1, 1, 0] {
            now += Duration::from_secs(2);
            probe(&mut watch, Answer::Code(code), now);
            seen.push(watch.health.status.clone());
        }
        assert_eq!(seen, ["starting", "healthy", "healthy", "unhealthy", "healthy"]);
        now += Duration::from_secs(2);
        probe(&mut watch, Answer::Failed("no such file".to_owned()), now);
        let log = watch.health.log.expect("probes");
        assert_eq!(log.len(), 5, "the first is forgotten");
        assert_eq!((log[4].exit_code, log[4].output.as_str()), (-1, "no such file"));
    }

    #[test]
    fn failures_of_the_beginning_do_not_count() {
        let mut now = Instant::now();
        let mut watch = watch(Duration::from_secs(3600), now);
        for _ in 0..5 {
            now += Duration::from_secs(2);
            probe(&mut watch, Answer::Code(1), now);
        }
        assert_eq!((watch.health.status.as_str(), watch.health.failing_streak), ("starting", 0));
    }

    #[test]
    fn what_takes_too_long_has_failed_and_is_ended() {
        let now = Instant::now();
        let mut watch = watch(Duration::ZERO, now);
        let late = now + Duration::from_secs(1);
        watch.begin(7, late);
        watch.hear(&[b'x'; 5000]);
        assert_eq!(watch.overdue(late), None);
        assert_eq!(watch.overdue(late + Duration::from_secs(1)), Some(Overdue::Terminate(7)));
        assert_eq!(watch.overdue(late + Duration::from_secs(12)), Some(Overdue::Kill(7)));
        assert!(!watch.answered(Answer::Code(143), late), "it has been told already");
        let log = watch.health.log.expect("one probe");
        assert_eq!(log[0].output, "Health check exceeded timeout (1s)");
    }

    #[test]
    fn long_output_is_cut() {
        let now = Instant::now();
        let mut watch = watch(Duration::ZERO, now);
        watch.begin(7, now);
        watch.hear(&[b'x'; 4000]);
        watch.hear(&[b'x'; 4000]);
        watch.answered(Answer::Code(0), now);
        let log = watch.health.log.expect("one probe");
        assert_eq!((log[0].output.len(), log[0].output.ends_with("x...")), (4099, true));
    }
}
