//! Where the executable is, in the container, as Go's `exec.LookPath` of runc 1.1.5 finds it, and
//! in its words.

use std::{
    ffi::{CString, OsStr},
    io,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
};

use nix::errno::Errno;
use rustix::fs::{Access, AtFlags, CWD};

use super::{go_quote, go_text};

/// The path to execute for `program`, searched in `path` if it has no slash.
///
/// Go 1.19, os/exec/lp_unix.go; runc 1.1.5, standard_init_linux.go: then asks the kernel, with
/// the process's own rights, whether it may be executed.
pub(super) fn executable(program: &str, path: &[u8]) -> Result<CString, String> {
    let found = look(program, path).map_err(|reason| format!("exec: {}: {reason}", go_quote(program)))?;
    rustix::fs::accessat(CWD, &found, Access::EXEC_OK, AtFlags::EACCESS)
        .map_err(|errno| format!("exec {}: {}", found.display(), go_text(&errno.into())))?;
    CString::new(found.into_os_string().as_bytes())
        .map_err(|_| format!("exec: {}: invalid argument", go_quote(program)))
}

fn look(program: &str, path: &[u8]) -> Result<PathBuf, String> {
    if program.contains('/') {
        let found = PathBuf::from(program);
        return check(&found).map(|()| found).map_err(|error| stat_words(program, &error));
    }
    for dir in path.split(|byte| *byte == b':').filter(|_| !path.is_empty()) {
        let dir = if dir.is_empty() { Path::new(".") } else { Path::new(OsStr::from_bytes(dir)) };
        let candidate = dir.join(program);
        if check(&candidate).is_ok() {
            let absolute = candidate.is_absolute();
            return absolute
                .then_some(candidate)
                .ok_or_else(|| "cannot run executable found relative to current directory".to_owned());
        }
    }
    Err("executable file not found in $PATH".to_owned())
}

/// A file with any execute bit. Whether it is for us is the kernel's to say.
fn check(path: &Path) -> io::Result<()> {
    let data = path.metadata()?;
    let executable = !data.is_dir() && data.permissions().mode() & 0o111 != 0;
    if executable { Ok(()) } else { Err(Errno::EACCES.into()) }
}

/// Go names the call when the system refused it, and not when it decided itself.
fn stat_words(program: &str, error: &io::Error) -> String {
    match Path::new(program).metadata() {
        Ok(_) => go_text(error),
        Err(error) => format!("stat {program}: {}", go_text(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn house() -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a temporary directory");
        sys::create_dir(dir.path().join("sub"), 0o755).expect("mkdir");
        sys::write_new(dir.path().join("run"), b"", 0o750).expect("write");
        sys::write_new(dir.path().join("plain"), b"", 0o644).expect("write");
        dir
    }

    fn said(program: &str, path: &str) -> String {
        executable(program, path.as_bytes()).expect_err("not executable")
    }

    /// Each line as docker 20.10.24 printed it, without what daemon and containerd put before.
    #[test]
    fn refusals_are_in_runcs_words() {
        let dir = house();
        let at = |name: &str| dir.path().join(name).display().to_string();
        let path = dir.path().display().to_string();
        assert_eq!(said("nope", &path), "exec: \"nope\": executable file not found in $PATH");
        assert_eq!(said("", &path), "exec: \"\": executable file not found in $PATH");
        assert_eq!(said("sub", &path), "exec: \"sub\": executable file not found in $PATH");
        assert_eq!(said("plain", &path), "exec: \"plain\": executable file not found in $PATH");
        assert_eq!(said("run", ""), "exec: \"run\": executable file not found in $PATH");
        assert_eq!(said("/nope", &path), "exec: \"/nope\": stat /nope: no such file or directory");
        assert_eq!(said(&at("sub"), ""), format!("exec: \"{}\": permission denied", at("sub")));
        assert_eq!(said(&at("plain"), ""), format!("exec: \"{}\": permission denied", at("plain")));
    }

    #[test]
    fn a_relative_directory_of_the_path_is_searched_but_not_used() {
        let words = said("Cargo.toml", "/nonexistent:");
        assert!(words.ends_with("executable file not found in $PATH"), "{words}");
        let dir = house();
        let relative = format!("../../../../../../../../{}", dir.path().display());
        assert_eq!(said("run", &relative), "exec: \"run\": cannot run executable found relative to current directory");
    }

    #[test]
    fn a_file_only_its_owner_may_run_is_found() {
        let dir = house();
        let found = executable("run", format!("/nonexistent:{}", dir.path().display()).as_bytes()).expect("found");
        assert_eq!(found.to_str().expect("text"), dir.path().join("run").display().to_string());
    }
}
