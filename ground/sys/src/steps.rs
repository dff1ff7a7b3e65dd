//! Every call that changes something, seen before it is made, and refused if the watcher says so.
//!
//! One thread watches itself: a test lets the n-th call fail ([`failing_at`]) and looks for
//! leaks, or stops there as if the power had gone ([`stopped_at`]) and looks at what is left.
//! Without a watcher a step costs one look at a thread-local.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    rc::Rc,
};

use rustix::io::Errno;

use crate::error::{Error, Result};

type Watcher = Rc<RefCell<dyn FnMut(&'static str, &Path) -> bool>>;

thread_local! {
    static WATCHER: RefCell<Option<Watcher>> = const { RefCell::new(None) };
}

/// A call that changes something is about to be made.
pub(crate) fn step(call: &'static str, path: impl AsRef<Path>) -> Result<()> {
    step_at(call, || path.as_ref().to_owned())
}

/// [`step`], the path made only when somebody watches.
pub(crate) fn step_at(call: &'static str, path: impl FnOnce() -> PathBuf) -> Result<()> {
    let Some(watcher) = WATCHER.with_borrow(Clone::clone) else { return Ok(()) };
    let path = path();
    let goes_on = (watcher.borrow_mut())(call, &path);
    if goes_on { Ok(()) } else { Err(Error::new(call, path, Errno::IO)) }
}

/// Runs `work` and shows `watcher` each call that changes something, and its path, before it is
/// made. Where it answers no, the call fails with EIO instead. Only this thread is watched.
pub fn watched<T>(watcher: impl FnMut(&'static str, &Path) -> bool + 'static, work: impl FnOnce() -> T) -> T {
    let outer = WATCHER.replace(Some(Rc::new(RefCell::new(watcher))));
    let _restore = Restore(outer);
    work()
}

/// Puts the outer watcher back, also when the work panics.
struct Restore(Option<Watcher>);

impl Drop for Restore {
    fn drop(&mut self) {
        WATCHER.set(self.0.take());
    }
}

/// Runs `work` and counts its steps.
pub fn counted<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let count = Rc::new(RefCell::new(0));
    let counter = Rc::clone(&count);
    let result = watched(
        move |_, _| {
            *counter.borrow_mut() += 1;
            true
        },
        work,
    );
    (result, *count.borrow())
}

/// Runs `work`; its step number `n`, counted from 0, fails.
pub fn failing_at<T>(n: usize, work: impl FnOnce() -> T) -> T {
    let mut at = 0;
    watched(
        move |_, _| {
            at += 1;
            at - 1 != n
        },
        work,
    )
}

/// Runs `work`; its step number `n`, counted from 0, and all after it fail, so that nothing is
/// cleaned up either.
pub fn stopped_at<T>(n: usize, work: impl FnOnce() -> T) -> T {
    let mut at = 0;
    watched(
        move |_, _| {
            at += 1;
            at - 1 < n
        },
        work,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_files(home: &Path) -> Result<()> {
        crate::write_new(home.join("a"), b"", 0o644)?;
        crate::write_new(home.join("b"), b"", 0o644)
    }

    #[test]
    fn a_file_that_cannot_be_written_whole_is_not_there() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let path = home.path().join("a");
        for step in 0..3 {
            failing_at(step, || crate::write_new(&path, b"x", 0o644)).expect_err("it was to fail");
            assert!(!path.exists(), "after step {step}");
        }
    }

    #[test]
    fn the_steps_of_a_work_can_be_counted_failed_and_stopped() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let (done, steps) = counted(|| two_files(home.path()));
        done.expect("nothing is in the way");
        assert_eq!(steps, 6, "create, chmod and write, twice");
        crate::remove_file(home.path().join("b")).expect("nobody watches");

        let refused = failing_at(0, || crate::remove_file(home.path().join("a"))).expect_err("it was to fail");
        assert_eq!(refused.errno(), Some(Errno::IO));
        let both = stopped_at(0, || {
            drop(crate::remove_file(home.path().join("a")));
            crate::remove_file(home.path().join("a"))
        });
        assert!(both.is_err() && home.path().join("a").exists());
    }
}
