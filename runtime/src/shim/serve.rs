//! The shim's loop: one thread, one `poll`, nothing that waits for anybody.

mod events;
mod health;
mod requests;
mod rest;

use std::{
    fs::File,
    io::Write as _,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixListener,
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use base::Time;
use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::{SfdFlags, SignalFd},
};

use super::{
    Hooks, StartError,
    end::{End, Ended, abandon, put_away},
    health::{self as watching, Watch},
    helper::Task,
    job::{INIT, Job},
    log::LogFile,
    peer::{Peer, Role},
    plan::Plan,
    protocol::{Answer, Kind},
    start::{self, Stdio},
    state::{ExitRecord, RESTING, RUNNING, Running},
};

/// Descriptors the shim is started with, beside 0, 1 and 2.
pub(super) const SYNC: i32 = 3;
pub(super) const DATA_LOCK: i32 = 4;
pub(super) const PLAN: i32 = 5;
pub(super) const ATTACHED: i32 = 6;

pub(super) struct Shim {
    dir: PathBuf,
    plan: Plan,
    hooks: Hooks,
    watch: Option<Watch>,
    /// Ports of the host, held as long as rules lead from them to the container.
    ports: Vec<networks::Held>,
    signals: SignalFd,
    listener: UnixListener,
    /// To the command that started us, until it has been told.
    sync: Option<OwnedFd>,
    log: Option<LogFile>,
    /// Init is the first, as long as it is there.
    jobs: Vec<Job>,
    peers: Vec<Peer>,
    next: u32,
    /// Ended before we were told whose they are.
    early: Vec<(i32, i32)>,
    running: Option<Running>,
    stopped_by_user: bool,
    /// It is not to be started again.
    stays_down: bool,
    /// Since when it runs.
    began: Option<Instant>,
    /// Until when it rests before it is started again, and how it had ended.
    rest: Option<(Instant, ExitRecord)>,
    /// All is put away; only what is still to be said keeps us.
    over: bool,
    /// How it ended, and when that was put away.
    exit: Option<(ExitRecord, Instant)>,
    buffer: Vec<u8>,
}

