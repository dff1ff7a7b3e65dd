//! Points in time as flags take them: RFC 3339 with or without its tail, seconds since 1970, or
//! how long ago (`10m`, `1h30m`).
//!
//! docker/docker api/types/time `GetTimestamp`, 20.10.

use base::Time;

const NANOS: i128 = 1_000_000_000;

/// The moment that a text means, seen from `now`.
pub fn moment(text: &str, now: Time) -> Option<Time> {
    // Zero is a moment, not a span.
    if let Some(ago) = base::units::go_duration(text).filter(|_| text != "0") {
        return Some(Time::from_unix_nanos(now.unix_nanos() - i128::from(ago)));
    }
    if let Some(time) = unix(text) {
        return Some(time);
    }
    let (date, clock) = text.split_once('T').unwrap_or((text, "00:00:00"));
    let (clock, zone) = match clock.find(['Z', '+', '-']) {
        Some(at) => clock.split_at(at),
        None => (clock, "Z"),
    };
    let clock = match clock.matches(':').count() {
        0 => format!("{clock}:00:00"),
        1 => format!("{clock}:00"),
        _ => clock.to_owned(),
    };
    format!("{date}T{clock}{zone}").parse().ok()
}

/// `1136073845` or `1136073845.000000001`
fn unix(text: &str) -> Option<Time> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = seconds.parse().ok()?;
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanos: i128 = format!("{fraction:0<9}").parse().ok()?;
    Some(Time::from_unix_nanos(i128::from(seconds) * NANOS + nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        let now: Time = "2026-01-02T03:04:05Z".parse().expect("a time");
        moment(text, now).map(|time| time.to_string())
    }

    #[test]
    fn times_and_spans_as_docker_takes_them() {
        for (text, means) in [
            ("10m", "2026-01-02T02:54:05Z"),
            ("1h30m", "2026-01-02T01:34:05Z"),
            ("1.5s", "2026-01-02T03:04:03.5Z"),
            ("0", "1970-01-01T00:00:00Z"),
            ("1136073845.5", "2006-01-01T00:04:05.5Z"),
            ("2020-01-02", "2020-01-02T00:00:00Z"),
            ("2020-01-02T10:11", "2020-01-02T10:11:00Z"),
            ("2020-01-02T10:11:12.25+02:00", "2020-01-02T08:11:12.25Z"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(means), "{text}");
        }
        for bad in ["", "x", "5x", "2020-13-01", "-", "10.0000000001"] {
            assert_eq!(shown(bad), None, "{bad}");
        }
    }
}
