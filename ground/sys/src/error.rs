//! An error of a system call, written as the call was: `mkdir /var/lib/x: Permission denied`.

use std::{
    io,
    path::{Path, PathBuf},
};

use rustix::io::Errno;

/// What the calls of this crate return.
pub type Result<T> = std::result::Result<T, Error>;

/// A system call that failed, the path it was about and the reason.
#[derive(Debug, thiserror::Error)]
#[error("{call} {}: {source}{}", .path.display(), .detail.as_deref().map(|text| format!(" ({text})")).unwrap_or_default())]
pub struct Error {
    call: &'static str,
    path: PathBuf,
    detail: Option<String>,
    #[source]
    source: io::Error,
}

impl Error {
    /// The failure of `call` on `path`.
    pub fn new(call: &'static str, path: impl AsRef<Path>, source: impl Into<io::Error>) -> Self {
        Self { call, path: path.as_ref().to_owned(), detail: None, source: source.into() }
    }

    /// The same with what the kernel's log says about it.
    #[must_use]
    pub fn with_detail(mut self, detail: Option<String>) -> Self {
        self.detail = detail;
        self
    }

    /// The system call, or what it was made for.
    pub fn call(&self) -> &'static str {
        self.call
    }

    /// The reason.
    pub fn io(&self) -> &io::Error {
        &self.source
    }

    /// The reason as an error number, if the system gave one.
    pub fn errno(&self) -> Option<Errno> {
        Errno::from_io_error(&self.source)
    }

    /// The path the call was about.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The failure in Go's words, `readlink /x: no such file or directory`, for sentences that
    /// dockerd makes of an `os.PathError`.
    pub fn go_words(&self) -> String {
        let said = self.source.to_string();
        let said = said.split(" (os error").next().unwrap_or_default();
        let mut letters = said.chars();
        let first = letters.next().map(|letter| letter.to_ascii_lowercase());
        let words: String = first.into_iter().chain(letters).collect();
        format!("{} {}: {words}", self.call, self.path.display())
    }

    /// Whether this failed because it would have crossed from one mount to another.
    pub fn is_cross_device(&self) -> bool {
        self.errno() == Some(Errno::XDEV)
    }

    /// Whether this failed because something is not there.
    pub fn is_not_found(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }

    /// Whether this failed because something is there already.
    pub fn is_exists(&self) -> bool {
        self.source.kind() == io::ErrorKind::AlreadyExists
    }
}

/// For `map_err`: names the call and the path.
pub(crate) fn at<E: Into<io::Error>>(call: &'static str, path: impl AsRef<Path>) -> impl FnOnce(E) -> Error {
    move |source| Error::new(call, path, source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_says_the_same_in_lower_case() {
        let error = Error::new("readlink", "/l/X", Errno::NOENT);
        assert_eq!(error.to_string(), "readlink /l/X: No such file or directory (os error 2)");
        assert_eq!(error.go_words(), "readlink /l/X: no such file or directory");
    }
}
