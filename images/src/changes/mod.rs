//! `--change`: Dockerfile instructions that alter the config of an imported image.
//!
//! moby 20.10, builder/dockerfile/builder.go `BuildFromConfig` and the dispatchers of the classic
//! builder. Variables (`$X`, `${X}`) are those of earlier `ENV`; `${X:-…}` and the like are
//! refused. `ONBUILD` is taken as it stands.

mod values;
mod words;

use self::{
    values::{health, ports},
    words::{expand, raw_words, unquote, words},
};
use crate::config::{Config, Empty};

/// A change that cannot be made. The sentences are dockerd's where it has one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadChange {
    /// Nothing but blanks and comments.
    #[error("file with no instructions")]
    Empty,
    /// Not an instruction, or one that makes layers.
    #[error("{0} is not a valid change command")]
    Command(String),
    /// An instruction without what it needs.
    #[error("{0} requires {1}")]
    Arguments(String, &'static str),
    /// A name without a value.
    #[error("{0} must have two arguments")]
    Pairs(String),
    /// A word of `NAME=value` that is none.
    #[error("Syntax error - can't find = in {word:?}. Must be of the form: name=value")]
    NoEquals {
        /// The word.
        word: String,
    },
    /// A port that is none.
    #[error("Invalid containerPort: {0}")]
    Port(String),
    /// A protocol that is none.
    #[error("Invalid proto: {0}")]
    Protocol(String),
    /// A health check we cannot read.
    #[error("{0:?} is no health check")]
    Health(String),
    /// A `$` we cannot read.
    #[error("{0:?}: only $NAME and ${{NAME}} are understood")]
    Variable(String),
    /// A quote without its end.
    #[error("unexpected end of statement while looking for matching quote in {0:?}")]
    Quote(String),
}

type Result<T> = std::result::Result<T, BadChange>;

/// The config that these instructions make of an empty one.
///
/// # Errors
/// [`BadChange`] for the first that cannot be followed.
pub fn apply(changes: &[String]) -> Result<Config> {
    apply_to(Config::default(), changes)
}

/// The same for a config that is there. An entry point of its own does without the command that
/// was there, unless one is given too (moby 20.10, builder/dockerfile/dispatchers.go
/// `dispatchEntrypoint`).
///
/// # Errors
/// As [`apply`].
pub fn apply_to(mut config: Config, changes: &[String]) -> Result<Config> {
    if changes.is_empty() {
        return Ok(config);
    }
    let text = changes.join("\n");
    let instructions = instructions(&text);
    if instructions.is_empty() {
        return Err(BadChange::Empty);
    }
    let parsed: Vec<(String, &str)> = instructions.iter().map(|line| split(line)).collect();
    if let Some((command, _)) = parsed.iter().find(|(command, _)| !COMMANDS.contains(&command.as_str())) {
        return Err(BadChange::Command(command.clone()));
    }
    let mut commanded = false;
    for (command, rest) in &parsed {
        follow(&mut config, command, rest)?;
        commanded |= command == "cmd";
        if command == "entrypoint" && !commanded {
            config.cmd = None;
        }
    }
    Ok(config)
}

/// moby `validCommitCommands`.
const COMMANDS: [&str; 10] =
    ["cmd", "entrypoint", "healthcheck", "env", "expose", "label", "onbuild", "user", "volume", "workdir"];

/// Lines with their continuations joined; comments and blank lines left out.
fn instructions(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        let trimmed = line.trim_start();
        if trimmed.starts_with('#') || (open.is_none() && trimmed.is_empty()) {
            continue;
        }
        let line = if open.is_none() { trimmed } else { line };
        let (piece, goes_on) = match line.trim_end().strip_suffix('\\') {
            Some(piece) => (piece, true),
            None => (line.trim_end(), false),
        };
        open.get_or_insert_default().push_str(piece);
        if !goes_on {
            found.extend(open.take());
        }
    }
    found.extend(open);
    found
}

