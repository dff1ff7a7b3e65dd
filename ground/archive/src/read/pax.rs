//! PAX extended headers: `LENGTH KEY=VALUE\n` records, and what they change in a header
//! (Go 1.19, archive/tar `parsePAX`, `mergePAX`, `parsePAXTime`).

use super::ReadError;
use crate::header::{Header, Moment};

/// Records by key, the last of a key counts.
pub(super) type Records = Vec<(Vec<u8>, Vec<u8>)>;

const XATTR: &[u8] = b"SCHILY.xattr.";
pub(super) const SPARSE_MAP: &[u8] = b"GNU.sparse.map";
const SPARSE_OFFSET: &[u8] = b"GNU.sparse.offset";
const SPARSE_LENGTH: &[u8] = b"GNU.sparse.numbytes";

/// The records of an extended header's payload. The repeated sparse records of GNU's format 0.0
/// come as the one `GNU.sparse.map` of its format 0.1.
pub(super) fn parse(mut payload: &[u8]) -> Result<Records, ReadError> {
    let mut records = std::collections::BTreeMap::new();
    let mut map: Vec<&[u8]> = Vec::new();
    while !payload.is_empty() {
        let (key, value, rest) = record(payload).ok_or(ReadError::Header)?;
        payload = rest;
        if key == SPARSE_OFFSET || key == SPARSE_LENGTH {
            let expected = if map.len().is_multiple_of(2) { SPARSE_OFFSET } else { SPARSE_LENGTH };
            if key != expected || value.contains(&b',') {
                return Err(ReadError::Header);
            }
            map.push(value);
        } else {
            records.insert(key.to_vec(), value.to_vec());
        }
    }
    if !map.is_empty() {
        records.insert(SPARSE_MAP.to_vec(), map.join(&b','));
    }
    Ok(records.into_iter().collect())
}

/// The first record: its key and value, and what follows it.
fn record(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = text.iter().position(|byte| *byte == b' ')?;
    let length = usize::try_from(decimal(&text[..space])?).ok()?;
    if length < 5 || length > text.len() || length <= space + 1 {
        return None;
    }
    let (record, rest) = text.split_at(length);
    let body = record[space + 1..].strip_suffix(b"\n")?;
    let equals = body.iter().position(|byte| *byte == b'=')?;
    let (key, value) = (&body[..equals], &body[equals + 1..]);
    let checked = if is_text_field(key) { value } else { key };
    (!key.is_empty() && !checked.contains(&0)).then_some((key, value, rest))
}

/// Whether a record stands for a NUL-terminated field of the header block.
pub(crate) fn is_text_field(key: &[u8]) -> bool {
    matches!(key, b"path" | b"linkpath" | b"uname" | b"gname")
}

/// The value of a record, empty when there is none.
pub(super) fn value<'a>(records: &'a Records, key: &[u8]) -> &'a [u8] {
    records.binary_search_by(|(other, _)| other.as_slice().cmp(key)).map_or(b"", |at| &records[at].1)
}

/// Puts the records' values over the header's; an empty value changes nothing.
pub(super) fn merge(header: &mut Header, records: Records) -> Result<(), ReadError> {
    let number = |value: &[u8]| decimal(value).ok_or(ReadError::Header);
    for (key, value) in records.iter().filter(|(_, value)| !value.is_empty()) {
        match key.as_slice() {
            b"path" => header.name.clone_from(value),
            b"linkpath" => header.linkname.clone_from(value),
            b"uname" => header.uname.clone_from(value),
            b"gname" => header.gname.clone_from(value),
            b"uid" => header.uid = number(value)?,
            b"gid" => header.gid = number(value)?,
            b"size" => header.size = number(value)?,
            b"atime" => header.atime = moment(value)?,
            b"mtime" => header.mtime = moment(value)?,
            b"ctime" => drop(moment(value)?),
            _ => {
                if let Some(name) = key.strip_prefix(XATTR) {
                    header.xattrs.push((name.to_vec(), value.clone()));
                }
            }
        }
    }
    header.records = records;
    Ok(())
}

/// Go's `strconv.ParseInt(s, 10, 64)`: an optional sign and digits, nothing else.
pub(super) fn decimal(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Seconds with an optional fraction, cut after nine digits; `-1.5` is one and a half before 1970.
fn moment(text: &[u8]) -> Result<Moment, ReadError> {
    let (whole, fraction) = match text.iter().position(|byte| *byte == b'.') {
        Some(dot) => (&text[..dot], &text[dot + 1..]),
        None => (text, &b""[..]),
    };
    let seconds = decimal(whole).ok_or(ReadError::Header)?;
    if !fraction.iter().all(u8::is_ascii_digit) {
        return Err(ReadError::Header);
    }
    let nanos = (0..9).fold(0, |sum, at| sum * 10 + u32::from(fraction.get(at).map_or(0, |digit| digit - b'0')));
    if whole.starts_with(b"-") && nanos > 0 {
        return Ok(Moment { seconds: seconds.wrapping_sub(1), nanos: 1_000_000_000 - nanos });
    }
    Ok(Moment { seconds, nanos })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_cut_by_their_length() {
        let parsed = parse(b"12 key=a\nb\n\n22 SCHILY.xattr.a=\0\x01=\n").expect("two records");
        let expected: Records = vec![(b"SCHILY.xattr.a".into(), b"\0\x01=".into()), (b"key".into(), b"a\nb\n".into())];
        assert_eq!(parsed, expected);
    }

    #[test]
    fn a_record_that_is_none_is_an_error() {
        for text in [
            &b"4 a\n"[..],
            b"x",
            b"99 path=a\n",
            b"8 path=a\n",
            b"11 path=a\0b\n",
            b"6 =ab\n",
            b"7 a\0=b\n",
            b"-7 a=b\n",
            b"0000000000000000000000000005 a=\n",
        ] {
            assert!(matches!(parse(text), Err(ReadError::Header)), "{:?}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn times_have_nanoseconds_and_may_be_negative() {
        let cases: [(&[u8], i64, u32); 6] = [
            (b"1", 1, 0),
            (b"1.", 1, 0),
            (b"1.5", 1, 500_000_000),
            (b"1.1234567899", 1, 123_456_789),
            (b"-1.5", -2, 500_000_000),
            (b"-0.25", -1, 750_000_000),
        ];
        for (text, seconds, nanos) in cases {
            assert_eq!(moment(text).ok(), Some(Moment { seconds, nanos }), "{text:?}");
        }
        for text in [&b""[..], b".5", b"1.x", b"1e3"] {
            assert!(moment(text).is_err(), "{text:?}");
        }
    }
}
