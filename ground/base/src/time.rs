//! Points in time as Go writes them: RFC 3339 with nanoseconds, trailing zeros of the fraction
//! cut, and year 1 for "never".

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A text that is no RFC 3339 time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a time")]
pub struct BadTime(pub String);

/// A point in time, to the nanosecond.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(Timestamp);

impl Time {
    /// Go's zero time, `0001-01-01T00:00:00Z`: what dockerd writes for "never".
    pub const NEVER: Self = Self(Timestamp::constant(-62_135_596_800, 0));

    /// A count of nanoseconds since 1970; out of range (years before -9999 or after 9999) is
    /// [`Time::NEVER`].
    pub fn from_unix_nanos(nanos: i128) -> Self {
        Timestamp::from_nanosecond(nanos).map_or(Self::NEVER, Self)
    }

    /// Now, by the system's clock.
    pub fn now() -> Self {
        Self(Timestamp::now())
    }

    /// Whether this is Go's zero time.
    pub fn is_never(&self) -> bool {
        *self == Self::NEVER
    }

    /// Nanoseconds since 1970.
    pub fn unix_nanos(&self) -> i128 {
        self.0.as_nanosecond()
    }

    /// Whole seconds since 1970.
    pub fn unix_seconds(&self) -> i64 {
        self.0.as_second()
    }

    /// Seconds from `earlier` to this time; negative when `earlier` is later.
    pub fn seconds_since(&self, earlier: &Self) -> i64 {
        self.0.as_second() - earlier.0.as_second()
    }

    /// RFC 3339 in UTC with all nine digits of the fraction, as `docker logs -t` prints it.
    pub fn padded(&self) -> String {
        self.0.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S.%9fZ").to_string()
    }

    /// RFC 3339 in whole seconds and the local zone, as `docker history --format
    /// {{.CreatedAt}}` prints it.
    pub fn local_rfc3339_seconds(&self) -> String {
        let zoned = self.0.to_zoned(jiff::tz::TimeZone::system());
        let offset = if zoned.offset().is_zero() { "Z".to_owned() } else { zoned.strftime("%:z").to_string() };
        format!("{}{offset}", zoned.strftime("%Y-%m-%dT%H:%M:%S"))
    }

    /// RFC 3339 with all nine digits of the fraction, in the local zone, as `docker events` prints it.
    pub fn local_padded(&self) -> String {
        let zoned = self.0.to_zoned(jiff::tz::TimeZone::system());
        let offset = if zoned.offset().is_zero() { "Z".to_owned() } else { zoned.strftime("%:z").to_string() };
        format!("{}{offset}", zoned.strftime("%Y-%m-%dT%H:%M:%S.%9f"))
    }

    /// RFC 3339 with what there is of a fraction, in the local zone: Go's `RFC3339Nano`.
    pub fn local_rfc3339(&self) -> String {
        let zoned = self.0.to_zoned(jiff::tz::TimeZone::system());
        let offset = if zoned.offset().is_zero() { "Z".to_owned() } else { zoned.strftime("%:z").to_string() };
        let fraction = zoned.strftime("%.f").to_string();
        format!("{}{fraction}{offset}", zoned.strftime("%Y-%m-%dT%H:%M:%S"))
    }

    /// As Go's `Time.String` shows a local time: `2026-11-22 06:03:23 +0000 UTC`, which is what
    /// `docker ps --format {{.CreatedAt}}` prints (whole seconds).
    pub fn local_text(&self) -> String {
        self.0.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %z %Z").to_string()
    }
}

/// Go's zero time.
impl Default for Time {
    fn default() -> Self {
        Self::NEVER
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Time {
    type Err = BadTime;

    fn from_str(text: &str) -> Result<Self, BadTime> {
        text.parse().map(Self).map_err(|_| BadTime(text.to_owned()))
    }
}

impl Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_is_gos_zero_time() {
        assert_eq!(Time::NEVER.to_string(), "0001-01-01T00:00:00Z");
        assert_eq!("0001-01-01T00:00:00Z".parse(), Ok(Time::NEVER));
    }

    #[test]
    fn trailing_zeros_of_the_fraction_are_cut() {
        for text in ["2026-11-22T06:51:07.16660869Z", "2026-11-22T06:51:07.12Z", "2026-11-22T06:51:07Z"] {
            assert_eq!(text.parse::<Time>().map(|time| time.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_zone_offset_is_understood() {
        let with_offset: Time = "2026-11-22T08:51:07+02:00".parse().expect("an offset is valid");
        assert_eq!(with_offset.to_string(), "2026-11-22T06:51:07Z");
    }
}
