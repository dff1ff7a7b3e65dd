//! What an ELF program needs to run: its loader, its libraries, where it wants them looked for.
//!
//! Reads program headers alone, as the kernel and the loader do. The bytes are not trusted: what
//! points outside of the file is an error, never a panic.

/// Why a file is no program we can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadElf {
    /// Another kind of file.
    #[error("it is no ELF file")]
    NotElf,
    /// Something in it lies outside of it.
    #[error("its {0} lies outside of the file")]
    Outside(&'static str),
}

/// A program or library.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Elf {
    /// What it is made for; libraries must be made for the same.
    pub target: Target,
    /// The loader that starts it; a static program has none.
    pub loader: Option<Vec<u8>>,
    /// The libraries it names, in its order.
    pub needed: Vec<Vec<u8>>,
    /// Where it wants them looked for, as written: may start with `$ORIGIN`.
    pub search: Vec<Vec<u8>>,
}

/// Word size, byte order and machine, as numbered in the header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Target {
    class: u8,
    order: u8,
    machine: u16,
}

const LOAD: u32 = 1;
const DYNAMIC: u32 = 2;
const INTERP: u32 = 3;

const NEEDED: u64 = 1;
const STRTAB: u64 = 5;
const STRSZ: u64 = 10;
const RPATH: u64 = 15;
const RUNPATH: u64 = 29;

impl Elf {
    /// Reads a whole file.
    ///
    /// # Errors
    /// [`BadElf`] when it is none, or damaged.
    pub fn parse(file: &[u8]) -> Result<Self, BadElf> {
        let words = Words::of(file).ok_or(BadElf::NotElf)?;
        let machine = words.u16(18).ok_or(BadElf::NotElf)?;
        let target = Target { class: if words.wide { 2 } else { 1 }, order: if words.big { 2 } else { 1 }, machine };
        let segments = words.segments().ok_or(BadElf::Outside("table of segments"))?;
        let first = |kind| segments.iter().find(|segment| segment.kind == kind);
        let bytes = |segment: &Segment, what| words.slice(segment.offset, segment.size).ok_or(BadElf::Outside(what));
        let loader = match first(INTERP) {
            Some(interp) => Some(until_nul(bytes(interp, "loader's name")?).to_owned()),
            None => None,
        };
        let mut elf = Self { target, loader, ..Self::default() };
        if let Some(dynamic) = first(DYNAMIC) {
            let entries = Words { file: bytes(dynamic, "dynamic section")?, ..words }.entries();
            elf.read_dynamic(&entries, &words, &segments)?;
        }
        Ok(elf)
    }

    /// Whether it runs with nothing but itself.
    pub fn is_static(&self) -> bool {
        self.loader.is_none() && self.needed.is_empty()
    }

    fn read_dynamic(&mut self, entries: &[(u64, u64)], words: &Words<'_>, all: &[Segment]) -> Result<(), BadElf> {
        let value = |tag| entries.iter().find(|entry| entry.0 == tag).map(|entry| entry.1);
        let Some(table) = value(STRTAB) else { return Ok(()) };
        let outside = BadElf::Outside("table of names");
        let offset = all.iter().find_map(|segment| segment.offset_of(table)).ok_or(outside)?;
        let names = words.slice(offset, value(STRSZ).unwrap_or(0)).ok_or(outside)?;
        let name = |at: u64| {
            let rest = usize::try_from(at).ok().and_then(|at| names.get(at..)).ok_or(outside)?;
            Ok(until_nul(rest).to_owned())
        };
        let of = |tag| entries.iter().filter(move |entry| entry.0 == tag).map(|entry| name(entry.1));
        self.needed = of(NEEDED).collect::<Result<_, _>>()?;
        // The loader ignores RPATH where there is RUNPATH.
        let paths = of(RUNPATH).next().or_else(|| of(RPATH).next()).transpose()?.unwrap_or_default();
        self.search = paths.split(|byte| *byte == b':').filter(|path| !path.is_empty()).map(<[u8]>::to_vec).collect();
        Ok(())
    }
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A part of the file, and where it lies in memory.
struct Segment {
    kind: u32,
    offset: u64,
    address: u64,
    size: u64,
}

impl Segment {
    /// Where an address of a loaded segment is in the file.
    fn offset_of(&self, address: u64) -> Option<u64> {
        let into = address.checked_sub(self.address).filter(|into| self.kind == LOAD && *into < self.size)?;
        self.offset.checked_add(into)
    }
}

/// The file's numbers in its own size and order.
#[derive(Clone, Copy)]
struct Words<'a> {
    file: &'a [u8],
    wide: bool,
    big: bool,
}

