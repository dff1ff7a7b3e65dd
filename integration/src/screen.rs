//! A real terminal for a story: tmux, its own server for each, typed to and read as a person would.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::House;
use crate::going::PATIENCE;

/// A terminal of 80 columns and 24 rows with a shell in it, which is gone when dropped.
#[derive(Debug)]
pub struct Screen {
    socket: PathBuf,
    /// How the shell calls the engine's client.
    client: String,
}

impl Screen {
    /// Opens one in which `engine` is the client of the house's engine.
    #[track_caller]
    pub fn open(house: &House, name: &str) -> Self {
        let command = house.client();
        let quoted = |word: &std::ffi::OsStr| format!("'{}'", word.to_string_lossy());
        let env =
            command.get_envs().filter_map(|(key, value)| Some(format!("{}={}", key.to_string_lossy(), quoted(value?))));
        let env: Vec<String> = env.collect();
        let words: Vec<String> = std::iter::once(command.get_program()).chain(command.get_args()).map(quoted).collect();
        let client = format!("env {} {}", env.join(" "), words.join(" "));
        let screen = Self { socket: house.room().join(format!("tmux-{name}")), client };
        let shell = house.write(&format!("rc-{name}"), b"PS1='ready> '\nunset HISTFILE\n");
        let shell = format!("exec sh -c 'ENV={} exec sh -i'", shell.display());
        screen.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", &shell]);
        screen.wait("ready>");
        screen
    }

    fn tmux(&self, args: &[&str]) -> String {
        let mut tmux = Command::new("tmux");
        tmux.env_remove("TMUX").env("LC_ALL", "C.UTF-8").arg("-S").arg(&self.socket).args(args);
        let done = tmux.output().expect("tmux runs");
        assert!(done.status.success(), "tmux {args:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    /// Types a line; `engine` at its beginning is the client.
    pub fn line(&self, text: &str) {
        let text = match text.strip_prefix("engine ") {
            Some(rest) => format!("{} {rest}", self.client),
            None => text.to_owned(),
        };
        // One call for the text and one for the key: a long line must not be taken for keys.
        self.tmux(&["send-keys", "-l", &text]);
        self.tmux(&["send-keys", "Enter"]);
    }

    /// Presses keys, as tmux names them: `C-p`.
    pub fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    /// Makes the terminal another size.
    pub fn resize(&self, columns: u16, rows: u16) {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]);
    }

    /// What is to be read, and what has scrolled away.
    pub fn text(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-J", "-S", "-500"])
    }

    /// Waits until a line is exactly this, but for blanks at its end.
    #[track_caller]
    pub fn await_line(&self, line: &str) {
        self.until(line, |text| text.lines().any(|found| found.trim_end() == line));
    }

    /// Waits until the user's own shell asks for the next line.
    #[track_caller]
    pub fn await_prompt(&self) {
        self.until("ready>", |text| {
            text.trim_end().lines().last().is_some_and(|last| last.trim_end().ends_with("ready>"))
        });
    }

    /// Waits until the words are somewhere on the screen.
    #[track_caller]
    pub fn wait(&self, words: &str) {
        self.until(words, |text| text.contains(words));
    }

    #[track_caller]
    fn until(&self, what: &str, there: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = self.text();
            if there(&text) {
                return;
            }
            assert!(Instant::now() < deadline, "{what:?} did not come; there is:\n{}", text.trim_end());
            // Nothing tells of a change on a screen.
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let mut tmux = Command::new("tmux");
        drop(tmux.env_remove("TMUX").arg("-S").arg(&self.socket).arg("kill-server").output());
    }
}
