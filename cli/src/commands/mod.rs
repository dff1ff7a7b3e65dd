//! The commands: one file each says what the user types, makes one call, and shows what comes.

use std::path::PathBuf;

use clap::Args;
use runtime::{Home, HomeOptions, home::Writer};

use crate::failure::Failure;

mod attach;
mod boot;
mod commit;
mod container;
mod container_flags;
mod container_inspect;
mod container_prune;
mod cp;
mod create;
mod demo;
mod diff;

mod events;
mod exec;
mod export;
mod history;
mod image;
mod image_inspect;
mod images;
mod import;
mod info;
mod inspect;
mod kill;
mod load;
mod logs;
mod moment;
mod network;
mod network_connect;
mod network_create;
mod network_disconnect;
mod network_inspect;
mod network_ls;
mod network_prune;
mod network_rm;
mod output_file;
mod pause;
mod port;
mod progress;
mod ps;
mod rename;
mod restart;
mod rm;
mod rmi;
mod run;
mod save;
mod start;
mod stats;
mod stop;
mod streams;
mod tag;
mod top;
mod unpause;
mod update;
mod version;
mod volume;
mod volume_clone;
mod volume_create;
mod volume_export;
mod volume_import;
mod volume_inspect;
mod volume_ls;
mod volume_prune;
mod volume_rename;
mod volume_rm;
mod wait;
mod whereis;

/// Where everything is: before the command on the line.
#[derive(Debug, Args)]
pub struct Place {
    /// Root directory of persistent state, as dockerd's
    #[arg(long, value_name = "DIR", env = "MINIDOCK_DATA_ROOT", default_value = "/var/lib/minidock")]
    pub data_root: PathBuf,
    /// Root directory of what lives as long as its containers run [default: one per data root in /run/minidock]
    #[arg(long, value_name = "DIR", env = "MINIDOCK_EXEC_ROOT")]
    pub exec_root: Option<PathBuf>,
    /// Storage driver to use [default: what the data root holds, else overlay2]
    #[arg(short, long, value_name = "overlay2|vfs")]
    pub storage_driver: Option<String>,
    /// Bridge networks: none, or docker's own
    #[arg(short, long, value_name = "docker0|none", env = "MINIDOCK_BRIDGE", default_value = "docker0", value_parser = ["docker0", "none"])]
    pub bridge: String,
}

macro_rules! commands {
    ($(#[$about:meta])* $group:ident { $($(#[$doc:meta])* $name:ident($module:ident)),* $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, clap::Subcommand)]
        pub enum $group {
            $($(#[$doc])* $name(crate::commands::$module::Args)),*
        }

        impl $group {
            /// Does it.
            ///
            /// # Errors
            /// What the user is told, and the exit code.
            pub fn run(
                self,
                place: &crate::commands::Place,
                out: &mut crate::out::Out,
            ) -> Result<(), crate::failure::Failure> {
                match self {
                    $(Self::$name(args) => crate::commands::$module::run(place, args, out)),*
                }
            }
        }
    };
}

use commands;

commands! {
    /// What can be done.
    Command {
        Attach(attach),
        Boot(boot),
        Commit(commit),
        Cp(cp),
        Create(create),
        Demo(demo),
        Diff(diff),
        Events(events),
        Exec(exec),
        Export(export),
        History(history),
        Images(images),
        Import(import),
        Info(info),
        Inspect(inspect),
        Kill(kill),
        Load(load),
        Logs(logs),
        Pause(pause),
        Port(port),
        Ps(ps),
        Rename(rename),
        Restart(restart),
        Rm(rm),
        Rmi(rmi),
        Run(run),
        Save(save),
        Start(start),
        Stats(stats),
        Stop(stop),
        Tag(tag),
        Top(top),
        Unpause(unpause),
        Update(update),
        Version(version),
        Wait(wait),
        Where(whereis),
        /// Manage containers
        Container(container),
        /// Manage images
        Image(image),
        /// Manage networks
        Network(network),
        /// Manage volumes
        Volume(volume),
    }
}

impl Place {
    /// The data root that is meant. Writes nothing.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn open(&self) -> Result<Home, Failure> {
        let options = HomeOptions {
            data_root: Some(self.data_root.clone()),
            exec_root: self.exec_root.clone(),
            storage_driver: self.storage_driver.clone(),
            bridge: self.bridge != "none",
        };
        Home::open(options).map_err(|error| Failure::home(&error))
    }

    /// The data root, and the right to write to it while the lock lives.
    ///
    /// # Errors
    /// Without root rights, beside a live dockerd, or when it cannot be made.
    pub fn open_to_write(&self) -> Result<(Home, Writer), Failure> {
        let home = self.open()?;
        let writer = home.writer().map_err(|error| Failure::home(&error))?;
        Ok((home, writer))
    }
}

/// As docker shortens in tables: at most so many characters, the last one an ellipsis.
fn shortened(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    text.chars().take(characters.saturating_sub(1)).chain(['…']).collect()
}

/// An error of the system in Go's spelling: `no such file or directory`.
fn go_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// A text in double quotes, as Go's `strconv.Quote` writes it.
fn go_quoted(text: &str) -> String {
    let escaped = text.chars().map(|letter| match letter {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\u{7}' => "\\a".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\u{b}' => "\\v".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        control if control.is_ascii_control() => format!("\\x{:02x}", u32::from(control)),
        control if control.is_control() => format!("\\u{:04x}", u32::from(control)),
        plain => plain.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

#[cfg(test)]
mod tests {
    #[test]
    fn quoted_as_go_quotes() {
        assert_eq!(super::go_quoted("a \"b\" \\ \n\u{1}é"), r#""a \"b\" \\ \n\x01é""#);
    }
}
