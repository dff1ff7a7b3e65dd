//! Programs of this host, with all the files they need to run somewhere else.
//!
//! A static busybox is enough alone. Else the shell and a few tools are taken, with the loader
//! and the libraries that their ELF headers name, found as the loader finds them.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{
    elf::{BadElf, Elf},
    ld_cache::LdCache,
};

/// What the demo's containers call.
pub const TOOLS: [&str; 6] = ["sh", "cat", "ls", "mkdir", "rm", "sleep"];

/// Why this host's programs cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// No such program.
    #[error("there is no {0} on this host")]
    None(&'static str),
    /// A program that is a script, or damaged.
    #[error("{} cannot be used", .path.display())]
    Unusable {
        /// The program or library.
        path: PathBuf,
        /// What is wrong with it.
        source: BadElf,
    },
    /// A library that a program names is not where it looks.
    #[error("{} needs {library}, which is not on this host", .program.display())]
    NoLibrary {
        /// The program.
        program: PathBuf,
        /// The library's name.
        library: String,
    },
    /// A file that is there cannot be read.
    #[error(transparent)]
    Sys(#[from] sys::Error),
}

/// Files for an image, and what its environment must say for them to work.
#[derive(Debug, Default)]
pub struct Programs {
    /// What was found, for people to read: `static busybox /bin/busybox`.
    pub described: String,
    /// Contents of each file by its path in the image, without leading slash. All executable.
    pub files: BTreeMap<PathBuf, Vec<u8>>,
    /// Links by their path in the image, with what they say.
    pub links: BTreeMap<PathBuf, PathBuf>,
    /// Directories that the loader must search, absolute.
    pub library_dirs: Vec<PathBuf>,
}

/// Finds [`TOOLS`] on this host.
///
/// # Errors
/// When one is not there or cannot be carried elsewhere.
pub fn find() -> Result<Programs, ProgramError> {
    match static_busybox(&places()) {
        Some((path, bytes)) => Ok(busybox(&path, bytes)),
        None => host_tools(&places()),
    }
}

/// Where programs are looked for: the usual places, then those of this process.
fn places() -> Vec<PathBuf> {
    let usual = ["/bin", "/usr/bin", "/sbin", "/usr/sbin", "/usr/lib/initcpio"].map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    usual.into_iter().chain(std::env::split_paths(&path).filter(|dir| dir.is_absolute())).collect()
}

fn static_busybox(places: &[PathBuf]) -> Option<(PathBuf, Vec<u8>)> {
    let names = ["busybox", "busybox.static", "busybox-static"];
    let all = places.iter().flat_map(|dir| names.iter().map(move |name| dir.join(name)));
    all.filter(|path| has_all_tools(path)).find_map(|path| {
        let bytes = sys::read_opt(&path).ok()??;
        let elf = Elf::parse(&bytes).ok()?;
        elf.is_static().then_some((path, bytes))
    })
}

/// Whether this busybox was built with what we call.
fn has_all_tools(busybox: &Path) -> bool {
    if !busybox.is_file() {
        return false;
    }
    let listed = Command::new(busybox).arg("--list").stdin(Stdio::null()).stderr(Stdio::null()).output();
    let listed = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    TOOLS.iter().all(|tool| listed.lines().any(|line| line == *tool))
}

fn busybox(path: &Path, bytes: Vec<u8>) -> Programs {
    let place = |name: &str| Path::new("bin").join(name);
    Programs {
        described: format!("the static busybox {}", path.display()),
        files: [(place("busybox"), bytes)].into(),
        links: TOOLS.iter().map(|tool| (place(tool), PathBuf::from("busybox"))).collect(),
        library_dirs: Vec::new(),
    }
}

fn host_tools(places: &[PathBuf]) -> Result<Programs, ProgramError> {
    let cache = sys::read_opt("/etc/ld.so.cache")?.unwrap_or_default();
    let mut search = Search { cache: LdCache::parse(&cache), found: Programs::default() };
    let mut real = BTreeMap::new();
    for tool in TOOLS {
        let path =
            places.iter().map(|dir| dir.join(tool)).find(|path| path.is_file()).ok_or(ProgramError::None(tool))?;
        let path = path.canonicalize().map_err(|error| sys::Error::new("readlink", &path, error))?;
        // A program of several names goes by the one it is called by, so its file is kept once.
        match real.get(&path) {
            Some(first) => drop(search.found.links.insert(Path::new("bin").join(tool), PathBuf::from(*first))),
            None => {
                search.program(&path, Path::new("bin").join(tool))?;
                real.insert(path, tool);
            }
        }
    }
    let libraries = search.found.files.len() - real.len();
    let shell = real.iter().find(|(_, tool)| **tool == "sh").map(|(path, _)| path.as_path()).unwrap_or(Path::new("sh"));
    search.found.described =
        format!("{} and {} tools of this host, with {libraries} libraries", shell.display(), TOOLS.len() - 1);
    Ok(search.found)
}

/// A search for libraries, and what it has found.
struct Search {
    cache: LdCache,
    found: Programs,
}

impl Search {
    /// Takes in a program and all it needs.
    fn program(&mut self, path: &Path, to: PathBuf) -> Result<(), ProgramError> {
        let (elf, bytes) = load(path)?;
        self.found.files.insert(to, bytes);
        if let Some(loader) = elf.loader.as_deref().map(as_path) {
            let (_, bytes) = load(loader)?;
            self.found.files.insert(in_image(loader), bytes);
        }
        // What a library needs may be looked for where the program says.
        let mut left = vec![(path.to_owned(), elf.clone())];
        while let Some((user, of)) = left.pop() {
            for name in &of.needed {
                let found = self.library(name, &user, &of, &elf).ok_or_else(|| ProgramError::NoLibrary {
                    program: path.to_owned(),
                    library: String::from_utf8_lossy(name).into_owned(),
                })?;
                let place = in_image(&found);
                if self.found.files.contains_key(&place) {
                    continue;
                }
                let (elf, bytes) = load(&found)?;
                self.found.files.insert(place, bytes);
                let dir = found.parent().unwrap_or(Path::new("/")).to_owned();
                if !self.found.library_dirs.contains(&dir) {
                    self.found.library_dirs.push(dir);
                }
                left.push((found, elf));
            }
        }
        Ok(())
    }

    /// Where the loader would find a library for `user`, made for the same machine.
    fn library(&self, name: &[u8], user: &Path, of: &Elf, program: &Elf) -> Option<PathBuf> {
        if name.contains(&b'/') {
            return Some(as_path(name).to_owned());
        }
        let own = of.search.iter().chain(&program.search).map(|dir| from_origin(dir, user).join(as_path(name)));
        let cached = self.cache.paths(name).iter().map(|path| as_path(path).to_owned());
        let usual = library_places().into_iter().map(|dir| dir.join(as_path(name)));
        own.chain(cached)
            .chain(usual)
            .map(|path| tidy(&path))
            .find(|path| load(path).is_ok_and(|(found, _)| found.target == program.target))
    }
}

/// The directories that loaders search by themselves, those of several machines among them.
fn library_places() -> Vec<PathBuf> {
    let machine = std::env::consts::ARCH;
    let named = [format!("{machine}-linux-gnu"), format!("{machine}-linux-gnueabihf"), format!("{machine}-linux-musl")];
    let tops = ["/lib", "/usr/lib", "/usr/local/lib"];
    let multiarch = tops.iter().flat_map(|top| named.iter().map(move |name| Path::new(top).join(name)));
    ["/lib64", "/usr/lib64"].iter().chain(&tops).map(PathBuf::from).chain(multiarch).collect()
}

fn load(path: &Path) -> Result<(Elf, Vec<u8>), ProgramError> {
    let bytes = sys::read_opt(path)?
        .ok_or_else(|| sys::Error::new("read", path, std::io::Error::from(std::io::ErrorKind::NotFound)))?;
    let elf = Elf::parse(&bytes).map_err(|source| ProgramError::Unusable { path: path.to_owned(), source })?;
    Ok((elf, bytes))
}

fn as_path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

fn in_image(path: &Path) -> PathBuf {
    path.strip_prefix("/").unwrap_or(path).to_owned()
}

/// A search path with `$ORIGIN` put in: the directory of whoever says it.
fn from_origin(dir: &[u8], user: &Path) -> PathBuf {
    let below = |rest: &[u8]| {
        let origin = user.parent().unwrap_or(Path::new("/"));
        origin.join(as_path(rest.strip_prefix(b"/").unwrap_or(rest)))
    };
    let origin = [&b"$ORIGIN"[..], b"${ORIGIN}"].into_iter().find_map(|word| dir.strip_prefix(word));
    origin.map_or_else(|| as_path(dir).to_owned(), below)
}

/// Without `..`, so that the path can stand in an image. The directories in it stay links or not.
fn tidy(path: &Path) -> PathBuf {
    if !path.components().any(|part| part == std::path::Component::ParentDir) {
        return path.to_owned();
    }
    let dir = path.parent().and_then(|dir| dir.canonicalize().ok());
    dir.zip(path.file_name()).map_or_else(|| path.to_owned(), |(dir, name)| dir.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a shell in a root made of nothing but what was found.
    fn runs(programs: &Programs) {
        let root = tempfile::tempdir().expect("a temporary directory");
        for (place, bytes) in &programs.files {
            let path = root.path().join(place);
            sys::create_dir_all(path.parent().expect("in a directory"), 0o755).expect("mkdir");
            sys::write_new(path, bytes, 0o755).expect("write");
        }
        for (place, said) in &programs.links {
            sys::symlink(said, root.path().join(place)).expect("symlink");
        }
        let dirs: Vec<_> = programs.library_dirs.iter().map(|dir| dir.display().to_string()).collect();
        let script = "mkdir /d && echo text > /d/f && cat /d/f && ls / && rm /d/f && sleep 0";
        let output = Command::new("chroot")
            .arg(root.path())
            .args(["/bin/sh", "-c", script])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LD_LIBRARY_PATH", dirs.join(":"))
            .output()
            .expect("chroot is on every Linux");
        let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && said.starts_with("text\n"), "{said}{told}");
    }

    #[test]
    fn what_is_found_on_this_host_runs_alone() {
        runs(&find().expect("this host has a shell"));
    }

    #[test]
    fn the_hosts_own_tools_run_without_the_host() {
        let found = host_tools(&places()).expect("this host has a shell");
        assert!(TOOLS.iter().all(|tool| {
            let place = Path::new("bin").join(tool);
            found.files.contains_key(&place) || found.links.contains_key(&place)
        }));
        runs(&found);
    }

    #[test]
    fn a_tool_that_is_a_script_is_refused_by_name() {
        let home = tempfile::tempdir().expect("a temporary directory");
        sys::write_new(home.path().join("sh"), b"#!/bin/other\n", 0o755).expect("write");
        let refused = host_tools(&[home.path().to_owned()]).expect_err("a script needs another program");
        assert!(refused.to_string().ends_with("/sh cannot be used"), "{refused}");
        let refused = host_tools(&[home.path().join("empty")]).expect_err("nothing is there");
        assert_eq!(refused.to_string(), "there is no sh on this host");
    }

    #[test]
    fn origin_is_the_directory_of_whoever_says_it() {
        let user = Path::new("/opt/tool/bin/tool");
        assert_eq!(tidy(&from_origin(b"/opt/lib", user)), Path::new("/opt/lib"));
        assert_eq!(from_origin(b"$ORIGIN/../lib", user), Path::new("/opt/tool/bin/../lib"));
        assert_eq!(from_origin(b"${ORIGIN}", user), Path::new("/opt/tool/bin"));
    }
}
