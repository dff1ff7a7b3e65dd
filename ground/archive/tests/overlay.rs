//! What overlay's own directory says of a container's changes, against what comparing the
//! mounted trees says. Needs root, and overlay in the kernel.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use archive::{Change, Owners, Reader, Unpacker, Whiteouts, changes, overlay_changes, pack};
use proptest::prelude::*;
use sys::Dir;

/// Layers in directories, mounted one over the other.
struct Layers {
    home: tempfile::TempDir,
    count: usize,
    mounted: Vec<PathBuf>,
}

impl Layers {
    fn new() -> Self {
        Self { home: tempfile::tempdir().expect("a temporary directory"), count: 0, mounted: Vec::new() }
    }

    fn layer(&self, number: usize) -> PathBuf {
        self.home.path().join(format!("layer-{number}"))
    }

    /// Starts a new layer on top and mounts the whole.
    fn mount(&mut self) -> PathBuf {
        let lowers: Vec<_> = (0..self.count).rev().map(|layer| self.layer(layer).display().to_string()).collect();
        let (upper, work) = (self.layer(self.count), self.home.path().join(format!("work-{}", self.count)));
        let merged = self.home.path().join(format!("merged-{}", self.count));
        self.count += 1;
        for dir in [&upper, &work, &merged] {
            fs::create_dir(dir).expect("mkdir");
        }
        let empty = self.home.path().join("empty");
        fs::create_dir_all(&empty).expect("mkdir");
        let lowers = if lowers.is_empty() { empty.display().to_string() } else { lowers.join(":") };
        let options = format!(
            "index=off,redirect_dir=off,lowerdir={lowers},upperdir={},workdir={}",
            upper.display(),
            work.display()
        );
        let flags = rustix::mount::MountFlags::empty();
        sys::mount_string("overlay", &merged, "overlay", flags, &options).expect("mount");
        self.mounted.push(merged.clone());
        merged
    }

    fn open(&self, number: usize) -> Dir {
        Dir::open(self.layer(number)).expect("open")
    }
}

impl Drop for Layers {
    fn drop(&mut self) {
        for merged in &self.mounted {
            drop(sys::unmount_detach(merged));
        }
    }
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Something done to a file: what, to which path, with what.
type Deed = (u8, Vec<usize>, u8);

fn path_of(root: &Path, path: &[usize]) -> PathBuf {
    path.iter().fold(root.to_owned(), |path, name| path.join(NAMES[*name]))
}

/// Does it, or not, if it cannot be done: any sequence of deeds is one.
fn perform(root: &Path, (what, path, with): &Deed) {
    let path = path_of(root, path);
    let other = root.join(NAMES[usize::from(*with) % NAMES.len()]);
    let done = match what % 9 {
        0 => fs::create_dir(&path),
        1 => {
            drop(fs::remove_file(&path));
            sys::write_new(&path, &vec![b'x'; usize::from(*with)], 0o644).map_err(|error| error.io().kind().into())
        }
        2 => fs::remove_file(&path),
        3 => fs::remove_dir_all(&path),
        4 => symlink("target", &path),
        5 => fs::rename(&path, other),
        6 => fs::set_permissions(&path, PermissionsExt::from_mode(0o600 | u32::from(*with % 8))),
        7 => fs::hard_link(&path, other),
        _ => std::os::unix::fs::lchown(&path, Some(u32::from(*with % 3)), None),
    };
    drop(done);
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let path = proptest::collection::vec(0..NAMES.len(), 1..4);
    proptest::collection::vec((any::<u8>(), path, any::<u8>()), 0..30)
}

fn sorted(mut changes: Vec<Change>) -> Vec<String> {
    changes.sort();
    changes.iter().map(ToString::to_string).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_upper_directory_tells_the_changes(one in deeds(), two in deeds(), three in deeds(), top in deeds()) {
        let mut layers = Layers::new();
        let mut below = PathBuf::new();
        for deeds in [&one, &two, &three] {
            below = layers.mount();
            deeds.iter().for_each(|deed| perform(&below, deed));
        }
        let merged = layers.mount();
        top.iter().for_each(|deed| perform(&merged, deed));
        let (new, old) = (Dir::open(&merged).expect("open"), Dir::open(&below).expect("open"));
        let by_comparing = changes(&new, Some(&old)).expect("compare");
        let lowers = [layers.open(2), layers.open(1), layers.open(0)];
        let by_looking = overlay_changes(&layers.open(3), &lowers).expect("look").expect("nothing was redirected");
        prop_assert_eq!(&by_looking, &by_comparing, "in the same order");

        // The packed layer, unpacked elsewhere over the same layers, is the same tree.
        let mut archive = Vec::new();
        pack(&layers.open(3), Whiteouts::Overlay, &Owners::unnamed(), &mut archive).expect("pack");
        let again = layers.layer(4);
        fs::create_dir(&again).expect("mkdir");
        let mut reader = Reader::new(archive.as_slice());
        let mut unpacker = Unpacker::new(Dir::open(&again).expect("open"), Whiteouts::Overlay).expect("an empty directory");
        while let Some(mut entry) = reader.next_entry().expect("a whole archive") {
            unpacker.entry(entry.header, &mut entry.payload).expect("unpack");
        }
        prop_assert_eq!(unpacker.finish().expect("finish").unsigned_abs(), sys::tree_size(&again).expect("size").bytes);
        let unpacked = overlay_changes(&layers.open(4), &lowers).expect("look").expect("nothing was redirected");
        let (unpacked, packed) = (sorted(unpacked), sorted(by_looking));
        prop_assert!(unpacked.iter().all(|change| packed.contains(change)), "{unpacked:?} of {packed:?}");
        // Archives cut times to the second, so a file changed within one may look unchanged.
        let lost: Vec<_> = packed.iter().filter(|change| !unpacked.contains(change)).collect();
        prop_assert!(lost.iter().all(|change| change.starts_with("C ")), "{lost:?}");
    }
}

#[test]
fn a_moved_directory_cannot_be_told_from_the_upper_alone() {
    let layers = Layers::new();
    for number in 0..2 {
        fs::create_dir(layers.layer(number)).expect("mkdir");
    }
    fs::create_dir(layers.layer(1).join("moved")).expect("mkdir");
    sys::xattr::set(layers.layer(1).join("moved"), "trusted.overlay.redirect", b"from").expect("setxattr");
    assert_eq!(overlay_changes(&layers.open(1), &[layers.open(0)]).expect("look"), None);
}

#[test]
fn a_deep_tree_of_many_layers_needs_few_descriptors() {
    let layers = Layers::new();
    let deep = "d/".repeat(60);
    for number in 0..60 {
        fs::create_dir_all(layers.layer(number).join(&deep)).expect("mkdir");
    }
    sys::write_new(layers.layer(59).join(&deep).join("new"), b"", 0o644).expect("write");
    let lowers: Vec<_> = (0..59).rev().map(|number| layers.open(number)).collect();
    let found = overlay_changes(&layers.open(59), &lowers).expect("look").expect("nothing was redirected");
    assert_eq!(found.len(), 61);
    assert_eq!(found[0].path, b"/d");
}
