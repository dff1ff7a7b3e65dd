//! CRC-64 of a payload while it is read.

use std::io::{self, BufRead, Read};

use crc::{CRC_64_GO_ISO, Crc, Digest, Table};

static CRC: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_GO_ISO);

/// Go's `crc64.ISO` of a file's content. It finds accidents, not attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum(u64);

impl Sum {
    /// The sum of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(CRC.checksum(bytes))
    }

    /// The eight bytes that a file line has.
    pub fn bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

/// A running sum.
pub(crate) struct Summing(Digest<'static, u64, Table<16>>);

impl Summing {
    pub(crate) fn new() -> Self {
        Self(CRC.digest())
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn sum(self) -> Sum {
        Sum(self.0.finalize())
    }
}

/// A reader that sums what is read through it.
pub struct Summed<R> {
    inner: R,
    summing: Summing,
}

impl<R> std::fmt::Debug for Summed<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Summed").finish_non_exhaustive()
    }
}

impl<R: BufRead> Summed<R> {
    /// Sums what will be read from `inner`.
    pub fn new(inner: R) -> Self {
        Self { inner, summing: Summing::new() }
    }

    /// Reads what is left and gives the sum of everything.
    ///
    /// # Errors
    /// As the inner reader.
    pub fn finish(mut self) -> io::Result<Sum> {
        loop {
            let count = self.inner.fill_buf()?.len();
            if count == 0 {
                return Ok(self.summing.sum());
            }
            self.consume(count);
        }
    }
}

impl<R: BufRead> BufRead for Summed<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        // What is consumed was filled before, so this reads nothing and cannot fail.
        if let Ok(there) = self.inner.fill_buf() {
            self.summing.update(&there[..count.min(there.len())]);
        }
        self.inner.consume(count);
    }
}

impl<R: BufRead> Read for Summed<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let there = self.inner.fill_buf()?;
        let count = there.len().min(to.len());
        to[..count].copy_from_slice(&there[..count]);
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_gos() {
        for (text, sum) in [
            ("x", 0x2310_0000_0000_0000_u64),
            ("hello", 0x3c3e_eee2_d810_0000),
            ("123456789", 0xb909_56c7_75a4_1001),
            ("", 0),
        ] {
            assert_eq!(Sum::of(text.as_bytes()).bytes(), sum.to_be_bytes(), "{text}");
        }
    }

    #[test]
    fn what_nobody_read_is_summed_too() {
        let mut summed = Summed::new(&b"hello"[..]);
        let mut two = [0; 2];
        summed.read_exact(&mut two).expect("two bytes are there");
        assert_eq!(summed.finish().expect("memory can be read"), Sum::of(b"hello"));
    }
}
