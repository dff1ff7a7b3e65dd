//! `State`: whether the container runs, and how it last ended.

use base::Time;

use crate::go_object::go_object;

go_object! {
    /// Whether the container runs, and how it last ended (moby 20.10, container/state.go).
    ///
    /// `paused` and `restarting` imply `running`. The words for it are in `status`.
    pub struct State {
        /// Whether init runs.
        pub running: bool = "Running",
        /// Frozen; `running` is true as well.
        pub paused: bool = "Paused",
        /// Waiting to be started again by its restart policy; `running` is true as well.
        pub restarting: bool = "Restarting",
        /// Whether the kernel killed for want of memory, in the last run.
        pub oom_killed: bool = "OOMKilled",
        /// Being removed. Not on disk since 28.2; dockerd turns it into `dead` when it starts.
        pub removal_in_progress: bool = "RemovalInProgress",
        /// Half removed: can only be removed again.
        pub dead: bool = "Dead",
        /// Of init in the host's pid namespace; 0 when not running.
        pub pid: i64 = "Pid",
        /// Of the last run; 128 when it could not be started.
        pub exit_code: i64 = "ExitCode",
        /// Why it could not be started, stopped or removed.
        pub error: String = "Error",
        /// Of the last run; [`Time::NEVER`] if there was none.
        pub started_at: Time = "StartedAt",
        /// Of the last run; [`Time::NEVER`] if there was none, or it is the first and running.
        pub finished_at: Time = "FinishedAt",
        /// What the health check says; none without one, or before the first start.
        pub health: Option<Health> = "Health",
    }

    /// What the health check said so far.
    pub struct Health {
        /// `starting`, `healthy`, `unhealthy`; empty counts as unhealthy.
        pub status: String = "Status",
        /// Failures in a row.
        pub failing_streak: i64 = "FailingStreak",
        /// The last five probes.
        pub log: Option<Vec<Probe>> = "Log",
    }

    /// One run of the health check.
    pub struct Probe {
        /// RFC 3339 in the *daemon's zone*, unlike every other time: kept as it is written.
        pub start: String = "Start",
        /// As `start`.
        pub end: String = "End",
        /// 0 healthy, 1 unhealthy, -1 timed out.
        pub exit_code: i64 = "ExitCode",
        /// The first 4096 bytes of what it said.
        pub output: String = "Output",
    }
}

impl State {
    /// The state of a container whose init has just been started.
    ///
    /// moby 20.10, container/state.go `SetRunning`: the exit code is cleared, the time of the
    /// last end is not.
    pub fn set_running(&mut self, pid: i64, at: Time) {
        self.error.clear();
        self.running = true;
        self.restarting = false;
        self.paused = false;
        self.exit_code = 0;
        self.pid = pid;
        self.oom_killed = false;
        self.started_at = at;
    }

    /// The state of a container that has ended, and waits to be started again.
    ///
    /// moby 20.10, container/state.go `SetRestarting`: it counts as running meanwhile.
    pub fn set_restarting(&mut self) {
        self.running = true;
        self.restarting = true;
        self.paused = false;
        self.pid = 0;
    }

    /// The state of a container whose init has ended.
    ///
    /// moby 20.10, container/state.go `SetStopped`.
    pub fn set_stopped(&mut self, exit_code: i64, oom_killed: bool, at: Time) {
        self.running = false;
        self.paused = false;
        self.restarting = false;
        self.pid = 0;
        self.finished_at = at;
        self.exit_code = exit_code;
        self.oom_killed = oom_killed;
    }
}
