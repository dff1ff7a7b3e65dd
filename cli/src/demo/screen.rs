//! What the demo shows: steps, files and what is in them, and proofs, in 80 columns.
//!
//! Ids and paths are the real ones. To fit, ids are cut to twelve characters and the data root is
//! written `$R`.

use std::{
    fmt::Display,
    io::{self, Write},
    path::{Path, PathBuf},
};

const WIDTH: usize = 80;

/// The demo's output, and the count of its proofs.
pub struct Screen<'a> {
    out: &'a mut dyn Write,
    root: PathBuf,
    steps: usize,
    held: usize,
    failed: usize,
}

impl<'a> Screen<'a> {
    /// Shows on `out`, with `root` as `$R`.
    pub fn new(out: &'a mut dyn Write, root: &Path) -> Self {
        Self { out, root: root.to_owned(), steps: 0, held: 0, failed: 0 }
    }

    /// A line as it is.
    pub fn line(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.out, "{text}")?;
        self.out.flush()
    }

    /// The next step, and what it is about.
    pub fn step(&mut self, title: &str, about: &str) -> io::Result<()> {
        self.steps += 1;
        let number = self.steps;
        self.line(format_args!("\n{number}. {title}"))?;
        self.wrapped("   ", "   ", about)
    }

    /// What somebody would type to do this.
    pub fn typed(&mut self, command: &str) -> io::Result<()> {
        self.line(format_args!("\n   $ {command}"))
    }

    /// A file or directory, and what is to be said about it.
    pub fn file(&mut self, path: &Path, says: impl Display) -> io::Result<()> {
        let path = self.short(&path.display().to_string());
        let says = self.short(&says.to_string());
        let line = format!("   {path:<44} {says}");
        if line.chars().count() <= WIDTH {
            return self.line(line.trim_end());
        }
        self.line(format_args!("   {path}"))?;
        self.wrapped("       ", "       ", &says)
    }

    /// Text of several parts that may stand on lines of their own: mount options, chains.
    pub fn parts(&mut self, text: &str, ends: &[char]) -> io::Result<()> {
        let text = self.short(text);
        for part in text.split_inclusive(ends) {
            self.line(format_args!("     {part}"))?;
        }
        Ok(())
    }

    /// Something claimed, and whether it was found to be so.
    pub fn proof(&mut self, claim: &str, holds: bool) -> io::Result<()> {
        let (mark, count) = if holds { ("[proved]", &mut self.held) } else { ("[FAILED]", &mut self.failed) };
        *count += 1;
        self.wrapped(&format!("   {mark} "), "            ", claim)
    }

    /// How many claims were proved, and how many were not.
    pub fn counts(&self) -> (usize, usize) {
        (self.held, self.failed)
    }

    /// A text with ids cut and the data root as `$R`.
    pub fn short(&self, text: &str) -> String {
        cut_ids(&text.replace(&*self.root.to_string_lossy(), "$R"))
    }

    fn wrapped(&mut self, first: &str, further: &str, text: &str) -> io::Result<()> {
        let text = self.short(text);
        let mut line = first.to_owned();
        let mut empty = true;
        for word in text.split_whitespace() {
            if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
                self.line(&line)?;
                line = further.to_owned();
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
        }
        self.line(line.trim_end())
    }
}

/// Runs of 64 hex digits, cut to twelve.
fn cut_ids(text: &str) -> String {
    let mut cut = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !matches!(letter, '0'..='9' | 'a'..='f')).unwrap_or(rest.len());
        let (run, after) = rest.split_at(digits);
        if run.len() == 64 {
            cut.push_str(&run[..12]);
            cut.push('…');
        } else {
            cut.push_str(run);
        }
        let other = after.chars().next().map_or(0, char::len_utf8);
        cut.push_str(&after[..other]);
        rest = &after[other..];
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(show: impl FnOnce(&mut Screen<'_>) -> io::Result<()>) -> String {
        let mut bytes = Vec::new();
        show(&mut Screen::new(&mut bytes, Path::new("/tmp/minidock-demo-0123456789abcdef"))).expect("memory takes all");
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        let id = "0123456789abcdef".repeat(4);
        let path = format!("/tmp/minidock-demo-0123456789abcdef/overlay2/{id}-init/diff/some/long/way/down/file");
        let text = shown(|screen| {
            screen.step("A step", &"many words ".repeat(30))?;
            screen.file(Path::new(&path), format_args!("{id} rests on {id} and that on {id}"))?;
            screen.proof(&"something is true ".repeat(20), true)?;
            screen.parts(&format!("lowerdir={path}:{path},upperdir={path}"), &[':', ','])
        });
        assert!(text.contains("$R/overlay2/0123456789ab…-init/diff"), "{text}");
        for line in text.lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
    }

    #[test]
    fn proofs_are_counted_and_a_failed_one_is_seen() {
        let mut bytes = Vec::new();
        let mut screen = Screen::new(&mut bytes, Path::new("/r"));
        screen.proof("one", true).expect("memory takes all");
        screen.proof("two", false).expect("memory takes all");
        assert_eq!(screen.counts(), (1, 1));
        assert_eq!(String::from_utf8(bytes).expect("text"), "   [proved] one\n   [FAILED] two\n");
    }

    #[test]
    fn only_whole_ids_are_cut() {
        let id = "ab".repeat(32);
        assert_eq!(cut_ids(&format!("sha256:{id} x")), "sha256:abababababab… x");
        assert_eq!(cut_ids("abc … deadbeef"), "abc … deadbeef");
        assert_eq!(cut_ids(&format!("{id}ab")), format!("{id}ab"));
    }
}
