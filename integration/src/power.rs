//! A disk whose power can be cut: a loop image with ext4 or xfs.
//!
//! The cut is FS_IOC_SHUTDOWN without a flush of the log: what was not synced is lost, what was is there after the
//! next mount. A real disk's own cache is not part of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::room::Room;

/// A file system on a loop device, in a room of its own.
#[derive(Debug)]
pub struct Disk {
    image: PathBuf,
    mounted: PathBuf,
}

/// File systems that know how to lose power.
pub const FILE_SYSTEMS: [&str; 2] = ["ext4", "xfs"];

impl Disk {
    /// Makes one of `mib` mebibytes in the room and mounts it.
    #[track_caller]
    pub fn new(room: &Room, kind: &str, mib: u64) -> Self {
        let image = room.path().join("disk.img");
        let mounted = room.path().join("disk");
        std::fs::create_dir(&mounted).expect("a fresh room");
        let file = std::fs::File::create(&image).expect("a fresh room");
        file.set_len(mib << 20).expect("files may have holes");
        // xfs refuses to be as small as a test wants unless told that it is one.
        let mut mkfs = Command::new(format!("mkfs.{kind}"));
        mkfs.env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin").arg("-q").arg(&image);
        if kind == "xfs" {
            mkfs.env("TEST_DIR", "1").env("TEST_DEV", "1").env("QA_CHECK_FS", "1");
        }
        run(&mut mkfs);
        let disk = Self { image, mounted };
        disk.mount();
        disk
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.mounted
    }

    #[track_caller]
    fn mount(&self) {
        run(Command::new("mount").args(["-o", "loop"]).args([&self.image, &self.mounted]));
    }

    /// Cuts the power: nothing that is not on the disk by now will ever be.
    #[track_caller]
    pub fn cut(&self) {
        // 0x8004587d is FS_IOC_SHUTDOWN, 2 its NOLOGFLUSH; perl, because it is on every Debian and this crate has no unsafe.
        let cut = r#"open(my $disk, "<", $ARGV[0]) or die "$!"; my $how = pack("I", 2); ioctl($disk, 0x8004587d, $how) or die "$!""#;
        run(Command::new("perl").args(["-e", cut]).arg(&self.mounted));
    }

    /// Unmounts what is left after the cut and mounts the disk as after a reboot.
    #[track_caller]
    pub fn power_up(&self) {
        let below = format!("{}/", self.mounted.display());
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("proc is mounted");
        let points = mounts.lines().rev().filter_map(|line| line.split(' ').nth(4));
        for point in points.filter(|point| point.starts_with(&below)) {
            run(Command::new("umount").args(["-l", point]));
        }
        run(Command::new("umount").arg(&self.mounted));
        self.mount();
    }
}

#[track_caller]
fn run(command: &mut Command) {
    let done = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// The cut must cut, or every story told on such a disk proves nothing.
    #[test]
    fn what_was_not_synced_is_lost() {
        for kind in FILE_SYSTEMS {
            let room = Room::new();
            let disk = Disk::new(&room, kind, 320);
            let write = |name: &str| {
                let mut file = std::fs::File::create(disk.path().join(name)).expect("an empty disk");
                file.write_all(b"words").expect("room");
                file
            };
            write("synced").sync_all().expect("a whole disk");
            std::fs::File::open(disk.path()).and_then(|dir| dir.sync_all()).expect("a whole disk");
            drop(write("unsynced"));
            disk.cut();
            disk.power_up();
            let read = |name: &str| std::fs::read(disk.path().join(name)).unwrap_or_default();
            assert_eq!(read("synced"), b"words", "{kind}");
            assert_ne!(read("unsynced"), b"words", "{kind}");
        }
    }
}
