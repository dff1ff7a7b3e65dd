//! What the user sees: results on stdout, words about them on stderr.

use std::io::{self, Write};

pub mod listing;
pub mod table;
pub mod template;

/// The two streams of a command.
#[derive(Debug)]
pub struct Out {
    stdout: io::BufWriter<io::Stdout>,
}

impl Out {
    /// The process's own streams.
    pub fn new() -> Self {
        Self { stdout: io::BufWriter::new(io::stdout()) }
    }

    /// A line of result.
    pub fn line(&mut self, text: impl std::fmt::Display) -> io::Result<()> {
        writeln!(self.stdout, "{text}")
    }

    /// A result that ends its own lines, as a table does.
    pub fn text(&mut self, text: impl std::fmt::Display) -> io::Result<()> {
        write!(self.stdout, "{text}")
    }

    /// Raw results.
    pub fn bytes(&mut self) -> &mut impl Write {
        &mut self.stdout
    }

    /// A line for the person, after all results so far.
    pub fn note(&mut self, text: impl std::fmt::Display) -> io::Result<()> {
        self.stdout.flush()?;
        writeln!(io::stderr(), "{text}")
    }

    /// Writes out what is buffered.
    pub fn flush(&mut self) -> io::Result<()> {
        self.stdout.flush()
    }
}
