//! Base 64 with padding, as Go's encoding/json writes bytes.

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const NONE: u8 = 0xff;

/// The value of each digit.
static VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut at = 0;
    while at < 64 {
        values[DIGITS[at] as usize] = at as u8;
        at += 1;
    }
    values
};

/// Appends the text of `bytes`.
pub(crate) fn encode(bytes: &[u8], to: &mut Vec<u8>) {
    to.reserve(bytes.len().div_ceil(3) * 4);
    let digit = |bits: u32| DIGITS[(bits & 63) as usize];
    let chunks = bytes.chunks_exact(3);
    let rest = chunks.remainder();
    for chunk in chunks {
        let bits = u32::from(chunk[0]) << 16 | u32::from(chunk[1]) << 8 | u32::from(chunk[2]);
        to.extend_from_slice(&[digit(bits >> 18), digit(bits >> 12), digit(bits >> 6), digit(bits)]);
    }
    match *rest {
        [one] => {
            let bits = u32::from(one) << 16;
            to.extend_from_slice(&[digit(bits >> 18), digit(bits >> 12), b'=', b'=']);
        }
        [one, two] => {
            let bits = u32::from(one) << 16 | u32::from(two) << 8;
            to.extend_from_slice(&[digit(bits >> 18), digit(bits >> 12), digit(bits >> 6), b'=']);
        }
        _ => {}
    }
}

/// The bytes of a text, `None` when it is no base 64. Line breaks between digits are left out,
/// as Go does.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    if text.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        let digits: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
        return decode(&digits);
    }
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let padding = text.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for (digit, value) in text[..text.len() - padding].chunks(4).map(|group| (group.len(), group_value(group))) {
        let value = value?;
        bytes.extend_from_slice(&value.to_be_bytes()[1..digit]);
    }
    Some(bytes)
}

/// The 24 bits of up to four digits, `None` when one is no digit.
fn group_value(group: &[u8]) -> Option<u32> {
    let mut value = 0;
    for at in 0..4 {
        let digit = group.get(at).map_or(0, |byte| VALUES[usize::from(*byte)]);
        if digit == NONE {
            return None;
        }
        value = value << 6 | u32::from(digit);
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(bytes: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        encode(bytes, &mut text);
        text
    }

    #[test]
    fn known_texts() {
        for (bytes, expected) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(text(bytes.as_bytes()), expected.as_bytes());
        }
        assert_eq!(decode(b"Zm9v\r\nYg==").as_deref(), Some(&b"foob"[..]));
    }

    #[test]
    fn what_is_no_base_64_is_refused() {
        for bad in ["Z", "Zg=", "Zg=a", "Z===", "====", "Zm9*", "=Zm9"] {
            assert_eq!(decode(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_decodes(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(decode(&text(&bytes)), Some(bytes));
        }
    }
}
