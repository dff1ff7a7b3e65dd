//! How to see a layer, as data: what a mount would be asked for, without mounting it.

use std::path::{Path, PathBuf};

/// How to see a layer's files.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RootFs {
    /// They lie in a directory.
    Directory(PathBuf),
    /// They are shown by an overlay mount.
    Overlay(OverlayMount),
}

/// An overlay mount. All its paths are kept relative to `home`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverlayMount {
    pub(crate) home: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) lower: Vec<PathBuf>,
    pub(crate) writable: Option<Writable>,
    pub(crate) index_off: bool,
    pub(crate) userxattr: bool,
}

/// Where an overlay keeps changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Writable {
    pub upper: PathBuf,
    pub work: PathBuf,
}

/// The data of mount(2), and where its paths start from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionString {
    /// The options, comma separated.
    pub text: String,
    /// What is mounted on.
    pub target: PathBuf,
    /// The directory that `target` and the paths in `text` are relative to; `None` when they
    /// are absolute.
    pub relative_to: Option<PathBuf>,
}

/// The options of a mount do not fit into a page, however they are written.
// moby 20.10, overlay2/overlay.go Get
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot mount layer, mount label too large {0}")]
pub struct OptionsTooLong(pub usize);

impl OverlayMount {
    /// The driver's home.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Where it is mounted; this directory exists only meanwhile. Mode 0700, owner root.
    pub fn target(&self) -> PathBuf {
        self.home.join(&self.target)
    }

    /// The directories shown below, nearest first; overlay2's go through the links in `l/`.
    pub fn lower(&self) -> Vec<PathBuf> {
        self.lower.iter().map(|lower| self.home.join(lower)).collect()
    }

    /// The directory that takes the changes; `None` when the mount is read-only.
    pub fn upper(&self) -> Option<PathBuf> {
        self.writable.as_ref().map(|writable| self.home.join(&writable.upper))
    }

    /// The kernel's own directory beside `upper`.
    pub fn work(&self) -> Option<PathBuf> {
        self.writable.as_ref().map(|writable| self.home.join(&writable.work))
    }

    /// Whether `index=off` is among the options.
    pub fn index_off(&self) -> bool {
        self.index_off
    }

    /// Whether `userxattr` is among the options.
    pub fn userxattr(&self) -> bool {
        self.userxattr
    }

    /// The options as dockerd passes them, with the SELinux label if there is one.
    ///
    /// # Errors
    /// [`OptionsTooLong`] when they do not fit into a page even with relative paths.
    pub fn options(&self, label: Option<&str>) -> Result<OptionString, OptionsTooLong> {
        self.options_within(sys::page_size(), label)
    }

    // moby 20.10, overlay2/overlay.go Get: relative only when it must be.
    fn options_within(&self, page: usize, label: Option<&str>) -> Result<OptionString, OptionsTooLong> {
        let absolute = self.text(|path| self.home.join(path), label);
        if absolute.len() < page {
            return Ok(OptionString { text: absolute, target: self.target(), relative_to: None });
        }
        let relative = self.text(Path::to_owned, label);
        if relative.len() < page {
            let relative_to = Some(self.home.clone());
            return Ok(OptionString { text: relative, target: self.target.clone(), relative_to });
        }
        Err(OptionsTooLong(relative.len()))
    }

    fn text(&self, place: impl Fn(&Path) -> PathBuf, label: Option<&str>) -> String {
        // Homes that are not UTF-8 are refused when a driver is opened.
        let place = |path: &Path| place(path).to_string_lossy().into_owned();
        let lower: Vec<_> = self.lower.iter().map(|path| place(path)).collect();
        let mut options = Vec::new();
        options.extend(self.index_off.then(|| "index=off".to_owned()));
        options.extend(self.userxattr.then(|| "userxattr".to_owned()));
        options.push(format!("lowerdir={}", lower.join(":")));
        if let Some(Writable { upper, work }) = &self.writable {
            options.push(format!("upperdir={}", place(upper)));
            options.push(format!("workdir={}", place(work)));
        }
        options.extend(label.filter(|label| !label.is_empty()).map(|label| format!("context=\"{label}\"")));
        options.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(layers: usize, writable: bool) -> OverlayMount {
        let writable = writable.then(|| Writable { upper: "c/diff".into(), work: "c/work".into() });
        OverlayMount {
            home: "/var/lib/docker/overlay2".into(),
            target: "c/merged".into(),
            lower: (0..layers).map(|number| format!("l/{number:026}").into()).collect(),
            writable,
            index_off: true,
            userxattr: false,
        }
    }

    #[test]
    fn the_option_string_is_dockerds() {
        let mut two = mount(2, true);
        two.lower = vec!["l/A".into(), "l/B".into()];
        let home = "/var/lib/docker/overlay2";
        let text = format!("index=off,lowerdir={home}/l/A:{home}/l/B,upperdir={home}/c/diff,workdir={home}/c/work");
        let options = two.options_within(4096, None).expect("two layers fit");
        assert_eq!(options, OptionString { text, target: format!("{home}/c/merged").into(), relative_to: None });
    }

    #[test]
    fn a_label_comes_last_and_in_quotes() {
        let mut one = mount(1, false);
        one.index_off = false;
        one.lower = vec!["c/diff".into()];
        let label = "system_u:object_r:svirt_sandbox_file_t:s0:c1,c2";
        let options = one.options_within(4096, Some(label)).expect("one layer fits");
        assert_eq!(options.text, format!("lowerdir=/var/lib/docker/overlay2/c/diff,context=\"{label}\""));
        assert_eq!(one.options_within(4096, Some("")).expect("fits").text, "lowerdir=/var/lib/docker/overlay2/c/diff");
    }

    #[test]
    fn above_a_page_all_paths_start_from_the_home() {
        let options = mount(125, true).options_within(4096, None).expect("125 layers fit relative");
        assert!(options.text.starts_with("index=off,lowerdir=l/00000000000000000000000000:l/0000000000000000"));
        assert!(options.text.ends_with(",upperdir=c/diff,workdir=c/work"));
        assert_eq!(options.target, Path::new("c/merged"));
        assert_eq!(options.relative_to.as_deref(), Some(Path::new("/var/lib/docker/overlay2")));
    }

    #[test]
    fn a_page_less_one_byte_still_fits() {
        let two = mount(2, true);
        let length = two.options_within(usize::MAX, None).expect("fits").text.len();
        let relative = |page| two.options_within(page, None).expect("fits").relative_to.is_some();
        assert!(!relative(length + 1));
        assert!(relative(length));
    }

    #[test]
    fn what_fits_in_no_way_is_refused_in_dockerds_words() {
        let refused = mount(150, true).options_within(4096, None).expect_err("150 layers do not fit");
        assert_eq!(refused.to_string(), format!("cannot mount layer, mount label too large {}", refused.0));
        assert!(refused.0 > 4095);
    }
}
