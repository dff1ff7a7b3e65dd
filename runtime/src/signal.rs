//! Signals by the names and numbers that docker takes: `TERM`, `SIGTERM`, `sigterm`, `15`,
//! `RTMIN+3`.
//!
//! moby 20.10, pkg/signal/signal.go `ParseSignal` and its table.

/// A text that names no signal. The words are dockerd's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid signal: {0}")]
pub struct BadSignal(pub String);

/// The first and the last real-time signal, as Go counts them (glibc keeps 32 and 33).
const REAL_TIME: (i32, i32) = (34, 64);

const NAMES: [(&str, i32); 34] = [
    ("ABRT", libc::SIGABRT),
    ("ALRM", libc::SIGALRM),
    ("BUS", libc::SIGBUS),
    ("CHLD", libc::SIGCHLD),
    ("CLD", libc::SIGCHLD),
    ("CONT", libc::SIGCONT),
    ("FPE", libc::SIGFPE),
    ("HUP", libc::SIGHUP),
    ("ILL", libc::SIGILL),
    ("INT", libc::SIGINT),
    ("IO", libc::SIGIO),
    ("IOT", libc::SIGABRT),
    ("KILL", libc::SIGKILL),
    ("PIPE", libc::SIGPIPE),
    ("POLL", libc::SIGIO),
    ("PROF", libc::SIGPROF),
    ("PWR", libc::SIGPWR),
    ("QUIT", libc::SIGQUIT),
    ("SEGV", libc::SIGSEGV),
    ("STKFLT", libc::SIGSTKFLT),
    ("STOP", libc::SIGSTOP),
    ("SYS", libc::SIGSYS),
    ("TERM", libc::SIGTERM),
    ("TRAP", libc::SIGTRAP),
    ("TSTP", libc::SIGTSTP),
    ("TTIN", libc::SIGTTIN),
    ("TTOU", libc::SIGTTOU),
    ("URG", libc::SIGURG),
    ("USR1", libc::SIGUSR1),
    ("USR2", libc::SIGUSR2),
    ("VTALRM", libc::SIGVTALRM),
    ("WINCH", libc::SIGWINCH),
    ("XCPU", libc::SIGXCPU),
    ("XFSZ", libc::SIGXFSZ),
];

/// The number of the signal that `text` names.
///
/// # Errors
/// [`BadSignal`] for an unknown name and for 0. Any other number passes, as with docker: whether
/// it can be sent is seen when it is, see [`is_known`].
pub fn parse(text: &str) -> Result<i32, BadSignal> {
    if let Ok(number) = text.parse::<i32>() {
        return if number == 0 { Err(BadSignal(text.to_owned())) } else { Ok(number) };
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let plain = NAMES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
    plain.or_else(|| real_time(name)).ok_or_else(|| BadSignal(text.to_owned()))
}

/// Docker's table goes from the lower end to the middle and from the upper end to the middle.
fn real_time(name: &str) -> Option<i32> {
    let (lowest, highest) = REAL_TIME;
    let far = |offset: &str, most: i32| offset.parse::<i32>().ok().filter(|far| (1..=most).contains(far));
    match (name.strip_prefix("RTMIN"), name.strip_prefix("RTMAX")) {
        (Some(""), _) => Some(lowest),
        (_, Some("")) => Some(highest),
        (Some(offset), _) => far(offset.strip_prefix('+')?, 15).map(|far| lowest + far),
        (_, Some(offset)) => far(offset.strip_prefix('-')?, 14).map(|far| highest - far),
        _ => None,
    }
}

/// Whether docker's table has this number. `kill` refuses others.
pub fn is_known(number: i32) -> bool {
    let (lowest, highest) = REAL_TIME;
    NAMES.iter().any(|(_, known)| *known == number) || (lowest..=highest).contains(&number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_has_a_name_with_or_without_sig_or_a_number() {
        for text in ["TERM", "SIGTERM", "sigterm", "Term", "15"] {
            assert_eq!(parse(text), Ok(libc::SIGTERM), "{text}");
        }
        assert_eq!(parse("RTMIN+3"), Ok(37));
        assert_eq!(parse("SIGRTMAX-14"), Ok(50));
        assert_eq!(parse("99"), Ok(99));
    }

    #[test]
    fn what_is_no_signal_is_refused_in_dockerds_words() {
        for text in ["FOO", "0", "", "RTMIN+16", "RTMAX-15", "RTMIN-1", "SIGSIGTERM"] {
            assert_eq!(parse(text).expect_err(text).to_string(), format!("Invalid signal: {text}"));
        }
    }

    #[test]
    fn numbers_without_a_name_are_not_known() {
        assert!(is_known(9) && is_known(64) && is_known(34));
        assert!(!is_known(32) && !is_known(65) && !is_known(-1));
    }
}
