//! Stable names for what differs from run to run: ids, times, process ids, link names.
//!
//! The two texts are settled together: what stands in both is no chance and stays; what stands in one only is named
//! in order of its appearance, so a wrong reference still shows (`<id-2>` where the other has `<id-1>`).

use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// What a chance token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    /// 64 hexadecimal digits.
    Id,
    /// 12 of them.
    ShortId,
    /// 26 of `A–Z2–7`, an overlay2 link.
    Link,
    Time,
    /// `3 seconds ago`, `Less than a second`.
    Ago,
    Pid,
    /// Go's temporary names, `write-set-123456789`.
    Digits,
}

/// Both texts with the names of chance replaced.
pub fn settle(left: &str, right: &str) -> (String, String) {
    let (mine, theirs) = (scan(left), scan(right));
    let words = |text: &str, found: &[(Kind, Range<usize>)]| -> HashSet<String> {
        found.iter().map(|(_, at)| text[at.clone()].to_owned()).collect()
    };
    let (in_left, in_right) = (words(left, &mine), words(right, &theirs));
    let common: HashSet<_> = in_left.intersection(&in_right).cloned().collect();
    let settled = |text, found| links_in_order(&tidy(&rename(text, found, &common)));
    (settled(left, &mine), settled(right, &theirs))
}

fn rename(text: &str, found: &[(Kind, Range<usize>)], common: &HashSet<String>) -> String {
    let ids: Vec<&str> = found.iter().filter(|(kind, _)| *kind == Kind::Id).map(|(_, at)| &text[at.clone()]).collect();
    let mut named: HashMap<(Kind, &str), String> = HashMap::new();
    let mut count: HashMap<Kind, usize> = HashMap::new();
    let mut settled = String::with_capacity(text.len());
    let mut done = 0;
    let lately = lately();
    for (kind, at) in found {
        let word = &text[at.clone()];
        // Two stories may do something in the same second.
        let chance = matches!(kind, Kind::Ago)
            || (*kind == Kind::Time && lately.iter().any(|day| word.starts_with(day.as_str())));
        if common.contains(word) && !chance {
            continue;
        }
        // A short id is named as the id it abbreviates, wherever that one stands.
        let whole = match kind {
            Kind::ShortId => ids.iter().copied().find(|id| id.starts_with(word)).unwrap_or(word),
            _ => word,
        };
        let family = if *kind == Kind::ShortId { Kind::Id } else { *kind };
        let name = named.entry((family, whole)).or_insert_with(|| {
            let number = count.entry(family).or_default();
            *number += 1;
            match family {
                Kind::Id | Kind::ShortId => format!("id-{number}"),
                Kind::Link => format!("link-{number}"),
                Kind::Time => "time".to_owned(),
                Kind::Ago => "ago".to_owned(),
                Kind::Pid => "pid".to_owned(),
                Kind::Digits => "digits".to_owned(),
            }
        });
        settled.push_str(&text[done..at.start]);
        settled.push('<');
        settled.push_str(name);
        if *kind == Kind::ShortId {
            settled.push_str("..");
        }
        settled.push('>');
        done = at.end;
    }
    settled.push_str(&text[done..]);
    settled
}

/// overlay2's `l/` is a directory of nothing but chance: now that its entries have names, those give the order.
fn links_in_order(text: &str) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    lines.chunk_by_mut(|one, two| is_link(one) && is_link(two)).for_each(<[&str]>::sort_unstable);
    lines.concat()
}

fn is_link(line: &str) -> bool {
    line.trim_start().starts_with("<link-") && line.contains(" -> ")
}

/// A column's width follows `3 seconds ago`: where that stands, gaps of a table count as one.
fn tidy(text: &str) -> String {
    if !text.contains("<ago>") {
        return text.to_owned();
    }
    let mut tidied = String::with_capacity(text.len());
    for line in text.lines() {
        if line.contains("   ") && !line.starts_with(' ') {
            let cells: Vec<_> = line.split("   ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
            tidied.push_str(&cells.join("   "));
        } else {
            tidied.push_str(line);
        }
        tidied.push('\n');
    }
    tidied
}

fn scan(text: &str) -> Vec<(Kind, Range<usize>)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if at > 0 && bytes[at - 1].is_ascii_alphanumeric() {
            at += 1;
            continue;
        }
        match word_at(text, at) {
            Some((kind, length)) => {
                found.push((kind, at..at + length));
                at += length;
            }
            None => at += 1,
        }
    }
    found
}

fn word_at(text: &str, at: usize) -> Option<(Kind, usize)> {
    let rest = text.get(at..)?;
    time(rest)
        .map(|length| (Kind::Time, length))
        .or_else(|| ago(rest).map(|length| (Kind::Ago, length)))
        .or_else(|| pid(text, at).map(|length| (Kind::Pid, length)))
        .or_else(|| {
            let length = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
            let word = &rest[..length];
            let hex = || word.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            let base32 = || word.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'));
            let temporary =
                || at > 0 && text.as_bytes()[at - 1] == b'-' && word.bytes().all(|byte| byte.is_ascii_digit());
            match length {
                8..=11 if temporary() => Some((Kind::Digits, length)),
                64 if hex() => Some((Kind::Id, length)),
                12 if hex() => Some((Kind::ShortId, length)),
                26 if base32() => Some((Kind::Link, length)),
                _ => None,
            }
        })
}

