//! Directories made inside a container's root, where every symlink stays inside.
//!
//! As moby's `GetResourcePath` and `MkdirAllAndChownNew`: a link that leads to nothing yet is
//! followed, and what it names is made.

use std::collections::VecDeque;

/// Links followed before it is a loop (Linux: 40).
const MOST_LINKS: usize = 40;

/// Makes a directory and its missing parents, mode 0755. One that is there is left as it is.
///
/// # Errors
/// When something else is in the way (`ENOTDIR`), links go round in circles, or it cannot be made.
pub fn make_dirs(root: &sys::Dir, path: &str) -> sys::Result<()> {
    let mut todo: VecDeque<Vec<u8>> = elements(path.as_bytes()).collect();
    let mut done: Vec<Vec<u8>> = Vec::new();
    let mut links = 0;
    while let Some(element) = todo.pop_front() {
        if element == b".." {
            done.pop();
            continue;
        }
        let parent = root.below(&done.join(&b'/'))?;
        match parent.stat(&element)? {
            None => {
                parent.make_dir(&element, 0o755)?;
                // Whatever the umask.
                parent.chmod(&element, 0o755)?;
            }
            Some(found) if is_link(found.st_mode) => {
                links += 1;
                if links > MOST_LINKS {
                    return Err(sys::Error::new("mkdir", path, std::io::Error::from_raw_os_error(libc::ELOOP)));
                }
                let target = parent.read_link(&element)?;
                if target.starts_with(b"/") {
                    done.clear();
                }
                for element in elements(&target).collect::<Vec<_>>().into_iter().rev() {
                    todo.push_front(element);
                }
                continue;
            }
            // What is no directory fails here, by its name.
            Some(_) => drop(parent.sub(&element)?),
        }
        done.push(element);
    }
    Ok(())
}

fn is_link(mode: u32) -> bool {
    mode & libc::S_IFMT == libc::S_IFLNK
}

fn elements(path: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    path.split(|byte| *byte == b'/').filter(|element| !matches!(*element, b"" | b".")).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> (tempfile::TempDir, sys::Dir) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        sys::create_dir(dir.path().join("root"), 0o755).expect("mkdir");
        let root = sys::Dir::open(dir.path().join("root")).expect("open");
        (dir, root)
    }

    #[test]
    fn missing_parents_are_made_and_what_is_there_stays() {
        let (dir, root) = root();
        make_dirs(&root, "/a//b/./c").expect("made");
        sys::chmod(dir.path().join("root/a"), 0o700).expect("chmod");
        make_dirs(&root, "/a/b/d").expect("made");
        assert!(dir.path().join("root/a/b/d").is_dir());
    }

    #[test]
    fn links_stay_inside_even_those_to_what_is_not_there() {
        let (dir, root) = root();
        sys::symlink("/target/deep", dir.path().join("root/absolute")).expect("symlink");
        sys::symlink("../../../../up", dir.path().join("root/relative")).expect("symlink");
        make_dirs(&root, "/absolute/x").expect("made");
        make_dirs(&root, "/relative").expect("made");
        assert!(dir.path().join("root/target/deep/x").is_dir());
        assert!(dir.path().join("root/up").is_dir());
        assert!(!dir.path().join("up").exists());
    }

    #[test]
    fn a_file_in_the_way_and_a_circle_are_errors() {
        let (dir, root) = root();
        sys::write_new(dir.path().join("root/file"), b"", 0o644).expect("write");
        sys::symlink("round", dir.path().join("root/round")).expect("symlink");
        let kind = |path| make_dirs(&root, path).expect_err("in the way").io().kind();
        assert_eq!(kind("/file/x"), std::io::ErrorKind::NotADirectory);
        assert_eq!(kind("/file"), std::io::ErrorKind::NotADirectory);
        assert!(make_dirs(&root, "/round").is_err());
    }
}
