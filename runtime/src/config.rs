//! What a container's config becomes: the user's wishes completed by the image's, checked and
//! cleaned. Pure.
//!
//! moby 20.10, daemon/commit.go `merge`, daemon/create.go `mergeAndVerifyConfig`,
//! daemon/container.go `validateContainerConfig`.

use std::collections::BTreeMap;

use base::{ContainerId, gopath};
use containers::{Config, Spelling, config_v2::HealthConfig};

use crate::signal;

/// Why a config is refused. The words are dockerd's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadConfig {
    /// Neither image nor user says what to run.
    #[error("No command specified")]
    NoCommand,
    /// It must be absolute.
    #[error("the working directory '{0}' is invalid, it needs to be an absolute path")]
    WorkingDir(String),
    /// An entry without a name.
    #[error("invalid environment variable: {0}")]
    Env(String),
    /// No signal has this name.
    #[error(transparent)]
    StopSignal(#[from] signal::BadSignal),
}

/// Checks what the user asked for, before the image is looked at.
///
/// # Errors
/// [`BadConfig`]; the first thing that is wrong.
pub fn check(config: &Config) -> Result<(), BadConfig> {
    if !config.working_dir.is_empty() && !config.working_dir.starts_with('/') {
        return Err(BadConfig::WorkingDir(config.working_dir.clone()));
    }
    if !config.stop_signal.is_empty() {
        signal::parse(&config.stop_signal)?;
    }
    let nameless = |entry: &&String| entry.is_empty() || entry.starts_with('=');
    match config.env.iter().flatten().find(nameless) {
        Some(entry) => Err(BadConfig::Env(entry.clone())),
        None => Ok(()),
    }
}

/// Completes the user's config with the image's.
///
/// # Errors
/// [`BadConfig::NoCommand`] when there is nothing to run.
pub fn merge(config: &mut Config, image: Option<&Config>) -> Result<(), BadConfig> {
    if let Some(image) = image {
        complete(config, image);
    }
    if config.entrypoint.as_deref() == Some(&[String::new()]) {
        config.entrypoint = None;
    }
    if is_empty(&config.entrypoint) && is_empty(&config.cmd) {
        return Err(BadConfig::NoCommand);
    }
    Ok(())
}

/// The executable and its arguments.
pub fn path_and_args(config: &Config) -> (String, Vec<String>) {
    let mut words = config.entrypoint.iter().flatten().chain(config.cmd.iter().flatten()).cloned();
    (words.next().unwrap_or_default(), words.collect())
}

/// What can only be said when the container has an id: its host name. And the working directory
/// as it will be made.
pub fn settle(config: &mut Config, id: &ContainerId, host_name: Option<&str>) {
    if config.hostname.is_empty() {
        config.hostname = host_name.map_or_else(|| containers::hostname::default(id), str::to_owned);
    }
    if !config.working_dir.is_empty() {
        let cleaned = gopath::clean(config.working_dir.as_bytes());
        config.working_dir = String::from_utf8_lossy(&cleaned).into_owned();
    }
}

fn complete(config: &mut Config, image: &Config) {
    or_else(&mut config.user, &image.user);
    or_else(&mut config.working_dir, &image.working_dir);
    or_else(&mut config.stop_signal, &image.stop_signal);
    complete_map(&mut config.exposed_ports, &image.exposed_ports, Precedence::Ours);
    complete_map(&mut config.volumes, &image.volumes, Precedence::Theirs);
    complete_env(&mut config.env, &image.env);
    let labels = config.labels.get_or_insert_default();
    for (key, value) in image.labels.iter().flatten() {
        labels.entry(key.clone()).or_insert_with(|| value.clone());
    }
    if is_empty(&config.entrypoint) {
        if is_empty(&config.cmd) {
            config.cmd.clone_from(&image.cmd);
        }
        // An empty list is a wish: no entrypoint. Only none at all takes the image's.
        if config.entrypoint.is_none() {
            config.entrypoint.clone_from(&image.entrypoint);
        }
    }
    complete_healthcheck(&mut config.healthcheck, image.healthcheck.as_ref());
}

fn or_else(ours: &mut String, theirs: &str) {
    if ours.is_empty() {
        theirs.clone_into(ours);
    }
}

fn is_empty(list: &Option<Vec<String>>) -> bool {
    list.as_ref().is_none_or(Vec::is_empty)
}

#[derive(PartialEq)]
enum Precedence {
    Ours,
    Theirs,
}

fn complete_map<V: Clone>(
    ours: &mut Option<BTreeMap<String, V>>,
    theirs: &Option<BTreeMap<String, V>>,
    wins: Precedence,
) {
    match ours {
        Some(ours) if !ours.is_empty() => {
            for (key, value) in theirs.iter().flatten() {
                if wins == Precedence::Theirs || !ours.contains_key(key) {
                    ours.insert(key.clone(), value.clone());
                }
            }
        }
        _ => ours.clone_from(theirs),
    }
}

/// The user's variables first; of the image's, those whose names he did not give, behind them.
fn complete_env(ours: &mut Option<Vec<String>>, theirs: &Option<Vec<String>>) {
    match ours {
        Some(ours) if !ours.is_empty() => {
            let given: Vec<String> = ours.iter().map(|entry| name_of(entry).to_owned()).collect();
            let missing = theirs.iter().flatten().filter(|entry| !given.iter().any(|name| name == name_of(entry)));
            ours.extend(missing.cloned());
        }
        _ => ours.clone_from(theirs),
    }
}

fn name_of(entry: &str) -> &str {
    entry.split('=').next().unwrap_or(entry)
}