/// Why a shim could not begin.
#[derive(Debug, thiserror::Error)]
pub(super) enum ShimError {
    #[error(transparent)]
    System(#[from] sys::Error),
    #[error("{0}")]
    Signals(#[from] nix::Error),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// From the shim's first moment to its last.
pub(super) fn run(dir: &Path, hooks: Hooks) -> Result<(), ShimError> {
    let sync = sys::process::inherited(SYNC)?;
    // Held as long as we live, and so is the lock on it: no dockerd starts beside us.
    let data_lock = sys::process::inherited(DATA_LOCK).ok();
    // Locked by the command that wrote it, and so by us, without a gap, as long as we live.
    let plan_file = File::from(sys::process::inherited(PLAN)?);
    let plan = Plan::read(&plan_file, dir)?;
    sys::process::become_subreaper()?;
    let mut shim = Shim::new(dir, plan, hooks, sync)?;
    shim.begin();
    while !(shim.over && shim.peers.is_empty()) {
        shim.turn()?;
        if shim.has_rested() {
            // What a start needs is more than a shim has: another program, which keeps our locks.
            let data_root = shim.plan.data_root.clone();
            drop(shim);
            let locks: Vec<_> = data_lock.iter().map(AsFd::as_fd).chain([plan_file.as_fd()]).collect();
            return Err(rest::begin_again(dir, &data_root, &locks));
        }
    }
    Ok(())
}

impl Shim {
    fn new(dir: &Path, plan: Plan, hooks: Hooks, sync: OwnedFd) -> Result<Self, ShimError> {
        // Before anything is started: the end of a short-lived process must not be missed (T21).
        // A shutdown's SIGTERM to all processes is the container's affair; its end is ours.
        let mut mask = SigSet::empty();
        for signal in [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
            mask.add(signal);
        }
        mask.thread_block()?;
        let signals = SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        let listener = super::client::listen(dir)?;
        listener.set_nonblocking(true)?;
        let log = plan.log.as_ref().map(LogFile::open).transpose()?;
        let mut peers = Vec::new();
        if let Some(attach) = plan.attached {
            let socket = sys::process::inherited(ATTACHED)?;
            let mut peer = Peer::new(socket.into(), Role::Attached(INIT, attach))?;
            peer.patient = true;
            peers.push(peer);
        }
        Ok(Self {
            dir: dir.to_owned(),
            plan,
            hooks,
            watch: None,
            ports: Vec::new(),
            signals,
            listener,
            sync: Some(sync),
            log,
            jobs: Vec::new(),
            peers,
            next: INIT + 1,
            early: Vec::new(),
            running: None,
            stopped_by_user: false,
            stays_down: false,
            began: None,
            rest: None,
            over: false,
            exit: None,
            buffer: vec![0; 16 << 10],
        })
    }

    fn begin(&mut self) {
        let network = self.plan.network.iter();
        for (network, port) in network.flat_map(|network| network.ports.iter().map(move |port| (network, port))) {
            match port.hold() {
                Ok(held) => self.ports.push(held),
                Err(taken) => {
                    let error = StartError::network(format!("{}: {taken}", network.blame));
                    return self.never_started(&error);
                }
            }
        }
        let stdio = Stdio { stdin: self.plan.stdin, tty: self.plan.tty };
        match start::start(Task::Init, INIT, stdio, &self.dir, &self.plan) {
            Ok(job) => self.jobs.push(job),
            Err(error) => self.never_started(&StartError::shim(&error.to_string())),
        }
    }

    /// The process runs: whoever waits for that is told.
    fn has_started(&mut self, number: u32, pid: i32) {
        if number != INIT {
            self.answer_exec(number, &Answer::Done(Running { pid, started_at: Time::now() }));
            return;
        }
        let running = Running { pid, started_at: Time::now() };
        self.running = Some(running);
        let now = Instant::now();
        self.began = Some(now);
        self.begin_watch(now, running.started_at);
        let bytes = serde_json::to_vec(&running).expect("our own type has only text keys");
        if let Err(error) = sys::truncate_write(self.dir.join(RUNNING), &bytes, 0o600) {
            super::eprintln_once(&error.to_string());
        }
        self.tell(&Answer::Done(running));
    }

    /// Tells the command that started us. Whether it was still there to hear.
    fn tell(&mut self, answer: &Answer) -> bool {
        let Some(sync) = self.sync.take() else { return false };
        let bytes = serde_json::to_vec(answer).expect("our own type has only text keys");
        File::from(sync).write_all(&bytes).is_ok()
    }

    /// The process of a job did not come to be.
    fn has_failed(&mut self, number: u32, reason: &str) {
        if number == INIT {
            self.never_started(&StartError::create(reason));
        } else {
            let error = StartError::exec(reason);
            if !self.probe_ended(number, watching::Answer::Failed(error.to_string())) {
                self.answer_exec(number, &Answer::Refused(error));
                self.forget_exec(number);
            }
        }
    }

    fn never_started(&mut self, error: &StartError) {
        self.jobs.clear();
        self.ports.clear();
        let mut clean = complain(abandon(&self.plan));
        clean &= complain(sys::remove_tree(&self.dir));
        if !self.tell(&Answer::Refused(error.clone())) && clean {
            self.record(End::NeverStarted(error.clone()));
        }
        self.peers.clear();
        self.over = true;
    }

    /// Init and its execs are over.
    fn has_ended(&mut self, exit_code: i32) {
        if let Some(log) = &mut self.log {
            log.finish();
        }
        self.jobs.clear();
        self.watch = None;
        let wait = self.wait_before_restart(exit_code);
        // Who hears of the end may start it again at once.
        self.ports.clear();
        let (record, put_away) = put_away(&self.dir, &self.plan, exit_code);
        let clean = complain(put_away);
        let count = self.plan.restart.map_or(0, |policy| policy.count);
        match wait {
            Some(wait) if clean && self.record(End::Restarting { exit: record, count }) => {
                self.rest = Some((Instant::now() + wait, record));
                self.accept();
                self.dismiss(&record);
            }
            _ => self.finish(record, clean),
        }
        // The command that started us, if it has not even been told of the start.
        self.sync = None;
    }

    /// It is over for good.
    fn finish(&mut self, record: ExitRecord, clean: bool) {
        self.rest = None;
        let clean = clean & complain(sys::remove_file(self.dir.join(RESTING))) & self.record(End::Exited(record));
        // Nobody new shall find us; those who are connected will still be told.
        if clean {
            complain(sys::remove_tree(&self.dir));
        }
        self.accept();
        self.dismiss(&record);
        self.over = true;
        self.exit = Some((record, Instant::now()));
    }

    /// Tells those who wait for it how it ended.
    fn dismiss(&mut self, record: &ExitRecord) {
        for peer in self.peers.iter_mut().filter(|peer| peer.role != Role::New) {
            if peer.role == Role::Waiting || peer.attach_to(INIT).is_some() {
                peer.say(Kind::Exit, record);
            }
            peer.close();
        }
    }

    fn record(&self, end: End) -> bool {
        let ended = Ended {
            data_root: &self.plan.data_root,
            exec_root: self.dir.parent().unwrap_or(&self.dir),
            storage_driver: &self.plan.storage_driver,
            container: &self.plan.container,
            end,
            auto_remove: self.plan.auto_remove,
            stopped_by_user: self.stopped_by_user,
        };
        (self.hooks.end)(&ended).inspect_err(|error| super::eprintln_once(error)).is_ok()
    }

    /// Until when a client that came before the end may still say what it came for.
    fn closing_time(&self) -> Option<Instant> {
        let silent = self.peers.iter().any(|peer| peer.role == Role::New);
        self.exit.filter(|_| silent).map(|(_, at)| at + Duration::from_secs(1))
    }

    fn job(&mut self, number: u32) -> Option<&mut Job> {
        self.jobs.iter_mut().find(|job| job.number == number)
    }

    /// What is over is dealt with; those who are gone are forgotten.
    fn sweep(&mut self) {
        let now = Instant::now();
        let closing = self.closing_time().is_some_and(|time| now >= time);
        for peer in &mut self.peers {
            if peer.is_stuck(now) || (closing && peer.role == Role::New) {
                peer.drop_it();
            }
        }
        self.watch_health(now);
        self.let_go_of_input();
        self.peers.retain(|peer| !peer.is_gone());
        let over: Vec<u32> =
            self.jobs.iter().filter(|job| job.number != INIT && job.is_over(now)).map(|job| job.number).collect();
        over.into_iter().for_each(|number| self.end_exec(number));
        let alone = self.jobs.len() == 1;
        let init = self.jobs.iter().find(|job| job.number == INIT && job.is_over(now));
        if let Some(exit) = init.filter(|_| alone).and_then(|job| job.ended) {
            self.has_ended(exit.code);
        }
    }
}

/// Goes on after an error, which `shim.log` keeps. Whether there was none.
fn complain(result: sys::Result<()>) -> bool {
    result.inspect_err(|error| super::eprintln_once(&error.to_string())).is_ok()
}
