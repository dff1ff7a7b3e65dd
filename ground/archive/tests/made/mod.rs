//! Archives made by hand, header by header: also such as no tool would write.

#![allow(dead_code)]

/// An archive in the making. What is set after an entry changes that entry.
#[derive(Debug, Default)]
pub struct Tar {
    bytes: Vec<u8>,
    header: usize,
}

impl Tar {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn raw(mut self, name: &[u8], typeflag: u8, size: u64, payload: &[u8]) -> Self {
        self.header = self.bytes.len();
        let mut block = [0_u8; 512];
        block[..name.len()].copy_from_slice(name);
        block[257..265].copy_from_slice(b"ustar\x0000");
        block[156] = typeflag;
        self.bytes.extend_from_slice(&block);
        self.bytes.extend_from_slice(payload);
        self.bytes.resize(self.bytes.len().next_multiple_of(512), 0);
        self.octal(100, 8, 0o644).octal(108, 8, 0).octal(116, 8, 0).octal(124, 12, size).octal(136, 12, 0)
    }

    pub fn file(self, name: &str, content: &[u8], mode: u64) -> Self {
        self.raw(name.as_bytes(), b'0', content.len() as u64, content).octal(100, 8, mode)
    }

    pub fn dir(self, name: &str, mode: u64, mtime: u64) -> Self {
        self.kind(name, b'5').octal(100, 8, mode).mtime(mtime)
    }

    pub fn kind(self, name: &str, typeflag: u8) -> Self {
        self.raw(name.as_bytes(), typeflag, 0, b"")
    }

    pub fn symlink(self, name: &str, target: &str) -> Self {
        self.kind(name, b'2').field(157, target.as_bytes())
    }

    pub fn link(self, name: &str, target: &str) -> Self {
        self.kind(name, b'1').field(157, target.as_bytes())
    }

    /// An extended header with these records.
    pub fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let mut payload = Vec::new();
        for (key, value) in records {
            let body = key.len() + value.len() + 3;
            let length = (1..9).map(|digits| body + digits).find(|all| all.to_string().len() + body == *all);
            payload.extend(format!("{} {key}=", length.expect("a short record")).bytes());
            payload.extend_from_slice(value);
            payload.push(b'\n');
        }
        self.raw(b"PaxHeaders.0/x", b'x', payload.len() as u64, &payload)
    }

    pub fn owner(self, uid: u64, gid: u64) -> Self {
        self.octal(108, 8, uid).octal(116, 8, gid)
    }

    pub fn mtime(self, seconds: u64) -> Self {
        self.octal(136, 12, seconds)
    }

    pub fn device(self, major: u64, minor: u64) -> Self {
        self.octal(329, 8, major).octal(337, 8, minor)
    }

    pub fn octal(self, at: usize, width: usize, value: u64) -> Self {
        self.field(at, format!("{value:0digits$o}", digits = width - 1).as_bytes())
    }

    /// Bytes in the last header, its checksum made right.
    pub fn field(mut self, at: usize, value: &[u8]) -> Self {
        let block = &mut self.bytes[self.header..self.header + 512];
        block[at..at + value.len()].copy_from_slice(value);
        block[148..156].fill(b' ');
        let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self
    }

    /// The archive without its end.
    pub fn open(self) -> Vec<u8> {
        self.bytes
    }

    /// The archive with the two blocks that end it.
    pub fn end(mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(&[0; 1024]);
        self.bytes
    }
}
