//! Whether what is bound fits on what is there: a file on a file, a directory on a directory.
//!
//! libcontainer would only say that the root could not be prepared. The words are runc's (1.1.5,
//! rootfs_linux.go `mountToRootfs`), but for a descriptor's number in them.

use containers::{HostConfig, Record};

use crate::{shim::StartError, spec::Bind};

/// Looks at each bind's source and at its place in the container's root.
///
/// # Errors
/// For the first that does not fit, or is not there.
pub(crate) fn check(root: &sys::Dir, binds: &[Bind], record: &Record, host: &HostConfig) -> Result<(), StartError> {
    let tmpfs = host.tmpfs.iter().flatten().map(|(path, _)| path.as_str());
    let mounts = record.mounts().map(|point| point.destination.as_str());
    let places: Vec<&str> = tmpfs.chain(mounts).collect();
    // What is below another mount is not in the root yet.
    let hidden = |bind: &Bind| places.iter().any(|place| is_below(&bind.destination, place));
    binds.iter().filter(|bind| !hidden(bind)).try_for_each(|bind| fits(root, bind))
}

fn is_below(path: &str, place: &str) -> bool {
    let place = place.trim_end_matches('/');
    path.strip_prefix(place).is_some_and(|rest| rest.starts_with('/') && rest.len() > 1)
}

fn fits(root: &sys::Dir, bind: &Bind) -> Result<(), StartError> {
    let (source, destination) = (bind.source.display(), &bind.destination);
    let refuse = |reason: String| {
        let begin = format!("error during container init: error mounting \"{source}\" to rootfs at \"{destination}\"");
        Err(StartError::create(&format!("{begin}: {reason}")))
    };
    let Ok(found) = bind.source.metadata() else {
        return refuse(format!("stat {source}: no such file or directory"));
    };
    let place = match root.below(destination.trim_start_matches('/').as_bytes()) {
        Ok(_) => true,
        Err(error) if error.io().kind() == std::io::ErrorKind::NotADirectory => false,
        // Not there: it will be made as it has to be. Else the mount itself will say what is wrong.
        Err(_) => return Ok(()),
    };
    if place == found.is_dir() {
        return Ok(());
    }
    refuse(format!("mount {source}:{destination}, flags: 0x5000: not a directory"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::network_file;

    fn checked(source: &str, destination: &str) -> Result<(), String> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        sys::create_dir_all(dir.path().join("root/data"), 0o755).expect("mkdir");
        sys::write_new(dir.path().join("root/file"), b"", 0o644).expect("write");
        let root = sys::Dir::open(dir.path().join("root")).expect("open");
        let binds = [network_file(source.into(), destination, true)];
        check(&root, &binds, &Record::default(), &HostConfig::new()).map_err(|error| error.message)
    }

    #[test]
    fn like_fits_on_like_and_anything_where_nothing_is() {
        for (source, destination) in
            [("/etc", "/data"), ("/etc/passwd", "/file"), ("/etc", "/new/dir"), ("/etc/passwd", "/new")]
        {
            assert_eq!(checked(source, destination), Ok(()), "{source} on {destination}");
        }
    }

    #[test]
    fn a_file_on_a_directory_is_refused_in_dockerds_words() {
        let words = checked("/etc/passwd", "/data").expect_err("a file on a directory");
        let begin = "failed to create shim task: OCI runtime create failed: runc create failed: unable to start \
                     container process: error during container init: error mounting \"/etc/passwd\" to rootfs at \
                     \"/data\": mount /etc/passwd:/data";
        assert!(words.starts_with(begin), "{words}");
        assert!(words.ends_with("Check if the specified host path exists and is the expected type"), "{words}");
        assert!(checked("/etc", "/file").is_err());
    }

    #[test]
    fn a_source_that_is_gone_is_named() {
        let words = checked("/no/such/source", "/data").expect_err("nothing there");
        assert!(words.contains("stat /no/such/source: no such file or directory"), "{words}");
    }

    #[test]
    fn what_is_below_another_mount_is_left_to_the_mount() {
        assert!(is_below("/a/b", "/a") && is_below("/a/b/c", "/a/"));
        assert!(!is_below("/a", "/a") && !is_below("/ab", "/a"));
    }
}
