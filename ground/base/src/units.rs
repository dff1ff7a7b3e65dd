//! Sizes and spans as docker shows them: docker/go-units, re-derived from its outputs.

/// Decimal sizes with four significant digits: `1.234kB`, `12.3MB`, `0B`.
///
/// go-units `HumanSize` is `%.4g` and the unit; [`human_size_3`] is what `docker ps -s` and
/// `docker images` print.
pub fn human_size(bytes: u64) -> String {
    scaled(bytes as f64, 1000.0, &["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"], 4)
}

/// Decimal sizes with three significant digits, as tables of docker show them (`7.8MB`).
pub fn human_size_3(bytes: u64) -> String {
    scaled(bytes as f64, 1000.0, &["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"], 3)
}

/// Binary sizes with four significant digits: `64MiB`, `1.5GiB`.
pub fn bytes_size(bytes: u64) -> String {
    scaled(bytes as f64, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"], 4)
}

fn scaled(mut value: f64, base: f64, units: &[&str], digits: usize) -> String {
    let mut unit = 0;
    while value >= base && unit + 1 < units.len() {
        value /= base;
        unit += 1;
    }
    format!("{}{}", general(value, digits), units[unit])
}

/// C's `%.{digits}g` for values from 0 up to below 10^digits or so.
fn general(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{value:.*e}", digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').expect("{:e} writes an e");
    let exponent: i32 = exponent.parse().expect("{:e} writes a number");
    if exponent >= digits as i32 || exponent < -4 {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trim_zeros(mantissa), exponent.abs());
    }
    let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
    trim_zeros(&format!("{value:.decimals$}")).to_owned()
}

fn trim_zeros(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// A span of seconds in words, `About a minute`, `3 hours`, as `docker ps` shows ages.
///
/// go-units `HumanDuration`.
pub fn human_duration(seconds: i64) -> String {
    let minutes = seconds / 60;
    let hours = (seconds as f64 / 3600.0).round() as i64;
    match () {
        () if seconds < 1 => "Less than a second".to_owned(),
        () if seconds == 1 => "1 second".to_owned(),
        () if seconds < 60 => format!("{seconds} seconds"),
        () if minutes == 1 => "About a minute".to_owned(),
        () if minutes < 60 => format!("{minutes} minutes"),
        () if hours == 1 => "About an hour".to_owned(),
        () if hours < 48 => format!("{hours} hours"),
        () if hours < 24 * 7 * 2 => format!("{} days", hours / 24),
        () if hours < 24 * 30 * 2 => format!("{} weeks", hours / 24 / 7),
        () if hours < 24 * 365 * 2 => format!("{} months", hours / 24 / 30),
        () => format!("{} years", seconds / 3600 / 24 / 365),
    }
}

/// Bytes of a size as docker's flags take it: `512m`, `1.5g`, `64MiB`, `1024`. Binary units.
///
/// go-units `RAMInBytes`. `None` for what is no size.
pub fn ram_in_bytes(text: &str) -> Option<i64> {
    in_bytes(text, 1024.0)
}

/// Bytes of a size in decimal units: `10k` is 10000.
///
/// go-units `FromHumanSize`. `None` for what is no size.
pub fn from_human_size(text: &str) -> Option<i64> {
    in_bytes(text, 1000.0)
}

fn in_bytes(text: &str, base: f64) -> Option<i64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().ok()?;
    let unit = unit.trim_start().to_ascii_lowercase();
    let unit = unit.strip_suffix("ib").or_else(|| unit.strip_suffix('b')).unwrap_or(&unit);
    let power = ["", "k", "m", "g", "t", "p"].iter().position(|name| *name == unit)?;
    Some((number * base.powi(power as i32)) as i64)
}

/// A duration in nanoseconds, as Go spells it: `1h30m`, `1.5s`, `100ms`, `0`.
///
/// Go, time/format.go `ParseDuration`.
pub fn go_duration(text: &str) -> Option<i64> {
    const UNITS: [(&str, f64); 8] =
        [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9)];
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut total = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, after) = rest.split_at(end);
        let unit_end = after.find(|letter: char| letter.is_ascii_digit() || letter == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total += number.parse::<f64>().ok()? * scale;
        rest = after;
    }
    let total = (sign * total).round();
    // i64::MAX is not a float: 2^63 is the first that does not fit.
    (total.abs() < 9.223_372_036_854_775e18).then_some(total as i64)
}

