//! One turn of the loop: what is waited for, and what is done about each event.

use std::{
    os::fd::{AsFd, BorrowedFd},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec},
    io::Errno,
    process::WaitOptions,
};

use super::{Shim, ShimError};
use crate::shim::{
    job::{Exit, INIT, Job, Said},
    peer::{Peer, Role},
    protocol::Kind,
};

/// What a descriptor is.
#[derive(Clone, Copy)]
enum Source {
    Signals,
    Listener,
    Status(u32),
    Output(u32, usize),
    Console(u32),
    Stdin(u32),
    Peer(usize),
}

impl Shim {
    pub(super) fn turn(&mut self) -> Result<(), ShimError> {
        for (source, ready) in self.wait()? {
            match source {
                Source::Signals => self.take_signals(),
                Source::Listener => self.accept(),
                Source::Status(number) => self.listen(number, false),
                Source::Output(number, stream) => self.read_output(number, stream),
                Source::Console(number) => self.take_terminal(number),
                Source::Stdin(number) => self.push_input(number),
                Source::Peer(at) => self.serve(at, ready),
            }
        }
        self.sweep();
        Ok(())
    }

    fn wait(&self) -> Result<Vec<(Source, PollFlags)>, ShimError> {
        let sources = self.sources();
        let mut fds: Vec<PollFd<'_>> =
            sources.iter().map(|(_, fd, flags)| PollFd::from_borrowed_fd(*fd, *flags)).collect();
        let timeout = self.timeout().and_then(|timeout| Timespec::try_from(timeout).ok());
        match rustix::event::poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(std::io::Error::from(errno).into()),
        }
        let ready = sources.iter().zip(&fds).filter(|(_, fd)| !fd.revents().is_empty());
        Ok(ready.map(|((source, ..), fd)| (*source, fd.revents())).collect())
    }

    fn sources(&self) -> Vec<(Source, BorrowedFd<'_>, PollFlags)> {
        let mut all = vec![(Source::Signals, self.signals.as_fd(), PollFlags::IN)];
        if !self.over {
            all.push((Source::Listener, self.listener.as_fd(), PollFlags::IN));
        }
        for job in &self.jobs {
            if let Some(helper) = &job.helper {
                all.push((Source::Status(job.number), helper.status.as_fd(), PollFlags::IN));
            }
            // What an ended process left in its pipes is little, and is taken in any case.
            let behind = job.ended.is_none()
                && self.peers.iter().any(|peer| peer.attach_to(job.number).is_some() && peer.is_behind());
            for (stream, output) in job.outputs.iter().enumerate().filter(|_| !behind) {
                if let Some(fd) = output {
                    all.push((Source::Output(job.number, stream), fd.as_fd(), PollFlags::IN));
                }
            }
            if let Some(console) = &job.console {
                all.push((Source::Console(job.number), console.source(), PollFlags::IN));
            }
            if let Some(stdin) = job.stdin.as_ref().filter(|stdin| !stdin.pending.is_empty()) {
                all.push((Source::Stdin(job.number), stdin.fd.as_fd(), PollFlags::OUT));
            }
        }
        for (at, peer) in self.peers.iter().enumerate() {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, self.listens_to(peer));
            flags.set(PollFlags::OUT, peer.has_output());
            all.push((Source::Peer(at), peer.socket.as_fd(), flags));
        }
        all
    }

    /// Input goes no further than the process takes it.
    fn listens_to(&self, peer: &Peer) -> bool {
        let Role::Attached(number, _) = peer.role else { return true };
        self.jobs.iter().find(|job| job.number == number).is_none_or(|job| job.takes_input())
    }

    fn timeout(&self) -> Option<Duration> {
        let jobs = self.jobs.iter().filter_map(|job| job.deadline());
        let next = jobs
            .chain(self.peers.iter().filter_map(Peer::deadline))
            .chain(self.closing_time())
            .chain(self.rest.map(|(until, _)| until))
            .chain(self.watch_deadline())
            .min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    fn take_signals(&mut self) {
        while let Ok(Some(_)) = self.signals.read_signal() {}
        // Not nix's: it knows no real-time signals, and a process may end by one.
        while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            let code = status.exit_status().or_else(|| status.terminating_signal().map(|signal| 128 + signal));
            if let Some(code) = code {
                self.has_exited(pid.as_raw_nonzero().get(), code);
            }
        }
    }

    fn has_exited(&mut self, pid: i32, code: i32) {
        let helper_of = self.jobs.iter().find(|job| job.helper.as_ref().is_some_and(|helper| helper.pid == pid));
        if let Some(number) = helper_of.map(|job| job.number) {
            self.listen(number, true);
            return;
        }
        match self.jobs.iter().find(|job| job.pid == Some(pid)).map(|job| job.number) {
            Some(number) => self.process_ended(number, code),
            // An orphan of the container's, or a process whose helper has not told us yet.
            None if self.jobs.iter().any(|job| job.helper.is_some()) => self.early.push((pid, code)),
            None => {}
        }
    }

    fn process_ended(&mut self, number: u32, code: i32) {
        let Some(job) = self.job(number) else { return };
        job.ended = Some(Exit { code, at: Instant::now() });
        job.stdin = None;
        self.kill_rest();
    }

    /// Without a pid namespace of its own, what init left is ended by us. Not before the helper is
    /// through: it is in the same group.
    fn kill_rest(&mut self) {
        let init_is_over = |job: &Job| job.number == INIT && job.ended.is_some() && job.helper.is_none();
        if self.plan.shares_pids && self.jobs.iter().any(init_is_over) {
            crate::shim::end::kill_rest(&self.plan);
        }
    }

    /// What a helper says. `over`: it is dead.
    fn listen(&mut self, number: u32, over: bool) {
        let Some(job) = self.job(number) else { return };
        let Some(helper) = &mut job.helper else { return };
        let (pid, said) = helper.listen(over);
        job.pid = job.pid.or(pid);
        if said == Said::Nothing {
            return;
        }
        job.helper = None;
        // It has been sent by now.
        self.take_terminal(number);
        let Some(job) = self.job(number) else { return };
        match (said, job.pid) {
            (Said::Started, Some(pid)) => {
                self.has_started(number, pid);
                if let Some(at) = self.early.iter().position(|(early, _)| *early == pid) {
                    let (_, code) = self.early.swap_remove(at);
                    self.process_ended(number, code);
                }
                self.kill_rest();
            }
            (Said::Failed(reason), _) => self.has_failed(number, &reason),
            _ => self.has_failed(number, "the process that was to start it did not say which it is"),
        }
        if self.jobs.iter().all(|job| job.helper.is_none()) {
            self.early.clear();
        }
    }

    fn take_terminal(&mut self, number: u32) {
        // Of an exec its client's wish counts; of init the container's.
        let typed = self.peers.iter().any(|peer| peer.attach_to(number).is_some_and(|attach| attach.stdin));
        let stdin = if number == INIT { self.plan.stdin } else { typed };
        let taken = self.job(number).map_or(Ok(()), |job| job.take_terminal(stdin));
        if let Err(error) = taken {
            crate::shim::eprintln_once(&format!("no terminal: {error}"));
            if let Some(job) = self.job(number) {
                job.console = None;
            }
        }
    }

    fn read_output(&mut self, number: u32, stream: usize) {
        let mut buffer = std::mem::take(&mut self.buffer);
        let output = self.job(number).and_then(|job| job.outputs.get_mut(stream));
        let Some(Some(fd)) = output.as_deref() else {
            self.buffer = buffer;
            return;
        };
        match rustix::io::read(fd, &mut buffer) {
            Ok(0) => drop(output.and_then(Option::take)),
            Ok(count) => self.distribute(number, stream, &buffer[..count]),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => drop(output.and_then(Option::take)),
        }
        self.buffer = buffer;
    }

    fn distribute(&mut self, number: u32, stream: usize, bytes: &[u8]) {
        if let Some(watch) = self.watch.as_mut().filter(|watch| watch.owns(number)) {
            return watch.hear(bytes);
        }
        if number == INIT
            && let Some(log) = &mut self.log
        {
            log.write(stream, bytes);
        }
        let kind = if stream == 0 { Kind::Stdout } else { Kind::Stderr };
        for peer in &mut self.peers {
            let wants = peer.attach_to(number).is_some_and(|attach| match stream {
                0 => attach.stdout,
                _ => attach.stderr,
            });
            if wants {
                peer.send(kind, bytes);
            }
        }
    }

    pub(super) fn push_input(&mut self, number: u32) {
        if let Some(job) = self.job(number)
            && let Some(stdin) = &mut job.stdin
            && stdin.push()
        {
            job.stdin = None;
        }
    }

    pub(super) fn signal(&self, number: u32, signal: i32) -> nix::Result<()> {
        let job = self.jobs.iter().find(|job| job.number == number && job.ended.is_none());
        // It is our child and not yet waited for, so the pid is its.
        let pid = job.and_then(|job| job.pid).ok_or(nix::errno::Errno::ESRCH)?;
        sys::process::kill(pid, signal).map_err(nix::errno::Errno::from_raw)
    }
}
