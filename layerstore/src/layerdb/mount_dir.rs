//! `layerdb/mounts/<container>/{mount-id,init-id,parent}`: which driver layers are a container's.
//!
//! moby 20.10, layer/filestore.go: `init-id` is absent when no init layer was made (BuildKit's
//! mounts), `parent` when the image has no layers. Only `mount-id` must be there.

use base::ChainId;

use super::{BadEntry, digest, required, trimmed};
use crate::ids::{InitId, MountId};

/// The name of the file that says which driver layer the container writes to.
pub const MOUNT_ID: &str = "mount-id";
/// The name of the file that says which driver layer is below it.
pub const INIT_ID: &str = "init-id";
/// The name of the file with the chain id of the image's top layer.
pub const PARENT: &str = "parent";

/// A container's layers as the files tell them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountDir {
    /// The driver layer the container writes to.
    pub mount_id: MountId,
    /// The init layer below it.
    pub init_id: Option<InitId>,
    /// The image's top layer.
    pub parent: Option<ChainId>,
}

/// The files as they were read, `None` for one that is absent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Files<'a> {
    /// `mount-id`.
    pub mount_id: Option<&'a [u8]>,
    /// `init-id`.
    pub init_id: Option<&'a [u8]>,
    /// `parent`.
    pub parent: Option<&'a [u8]>,
}

impl MountDir {
    /// Reads the files.
    ///
    /// # Errors
    /// The first file that is missing or makes no sense.
    pub fn parse(files: Files<'_>) -> Result<Self, BadEntry> {
        let mount_id = trimmed(MOUNT_ID, required(MOUNT_ID, files.mount_id)?)?.parse()?;
        let init_id = files.init_id.map(|bytes| Ok::<_, BadEntry>(trimmed(INIT_ID, bytes)?.parse()?)).transpose()?;
        let parent = files.parent.map(|bytes| digest(PARENT, bytes)).transpose()?;
        Ok(Self { mount_id, init_id, parent })
    }

    /// The files' names and contents, in the order dockerd writes them.
    pub fn files(&self) -> Vec<(&'static str, String)> {
        let mut files = vec![(MOUNT_ID, self.mount_id.to_string())];
        files.extend(self.init_id.as_ref().map(|init| (INIT_ID, init.to_string())));
        files.extend(self.parent.map(|parent| (PARENT, parent.to_string())));
        files
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_container_of_an_image_without_layers_has_no_parent() {
        let id = "c3".repeat(32);
        let init = format!("{id}-init\n");
        let files = Files { mount_id: Some(id.as_bytes()), init_id: Some(init.as_bytes()), parent: None };
        let mount = MountDir::parse(files).expect("a whole mount");
        assert_eq!(mount.init_id, Some(mount.mount_id.init()));
        assert_eq!(mount.files(), [("mount-id", id.clone()), ("init-id", format!("{id}-init"))]);
    }

    #[test]
    fn dockerds_words_for_an_id_that_is_none() {
        let id = "c3".repeat(32);
        let bad = MountDir::parse(Files { mount_id: Some(b"../etc"), ..Files::default() }).expect_err("no id");
        assert_eq!(bad.to_string(), "invalid mount id value: \"../etc\"");
        let files = Files { mount_id: Some(id.as_bytes()), init_id: Some(b""), parent: None };
        assert_eq!(MountDir::parse(files).expect_err("no id").to_string(), "invalid init id value: \"\"");
        assert_eq!(MountDir::parse(Files::default()), Err(BadEntry::Missing("mount-id")));
    }

    proptest! {
        #[test]
        fn what_we_write_we_read(init: bool, parent: Option<[u8; 32]>) {
            let mount_id = MountId::random();
            let init_id = init.then(|| mount_id.init());
            let parent = parent.map(|bytes| ChainId::new(base::Digest::of(&bytes)));
            let mount = MountDir { mount_id, init_id, parent };
            let written = mount.files();
            let find = |name| written.iter().find(|file| file.0 == name).map(|file| file.1.as_bytes());
            let files = Files { mount_id: find(MOUNT_ID), init_id: find(INIT_ID), parent: find(PARENT) };
            prop_assert_eq!(MountDir::parse(files), Ok(mount));
        }
    }
}
