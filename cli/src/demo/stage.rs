//! The demo's own data root: made in a place that can hold overlay layers, and gone afterwards.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use graphdriver::Access;
use runtime::{Client, ExecRequest, Home, HomeOptions, RmRequest, Streams};

use super::DemoError;

/// A data root for the demo, and the containers in it.
#[derive(Debug)]
pub struct Stage {
    root: PathBuf,
    home: Home,
    containers: Vec<String>,
    keep: bool,
}

impl Stage {
    /// Makes one. With `keep` it stays, containers and all.
    pub fn set(keep: bool) -> Result<Self, DemoError> {
        if !sys::is_root() {
            return Err(DemoError::NotRoot);
        }
        let root = place()?;
        let options = HomeOptions { data_root: Some(root.clone()), ..HomeOptions::default() };
        let home = match Home::open(options) {
            Ok(home) => home,
            Err(error) => {
                drop(sys::remove_tree(&root));
                return Err(DemoError::of("the data root", error));
            }
        };
        Ok(Self { root, home, containers: Vec::new(), keep })
    }

    /// The data root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// For the library's calls.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// A container is there now, and must not be there at the end.
    pub fn has(&mut self, container: &str) {
        self.containers.push(container.to_owned());
    }

    /// Runs a line of shell in a container. Its exit code and what it printed.
    pub fn sh(&self, container: &str, line: &str) -> Result<(i32, String), DemoError> {
        let (mut reader, writer) = std::io::pipe()?;
        let request = ExecRequest {
            container: container.to_owned(),
            command: ["/bin/sh", "-c", line].map(str::to_owned).into(),
            ..ExecRequest::default()
        };
        let errors = writer.try_clone()?;
        let streams = Streams { stdin: None, stdout: Some(writer.into()), stderr: Some(errors.into()) };
        let code = runtime::exec(&self.home, request, Client { streams, ..Client::default() })
            .map_err(|error| DemoError::of("exec", error))?;
        let mut said = Vec::new();
        reader.read_to_end(&mut said)?;
        Ok((code, String::from_utf8_lossy(&said).into_owned()))
    }

    /// Removes a container, running or not.
    pub fn rm(&mut self, container: &str) -> Result<(), DemoError> {
        let request = RmRequest { container: container.to_owned(), force: true, volumes: true };
        runtime::rm(&self.home, &request).map_err(|error| DemoError::of("rm", error))?;
        self.containers.retain(|name| name != container);
        Ok(())
    }

    /// Takes everything away again, unless it is to be kept.
    pub fn clear(mut self) -> Result<(), DemoError> {
        if self.keep { Ok(()) } else { self.take_down() }
    }

    fn take_down(&mut self) -> Result<(), DemoError> {
        let mut first = Ok(());
        for container in self.containers.clone() {
            first = first.and(self.rm(&container));
        }
        first.and(sys::remove_tree(self.home.exec_root()).map_err(DemoError::from))?;
        sys::remove_tree(&self.root)?;
        self.keep = true;
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.keep {
            // The error that brought us here is the one to tell.
            drop(self.take_down());
        }
    }
}

/// A new directory where overlay2 works: a temporary file system may itself be an overlay.
fn place() -> Result<PathBuf, DemoError> {
    let candidates = [std::env::temp_dir(), "/var/tmp".into(), "/run".into(), "/dev/shm".into()];
    let name = format!("minidock-demo-{:08x}", u32::from_le_bytes(sys::random()));
    for dir in candidates.iter().filter(|dir| dir.is_absolute() && dir.is_dir()) {
        let root = dir.join(&name);
        if sys::create_dir(&root, 0o710).is_err() {
            continue;
        }
        let works = graphdriver::choose(&root, None, Access::ReadWrite).is_ok_and(|driver| driver == "overlay2");
        if works {
            return Ok(root);
        }
        drop(sys::remove_tree(&root));
    }
    Err(DemoError::NoOverlay)
}
