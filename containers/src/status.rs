//! A container's state in words: `Up 3 minutes`, `Exited (0) 2 hours ago`, and the one word that
//! `ps --filter status=` takes.
//!
//! moby 20.10, container/state.go `String` and `StateString`, health.go `String`.

use base::{Time, units::human_duration};

use crate::config_v2::{Health, State};

impl State {
    /// What `docker ps` shows as STATUS at the time `now`. Empty for a container that was started
    /// but whose end nobody saw.
    pub fn text(&self, now: Time) -> String {
        let since = |time: &Time| human_duration(((now.unix_nanos() - time.unix_nanos()) / 1_000_000_000) as i64);
        match () {
            () if self.running && self.paused => format!("Up {} (Paused)", since(&self.started_at)),
            () if self.running && self.restarting => {
                format!("Restarting ({}) {} ago", self.exit_code, since(&self.finished_at))
            }
            () if self.running => match &self.health {
                Some(health) => format!("Up {} ({})", since(&self.started_at), health.text()),
                None => format!("Up {}", since(&self.started_at)),
            },
            () if self.removal_in_progress => "Removal In Progress".to_owned(),
            () if self.dead => "Dead".to_owned(),
            () if self.started_at.is_never() => "Created".to_owned(),
            () if self.finished_at.is_never() => String::new(),
            () => format!("Exited ({}) {} ago", self.exit_code, since(&self.finished_at)),
        }
    }

    /// `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`.
    pub fn word(&self) -> &'static str {
        match () {
            () if self.running && self.paused => "paused",
            () if self.running && self.restarting => "restarting",
            () if self.running => "running",
            () if self.removal_in_progress => "removing",
            () if self.dead => "dead",
            () if self.started_at.is_never() => "created",
            () => "exited",
        }
    }

    /// `none`, `starting`, `healthy` or `unhealthy`, for `ps --filter health=`.
    pub fn health_word(&self) -> &str {
        self.health.as_ref().map_or("none", Health::word)
    }
}

impl Health {
    /// The status; empty counts as unhealthy.
    pub fn word(&self) -> &str {
        if self.status.is_empty() { "unhealthy" } else { &self.status }
    }

    fn text(&self) -> &str {
        match self.word() {
            "starting" => "health: starting",
            word => word,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i128) -> Time {
        Time::from_unix_nanos((1_800_000_000 + seconds) * 1_000_000_000)
    }

    fn shown(state: &State) -> (String, &str) {
        (state.text(at(0)), state.word())
    }

    fn is(text: &str, word: &'static str) -> (String, &'static str) {
        (text.to_owned(), word)
    }

    #[test]
    fn every_state_has_dockers_words() {
        let mut state = State::default();
        assert_eq!(shown(&state), is("Created", "created"));
        state.set_running(7, at(-180));
        assert_eq!(shown(&state), is("Up 3 minutes", "running"));
        state.paused = true;
        assert_eq!(shown(&state), is("Up 3 minutes (Paused)", "paused"));
        state.set_stopped(137, false, at(-7200));
        assert_eq!(shown(&state), is("Exited (137) 2 hours ago", "exited"));
        state.dead = true;
        assert_eq!(shown(&state), is("Dead", "dead"));
        state.removal_in_progress = true;
        assert_eq!(shown(&state), is("Removal In Progress", "removing"));
    }

    #[test]
    fn restarting_tells_of_the_last_end() {
        let mut state = State::default();
        state.set_stopped(1, false, at(-5));
        (state.running, state.restarting) = (true, true);
        assert_eq!(shown(&state), is("Restarting (1) 5 seconds ago", "restarting"));
    }

    #[test]
    fn an_end_that_nobody_saw_has_no_text() {
        let state = State { started_at: at(-5), ..State::default() };
        assert_eq!(shown(&state), is("", "exited"));
    }

    #[test]
    fn health_is_told_while_it_runs() {
        let mut state = State::default();
        state.set_running(7, at(-60));
        for (status, text) in [("starting", "health: starting"), ("healthy", "healthy"), ("", "unhealthy")] {
            state.health = Some(Health { status: status.to_owned(), ..Health::default() });
            assert_eq!(state.text(at(0)), format!("Up About a minute ({text})"));
        }
    }
}