fn split(line: &str) -> (String, &str) {
    let (command, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    (command.to_lowercase(), rest.trim())
}

fn follow(config: &mut Config, command: &str, rest: &str) -> Result<()> {
    if rest.is_empty() && command != "cmd" && command != "entrypoint" {
        let wanted =
            if matches!(command, "user" | "workdir") { "exactly one argument" } else { "at least one argument" };
        return Err(BadChange::Arguments(command.to_uppercase(), wanted));
    }
    match command {
        "cmd" => config.cmd = Some(arguments(rest)),
        "entrypoint" => config.entrypoint = Some(arguments(rest)),
        "healthcheck" => config.healthcheck = Some(health(rest)?),
        "env" => {
            for (name, value) in pairs("ENV", &expand(rest, config)?)? {
                set_env(config, &name, &value);
            }
        }
        "label" => {
            let labels = pairs("LABEL", &expand(rest, config)?)?;
            config.labels.get_or_insert_default().extend(labels);
        }
        "expose" => {
            for word in words(&expand(rest, config)?)? {
                config.exposed_ports.get_or_insert_default().extend(ports(&word)?);
            }
        }
        "onbuild" => config.on_build.get_or_insert_default().push(rest.to_owned()),
        "user" => config.user = words(&expand(rest, config)?)?.join(" "),
        "volume" => {
            let volumes = match list(rest) {
                Some(listed) => listed,
                None => words(&expand(rest, config)?)?,
            };
            let volumes = volumes.into_iter().map(|path| (path, Empty {}));
            config.volumes.get_or_insert_default().extend(volumes);
        }
        _ => {
            let to = words(&expand(rest, config)?)?.join(" ");
            let joined = format!("{}/{to}", if to.starts_with('/') { "" } else { &config.working_dir });
            config.working_dir = clean(&joined);
        }
    }
    Ok(())
}

fn clean(path: &str) -> String {
    let cleaned = base::gopath::clean(format!("/{path}").as_bytes());
    String::from_utf8(cleaned).expect("cleaning keeps or drops whole elements of a text")
}

/// A JSON list of texts, if it is one.
fn list(text: &str) -> Option<Vec<String>> {
    serde_json::from_str(text).ok()
}

/// A command: a JSON list as it stands, anything else for the shell.
fn arguments(text: &str) -> Vec<String> {
    match list(text) {
        Some(listed) => listed,
        None if text.is_empty() => Vec::new(),
        None => ["/bin/sh", "-c", text].map(str::to_owned).to_vec(),
    }
}

fn set_env(config: &mut Config, name: &str, value: &str) {
    let env = config.env.get_or_insert_default();
    let line = format!("{name}={value}");
    let same = |line: &&mut String| line.split_once('=').is_some_and(|(key, _)| key == name);
    match env.iter_mut().find(same) {
        Some(old) => *old = line,
        None => env.push(line),
    }
}

/// `a=b c="d e"`, or the old `a the rest`.
fn pairs(command: &str, text: &str) -> Result<Vec<(String, String)>> {
    let split = raw_words(text)?;
    let first = split.first().map_or("", String::as_str);
    if !first.contains('=') {
        let (name, value) = text.split_once(char::is_whitespace).ok_or(BadChange::Pairs(command.to_owned()))?;
        return Ok(vec![(unquote(name)?, unquote(value.trim())?)]);
    }
    let pair = |word: String| match word.split_once('=') {
        Some((name, value)) => Ok((unquote(name)?, unquote(value)?)),
        None => Err(BadChange::NoEquals { word }),
    };
    split.into_iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply_one(change: &str) -> Result<Config> {
        apply(&[change.to_owned()])
    }

    fn json(config: &Config) -> serde_json::Value {
        serde_json::to_value(config).expect("a config is JSON")
    }

    /// What dockerd 20.10.24 made of each.
    #[test]
    fn changes_are_followed_as_dockerd_follows_them() {
        for (change, key, value) in [
            ("CMD a b", "Cmd", r#"["/bin/sh","-c","a b"]"#),
            (r#"cmd ["a"]"#, "Cmd", r#"["a"]"#),
            ("ENTRYPOINT e f", "Entrypoint", r#"["/bin/sh","-c","e f"]"#),
            ("ENV A B C", "Env", r#"["A=B C"]"#),
            ("ENV A=$PATH", "Env", r#"["A="]"#),
            ("ENV A=1\nENV B=$A${A}", "Env", r#"["A=1","B=11"]"#),
            (r#"ENV a=b\ c d='q "r"' e="s t\"u""#, "Env", r#"["a=b c","d=q \"r\"","e=s t\"u"]"#),
            ("ENV A=1 B=2\nENV A=3", "Env", r#"["A=3","B=2"]"#),
            ("EXPOSE 80/udp 90", "ExposedPorts", r#"{"80/udp":{},"90/tcp":{}}"#),
            ("EXPOSE 80-82", "ExposedPorts", r#"{"80/tcp":{},"81/tcp":{},"82/tcp":{}}"#),
            ("EXPOSE 127.0.0.1:80:80", "ExposedPorts", r#"{"80/tcp":{}}"#),
            (r#"LABEL "x y"=z"#, "Labels", r#"{"x y":"z"}"#),
            ("ONBUILD RUN x", "OnBuild", r#"["RUN x"]"#),
            ("USER u", "User", r#""u""#),
            ("VOLUME /a /b", "Volumes", r#"{"/a":{},"/b":{}}"#),
            (r#"VOLUME ["/a","/b"]"#, "Volumes", r#"{"/a":{},"/b":{}}"#),
            ("WORKDIR /x", "WorkingDir", r#""/x""#),
            ("WORKDIR y", "WorkingDir", r#""/y""#),
            ("HEALTHCHECK NONE", "Healthcheck", r#"{"Test":["NONE"]}"#),
            ("HEALTHCHECK --interval=5s CMD x", "Healthcheck", r#"{"Test":["CMD-SHELL","x"],"Interval":5000000000}"#),
        ] {
            let config = json(&apply_one(change).expect(change));
            assert_eq!(config[key].to_string(), value, "{change}");
        }
    }

    #[test]
    fn dockerds_sentences_for_what_is_no_change() {
        for (change, sentence) in [
            ("RUN x", "run is not a valid change command"),
            ("STOPSIGNAL 9", "stopsignal is not a valid change command"),
            ("ENV A", "ENV must have two arguments"),
            ("EXPOSE x", "Invalid containerPort: x"),
            ("", "file with no instructions"),
            ("# c", "file with no instructions"),
        ] {
            assert_eq!(apply_one(change).map_err(|bad| bad.to_string()), Err(sentence.to_owned()), "{change}");
        }
    }

    #[test]
    fn a_value_that_is_put_in_is_no_syntax() {
        let config = apply_one("ENV A='x y\"z'\nENV B=$A C=\"$A\"").expect("plain changes");
        assert_eq!(config.env.as_deref(), Some(&["A=x y\"z", "B=x y\"z", "C=x y\"z"].map(str::to_owned)[..]));
    }

    #[test]
    fn continued_lines_are_one_instruction() {
        let config = apply_one("ENV A=1 \\\n# a comment\n  B=2").expect("one instruction");
        assert_eq!(config.env.as_deref(), Some(&["A=1", "B=2"].map(str::to_owned)[..]));
    }
}
