//! A time in an image, with the zone offset it was written with: dockerd shows it so.

use std::{fmt, str::FromStr};

use base::{BadTime, Time};
use serde::{Deserialize, Serialize};

/// RFC 3339 as Go reads and writes it again: at most nine digits of a second, trailing zeros cut,
/// offset zero as `Z`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    time: Time,
    text: String,
}

impl Created {
    /// Go's zero time: nothing was said.
    pub fn never() -> Self {
        Time::NEVER.into()
    }

    /// The first second of 1970.
    pub(crate) fn epoch() -> Self {
        Time::from_unix_nanos(0).into()
    }

    /// The point in time.
    pub fn time(&self) -> Time {
        self.time
    }
}

impl Default for Created {
    fn default() -> Self {
        Self::never()
    }
}

impl From<Time> for Created {
    fn from(time: Time) -> Self {
        Self { time, text: time.to_string() }
    }
}

impl FromStr for Created {
    type Err = BadTime;

    fn from_str(text: &str) -> Result<Self, BadTime> {
        let bad = || BadTime(text.to_owned());
        let time = text.parse()?;
        let (seconds, rest) = text.split_at_checked(19).ok_or_else(bad)?;
        if seconds.as_bytes().get(10) != Some(&b'T') {
            return Err(bad());
        }
        let zone_at = rest.find(['Z', '+', '-']).ok_or_else(bad)?;
        let (fraction, zone) = rest.split_at(zone_at);
        let fraction = fraction.get(..10).unwrap_or(fraction).trim_end_matches('0').trim_end_matches('.');
        let zone = if matches!(zone, "+00:00" | "-00:00") { "Z" } else { zone };
        if zone != "Z" && (zone.len() != 6 || zone.starts_with('Z')) {
            return Err(bad());
        }
        Ok(Self { time, text: format!("{seconds}{fraction}{zone}") })
    }
}

impl fmt::Display for Created {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Created {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Created {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_out_as_go_writes_them() {
        for (read, written) in [
            ("2020-03-04T05:06:07.120+02:00", "2020-03-04T05:06:07.12+02:00"),
            ("2020-03-04T05:06:07.000Z", "2020-03-04T05:06:07Z"),
            ("2020-03-04T05:06:07+00:00", "2020-03-04T05:06:07Z"),
            ("2020-03-04T05:06:07.123456789-11:30", "2020-03-04T05:06:07.123456789-11:30"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ] {
            assert_eq!(read.parse::<Created>().map(|time| time.to_string()), Ok(written.to_owned()));
        }
    }

    #[test]
    fn the_offset_counts() {
        let time: Created = "1970-01-01T02:00:00+02:00".parse().expect("a time");
        assert_eq!(time.time().unix_nanos(), 0);
    }

    #[test]
    fn what_go_does_not_take_is_no_time() {
        for bad in ["", "2020-03-04", "2020-03-04 05:06:07Z", "2020-03-04T05:06:07", "2020-03-04T05:06:07Z[UTC]", "ä"]
        {
            assert!(bad.parse::<Created>().is_err(), "{bad}");
        }
    }
}
