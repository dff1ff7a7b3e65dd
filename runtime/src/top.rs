//! `top`: a container's processes, as the host's `ps` shows them.
//!
//! moby 20.10, daemon/top_unix.go.

use std::{collections::BTreeSet, process::Command, sync::LazyLock};

use base::ContainerId;
use containers::LookupError;
use regex::Regex;

use crate::{find, home::Home, truth};

/// Why processes cannot be shown. The words are dockerd's.
#[derive(Debug, thiserror::Error)]
pub enum TopError {
    /// A column that is headed as that of the process ids is.
    #[error("specifying \"{0}={1}\" is not allowed")]
    Heading(String, String),
    /// No such container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It does not run.
    #[error("Container {0} is not running")]
    NotRunning(ContainerId),
    /// It is between two lives.
    #[error("Container {0} is restarting, wait until the container is running")]
    Restarting(ContainerId),
    /// `ps` would not.
    #[error("ps: {0}")]
    Ps(String),
    /// What it says cannot be told apart.
    #[error("Couldn't find PID field in ps output")]
    NoPids,
    /// So.
    #[error("Unexpected pid '{0}': strconv.Atoi: parsing {0:?}: invalid syntax")]
    Pid(String),
}

/// What `ps` said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Processes {
    /// The columns' headings.
    pub titles: Vec<String>,
    /// As many cells for each process.
    pub rows: Vec<Vec<String>>,
}

/// A container's processes; `options` are those of `ps`, `-ef` if there are none.
///
/// # Errors
/// [`TopError`].
pub fn top(home: &Home, container: &str, options: &[String]) -> Result<Processes, TopError> {
    let options = options.join(" ");
    let options = if options.is_empty() { "-ef" } else { &options };
    check(options)?;
    let container = find::container(home, container)?;
    let state = &container.record.state;
    match () {
        () if !state.running => return Err(TopError::NotRunning(container.id)),
        () if state.restarting => return Err(TopError::Restarting(container.id)),
        () => {}
    }
    let pids = truth::group(home, &container).map(|group| group.pids()).unwrap_or_default();
    read(&ps(options, &pids)?, &pids)
}

/// Other headings than `PID` for the process ids would hide them, and `PID` over others, show what
/// is not the container's.
fn check(options: &str) -> Result<(), TopError> {
    static HEADING: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"[\t\n\f\r ]+([^\t\n\f\r ]*)=[\t\n\f\r ]*(PID[^\t\n\f\r ]*)").expect("a pattern of ours")
    });
    match HEADING.captures_iter(options).find(|found| &found[1] != "pid") {
        Some(found) => Err(TopError::Heading(found[1].to_owned(), found[2].to_owned())),
        None => Ok(()),
    }
}

/// Of the container's processes only; some options do not go with that, and all are shown.
fn ps(options: &str, pids: &BTreeSet<i32>) -> Result<String, TopError> {
    let words: Vec<&str> = options.split(' ').collect();
    let list: Vec<_> = pids.iter().map(ToString::to_string).collect();
    let run = |more: &[String]| Command::new("ps").args(&words).args(more).output();
    if let Ok(said) = run(&[format!("-q{}", list.join(","))])
        && said.status.success()
    {
        return Ok(String::from_utf8_lossy(&said.stdout).into_owned());
    }
    match run(&[]) {
        Ok(said) if said.status.success() => Ok(String::from_utf8_lossy(&said.stdout).into_owned()),
        Ok(said) => {
            let words = String::from_utf8_lossy(&said.stderr);
            let first = words.lines().next().filter(|line| !line.is_empty()).map(str::to_owned);
            Err(TopError::Ps(first.unwrap_or_else(|| said.status.to_string().replace("status: ", "status "))))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(TopError::Ps("exec: \"ps\": executable file not found in $PATH".to_owned()))
        }
        Err(error) => Err(TopError::Ps(error.to_string())),
    }
}

/// The lines of the container's processes, and those about their threads (`-` for a process id).
fn read(said: &str, pids: &BTreeSet<i32>) -> Result<Processes, TopError> {
    let cells = |line: &str| -> Vec<String> {
        let words = line.split(['\t', '\n', '\u{c}', '\r', ' ']);
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let mut lines = said.split('\n');
    let titles = cells(lines.next().unwrap_or_default());
    let at = titles.iter().position(|title| title == "PID").ok_or(TopError::NoPids)?;
    let mut rows = Vec::new();
    let mut ours = false;
    for line in lines.filter(|line| !line.is_empty()) {
        let mut row = cells(line);
        let Some(pid) = row.get(at) else { continue };
        if pid != "-" {
            let pid: i32 = pid.parse().map_err(|_| TopError::Pid(pid.clone()))?;
            ours = pids.contains(&pid);
        }
        if ours {
            // What is too much belongs to the last cell.
            let rest = row.split_off(row.len().min(titles.len() - 1));
            row.push(rest.join(" "));
            rows.push(row);
        }
    }
    Ok(Processes { titles, rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(said: &str) -> Result<Vec<Vec<String>>, String> {
        read(said, &[7, 9].into()).map(|found| found.rows).map_err(|error| error.to_string())
    }

    #[test]
    fn only_the_containers_processes_and_their_threads_are_shown() {
        let said = "UID  PID CMD\nroot   7 sh -c  x\nroot   - thread\nroot   8 other\nroot   - its\nme 9 a\n\n";
        let expected = [["root", "7", "sh -c x"], ["root", "-", "thread"], ["me", "9", "a"]];
        assert_eq!(rows(said).expect("rows"), expected);
    }

    #[test]
    fn what_cannot_be_told_apart_is_refused() {
        assert_eq!(rows("CMD\nsh\n"), Err("Couldn't find PID field in ps output".to_owned()));
        assert_eq!(rows(""), Err("Couldn't find PID field in ps output".to_owned()));
        let words = "Unexpected pid 'x': strconv.Atoi: parsing \"x\": invalid syntax";
        assert_eq!(rows("PID\nx\n"), Err(words.to_owned()));
    }

    #[test]
    fn nobody_else_is_headed_pid() {
        assert!(check("-o pid=PID,comm").is_ok() && check("-ef").is_ok());
        let words = check("ps -o ppid=PID").expect_err("a false heading").to_string();
        assert_eq!(words, "specifying \"ppid=PID\" is not allowed");
    }
}