fn complete_healthcheck(ours: &mut Option<HealthConfig>, theirs: Option<&HealthConfig>) {
    let Some(theirs) = theirs else { return };
    let ours = ours.get_or_insert_default();
    if is_empty(&ours.test) {
        ours.test.clone_from(&theirs.test);
    }
    let pick = |ours: &mut i64, theirs: i64| {
        if *ours == 0 {
            *ours = theirs;
        }
    };
    pick(&mut ours.interval, theirs.interval);
    pick(&mut ours.timeout, theirs.timeout);
    pick(&mut ours.start_period, theirs.start_period);
    pick(&mut ours.start_interval, theirs.start_interval);
    pick(&mut ours.retries, theirs.retries);
    // Written in dockerd's order, not in the image's.
    ours.spelling = Spelling::default();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(words: &[&str]) -> Option<Vec<String>> {
        Some(words.iter().map(|word| (*word).to_owned()).collect())
    }

    fn merged(ours: Config, image: Config) -> Result<Config, BadConfig> {
        let mut config = ours;
        merge(&mut config, Some(&image)).map(|()| config)
    }

    fn image() -> Config {
        Config { entrypoint: list(&["/entry"]), cmd: list(&["arg"]), ..Config::default() }
    }

    #[test]
    fn the_command_is_the_users_behind_the_images_entrypoint() {
        let config = merged(Config { cmd: list(&["mine"]), ..Config::default() }, image()).expect("a command");
        assert_eq!(path_and_args(&config), ("/entry".to_owned(), vec!["mine".to_owned()]));
    }

    #[test]
    fn an_entrypoint_of_the_users_takes_the_images_command_away_too() {
        let config = merged(Config { entrypoint: list(&["/mine"]), ..Config::default() }, image()).expect("a command");
        assert_eq!(path_and_args(&config), ("/mine".to_owned(), vec![]));
    }

    #[test]
    fn an_empty_entrypoint_is_none_and_the_images_command_goes_with_it() {
        let empty = Config { entrypoint: list(&[""]), ..Config::default() };
        assert_eq!(merged(empty.clone(), image()), Err(BadConfig::NoCommand));
        let config = merged(Config { cmd: list(&["sh"]), ..empty }, image()).expect("a command");
        assert_eq!((config.entrypoint.clone(), path_and_args(&config).0), (None, "sh".to_owned()));
    }

    #[test]
    fn nothing_to_run_is_an_error() {
        assert_eq!(merged(Config::default(), Config::default()), Err(BadConfig::NoCommand));
        assert_eq!(merge(&mut Config::default(), None), Err(BadConfig::NoCommand));
    }

    #[test]
    fn the_users_variables_come_first_and_win() {
        let ours = Config { env: list(&["X=1", "A=2", "GONE"]), ..Config::default() };
        let theirs = Config { env: list(&["A=1", "B=1", "GONE=0"]), ..image() };
        assert_eq!(merged(ours, theirs).expect("a command").env, list(&["X=1", "A=2", "GONE", "B=1"]));
    }

    #[test]
    fn empty_maps_of_the_client_become_what_the_image_has() {
        let ours = Config { volumes: Some(BTreeMap::new()), ..Config::default() };
        assert_eq!(merged(ours, image()).expect("a command").volumes, None);
    }

    #[test]
    fn labels_are_never_null_and_the_users_win() {
        let pairs = |pairs: &[(&str, &str)]| -> Option<BTreeMap<String, String>> {
            Some(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
        };
        assert_eq!(merged(Config::default(), image()).expect("a command").labels, pairs(&[]));
        let ours = Config { labels: pairs(&[("k", "mine")]), ..Config::default() };
        let theirs = Config { labels: pairs(&[("k", "theirs"), ("q", "r")]), ..image() };
        assert_eq!(merged(ours, theirs).expect("a command").labels, pairs(&[("k", "mine"), ("q", "r")]));
    }

    #[test]
    fn a_healthcheck_is_completed_field_by_field() {
        let check = |test, interval, retries| Some(HealthConfig { test, interval, retries, ..HealthConfig::default() });
        let ours = Config { healthcheck: check(None, 5, 0), ..Config::default() };
        let theirs = Config { healthcheck: check(list(&["CMD", "true"]), 7, 3), ..image() };
        assert_eq!(merged(ours, theirs).expect("a command").healthcheck, check(list(&["CMD", "true"]), 5, 3));
    }

    #[test]
    fn a_bad_wish_is_refused_in_dockerds_words() {
        let words = |config: Config| check(&config).expect_err("a bad config").to_string();
        let relative = Config { working_dir: "rel".to_owned(), ..Config::default() };
        let asked = "the working directory 'rel' is invalid, it needs to be an absolute path";
        assert_eq!(words(relative), asked);
        assert_eq!(words(Config { stop_signal: "FOO".to_owned(), ..Config::default() }), "Invalid signal: FOO");
        assert_eq!(words(Config { env: list(&["=x"]), ..Config::default() }), "invalid environment variable: =x");
    }

    #[test]
    fn the_host_name_is_the_ids_first_twelve_digits_and_the_working_directory_clean() {
        let id: ContainerId = "0123456789abcdef".parse().expect("an id");
        let mut config = Config { working_dir: "/w//y/../z/".to_owned(), ..Config::default() };
        settle(&mut config, &id, None);
        assert_eq!((config.hostname.as_str(), config.working_dir.as_str()), ("0123456789ab", "/w/z"));
        let mut on_host = Config::default();
        settle(&mut on_host, &id, Some("vm"));
        assert_eq!(on_host.hostname, "vm");
    }
}
