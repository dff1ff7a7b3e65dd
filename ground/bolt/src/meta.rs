//! A meta page: where the root bucket and the free list are, as of one transaction.

use crate::page::{HEADER, u32_at, u64_at};

const MAGIC: u32 = 0xED0C_DAED;
const VERSION: u32 = 2;
/// Bytes of a meta that its checksum covers.
const COVERED: usize = 56;

/// One meta page's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    pub page_size: u32,
    pub root: u64,
    pub sequence: u64,
    /// The page of the free list; all ones if there is none.
    pub free: u64,
    /// The first page number that no page has had yet.
    pub end: u64,
    pub transaction: u64,
}

impl Meta {
    /// The meta in a page that begins at `at`, if it is whole.
    pub fn parse(bytes: &[u8], at: usize) -> Option<Self> {
        let meta = bytes.get(at.checked_add(HEADER)?..)?.get(..COVERED + 8)?;
        let whole = u32_at(meta, 0) == Some(MAGIC)
            && u32_at(meta, 4) == Some(VERSION)
            && u64_at(meta, COVERED) == Some(fnv1a(&meta[..COVERED]));
        let page_size = u32_at(meta, 8)?;
        // What a hostile file says must not make the arithmetic overflow.
        let sensible = page_size.is_power_of_two() && (512..=1 << 20).contains(&page_size);
        (whole && sensible).then_some(())?;
        Some(Self {
            page_size,
            root: u64_at(meta, 16)?,
            sequence: u64_at(meta, 24)?,
            free: u64_at(meta, 32)?,
            end: u64_at(meta, 40)?,
            transaction: u64_at(meta, 48)?,
        })
    }

    /// The newest whole meta of a file.
    pub fn newest(bytes: &[u8]) -> Option<Self> {
        let first = Self::parse(bytes, 0);
        let size = first.map_or_else(|| guessed_page_size(bytes), |meta| meta.page_size as usize);
        let second = Self::parse(bytes, size);
        first.into_iter().chain(second).max_by_key(|meta| meta.transaction)
    }

    /// The whole page: transactions alternate between page 0 and page 1.
    pub fn to_page(self) -> Vec<u8> {
        let mut meta = Vec::with_capacity(COVERED + 8);
        meta.extend(MAGIC.to_le_bytes());
        meta.extend(VERSION.to_le_bytes());
        meta.extend(self.page_size.to_le_bytes());
        meta.extend(0u32.to_le_bytes());
        for number in [self.root, self.sequence, self.free, self.end, self.transaction] {
            meta.extend(number.to_le_bytes());
        }
        meta.extend(fnv1a(&meta).to_le_bytes());
        let mut page = crate::page::header(self.transaction % 2, crate::page::META, 0, 0);
        page.extend(meta);
        page.resize(self.page_size as usize, 0);
        page
    }
}

/// With a torn first meta, the second one lies where its own page size says.
fn guessed_page_size(bytes: &[u8]) -> usize {
    let fits = |size: &usize| Meta::parse(bytes, *size).is_some_and(|meta| meta.page_size as usize == *size);
    (9..=16).map(|power| 1 << power).find(fits).unwrap_or(4096)
}

/// FNV-1a of 64 bits.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meta_page_reads_back_and_a_torn_one_does_not_count() {
        let meta = |transaction| Meta { page_size: 4096, root: 3, sequence: 0, free: 2, end: 4, transaction };
        let mut bytes = meta(6).to_page();
        bytes.extend(meta(7).to_page());
        assert_eq!(Meta::newest(&bytes), Some(meta(7)));
        bytes[4096 + 40] ^= 1;
        assert_eq!(Meta::newest(&bytes), Some(meta(6)));
        bytes[4096 + 40] ^= 1;
        bytes[40] ^= 1;
        assert_eq!(Meta::newest(&bytes), Some(meta(7)), "the second alone is found too");
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
    }
}
