//! A command that is still going on: to write to it, wait for its words, signal it.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::said::Said;

/// How long anything may take before it counts as hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A running command of an engine's client.
#[derive(Debug)]
pub struct Going {
    args: Vec<String>,
    child: Child,
    out: Stream,
    err: Stream,
}

/// What came through a pipe so far.
#[derive(Debug, Clone, Default)]
struct Stream(Arc<Heard>);

#[derive(Debug, Default)]
struct Heard {
    /// The bytes, and whether the pipe has ended.
    so_far: Mutex<(Vec<u8>, bool)>,
    changed: Condvar,
}

impl Stream {
    fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let stream = Self::default();
        let writer = stream.clone();
        std::thread::spawn(move || {
            let Heard { so_far, changed } = &*writer.0;
            let mut piece = [0; 65536];
            loop {
                let length = pipe.read(&mut piece).unwrap_or(0);
                let mut state = so_far.lock().expect("no reader panics");
                state.0.extend_from_slice(&piece[..length]);
                state.1 = length == 0;
                changed.notify_all();
                if state.1 {
                    return;
                }
            }
        });
        stream
    }

    /// The text once `enough` holds of it or its pipe has ended; `None` if neither happens in time.
    fn until(&self, deadline: Instant, enough: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
        let Heard { so_far, changed } = &*self.0;
        let left = deadline.saturating_duration_since(Instant::now());
        let state = so_far.lock().expect("no writer panics");
        let (state, waited) = changed
            .wait_timeout_while(state, left, |(text, ended)| !*ended && !enough(text))
            .expect("no writer panics");
        (!waited.timed_out()).then(|| state.0.clone())
    }
}

impl Going {
    pub(crate) fn start(mut command: Command, args: &[&str], fed: Stdio) -> Self {
        let spawned = command.args(args).stdin(fed).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let out = Stream::of(child.stdout.take().expect("piped"));
        let err = Stream::of(child.stderr.take().expect("piped"));
        Self { args: args.iter().map(ToString::to_string).collect(), child, out, err }
    }

    /// The client's process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes to its standard input.
    pub fn feed(&mut self, bytes: &[u8]) {
        let stdin = self.child.stdin.as_mut().expect("it has an open stdin");
        stdin.write_all(bytes).and_then(|()| stdin.flush()).expect("it reads");
    }

    /// Closes its standard input.
    pub fn hang_up(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Waits until `words` stand in its standard output.
    #[track_caller]
    pub fn await_words(&self, words: &str) {
        let there = |text: &[u8]| String::from_utf8_lossy(text).contains(words);
        let text = self.out.until(Instant::now() + PATIENCE, there).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        assert!(text.contains(words), "{} said {text:?}, not {words:?}", self.args.join(" "));
    }

    /// Whether `words` stand in its standard output by now, or a moment later.
    pub fn has_said(&self, words: &str) -> bool {
        let there = |text: &[u8]| String::from_utf8_lossy(text).contains(words);
        self.out.until(Instant::now() + Duration::from_millis(100), there).is_some_and(|text| there(&text))
    }

    /// Sends a signal, by its name without `SIG`, to the client.
    pub fn signal(&self, name: &str) {
        crate::signals::send(self.pid(), name);
    }

    /// Waits for its end; a command or a pipe of it that stays open for two minutes is a failure of the story.
    #[track_caller]
    pub fn end(mut self) -> Said {
        self.hang_up();
        let deadline = Instant::now() + PATIENCE;
        let gathered = [&self.out, &self.err].map(|stream| stream.until(deadline, |_| false));
        let [Some(out), Some(err)] = gathered else {
            drop(self.child.kill());
            let so_far = [&self.out, &self.err].map(|stream| stream.until(Instant::now() + PATIENCE, |_| true));
            let text = so_far.map(|text| String::from_utf8_lossy(&text.unwrap_or_default()).into_owned());
            panic!("{} hangs, or left its output to somebody who does: {text:?}", self.args.join(" "));
        };
        let status = self.child.wait().expect("our own child");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Said { args: std::mem::take(&mut self.args), out: text(out), err: text(err), code: code(status) }
    }
}

/// The exit code as a shell tells it.
fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}
