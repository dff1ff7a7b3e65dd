//! A bar per layer on a terminal, nothing elsewhere.

use std::cell::RefCell;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Bars on stderr.
#[derive(Debug)]
pub struct Progress {
    bars: MultiProgress,
    current: RefCell<Option<(String, ProgressBar)>>,
}

impl Progress {
    /// No bars if `quiet`, or if stderr is no terminal.
    pub fn new(quiet: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(10) };
        Self { bars: MultiProgress::with_draw_target(target), current: RefCell::new(None) }
    }

    /// `name` has come so far. Without a total only the bytes are shown.
    pub fn show(&self, name: &str, done: u64, total: u64) {
        let mut current = self.current.borrow_mut();
        let bar = match &*current {
            Some((shown, bar)) if shown == name => bar,
            _ => {
                let bar = self.bars.add(if total > 0 { ProgressBar::new(total) } else { ProgressBar::new_spinner() });
                let form = if total > 0 { "{prefix}: [{bar:40}] {bytes}/{total_bytes}" } else { "{prefix}: {bytes}" };
                let style = ProgressStyle::with_template(form).map(|style| style.progress_chars("=> "));
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
                bar.set_prefix(name.to_owned());
                &current.insert((name.to_owned(), bar)).1
            }
        };
        bar.set_position(done);
        if total > 0 && done >= total {
            bar.abandon();
        }
    }

    /// Takes the bars away.
    pub fn clear(&self) {
        *self.current.borrow_mut() = None;
        // Bars that cannot be wiped stay on the screen; nothing depends on them.
        drop(self.bars.clear());
    }
}
