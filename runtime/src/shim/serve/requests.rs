//! What clients ask for.

use rustix::event::PollFlags;

use super::Shim;
use crate::shim::{
    ExitRecord, StartError, health as watching,
    helper::{Task, exec_file},
    job::INIT,
    peer::{Peer, Role},
    protocol::{Answer, Exec, Kind, Request, first},
    start::{self, Stdio},
    state::Running,
};

impl Shim {
    pub(super) fn accept(&mut self) {
        while let Ok((socket, _)) = self.listener.accept() {
            self.peers.extend(Peer::new(socket, Role::New));
        }
    }

    /// A client has sent something, or can be sent something.
    pub(super) fn serve(&mut self, at: usize, ready: PollFlags) {
        let Some(peer) = self.peers.get_mut(at) else { return };
        if ready.contains(PollFlags::OUT) {
            peer.flush();
        }
        if !ready.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
            return;
        }
        peer.receive(&mut self.buffer);
        while let Some((kind, payload)) = self.next_frame(at) {
            self.take(at, kind, &payload);
        }
    }

    fn next_frame(&mut self, at: usize) -> Option<(Kind, Vec<u8>)> {
        let peer = self.peers.get_mut(at)?;
        match first(&peer.input) {
            Ok(found) => {
                let (kind, payload, length) = found?;
                let payload = payload.to_vec();
                peer.input.drain(..length);
                Some((kind, payload))
            }
            Err(_) => {
                peer.input.clear();
                peer.drop_it();
                None
            }
        }
    }

    fn take(&mut self, at: usize, kind: Kind, payload: &[u8]) {
        let Some(peer) = self.peers.get_mut(at) else { return };
        match (kind, peer.role) {
            (Kind::Talk, Role::New) => match serde_json::from_slice(payload) {
                Ok(request) => self.handle(at, request),
                Err(_) => peer.drop_it(),
            },
            (Kind::Stdin, Role::Attached(number, attach)) if attach.stdin => {
                if let Some(stdin) = self.job(number).and_then(|job| job.stdin.as_mut()) {
                    stdin.pending.extend_from_slice(payload);
                }
                self.push_input(number);
            }
            (Kind::StdinEnd, Role::Attached(number, mut attach)) if attach.stdin => {
                attach.stdin = false;
                peer.role = Role::Attached(number, attach);
                self.end_input(number);
            }
            (Kind::Signal, Role::Attached(number, _)) => {
                // One that has just ended cannot be signalled, and the client will see its end.
                let _ = payload.first().map(|signal| self.signal(number, i32::from(*signal)));
            }
            (Kind::Resize, Role::Attached(number, _)) => {
                if let (Some(job), [r0, r1, c0, c1]) = (self.job(number), payload) {
                    job.resize(u16::from_be_bytes([*r0, *r1]), u16::from_be_bytes([*c0, *c1]));
                }
            }
            // It had not asked to send any.
            (Kind::Stdin | Kind::StdinEnd, Role::Attached(..)) => {}
            _ => peer.drop_it(),
        }
    }

    fn handle(&mut self, at: usize, request: Request) {
        if let Some((record, _)) = self.exit {
            return self.handle_late(at, &request, &record);
        }
        match request {
            Request::Attach(_) | Request::Exec(_) if self.rest.is_some() => {
                self.answer(at, &Answer::Refused(StartError::shim("container is restarting")));
            }
            Request::Attach(attach) => {
                if let Some(peer) = self.peers.get_mut(at) {
                    peer.role = Role::Attached(INIT, attach);
                    peer.say(Kind::Talk, &done(self.running));
                }
            }
            Request::Wait => self.set_role(at, Role::Waiting),
            Request::Exec(exec) => self.exec(at, *exec),
            Request::Kill { signal } => {
                let sent = self.signal(INIT, signal);
                let refused = |errno: nix::errno::Errno| Answer::Refused(StartError::shim(errno.desc()));
                self.answer(at, &sent.map_or_else(refused, |()| done(self.running)));
            }
            Request::Ping => self.answer(at, &done(self.running)),
            Request::MarkStopped { for_good } => {
                self.mark_stopped(for_good);
                self.answer(at, &done(self.running));
            }
            Request::SetRestart(rule) => {
                self.set_restart(rule);
                self.answer(at, &done(self.running));
            }
            Request::SetAutoRemove(wanted) => {
                self.plan.auto_remove = wanted;
                self.answer(at, &done(self.running));
            }
        }
    }

    /// It came before the end, and was heard after it.
    fn handle_late(&mut self, at: usize, request: &Request, record: &ExitRecord) {
        let Some(peer) = self.peers.get_mut(at) else { return };
        match request {
            Request::Wait => peer.say(Kind::Exit, record),
            Request::Attach(_) => {
                peer.say(Kind::Talk, &done(self.running));
                peer.say(Kind::Exit, record);
            }
            _ => peer.say(Kind::Talk, &Answer::Refused(StartError::shim("container is not running"))),
        }
        peer.role = Role::Answered;
        peer.close();
    }

    fn set_role(&mut self, at: usize, role: Role) {
        if let Some(peer) = self.peers.get_mut(at) {
            peer.role = role;
        }
    }

    fn answer(&mut self, at: usize, answer: &Answer) {
        if let Some(peer) = self.peers.get_mut(at) {
            peer.role = Role::Answered;
            peer.say(Kind::Talk, answer);
            peer.close();
        }
    }

    fn exec(&mut self, at: usize, exec: Exec) {
        let init_runs = self.jobs.iter().any(|job| job.number == INIT && job.ended.is_none() && job.helper.is_none());
        if !init_runs {
            self.answer(at, &Answer::Refused(StartError::exec("cannot exec in a stopped container")));
            return;
        }
        let number = self.next;
        self.next += 1;
        let bytes = serde_json::to_vec(&exec.process).expect("a type of text keys");
        let file = self.dir.join(exec_file(number));
        let stdio = Stdio { stdin: exec.attach.stdin, tty: exec.process.terminal().unwrap_or(false) };
        let started = sys::truncate_write(&file, &bytes, 0o600)
            .and_then(|()| start::start(Task::Exec(number), number, stdio, &self.dir, &self.plan));
        match started {
            Ok(job) => {
                self.jobs.push(job);
                self.set_role(at, Role::Attached(number, exec.attach));
                if let Some(peer) = self.peers.get_mut(at) {
                    peer.patient = true;
                }
            }
            Err(error) => self.answer(at, &Answer::Refused(StartError::exec(&error.to_string()))),
        }
    }

    /// Whether an exec's process runs. A client that wants none of its streams is done.
    pub(super) fn answer_exec(&mut self, number: u32, answer: &Answer) {
        for peer in &mut self.peers {
            if let Some(attach) = peer.attach_to(number) {
                peer.say(Kind::Talk, answer);
                if !(attach.stdin || attach.stdout || attach.stderr) || matches!(answer, Answer::Refused(_)) {
                    peer.close();
                }
            }
        }
    }

    /// An exec's process is over.
    pub(super) fn end_exec(&mut self, number: u32) {
        let code = self.job(number).and_then(|job| job.ended).map_or(0, |exit| exit.code);
        if self.probe_ended(number, watching::Answer::Code(code)) {
            return;
        }
        for peer in self.peers.iter_mut().filter(|peer| peer.attach_to(number).is_some()) {
            peer.say(Kind::Exit, &exec_end(code));
            peer.close();
        }
        self.forget_exec(number);
    }

    pub(super) fn forget_exec(&mut self, number: u32) {
        self.jobs.retain(|job| job.number != number);
        let file = self.dir.join(exec_file(number));
        for file in [file.with_extension("told"), file] {
            super::complain(sys::remove_file(file));
        }
    }

    /// Clients that have gone will send no more.
    pub(super) fn let_go_of_input(&mut self) {
        let gone: Vec<u32> = self.peers.iter().filter(|peer| peer.is_gone()).filter_map(input_of).collect();
        gone.into_iter().for_each(|number| self.end_input(number));
    }

    /// A client has nothing more to say. With `StdinOnce`, and for an exec, nobody else will. A
    /// terminal's input never ends (moby 20.10, container/stream/attach.go `CopyStreams`).
    fn end_input(&mut self, number: u32) {
        let terminal = self.job(number).is_some_and(|job| job.terminal.is_some() || job.console.is_some());
        let for_good = !terminal && (number != INIT || self.plan.stdin_once);
        if let Some(stdin) = self.job(number).and_then(|job| job.stdin.as_mut()).filter(|_| for_good) {
            stdin.ending = true;
        }
        self.push_input(number);
    }
}

fn input_of(peer: &Peer) -> Option<u32> {
    match peer.role {
        Role::Attached(number, attach) if attach.stdin => Some(number),
        _ => None,
    }
}

fn done(running: Option<Running>) -> Answer {
    Answer::Done(running.unwrap_or(Running { pid: 0, started_at: base::Time::NEVER }))
}

fn exec_end(exit_code: i32) -> ExitRecord {
    ExitRecord { exit_code, oom_killed: false, finished_at: base::Time::now() }
}
