//! What an engine said, and how a story's value is told as text so that two of them can be compared.
//!
//! Standard output and exit code are compared exactly. Of standard error, the engine's sentences and the
//! container's own words are; usage, hints and minidock's `because` lines are not (each side helps in its own way).

use std::fmt::Write as _;

use serde_json::Value;

/// One command's words and exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What was asked, without the client's own options.
    pub args: Vec<String>,
    /// Standard output.
    pub out: String,
    /// Standard error, whole.
    pub err: String,
    /// The exit code; 128 and the signal's number if it was ended by one.
    pub code: i32,
}

impl Said {
    /// Standard output without its last newline, of a command that must have worked.
    #[track_caller]
    pub fn ok(&self) -> &str {
        assert_eq!(self.code, 0, "{} failed: {}{}", self.args.join(" "), self.out, self.err);
        self.out.strip_suffix('\n').unwrap_or(&self.out)
    }

    /// With its output's lines in order of the alphabet, for those that dockerd gives in any.
    pub fn sorted(mut self) -> Self {
        self.out = lines_sorted(&self.out) + "\n";
        self
    }

    /// Its output as JSON, with lists in order where docker takes them from a map of Go's.
    #[track_caller]
    pub fn json(mut self) -> Self {
        let value = serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err));
        self.out = in_order(value).told();
        self
    }

    /// The lines of standard error that both sides must have in common.
    pub fn sentences(&self) -> Vec<String> {
        self.err.lines().filter_map(sentence).collect()
    }
}

fn sentence(line: &str) -> Option<String> {
    const HELP: [&str; 8] =
        ["  because ", "hint: ", "WARNING: ", "See 'docker", "Run 'docker", "See 'minidock", "Run 'minidock", "Usage:"];
    // `time=`: docker's client on its own loss of a container that is gone already.
    if line.trim().is_empty() || line.starts_with("time=") || HELP.iter().any(|help| line.starts_with(help)) {
        return None;
    }
    // docker run ends its client's sentence with a full stop, minidock's come as they are.
    match line.strip_prefix("docker: ").or_else(|| line.strip_prefix("minidock: ")) {
        Some(rest) => Some(rest.strip_suffix('.').unwrap_or(rest).to_owned()),
        None => Some(line.to_owned()),
    }
}

/// A value that can be told as text, for comparison and for a readable difference.
pub trait Tell {
    /// Appends it, ending in a newline.
    fn tell(&self, page: &mut String);

    /// The whole of it.
    fn told(&self) -> String {
        let mut page = String::new();
        self.tell(&mut page);
        page
    }
}

impl Tell for Said {
    fn tell(&self, page: &mut String) {
        let line = |page: &mut String, text: &str| {
            page.push_str(text);
            page.push('\n');
        };
        line(page, &format!("$ {}", self.args.join(" ")));
        self.out.lines().for_each(|text| line(page, text));
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            line(page, "(no newline at the end)");
        }
        self.sentences().iter().for_each(|text| line(page, &format!("stderr: {text}")));
        line(page, &format!("exit {}", self.code));
    }
}

impl Tell for str {
    fn tell(&self, page: &mut String) {
        page.push_str(self);
        if !self.ends_with('\n') {
            page.push('\n');
        }
    }
}

impl Tell for String {
    fn tell(&self, page: &mut String) {
        self.as_str().tell(page);
    }
}

impl Tell for Value {
    fn tell(&self, page: &mut String) {
        serde_json::to_string_pretty(self).expect("a value is printable").tell(page);
    }
}

macro_rules! tell_by_display {
    ($($kind:ty)*) => { $(impl Tell for $kind {
        fn tell(&self, page: &mut String) {
            writeln!(page, "{self}").expect("a string takes everything");
        }
    })* };
}
tell_by_display!(bool i32 i64 u32 u64 usize);

impl Tell for () {
    fn tell(&self, _: &mut String) {}
}

impl<T: Tell> Tell for Option<T> {
    fn tell(&self, page: &mut String) {
        match self {
            Some(value) => value.tell(page),
            None => "(none)".tell(page),
        }
    }
}

impl<T: Tell> Tell for Vec<T> {
    fn tell(&self, page: &mut String) {
        self.iter().for_each(|value| value.tell(page));
    }
}

impl<T: Tell + ?Sized> Tell for &T {
    fn tell(&self, page: &mut String) {
        (**self).tell(page);
    }
}

macro_rules! tell_tuples {
    ($(($($name:ident)+))*) => { $(impl<$($name: Tell),+> Tell for ($($name,)+) {
        fn tell(&self, page: &mut String) {
            #[expect(non_snake_case, reason = "a type's name serves as its value's")]
            let ($($name,)+) = self;
            $($name.tell(page);)+
        }
    })* };
}
tell_tuples! { (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H)
(A B C D E F G H I) (A B C D E F G H I J) }

/// Ids of dockerd's own networks, made anew at every start of it. minidock has no store of networks yet and leaves
/// them empty, as dockerd does in a container that was never started; dockerd fills them in when it starts one.
const NETWORK_IDS: [&str; 4] = ["EndpointID", "NetworkID", "SandboxID", "SandboxKey"];

/// The value with those lists in order that docker takes from maps: mounts, and what `-e` and `-v` gave. Keys stay;
/// the ids of networks are left out.
pub(crate) fn in_order(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(map.into_iter().map(|(key, value)| in_order_at(key, value)).collect()),
        Value::Array(items) => Value::Array(items.into_iter().map(in_order).collect()),
        other => other,
    }
}

fn in_order_at(key: String, value: Value) -> (String, Value) {
    let mut value = in_order(value);
    match (key.as_str(), &mut value) {
        (id, Value::String(text)) if NETWORK_IDS.contains(&id) => *text = "(a network's)".to_owned(),
        ("Binds" | "Env", Value::Array(lines)) => lines.sort_by_key(ToString::to_string),
        ("Mounts", Value::Array(mounts)) => mounts.sort_by_key(|mount| mount["Destination"].to_string()),
        _ => {}
    }
    (key, value)
}

/// The same lines in order of the alphabet, for output whose order is nobody's promise.
pub fn lines_sorted(text: &str) -> String {
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(err: &str) -> Said {
        Said { args: vec![], out: String::new(), err: err.to_owned(), code: 1 }
    }

    #[test]
    fn the_engines_sentence_is_compared_and_help_is_not() {
        let docker =
            said("docker: Error response from daemon: Conflict. The name is taken..\nSee 'docker run --help'.\n");
        let minidock = said("Error response from daemon: Conflict. The name is taken.\n  because so\nhint: rm it\n");
        assert_eq!(docker.sentences(), minidock.sentences());
        assert_eq!(minidock.sentences(), ["Error response from daemon: Conflict. The name is taken."]);
    }
}
