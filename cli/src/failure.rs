//! How a command that failed ends: the words on stderr, hints, the exit code. Nothing else in
//! the program knows exit codes.

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

use containers::LookupError;
use runtime::{HomeError, LogsError};

use crate::out::listing::ShowError;

/// A command's failure.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    lines: Vec<String>,
}

/// The exit code of wrong flags and of what `run` could not begin.
pub const BEFORE_THE_CONTAINER: u8 = 125;

impl Failure {
    /// A failure whose sentence is dockerd's: shown as docker's client shows it. Causes that the
    /// sentence does not hold follow on lines of their own.
    pub fn engine(error: &(dyn Error + 'static)) -> Self {
        Self::of("Error response from daemon: ", error)
    }

    /// A failure that docker does not know: `minidock: …`.
    pub fn own(error: &(dyn Error + 'static)) -> Self {
        Self::of("minidock: ", error)
    }

    /// A data root that cannot be used: ours alone, with what to do about it.
    pub fn home(error: &HomeError) -> Self {
        let said = Self::own(error);
        match error {
            HomeError::NotRoot => said.with_hint("type it again with sudo before it"),
            HomeError::LiveDockerd(_) => said.with_hint("stop that dockerd first, or name another --data-root"),
            _ => said,
        }
    }

    /// A failure that dockerd tells in the stream of an answer it has begun: docker's client then
    /// shows the sentence alone.
    pub fn engine_stream(error: &(dyn Error + 'static)) -> Self {
        Self::of("", error)
    }

    /// Something that is not there, as docker's client of 20.10 says it.
    pub fn not_there(error: &(dyn Error + 'static)) -> Self {
        Self::of("Error: ", error)
    }

    /// A sentence of the client, shown as it is.
    pub fn words(text: impl Into<String>) -> Self {
        Self { code: 1, lines: vec![text.into()] }
    }

    /// Nothing to say but the exit code: a container's own, or after the words were said.
    pub fn code(code: u8) -> Self {
        Self { code, lines: Vec::new() }
    }

    fn of(prefix: &str, error: &(dyn Error + 'static)) -> Self {
        let mut lines = vec![format!("{prefix}{error}")];
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // An error of a system call ends with its cause; saying it twice helps nobody.
            if !lines.last().is_some_and(|line| line.contains(&text)) {
                lines.push(format!("  because {text}"));
            }
            cause = error.source();
        }
        Self { code: 1, lines }
    }

    /// The same with another exit code.
    #[must_use]
    pub fn with_code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl std::fmt::Display) -> Self {
        self.lines.push(format!("hint: {hint}"));
        self
    }

    /// The same with these words before the first line.
    #[must_use]
    pub fn prefixed(mut self, prefix: &str) -> Self {
        if let Some(first) = self.lines.first_mut() {
            first.insert_str(0, prefix);
        }
        self
    }

    /// The same with one full stop at the end of the first line (docker/cli 20.10, run.go
    /// `reportError`).
    #[must_use]
    pub fn ended_with_a_stop(mut self) -> Self {
        if let Some(first) = self.lines.first_mut() {
            first.truncate(first.trim_end_matches('.').len());
            first.push('.');
        }
        self
    }

    /// The same with one more line.
    #[must_use]
    pub fn and_line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    /// Says the words, unless there are none.
    pub fn say(&self) {
        let mut stderr = io::stderr().lock();
        for line in &self.lines {
            // With stderr closed there is nobody to tell.
            drop(writeln!(stderr, "{line}"));
        }
    }

    /// What the process ends with.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl From<io::Error> for Failure {
    /// Only our own output is written with bare `io::Error`s.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // Whoever read our output has seen enough: no words, and the code of SIGPIPE.
            io::ErrorKind::BrokenPipe => Self::code(141),
            _ => Self::words(format!("minidock: cannot write the output: {error}")),
        }
    }
}

impl From<LogsError> for Failure {
    fn from(error: LogsError) -> Self {
        match error {
            LogsError::Lookup(LookupError::NotFound(_)) => Self::not_there(&error),
            _ => Self::engine(&error),
        }
    }
}

impl From<ShowError> for Failure {
    fn from(error: ShowError) -> Self {
        match error {
            ShowError::Write(error) => error.into(),
            ShowError::Template(error) => Self::words(error.to_string()),
        }
    }
}

/// Does the same to several things as docker does: all are tried, each failure is said, and the
/// exit code is 1 if there was one.
///
/// # Errors
/// A silent failure after the words were said.
pub fn each<T>(things: &[T], mut act: impl FnMut(&T) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut failed = false;
    for thing in things {
        if let Err(failure) = act(thing) {
            failure.say();
            failed = true;
        }
    }
    if failed { Err(Failure::code(1)) } else { Ok(()) }
}
