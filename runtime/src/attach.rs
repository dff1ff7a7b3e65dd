//! `attach`: a container that runs is shown, and typed to.

use base::ContainerId;
use containers::LookupError;

use crate::{
    events, find,
    home::Home,
    run::{Client, Ran, pump},
    shim::{ConnectError, Connection, SessionError},
    truth::{self, Keeper},
};

/// Why nobody was attached.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The words are those of docker's client.
    #[error("You cannot attach to a stopped container, start it first")]
    Stopped,
    /// The words are those of docker's client.
    #[error("You cannot attach to a paused container, unpause it first")]
    Paused,
    /// The words are those of docker's client.
    #[error("You cannot attach to a restarting container, wait until it is running")]
    Restarting,
    /// The words are those of docker's client.
    #[error("the input device is not a TTY")]
    NoTerminal,
    /// A dockerd runs it.
    #[error("container {0} is kept running by dockerd's own shim: only dockerd can attach to it")]
    Foreign(ContainerId),
    /// The shim cannot be spoken to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The connection broke off, or the user left.
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// Attaches to a container, and stays to its end. Of the streams its stdin is used only if the
/// container reads it.
///
/// # Errors
/// [`AttachError`].
pub fn attach(home: &Home, container: &str, mut client: Client) -> Result<Ran, AttachError> {
    let container = find::container(home, container)?;
    let (state, config) = (&container.record.state, &container.record.config);
    match () {
        () if !state.running => return Err(AttachError::Stopped),
        () if state.paused => return Err(AttachError::Paused),
        () if state.restarting => return Err(AttachError::Restarting),
        () => {}
    }
    client.check(config.tty).map_err(|_| AttachError::NoTerminal)?;
    if truth::keeper(&container.id, state) == Keeper::Other && !home.run_dir(&container.id).is_dir() {
        return Err(AttachError::Foreign(container.id));
    }
    if !config.open_stdin {
        client.streams.stdin = None;
    }
    let session = match Connection::open(&home.run_dir(&container.id)) {
        Err(ConnectError::Gone(_)) => return Err(AttachError::Stopped),
        other => other?.attach(client.streams.wanted())?,
    };
    events::container(home, &container, "attach", &[]);
    let exit = pump(session, client, config.tty, true)?;
    Ok(Ran::Ended { id: container.id, code: exit.exit_code })
}
