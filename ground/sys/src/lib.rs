//! System calls and the durable, atomic file operations made of them. Knows nothing of Docker.
//!
//! The only crate with `unsafe`. Every call that changes something outside the process goes
//! through here, so that one place can count, order or narrate them.

mod copy;
mod detached;
mod dir;
mod error;
mod file;
mod host;
mod lock;
mod mount;
#[allow(unsafe_code)]
mod network;
mod overlay;
#[allow(unsafe_code)]
pub mod process;
pub mod steps;
#[allow(unsafe_code)]
mod thread;
mod tree;
mod watch;
mod way;
pub mod xattr;

pub use copy::{copy_tree, copy_tree_whole};
pub use detached::{DetachedOverlay, mount_overlay_detached};
pub use dir::{Dir, FileLook, Listed};
pub use error::{Error, Result};
pub use file::{
    Draft, DraftFile, chmod, chown, create_dir, create_dir_all, create_new, exists, fsync_dir, fsync_dirs, has_one_log,
    is_dir, is_temporary, link, list_dir, open_dir, random, read_link, read_opt, remove_dir, remove_file, rename,
    set_times, stat, stat_opt, symlink, syncfs, truncate_write, unnamed_file, write_atomic, write_durably_at,
    write_new,
};
pub use host::{
    file_system, in_user_namespace, is_root, kernel_version, knows_file_system, page_size, tells_entry_types,
};
pub use lock::{Lock, try_exclusive, try_shared, wait_exclusive, wait_shared};
pub use mount::{
    Detached, MountPoint, bind_detached, bind_detached_whole, is_mounted, mount_points, mount_string, unmount_detach,
    unmount_if_mounted,
};
pub use network::{new_network_namespace, raise_loopback};
pub use overlay::{OverlayFeatures, mount_overlay_at, overlay_features};
pub use thread::in_private_mounts;
pub use tree::{TreeSize, remove_tree, tree_size};
pub use watch::{Change, Watch};
