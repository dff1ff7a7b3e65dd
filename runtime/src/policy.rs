//! Restart policies: whether a container that has ended is started again, and how long after.
//!
//! moby 20.10, restartmanager/restartmanager.go `ShouldRestart`.

use std::time::Duration;

use containers::HostConfig;
use serde::{Deserialize, Serialize};

/// The first wait; each later one is twice as long.
const FIRST: Duration = Duration::from_millis(100);

/// No wait is longer.
const LONGEST: Duration = Duration::from_secs(60);

/// A container that has run so long begins anew with the first wait.
const LONG_ENOUGH: Duration = Duration::from_secs(10);

/// When a container is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Never.
    No,
    /// Whatever its exit code.
    Always,
    /// The same, but not after a user has stopped it and the machine has started again.
    UnlessStopped,
    /// Unless the exit code is 0, and so many times; 0 for no limit.
    OnFailure(i64),
}

/// A rule, and how far it has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// When.
    pub rule: Rule,
    /// How often it was started again since a user started it.
    pub count: i64,
    /// The last wait, in milliseconds; 0 before the first.
    pub waited: u64,
}

impl Rule {
    /// What a host configuration says; a name that docker does not have says no.
    pub fn of(host: &HostConfig) -> Self {
        let policy = &host.restart_policy;
        match policy.name.as_str() {
            "always" => Self::Always,
            "unless-stopped" => Self::UnlessStopped,
            "on-failure" => Self::OnFailure(policy.maximum_retry_count),
            _ => Self::No,
        }
    }
}

impl Policy {
    /// How long to wait before the next start; `None`: no next start. `stopped`: a user wanted it
    /// to stop some time before.
    pub fn next(&mut self, exit_code: i64, stopped: bool, ran: Duration) -> Option<Duration> {
        let last = if ran >= LONG_ENOUGH { Duration::ZERO } else { Duration::from_millis(self.waited) };
        let wait = if last.is_zero() { FIRST } else { (last * 2).min(LONGEST) };
        let again = match self.rule {
            Rule::No => false,
            Rule::Always => true,
            Rule::UnlessStopped => !stopped,
            Rule::OnFailure(most) => (most == 0 || self.count < most) && exit_code != 0,
        };
        self.waited = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        self.count += i64::from(again);
        again.then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rule: Rule) -> Policy {
        Policy { rule, count: 0, waited: 0 }
    }

    #[test]
    fn each_wait_is_twice_the_last_up_to_a_minute() {
        let mut policy = of(Rule::Always);
        let waits: Vec<u128> =
            (0..12).filter_map(|_| policy.next(1, false, Duration::ZERO)).map(|wait| wait.as_millis()).collect();
        let doubled = [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000];
        assert_eq!(waits, doubled);
        assert_eq!(policy.count, 12);
        assert_eq!(policy.next(0, false, LONG_ENOUGH), Some(FIRST), "it ran long enough");
    }

    #[test]
    fn a_failure_is_no_zero_and_not_too_often() {
        let mut policy = of(Rule::OnFailure(2));
        assert_eq!(policy.next(0, false, Duration::ZERO), None);
        assert!(policy.next(1, false, Duration::ZERO).is_some());
        assert!(policy.next(1, false, Duration::ZERO).is_some());
        assert_eq!(policy.next(1, false, Duration::ZERO), None);
        assert_eq!(policy.count, 2);
    }

    #[test]
    fn what_a_user_has_stopped_stays_stopped_if_it_says_so() {
        assert_eq!(of(Rule::UnlessStopped).next(1, true, Duration::ZERO), None);
        assert!(of(Rule::UnlessStopped).next(1, false, Duration::ZERO).is_some());
        assert!(of(Rule::Always).next(1, true, Duration::ZERO).is_some());
        assert_eq!(of(Rule::No).next(1, false, Duration::ZERO), None);
    }
}