/// Length of `2026-11-22T06:51:07.16660869Z` or `2026-11-22 06:23:38 +0000 UTC`.
fn time(rest: &str) -> Option<usize> {
    const SHAPE: &[u8] = b"dddd-dd-dd?dd:dd:dd";
    let bytes = rest.as_bytes();
    let fits = |(shape, byte): (&u8, &u8)| match shape {
        b'd' => byte.is_ascii_digit(),
        b'?' => matches!(byte, b'T' | b' '),
        exact => exact == byte,
    };
    if bytes.len() < SHAPE.len() || !SHAPE.iter().zip(bytes).all(fits) {
        return None;
    }
    let mut length = SHAPE.len();
    if bytes.get(length) == Some(&b'.') {
        length += 1 + bytes[length + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    }
    let tail = &rest[length..];
    let zone = ["Z", " +0000 UTC", "+00:00"].into_iter().find(|zone| tail.starts_with(zone));
    Some(length + zone.map_or(0, str::len))
}

/// Today and yesterday, as times begin: `2026-11-22`.
fn lately() -> [String; 2] {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let days = i64::try_from(since.as_secs() / 86_400).expect("not so late");
    [days, days - 1].map(|days| {
        // Years from March on, in eras of 400.
        let day = days + 719_468;
        let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let shifted = (5 * of_year + 2) / 153;
        let (month, date) =
            (if shifted < 10 { shifted + 3 } else { shifted - 9 }, of_year - (153 * shifted + 2) / 5 + 1);
        format!("{:04}-{month:02}-{date:02}", year + era * 400 + i64::from(month <= 2))
    })
}

/// Length of docker's words for a short while.
fn ago(rest: &str) -> Option<usize> {
    for fixed in ["Less than a second", "About a minute", "About an hour"] {
        if rest.starts_with(fixed) {
            return Some(fixed.len());
        }
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let unit = [" seconds", " second", " minutes", " minute"];
    let found = unit.into_iter().find(|unit| digits > 0 && rest[digits..].starts_with(unit))?;
    Some(digits + found.len())
}

/// Length of the number after `"Pid":`; 0 says something and stays.
fn pid(text: &str, at: usize) -> Option<usize> {
    let before = &text[..at];
    if !before.trim_end().ends_with("\"Pid\":") {
        return None;
    }
    let length = text[at..].bytes().take_while(u8::is_ascii_digit).count();
    (length > 0 && &text[at..at + length] != "0").then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_have_stays_and_chance_is_named_in_order() {
        let same = "a".repeat(64);
        let (one, two, three) = ("1".repeat(64), "2".repeat(64), "3".repeat(64));
        let left = format!("{same} {one} {one}-init {two} {}", &one[..12]);
        let right = format!("{same} {three} {three}-init {one} {}", &one[..12]);
        let (left, right) = settle(&left, &right);
        assert_eq!(right, format!("{same} <id-1> <id-1>-init {one} {}", &one[..12]));
        assert_ne!(left, right, "a reference to another id is a difference");
    }

    #[test]
    fn what_happened_lately_is_chance_even_in_the_same_second() {
        let [today, _] = lately();
        let (one, two) =
            (format!("a {today}T00:00:01Z b {today}T00:00:02Z"), format!("a {today}T00:00:02Z b {today}T00:00:02Z"));
        let (left, right) = settle(&one, &two);
        assert_eq!((left.as_str(), right.as_str()), ("a <time> b <time>", "a <time> b <time>"));
        let old = "2020-01-02T03:04:05Z";
        assert_eq!(settle(old, old).0, old, "a fixed time stays");
    }

    #[test]
    fn times_pids_and_links_have_no_value_but_zero_has() {
        let left =
            r#"{"Pid": 17, "At": "2026-11-22T06:51:07.16Z", "Up": "0001-01-01T00:00:00Z"} ABCDEFGHIJKLMNOPQRSTUVWXYZ"#;
        let right =
            r#"{"Pid": 18, "At": "2026-11-22T06:51:08Z", "Up": "0001-01-01T00:00:00Z"} ZYXWVUTSRQPONMLKJIHGFEDCBA"#;
        let (left, right) = settle(left, right);
        assert_eq!(left, right);
        assert_eq!(left, r#"{"Pid": <pid>, "At": "<time>", "Up": "0001-01-01T00:00:00Z"} <link-1>"#);
        let (left, right) = settle(r#""Pid": 0"#, r#""Pid": 4"#);
        assert_ne!(left, right);
    }

    #[test]
    fn a_table_is_compared_whatever_the_width_of_ago() {
        let left = "NAME   STATUS                      PORTS\nweb    Up Less than a second                 \n";
        let right = "NAME   STATUS        PORTS\nweb    Up 1 second             \n";
        let (left, right) = settle(left, right);
        assert_eq!(left, right);
    }
}
