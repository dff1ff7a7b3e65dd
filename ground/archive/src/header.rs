//! What an archive says of one entry, whatever format said it.

use base::gopath;

/// A regular file.
pub const REGULAR: u8 = b'0';
/// A hard link to another entry.
pub const LINK: u8 = b'1';
/// A symbolic link.
pub const SYMLINK: u8 = b'2';
/// A character device.
pub const CHARACTER: u8 = b'3';
/// A block device.
pub const BLOCK: u8 = b'4';
/// A directory.
pub const DIRECTORY: u8 = b'5';
/// A FIFO.
pub const FIFO: u8 = b'6';
/// A PAX global header: an entry of its own that stands for no file.
pub const GLOBAL: u8 = b'g';

pub(crate) const REGULAR_V7: u8 = 0;
pub(crate) const EXTENDED: u8 = b'x';
pub(crate) const GNU_LONG_NAME: u8 = b'L';
pub(crate) const GNU_LONG_LINK: u8 = b'K';
pub(crate) const GNU_SPARSE: u8 = b'S';

/// Prefix of a name that takes a file of the layers below away.
pub const WHITEOUT: &[u8] = b".wh.";
/// Prefix of aufs' own names.
pub const WHITEOUT_META: &[u8] = b".wh..wh.";
/// The name that hides all a directory has in the layers below.
pub const WHITEOUT_OPAQUE: &[u8] = b".wh..wh..opq";
/// aufs' directory of files that hard links in several directories share.
pub(crate) const WHITEOUT_LINKS: &[u8] = b".wh..wh.plnk";

/// A point in time as archives have it: any second that fits 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    /// Seconds since 1970, rounded down.
    pub seconds: i64,
    /// Nanoseconds after that, below 10⁹.
    pub nanos: u32,
}

impl Moment {
    /// Go's zero time, the first second of the year 1: no time was given.
    pub const NEVER: Self = Self { seconds: -62_135_596_800, nanos: 0 };
    /// The first second of 1970.
    pub const EPOCH: Self = Self { seconds: 0, nanos: 0 };

    /// A whole second.
    pub const fn second(seconds: i64) -> Self {
        Self { seconds, nanos: 0 }
    }

    /// Whether no time was given.
    pub fn is_never(self) -> bool {
        self == Self::NEVER
    }
}

/// What Go's archive/tar delivers for an entry: extended headers are merged in, names are bytes,
/// numbers are as wide as the format allows and may be negative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The name, verbatim: `./` in front and `/` at the end are kept.
    pub name: Vec<u8>,
    /// What a link points to.
    pub linkname: Vec<u8>,
    /// The kind of entry, such as [`REGULAR`]. Never the old NUL for regular files.
    pub typeflag: u8,
    /// Permission bits; some archives have the file type above them.
    pub mode: i64,
    /// The owner's number.
    pub uid: i64,
    /// The group's number.
    pub gid: i64,
    /// Bytes of payload; of a sparse file with its holes. Links and the like may claim a size
    /// and still have no payload.
    pub size: i64,
    /// When the content was changed.
    pub mtime: Moment,
    /// When it was read, or [`Moment::NEVER`].
    pub atime: Moment,
    /// The owner's name.
    pub uname: Vec<u8>,
    /// The group's name.
    pub gname: Vec<u8>,
    /// The major number of a device.
    pub devmajor: i64,
    /// The minor number of a device.
    pub devminor: i64,
    /// Extended attributes (`SCHILY.xattr.*` records with a value), sorted by key.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// All PAX records, sorted by key.
    pub records: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Default for Header {
    fn default() -> Self {
        Self {
            name: Vec::new(),
            linkname: Vec::new(),
            typeflag: REGULAR,
            mode: 0,
            uid: 0,
            gid: 0,
            size: 0,
            mtime: Moment::NEVER,
            atime: Moment::NEVER,
            uname: Vec::new(),
            gname: Vec::new(),
            devmajor: 0,
            devminor: 0,
            xattrs: Vec::new(),
            records: Vec::new(),
        }
    }
}

impl Header {
    /// The name in Go's cleaned form, by which dockerd tells entries apart.
    pub fn clean_name(&self) -> Vec<u8> {
        gopath::clean(&self.name)
    }

    /// Whether this stands for a directory.
    pub fn is_dir(&self) -> bool {
        self.typeflag == DIRECTORY
    }
}

/// Whether a payload may follow these bytes, the last of which are an entry's header block. Links
/// and the like have none, whatever size they claim.
pub fn may_have_payload(raw: &[u8]) -> bool {
    let block = raw.len().checked_sub(512).and_then(|start| raw.get(start..));
    !block.and_then(|block| block.get(156)).is_some_and(|typeflag| is_header_only(*typeflag))
}

/// Whether entries of this kind have no payload, whatever their size field says.
pub(crate) fn is_header_only(typeflag: u8) -> bool {
    matches!(typeflag, LINK | SYMLINK | CHARACTER | BLOCK | DIRECTORY | FIFO)
}
