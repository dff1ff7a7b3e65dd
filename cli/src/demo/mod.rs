//! `minidock demo`: what happens on disk, shown with the real files and proved.
//!
//! It drives the same library calls as the commands do, in a data root of its own, and needs
//! neither network nor Docker.

mod elf;
mod evidence;
mod image;
mod ld_cache;
mod programs;
mod screen;
mod stage;
mod story;

use std::{
    error::Error,
    io::{self, Write},
};

use screen::Screen;
use stage::Stage;

/// Why the demo could not be shown to its end.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// It mounts and makes namespaces.
    #[error("the demo needs root, for mounts and namespaces: type  sudo minidock demo")]
    NotRoot,
    /// No directory found that can hold overlay's files.
    #[error("the demo found no directory that can hold overlay layers: name one, as in  TMPDIR=/srv minidock demo")]
    NoOverlay,
    /// This host has nothing to put into an image.
    #[error(transparent)]
    Programs(#[from] programs::ProgramError),
    /// A step of the story failed.
    #[error("the demo's step {step} failed")]
    Step {
        /// The command it stands for.
        step: &'static str,
        /// What the library said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The data root could not be looked at.
    #[error(transparent)]
    Sys(#[from] sys::Error),
    /// The output could not be written.
    #[error(transparent)]
    Output(#[from] io::Error),
    /// Something shown turned out not to be true.
    #[error("{0} of the demo's claims could not be proved")]
    Unproved(usize),
}

impl DemoError {
    fn of(step: &'static str, source: impl Error + Send + Sync + 'static) -> Self {
        Self::Step { step, source: Box::new(source) }
    }
}

/// Shows the demo on `out`, and takes all away that it made, unless it is to be `keep`t.
///
/// # Errors
/// [`DemoError`]; also when a claim could not be proved.
pub fn show(out: &mut dyn Write, keep: bool) -> Result<(), DemoError> {
    let mut stage = Stage::set(keep)?;
    let root = stage.root().to_owned();
    let programs = programs::find()?;
    let mut screen = Screen::new(out, &root);
    screen.line("minidock demo: a container's life in files, in the format of Docker's own")?;
    screen.line(format_args!("\n   data root   {}   ($R below)", root.display()))?;
    screen.line(format_args!("   programs    {}", programs.described))?;
    story::tell(&mut stage, &mut screen, &programs)?;
    stage.clear()?;
    screen.line("")?;
    if keep {
        screen.line("Kept to look at. To see it, and to take it away:")?;
        let minidock = format!("minidock --data-root {}", root.display());
        for command in
            [format!("{minidock} ps -a"), format!("{minidock} rm -f second"), format!("rm -r {}", root.display())]
        {
            screen.line(format_args!("   {command}"))?;
        }
    } else {
        let mounted = sys::mount_points()?.iter().any(|mount| mount.at.starts_with(&root));
        screen.proof("the demo has left neither file nor mount behind", !root.exists() && !mounted)?;
    }
    let (held, failed) = screen.counts();
    screen.line(format_args!("\n{held} of {} claims proved.", held + failed))?;
    if failed == 0 { Ok(()) } else { Err(DemoError::Unproved(failed)) }
}
