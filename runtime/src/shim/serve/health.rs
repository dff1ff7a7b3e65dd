//! The health check of a container that runs: an exec of the shim's own, now and then.

use std::time::Instant;

use super::{INIT, Shim, complain};
use crate::{
    cgroup::{Cgroup, hierarchies},
    shim::{
        eprintln_once,
        health::{Answer, Overdue, Watch},
        helper::{Task, exec_file},
        start::{self, Stdio},
        state::{HEALTH, PROBE},
    },
};

impl Shim {
    /// Begins to watch, if that was asked for.
    pub(super) fn begin_watch(&mut self, now: Instant, started: base::Time) {
        self.watch = self.plan.health.clone().map(|plan| Watch::new(plan, now, started));
    }

    /// When the watch wants to be looked at.
    pub(super) fn watch_deadline(&self) -> Option<Instant> {
        self.watch.as_ref().filter(|_| self.init_lives()).map(Watch::deadline)
    }

    fn init_lives(&self) -> bool {
        self.jobs.iter().any(|job| job.number == INIT && job.ended.is_none())
    }

    /// Looks after the probe: begins one, ends one that takes too long.
    pub(super) fn watch_health(&mut self, now: Instant) {
        let lives = self.init_lives();
        let Some(watch) = self.watch.as_mut().filter(|_| lives) else { return };
        if watch.is_due(now) {
            if is_still(&self.plan.cgroup) {
                watch.put_off(now);
            } else {
                self.probe(now);
            }
            return;
        }
        match watch.overdue(now) {
            Some(Overdue::Terminate(number)) => {
                self.tell_health();
                let _ = self.signal(number, libc::SIGTERM);
            }
            Some(Overdue::Kill(number)) => {
                let _ = self.signal(number, libc::SIGKILL);
            }
            None => {}
        }
    }

    fn probe(&mut self, now: Instant) {
        let number = self.next;
        self.next += 1;
        let file = self.dir.join(exec_file(number));
        let started = sys::link(self.dir.join(PROBE), file).and_then(|()| {
            start::start(Task::Exec(number), number, Stdio { stdin: false, tty: false }, &self.dir, &self.plan)
        });
        let Some(watch) = &mut self.watch else { return };
        watch.begin(number, now);
        match started {
            Ok(job) => self.jobs.push(job),
            Err(error) => {
                self.probe_ended(number, Answer::Failed(error.to_string()));
            }
        }
    }

    /// Whether this was the probe's number; it is over then.
    pub(super) fn probe_ended(&mut self, number: u32, answer: Answer) -> bool {
        let Some(watch) = self.watch.as_mut().filter(|watch| watch.owns(number)) else { return false };
        if watch.answered(answer, Instant::now()) {
            self.tell_health();
        }
        self.forget_exec(number);
        true
    }

    /// For who looks, and into the record: by a process of its own, which may have to wait for
    /// somebody who changes the container, and needs more memory than a shim has.
    fn tell_health(&self) {
        let Some(watch) = &self.watch else { return };
        let bytes = serde_json::to_vec(&watch.health).expect("a type of text keys");
        let unnamed = self.dir.join(".health.json");
        let written =
            sys::truncate_write(&unnamed, &bytes, 0o600).and_then(|()| sys::rename(&unnamed, self.dir.join(HEALTH)));
        if !complain(written) {
            return;
        }
        let (hook, dir, plan) = (self.hooks.health, &self.dir, &self.plan);
        let child = || {
            sys::process::close_all_but(&[]);
            match hook(&plan.data_root, dir, &plan.storage_driver, &plan.container) {
                Ok(()) => 0,
                Err(error) => {
                    eprintln_once(&error);
                    1
                }
            }
        };
        complain(sys::process::fork_child(child).map(drop));
    }
}

/// Whether the container's processes are held.
fn is_still(cgroup: &std::path::Path) -> bool {
    let group = hierarchies().ok().and_then(|all| Cgroup::at(cgroup, &all).ok());
    group.is_some_and(|group| group.is_frozen())
}
