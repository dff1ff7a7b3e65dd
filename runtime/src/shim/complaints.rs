//! What libcontainer says to its log while it fails. Its errors tell only that a root file system
//! could not be prepared; which mount it was, and why, goes to `tracing`. So the helper listens:
//! errors, as lines, into a pipe that the container's process leaves behind when it executes.

use std::{fmt::Write as _, fs::File, io::Read as _, os::fd::OwnedFd};

use nix::errno::Errno;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
};

use crate::executor::go_text;

/// The reading end of what is complained about in this process and those it forks.
pub(super) struct Complaints(OwnedFd);

impl Complaints {
    /// Listens from now on. `None` when something else listens already.
    pub fn listen() -> Option<Self> {
        let (heard, say) = std::io::pipe().ok()?;
        let (heard, say) = (OwnedFd::from(heard), OwnedFd::from(say));
        rustix::io::ioctl_fionbio(&heard, true).ok()?;
        rustix::io::ioctl_fionbio(&say, true).ok()?;
        tracing::subscriber::set_global_default(Ear(say)).ok()?;
        Some(Self(heard))
    }

    /// The mount that failed, if that is what was complained about, in runc's words.
    pub fn failed_mount(self) -> Option<String> {
        let mut bytes = Vec::new();
        // It would block, or is at its end: there is no more.
        drop(File::from(self.0).read_to_end(&mut bytes));
        failed_mount(&String::from_utf8_lossy(&bytes))
    }
}

/// runc 1.1.5, rootfs_linux.go `prepareRootfs` and its mount's error, as dockerd 20.10.24 showed
/// it: `error mounting "/a" to rootfs at "/b": mount /a:/b (via /proc/self/fd/6), flags: 0x5000:
/// not a directory`. The first complaint is the innermost; a later one has the error number.
fn failed_mount(said: &str) -> Option<String> {
    let line = said.lines().find(|line| line.starts_with("failed to mount Mount {"))?;
    let target = quoted(line, "destination: \"")?;
    let source = quoted(line, "source: Some(\"").unwrap_or_default();
    let is_bind = line.contains("typ: Some(\"bind\")") || line.contains("bind\"");
    let mut errno = said.lines().find_map(error_number)?;
    if is_bind && errno == Errno::EINVAL {
        // What the newer mount calls say when one is a directory and the other is not.
        errno = Errno::ENOTDIR;
    }
    let reason = go_text(&errno.into());
    let before = format!("error during container init: error mounting \"{source}\" to rootfs at \"{target}\"");
    if errno == Errno::ENOENT && is_bind {
        return Some(format!("{before}: stat {source}: {reason}"));
    }
    let via = if is_bind { " (via /proc/self/fd/6)" } else { "" };
    let flags = match () {
        () if line.contains("\"rbind\"") => ", flags: 0x5000",
        () if is_bind => ", flags: 0x1000",
        () => "",
    };
    Some(format!("{before}: mount {source}:{target}{via}{flags}: {reason}"))
}

/// The text in quotes after `key`.
fn quoted<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(key)?;
    rest.split_once('"').map(|(text, _)| text)
}

/// The error number in one of the forms Rust's types print it.
fn error_number(line: &str) -> Option<Errno> {
    let digits = |key: &str| {
        let (_, rest) = line.split_once(key)?;
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse::<i32>().ok().map(Errno::from_raw)
    };
    digits("(os error ").or_else(|| digits("code: ")).or_else(|| {
        let (_, rest) = line.split_once("Nix(")?;
        let name = rest.split(')').next()?;
        (1..134).map(Errno::from_raw).find(|errno| format!("{errno:?}") == name)
    })
}

/// Writes errors to the pipe. Spans are nothing to it.
struct Ear(OwnedFd);

impl Subscriber for Ear {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::ERROR
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::ERROR)
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let text = line.text().replace('\n', " ") + "\n";
        // A full pipe has had enough.
        let _ = rustix::io::write(&self.0, text.as_bytes());
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// One event's message, and its other fields.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Line {
    fn text(&self) -> String {
        format!("{}{}", self.message, self.fields)
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let written = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
        written.expect("a string takes all");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(target: &str, kind: &str, source: &str, options: &str, cause: &str) -> String {
        format!(
            "failed to mount Mount {{ destination: {target:?}, typ: Some({kind:?}), source: Some({source:?}), \
             options: Some([{options:?}]), uid_mappings: None, gid_mappings: None }}: syscall\n{cause}\n"
        )
    }

    /// Causes as libcontainer 0.7.0 logged them, words as dockerd 20.10.24 printed them.
    #[test]
    fn a_directory_on_a_file_and_a_file_on_a_directory_are_told_alike() {
        let words = "error during container init: error mounting \"/nosuch1\" to rootfs at \"/etc/passwd\": mount \
                     /nosuch1:/etc/passwd (via /proc/self/fd/6), flags: 0x5000: not a directory";
        let magic = "failed to prepare rootfs err=Mount(Pathrs(Error(Wrapped { source: Os { code: 20, kind: \
                     NotADirectory, message: \"Not a directory\" } })))";
        for cause in [magic, "failed to prepare rootfs err=Mount(Syscall(Nix(EINVAL)))"] {
            let said = said("/etc/passwd", "bind", "/nosuch1", "rbind", cause);
            assert_eq!(failed_mount(&said).as_deref(), Some(words));
        }
    }

    #[test]
    fn a_source_that_is_not_there_is_named() {
        let cause = "failed to canonicalize \"/nope\": No such file or directory (os error 2)";
        let words = failed_mount(&said("/bin", "bind", "/nope", "rbind", cause)).expect("a mount");
        assert!(words.ends_with("rootfs at \"/bin\": stat /nope: no such file or directory"), "{words}");
    }

    #[test]
    fn other_complaints_are_not_about_a_mount() {
        assert_eq!(failed_mount("failed to initialize container process: x\n"), None);
    }
}
