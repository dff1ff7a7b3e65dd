//! A process's environment: what every container gets, then what its config says.
//!
//! moby 20.10, container/env.go `ReplaceOrAppendEnvValues`.

/// Where programs are looked for if the image does not say.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The environment of a container with this host name; `more` wins.
pub(super) fn environment(hostname: &str, tty: bool, more: &[String]) -> Vec<String> {
    let mut env = vec![PATH.to_owned(), format!("HOSTNAME={hostname}")];
    if tty {
        env.push("TERM=xterm".to_owned());
    }
    replace_or_append(env, more)
}

/// A variable of the same name is replaced in its place; one without `=` is taken away; others
/// come at the end, also when they repeat each other.
pub(super) fn replace_or_append(env: Vec<String>, more: &[String]) -> Vec<String> {
    let names: Vec<String> = env.iter().map(|entry| name_of(entry).to_owned()).collect();
    let mut slots: Vec<Option<String>> = env.into_iter().map(Some).collect();
    for entry in more {
        let place = names.iter().position(|name| name == name_of(entry));
        match (place, entry.contains('=')) {
            (Some(place), true) => slots[place] = Some(entry.clone()),
            (Some(place), false) => slots[place] = None,
            (None, true) => slots.push(Some(entry.clone())),
            (None, false) => {}
        }
    }
    slots.into_iter().flatten().collect()
}

fn name_of(entry: &str) -> &str {
    entry.split_once('=').map_or(entry, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(more: &[&str]) -> Vec<String> {
        environment("h", false, &more.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn path_and_hostname_come_first_unless_replaced_or_taken_away() {
        assert_eq!(env(&[]), [PATH, "HOSTNAME=h"]);
        assert_eq!(env(&["A=1", "PATH=/p"]), ["PATH=/p", "HOSTNAME=h", "A=1"]);
        assert_eq!(env(&["HOSTNAME", "NOT_THERE"]), [PATH]);
    }

    #[test]
    fn a_value_may_be_empty_and_hold_equal_signs() {
        assert_eq!(env(&["A=", "B=c=d"])[2..], ["A=", "B=c=d"]);
    }

    #[test]
    fn a_terminal_has_a_type() {
        assert_eq!(environment("h", true, &[])[2], "TERM=xterm");
    }
}
