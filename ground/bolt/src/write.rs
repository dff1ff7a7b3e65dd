//! A transaction: the new tree into pages that nothing uses, then the older meta page.
//!
//! Simpler than bbolt, which writes only what has changed: here every page of the tree is new.
//! The databases that dockerd keeps so are small.

use crate::{
    database::{Bucket, Database, Item},
    meta::Meta,
    page::{self, BRANCH, BUCKET, FREE, HEADER, LEAF},
};

/// Bytes and where they belong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// In the file.
    pub offset: u64,
    /// Whole pages.
    pub bytes: Vec<u8>,
}

/// What one transaction writes. The pages must be on the disk before the meta page is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Pages that nothing of the last transaction lies in.
    pub pages: Vec<Piece>,
    /// What makes them count.
    pub meta: Piece,
}

impl Database {
    /// What must be written for the database to have this content.
    pub fn change_to(&self, root: &Bucket) -> Change {
        let mut writer = Writer { page_size: self.meta.page_size as usize, pages: Vec::new(), room: Room::of(self) };
        let root_page = writer.tree(root);
        let free = writer.free_list();
        let meta = Meta {
            root: root_page,
            sequence: root.sequence,
            free,
            end: writer.room.end,
            transaction: self.meta.transaction + 1,
            ..self.meta
        };
        let offset = (meta.transaction % 2) * u64::from(meta.page_size);
        Change { pages: writer.pages, meta: Piece { offset, bytes: meta.to_page() } }
    }
}

/// Which pages may be taken.
struct Room {
    /// Free since the last transaction or longer, in order.
    free: Vec<u64>,
    /// Those that the last transaction uses: free for the next one.
    old: Vec<u64>,
    end: u64,
}

impl Room {
    fn of(database: &Database) -> Self {
        let end = database.meta.end.max(4);
        let free = (2..end).filter(|page| !database.used.contains(page)).collect();
        Self { free, old: database.used.iter().copied().collect(), end }
    }

    /// So many pages in a row.
    fn take(&mut self, count: u64) -> u64 {
        let length = usize::try_from(count).unwrap_or(usize::MAX);
        let in_a_row = |window: &[u64]| window[length - 1] - window[0] == count - 1;
        if let Some(at) = self.free.windows(length).position(in_a_row) {
            return self.free.drain(at..at + length).next().unwrap_or(self.end);
        }
        let first = self.end;
        self.end += count;
        first
    }
}

struct Writer {
    page_size: usize,
    pages: Vec<Piece>,
    room: Room,
}

/// An entry of a page that is being laid out: flags, key, value; of a branch, the page below.
struct Entry {
    flags: u32,
    key: Vec<u8>,
    value: Vec<u8>,
    below: u64,
}

impl Writer {
    /// Writes a bucket's tree; says its root page.
    fn tree(&mut self, bucket: &Bucket) -> u64 {
        let mut leaves = Vec::new();
        for (key, item) in &bucket.items {
            let (flags, value) = match item {
                Item::Value(value) => (0, value.clone()),
                Item::Bucket(inner) => {
                    let page = self.tree(inner);
                    (BUCKET, [page.to_le_bytes(), inner.sequence.to_le_bytes()].concat())
                }
            };
            leaves.push(Entry { flags, key: key.clone(), value, below: 0 });
        }
        let mut level = self.level(leaves, LEAF);
        while level.len() > 1 {
            level = self.level(level, BRANCH);
        }
        level[0].below
    }

    /// Lays entries out in pages; says the entries of the level above, at least one.
    fn level(&mut self, entries: Vec<Entry>, kind: u16) -> Vec<Entry> {
        // bbolt wants two keys in each page but a root's.
        const FEWEST: usize = 2;
        let mut groups: Vec<Vec<Entry>> = vec![Vec::new()];
        let mut size = HEADER;
        for entry in entries {
            let more = HEADER + entry.key.len() + entry.value.len();
            let last = groups.len() - 1;
            if groups[last].len() >= FEWEST && size + more > self.page_size {
                groups.push(Vec::new());
                size = HEADER;
            }
            size += more;
            let last = groups.len() - 1;
            groups[last].push(entry);
        }
        if groups.len() > 1 && groups[groups.len() - 1].len() < FEWEST {
            let lonely = groups.pop().unwrap_or_default();
            let last = groups.len() - 1;
            groups[last].extend(lonely);
        }
        groups.into_iter().map(|group| self.lay_out(group, kind)).collect()
    }

    fn lay_out(&mut self, entries: Vec<Entry>, kind: u16) -> Entry {
        let count = entries.len();
        let mut table = Vec::with_capacity(count * HEADER);
        let mut data = Vec::new();
        let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        for (index, entry) in entries.iter().enumerate() {
            // Counted from the entry itself.
            let position = number((count - index) * HEADER + data.len());
            if kind == LEAF {
                for field in [entry.flags, position, number(entry.key.len()), number(entry.value.len())] {
                    table.extend(field.to_le_bytes());
                }
            } else {
                table.extend(position.to_le_bytes());
                table.extend(number(entry.key.len()).to_le_bytes());
                table.extend(entry.below.to_le_bytes());
            }
            data.extend_from_slice(&entry.key);
            data.extend_from_slice(&entry.value);
        }
        table.extend(data);
        let below = self.put(kind, u16::try_from(count).unwrap_or(u16::MAX), &table);
        let key = entries.into_iter().next().map(|entry| entry.key).unwrap_or_default();
        Entry { flags: 0, key, value: Vec::new(), below }
    }

    /// A page with this content, and as many behind it as that needs.
    fn put(&mut self, kind: u16, count: u16, content: &[u8]) -> u64 {
        let pages = (HEADER + content.len()).div_ceil(self.page_size).max(1);
        let id = self.room.take(pages as u64);
        let mut bytes = page::header(id, kind, count, u32::try_from(pages - 1).unwrap_or(u32::MAX));
        bytes.extend_from_slice(content);
        bytes.resize(pages * self.page_size, 0);
        self.pages.push(Piece { offset: id * self.page_size as u64, bytes });
        id
    }

    /// The list of all pages that the next transaction may take.
    fn free_list(&mut self) -> u64 {
        // Taking the list's own pages shortens it: what is too much of a page is zero.
        let longest = self.room.free.len() + self.room.old.len() + 1;
        let pages = (HEADER + longest * 8).div_ceil(self.page_size).max(1);
        let id = self.room.take(pages as u64);
        let mut free: Vec<u64> = self.room.free.iter().chain(&self.room.old).copied().collect();
        free.sort_unstable();
        let mut content = Vec::with_capacity(longest * 8);
        // bbolt, freelist.go: a count that does not fit stands before the list.
        let count = u16::try_from(free.len()).ok().filter(|count| *count < u16::MAX);
        if count.is_none() {
            content.extend((free.len() as u64).to_le_bytes());
        }
        content.extend(free.iter().flat_map(|page| page.to_le_bytes()));
        let mut bytes = page::header(id, FREE, count.unwrap_or(u16::MAX), u32::try_from(pages - 1).unwrap_or(u32::MAX));
        bytes.extend(content);
        bytes.resize(pages * self.page_size, 0);
        self.pages.push(Piece { offset: id * self.page_size as u64, bytes });
        id
    }
}
