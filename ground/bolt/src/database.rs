//! A whole database in memory: the tree of buckets as of its newest transaction.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    error::Bad,
    meta::Meta,
    page::{self, BUCKET, Entries, HEADER, u32_at, u64_at},
};

/// Buckets in buckets: nobody nests deeper, and a hostile file must not exhaust the stack.
const DEEPEST: usize = 32;

/// Keys and what they stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bucket {
    /// The counter that bbolt keeps with each bucket.
    pub sequence: u64,
    /// In the order of the keys.
    pub items: BTreeMap<Vec<u8>, Item>,
}

/// What a key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// Bytes.
    Value(Vec<u8>),
    /// More keys.
    Bucket(Bucket),
}

impl Bucket {
    /// The bucket of this name in here.
    pub fn bucket(&self, name: &[u8]) -> Option<&Self> {
        match self.items.get(name) {
            Some(Item::Bucket(bucket)) => Some(bucket),
            _ => None,
        }
    }

    /// The bucket of this name in here, made if it is missing; a value of that name gives way.
    pub fn bucket_mut(&mut self, name: &[u8]) -> &mut Self {
        let item = self.items.entry(name.to_vec()).or_insert_with(|| Item::Bucket(Self::default()));
        if let Item::Value(_) = item {
            *item = Item::Bucket(Self::default());
        }
        match item {
            Item::Bucket(bucket) => bucket,
            Item::Value(_) => unreachable!("it was made a bucket just now"),
        }
    }

    /// The keys that stand for bytes, with those.
    pub fn values(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.items.iter().filter_map(|(key, item)| match item {
            Item::Value(value) => Some((key.as_slice(), value.as_slice())),
            Item::Bucket(_) => None,
        })
    }
}

/// A database as its file had it.
#[derive(Debug, Clone)]
pub struct Database {
    pub(crate) meta: Meta,
    /// Pages that the tree and the free list take.
    pub(crate) used: BTreeSet<u64>,
    root: Bucket,
}

impl Database {
    /// Reads a whole file. An empty one is `None`: whoever writes makes it [`Database::fresh`].
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, Bad> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let meta = Meta::newest(bytes).ok_or(Bad::Meta)?;
        let mut reader = Reader { bytes, page_size: meta.page_size as usize, used: BTreeSet::new() };
        let root = Bucket { sequence: meta.sequence, items: reader.tree(meta.root, 0)? };
        if meta.free != u64::MAX {
            reader.page(meta.free)?;
        }
        Ok(Some(Self { meta, used: reader.used, root }))
    }

    /// A database without anything, and the bytes of its file.
    pub fn fresh() -> (Self, Vec<u8>) {
        let meta = Meta { page_size: 4096, root: 3, sequence: 0, free: 2, end: 4, transaction: 1 };
        let mut bytes = Meta { transaction: 0, ..meta }.to_page();
        bytes.extend(meta.to_page());
        for (id, kind) in [(2, page::FREE), (3, page::LEAF)] {
            bytes.extend(page::header(id, kind, 0, 0));
            bytes.resize(bytes.len().next_multiple_of(4096), 0);
        }
        (Self { meta, used: [2, 3].into(), root: Bucket::default() }, bytes)
    }

    /// All of it.
    pub fn root(&self) -> &Bucket {
        &self.root
    }

    /// The number of the transaction that wrote it.
    pub fn transaction(&self) -> u64 {
        self.meta.transaction
    }
}

/// Reads a database that others may write to meanwhile: again, until no transaction came between.
/// `read` reads the whole file from its begin.
///
/// # Errors
/// What `read` says; what is wrong with the file, if that stays so.
pub fn settled<E: From<Bad>>(mut read: impl FnMut() -> Result<Vec<u8>, E>) -> Result<Option<Database>, E> {
    const TRIES: usize = 100;
    let mut bytes = read()?;
    for _ in 0..TRIES {
        let again = read()?;
        let number = |bytes: &[u8]| Meta::newest(bytes).map(|meta| meta.transaction);
        if number(&bytes) == number(&again) {
            break;
        }
        bytes = again;
    }
    Ok(Database::parse(&bytes)?)
}

struct Reader<'a> {
    bytes: &'a [u8],
    page_size: usize,
    used: BTreeSet<u64>,
}

impl<'a> Reader<'a> {
    /// A page with what overflows from it.
    fn page(&mut self, id: u64) -> Result<&'a [u8], Bad> {
        let short = || Bad::Short(id);
        let at = usize::try_from(id).ok().and_then(|id| id.checked_mul(self.page_size)).ok_or_else(short)?;
        let overflow = u32_at(self.bytes, at.checked_add(12).ok_or_else(short)?).ok_or_else(short)?;
        let length = (overflow as usize + 1).checked_mul(self.page_size).ok_or_else(short)?;
        let end = at.checked_add(length).ok_or_else(short)?;
        let bytes = self.bytes.get(at..end).ok_or_else(short)?;
        for page in id..=id + u64::from(overflow) {
            if page < 2 || !self.used.insert(page) {
                return Err(Bad::Twice(page));
            }
        }
        Ok(bytes)
    }

    fn tree(&mut self, id: u64, depth: usize) -> Result<BTreeMap<Vec<u8>, Item>, Bad> {
        let bytes = self.page(id)?;
        self.items(bytes, id, depth)
    }

    fn items(&mut self, bytes: &[u8], id: u64, depth: usize) -> Result<BTreeMap<Vec<u8>, Item>, Bad> {
        if depth > DEEPEST {
            return Err(Bad::Deep);
        }
        let mut items = BTreeMap::new();
        match page::entries(bytes, id)? {
            Entries::Branch(below) => {
                for page in below {
                    items.append(&mut self.tree(page, depth + 1)?);
                }
            }
            Entries::Leaf(entries) => {
                for (flags, key, value) in entries {
                    let item = match flags & BUCKET {
                        0 => Item::Value(value.to_vec()),
                        _ => Item::Bucket(self.bucket(value, id, depth + 1)?),
                    };
                    items.insert(key.to_vec(), item);
                }
            }
        }
        Ok(items)
    }

    /// A bucket as a value: its root page and counter; a small one's only page follows itself.
    fn bucket(&mut self, value: &[u8], id: u64, depth: usize) -> Result<Bucket, Bad> {
        let short = || Bad::Short(id);
        let root = u64_at(value, 0).ok_or_else(short)?;
        let sequence = u64_at(value, 8).ok_or_else(short)?;
        let items = match root {
            0 => self.items(value.get(HEADER..).ok_or_else(short)?, id, depth)?,
            page => self.tree(page, depth)?,
        };
        Ok(Bucket { sequence, items })
    }
}