impl<'a> Words<'a> {
    fn of(file: &'a [u8]) -> Option<Self> {
        let [0x7f, b'E', b'L', b'F', class, order, ..] = file else { return None };
        let known = matches!((class, order), (1 | 2, 1 | 2));
        known.then_some(Self { file, wide: *class == 2, big: *order == 2 })
    }

    fn slice(&self, offset: u64, size: u64) -> Option<&'a [u8]> {
        let end = offset.checked_add(size)?;
        self.file.get(usize::try_from(offset).ok()?..usize::try_from(end).ok()?)
    }

    /// A number of up to eight bytes.
    fn number(&self, at: u64, size: u64) -> Option<u64> {
        let bytes = self.slice(at, size)?;
        let join = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(if self.big { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) })
    }

    fn u16(&self, at: u64) -> Option<u16> {
        self.number(at, 2).and_then(|number| u16::try_from(number).ok())
    }

    fn u32(&self, at: u64) -> Option<u32> {
        self.number(at, 4).and_then(|number| u32::try_from(number).ok())
    }

    /// An address: eight bytes in a wide file, else four.
    fn address(&self, at: u64) -> Option<u64> {
        self.number(at, if self.wide { 8 } else { 4 })
    }

    fn segments(&self) -> Option<Vec<Segment>> {
        let (table, size, count) = if self.wide { (32, 54, 56) } else { (28, 42, 44) };
        let (table, size, count) = (self.address(table)?, u64::from(self.u16(size)?), u64::from(self.u16(count)?));
        (0..count).map(|number| self.segment(table.checked_add(number.checked_mul(size)?)?)).collect()
    }

    fn segment(&self, at: u64) -> Option<Segment> {
        let (offset, address, size) = if self.wide { (8, 16, 32) } else { (4, 8, 16) };
        let place = |field: u64| self.address(at.checked_add(field)?);
        Some(Segment { kind: self.u32(at)?, offset: place(offset)?, address: place(address)?, size: place(size)? })
    }

    /// Pairs of tag and value, up to the first of tag 0.
    fn entries(&self) -> Vec<(u64, u64)> {
        let word = if self.wide { 8 } else { 4 };
        let pair = |number: u64| Some((self.address(number * 2 * word)?, self.address((number * 2 + 1) * word)?));
        (0..).map_while(pair).take_while(|entry| entry.0 != 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program of one loaded segment that holds everything.
    fn made(wide: bool, big: bool, names: &[u8], dynamic: &[(u64, u64)]) -> Vec<u8> {
        let word = if wide { 8_usize } else { 4 };
        let number = |value: u64, size: usize| {
            if big { value.to_be_bytes()[8 - size..].to_vec() } else { value.to_le_bytes()[..size].to_vec() }
        };
        let address = |value: u64| number(value, word);
        let (header, entry) = if wide { (64, 56) } else { (52, 32) };
        let names_at = header + entry * 3;
        let interp = b"/lib/ld.so\0";
        let interp_at = names_at + names.len();
        let dynamic_at = interp_at + interp.len();
        let size = dynamic_at + dynamic.len() * 2 * word;
        let mut file = vec![0x7f, b'E', b'L', b'F', 1 + u8::from(wide), 1 + u8::from(big)];
        file.resize(16, 0);
        file.extend([number(2, 2), number(62, 2), number(1, 4), address(0), address(header as u64)].concat());
        file.extend(
            [address(0), number(0, 4), number(header as u64, 2), number(entry as u64, 2), number(3, 2)].concat(),
        );
        file.resize(header, 0);
        for (kind, at, length) in
            [(LOAD, 0, size), (INTERP, interp_at, interp.len()), (DYNAMIC, dynamic_at, size - dynamic_at)]
        {
            let (at, length) = (at as u64, length as u64);
            // Loaded at 0x1000, so that addresses are no offsets.
            let fields = [address(at), address(at + 0x1000), address(0), address(length), address(length)].concat();
            file.extend(number(u64::from(kind), 4));
            if wide {
                file.extend([number(4, 4), fields, address(8)].concat());
            } else {
                file.extend([fields, number(4, 4), address(4)].concat());
            }
        }
        assert_eq!(file.len(), names_at);
        file.extend([names, interp].concat());
        for (tag, value) in dynamic {
            let value = if *tag == STRTAB { names_at as u64 + 0x1000 } else { *value };
            file.extend([address(*tag), address(value)].concat());
        }
        file
    }

    const NAMES: &[u8] = b"\0libc.so.6\0libm.so\0$ORIGIN/../lib:/opt/lib\0/old\0";
    const ENTRIES: [(u64, u64); 8] = [
        (NEEDED, 1),
        (NEEDED, 11),
        (RPATH, 43),
        (RUNPATH, 19),
        (STRTAB, 0),
        (STRSZ, NAMES.len() as u64),
        (0, 0),
        (NEEDED, 99_999),
    ];

    #[test]
    fn a_program_of_any_size_and_order_is_read() {
        for (wide, big) in [(true, false), (true, true), (false, false), (false, true)] {
            let elf = Elf::parse(&made(wide, big, NAMES, &ENTRIES)).expect("a whole program");
            assert_eq!(elf.loader.as_deref(), Some(&b"/lib/ld.so"[..]));
            assert_eq!(elf.needed, [&b"libc.so.6"[..], b"libm.so"]);
            assert_eq!(elf.search, [&b"$ORIGIN/../lib"[..], b"/opt/lib"]);
            assert_eq!(elf.target.machine, 62);
            assert!(!elf.is_static());
        }
    }

    #[test]
    fn rpath_counts_where_there_is_no_runpath() {
        let entries = [(RPATH, 43), (STRTAB, 0), (STRSZ, NAMES.len() as u64)];
        let elf = Elf::parse(&made(true, false, NAMES, &entries)).expect("a whole program");
        assert_eq!(elf.search, [&b"/old"[..]]);
    }

    #[test]
    fn a_name_outside_of_its_table_is_an_error() {
        let entries = [(NEEDED, 4096), (STRTAB, 0), (STRSZ, NAMES.len() as u64)];
        assert_eq!(Elf::parse(&made(true, false, NAMES, &entries)), Err(BadElf::Outside("table of names")));
        let entries = [(NEEDED, 1), (STRTAB, 0), (STRSZ, u64::MAX)];
        assert_eq!(Elf::parse(&made(true, false, NAMES, &entries)), Err(BadElf::Outside("table of names")));
    }

    #[test]
    fn other_files_are_none() {
        for file in [&b""[..], b"#!/bin/sh\n", b"\x7fELF", b"\x7fELF\x09\x09rest of it"] {
            assert_eq!(Elf::parse(file), Err(BadElf::NotElf));
        }
    }

    #[test]
    fn a_program_cut_or_changed_anywhere_never_panics() {
        let whole = made(true, false, NAMES, &ENTRIES);
        for at in 0..whole.len() {
            drop(Elf::parse(&whole[..at]));
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[at] = value;
                drop(Elf::parse(&changed));
            }
        }
    }

    #[test]
    fn this_very_program_is_read() {
        let file = std::fs::read("/proc/self/exe").expect("a process can read its program");
        let elf = Elf::parse(&file).expect("it runs");
        assert_eq!(elf.needed.is_empty(), elf.loader.is_none());
    }
}
