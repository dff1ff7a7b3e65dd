//! Pages: a header of 16 bytes, then entries that point at their keys and values behind them.

use crate::error::Bad;

/// Bytes of a page's header, and of each entry.
pub const HEADER: usize = 16;
pub const BRANCH: u16 = 1;
pub const LEAF: u16 = 2;
pub const META: u16 = 4;
pub const FREE: u16 = 16;
/// The flag of an entry whose value is a bucket.
pub const BUCKET: u32 = 1;

pub fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

pub fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

/// A page's header.
pub fn header(id: u64, flags: u16, count: u16, overflow: u32) -> Vec<u8> {
    let mut header = Vec::with_capacity(HEADER);
    header.extend(id.to_le_bytes());
    header.extend(flags.to_le_bytes());
    header.extend(count.to_le_bytes());
    header.extend(overflow.to_le_bytes());
    header
}

/// What a page holds.
pub enum Entries<'a> {
    /// Pages below, in the order of their keys.
    Branch(Vec<u64>),
    /// Flags, key, value.
    Leaf(Vec<(u32, &'a [u8], &'a [u8])>),
}

/// Reads a page; `bytes` is all of it, `id` only for the complaint.
///
/// # Errors
/// An entry outside the page, or a page that is neither branch nor leaf.
pub fn entries(bytes: &[u8], id: u64) -> Result<Entries<'_>, Bad> {
    let short = || Bad::Short(id);
    let flags = u16_at(bytes, 8).ok_or_else(short)?;
    let count = usize::from(u16_at(bytes, 10).ok_or_else(short)?);
    let places = (0..count).map(|index| HEADER * (index + 1));
    match flags & (BRANCH | LEAF) {
        BRANCH => {
            let below = places.map(|at| u64_at(bytes, at + 8).ok_or_else(short));
            below.collect::<Result<_, _>>().map(Entries::Branch)
        }
        LEAF => places.map(|at| leaf(bytes, at).ok_or_else(short)).collect::<Result<_, _>>().map(Entries::Leaf),
        _ => Err(Bad::Kind { page: id, flags }),
    }
}

fn leaf(bytes: &[u8], at: usize) -> Option<(u32, &[u8], &[u8])> {
    let number = |offset| u32_at(bytes, at + offset).map(|number| number as usize);
    let key_at = at.checked_add(number(4)?)?;
    let value_at = key_at.checked_add(number(8)?)?;
    let end = value_at.checked_add(number(12)?)?;
    Some((u32_at(bytes, at)?, bytes.get(key_at..value_at)?, bytes.get(value_at..end)?))
}