/// Nanoseconds as Go prints a duration: `1h2m3.5s`, `100ms`, `0s`.
///
/// Go, time/time.go `Duration.String`.
pub fn go_duration_text(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let size = nanos.unsigned_abs();
    let part = |value: u64, unit: u64, name: &str| {
        let (whole, rest) = (value / unit, value % unit);
        let width = unit.ilog10() as usize;
        let digits = format!("{rest:0width$}");
        let fraction = digits.trim_end_matches('0');
        if rest == 0 { format!("{whole}{name}") } else { format!("{whole}.{fraction}{name}") }
    };
    let text = match size {
        0 => "0s".to_owned(),
        1..1_000 => format!("{size}ns"),
        1_000..1_000_000 => part(size, 1_000, "µs"),
        1_000_000..1_000_000_000 => part(size, 1_000_000, "ms"),
        _ => {
            let (minutes, rest) = (size / 60_000_000_000, size % 60_000_000_000);
            let seconds = part(rest, 1_000_000_000, "s");
            match (minutes / 60, minutes % 60) {
                (0, 0) => seconds,
                (0, minutes) => format!("{minutes}m{seconds}"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
            }
        }
    };
    format!("{sign}{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_printed_as_go_does() {
        let shown = [0, 5, 1_500, 100_000_000, 1_000_000_000, 90_500_000_000, 3_600_000_000_000, -7_200_000_000_001];
        let words = ["0s", "5ns", "1.5µs", "100ms", "1s", "1m30.5s", "1h0m0s", "-2h0m0.000000001s"];
        assert_eq!(shown.map(go_duration_text), words);
    }

    #[test]
    fn sizes_as_docker_prints_them() {
        let shown: Vec<_> = [0, 5, 999, 1000, 1234, 1_980_000, 1_000_000_000].map(human_size_3).into();
        assert_eq!(shown, ["0B", "5B", "999B", "1kB", "1.23kB", "1.98MB", "1GB"]);
        assert_eq!(human_size(1_234_567), "1.235MB");
        assert_eq!(bytes_size(64 << 20), "64MiB");
    }

    #[test]
    fn rounding_up_to_a_thousand_is_written_like_c() {
        // `%.3g` of 999.9 is 1e+03, and docker does print that.
        assert_eq!(human_size_3(999_900), "1e+03kB");
    }

    #[test]
    fn ages_as_docker_prints_them() {
        let shown: Vec<_> =
            [0, 1, 59, 60, 119, 3599, 3600, 5399, 5400, 86400 * 2, 86400 * 15].map(human_duration).into();
        let docker = [
            "Less than a second",
            "1 second",
            "59 seconds",
            "About a minute",
            "About a minute",
            "59 minutes",
            "About an hour",
            "About an hour",
            "2 hours",
            "2 days",
            "2 weeks",
        ];
        assert_eq!(shown, docker);
    }

    #[test]
    fn sizes_as_flags_take_them() {
        assert_eq!(ram_in_bytes("64m"), Some(64 << 20));
        assert_eq!(ram_in_bytes("1.5G"), Some(3 << 29));
        assert_eq!(ram_in_bytes("64MiB"), Some(64 << 20));
        assert_eq!(ram_in_bytes("1024"), Some(1024));
        for bad in ["", "m", "1x", "-1", "1.2.3"] {
            assert_eq!(ram_in_bytes(bad), None, "{bad}");
        }
    }

    #[test]
    fn durations_are_gos() {
        assert_eq!(go_duration("1m30s"), Some(90_000_000_000));
        assert_eq!(go_duration("1.5ms"), Some(1_500_000));
        assert_eq!(go_duration("-2h"), Some(-7_200_000_000_000));
        assert_eq!(go_duration("0"), Some(0));
        assert_eq!(["", "5", "1x", "s", "1m3"].map(go_duration), [None; 5]);
    }
}
