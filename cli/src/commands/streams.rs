//! Our own standard streams, to attach a container to.

use std::{io, os::fd::AsFd, path::PathBuf};

use runtime::{Client, Streams, terminal::DetachKeys};

use crate::failure::{BEFORE_THE_CONTAINER, Failure};

/// stdout and stderr, and stdin if wanted.
///
/// # Errors
/// When a stream is closed.
pub fn ours(stdin: bool) -> io::Result<Streams> {
    some(stdin, true, true)
}

/// Those that are wanted.
///
/// # Errors
/// When one is closed.
pub fn some(stdin: bool, stdout: bool, stderr: bool) -> io::Result<Streams> {
    Ok(Streams {
        stdin: if stdin { Some(io::stdin().as_fd().try_clone_to_owned()?) } else { None },
        stdout: if stdout { Some(io::stdout().as_fd().try_clone_to_owned()?) } else { None },
        stderr: if stderr { Some(io::stderr().as_fd().try_clone_to_owned()?) } else { None },
    })
}

/// How a command is attached beside its streams.
#[derive(Debug, clap::Args)]
pub struct Manner {
    /// Override the key sequence for detaching a container
    #[arg(long, value_name = "KEYS")]
    detach_keys: Option<String>,
}

impl Manner {
    /// A client with these streams.
    ///
    /// # Errors
    /// For keys that are none.
    pub fn client(&self, streams: Streams, proxy_signals: bool) -> Result<Client, Failure> {
        let keys = match self.text() {
            None => DetachKeys::default(),
            Some(text) => text.parse().map_err(|error| Failure::engine(&error))?,
        };
        Ok(Client { streams, proxy_signals, keys })
    }

    /// The keys that were asked for: by the flag, else in the settings of docker's client.
    pub fn text(&self) -> Option<String> {
        self.detach_keys.clone().filter(|text| !text.is_empty()).or_else(in_settings)
    }
}

/// `detachKeys` of `~/.docker/config.json`. A file that is not there, or is no JSON, says nothing.
fn in_settings() -> Option<String> {
    let named = std::env::var_os("DOCKER_CONFIG").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let dir = named.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".docker")))?;
    let text = std::fs::read(dir.join("config.json")).ok()?;
    let settings: serde_json::Value = serde_json::from_slice(&text).ok()?;
    settings["detachKeys"].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// `--sig-proxy`, as docker's flags that are true by themselves: `--sig-proxy=false`.
///
/// # Errors
/// For what is no truth value.
pub fn truth(flag: &str, text: &str) -> Result<bool, Failure> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => {
            let why = format!("strconv.ParseBool: parsing {text:?}: invalid syntax");
            let words = format!("invalid argument {text:?} for \"--{flag}\" flag: {why}");
            Err(Failure::words(words).with_code(BEFORE_THE_CONTAINER))
        }
    }
}

/// The exit code of a client that a signal ended, or nothing but the words.
pub fn ended(error: &runtime::shim::SessionError) -> Option<u8> {
    match error {
        runtime::shim::SessionError::Signal(number) => u8::try_from(128 + number).ok(),
        _ => None,
    }
}
