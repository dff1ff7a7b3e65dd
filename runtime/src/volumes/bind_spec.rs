//! `-v SOURCE:DESTINATION[:MODE]`, read as dockerd reads it. Pure.
//!
//! moby 20.10, volume/mounts/linux_parser.go `ParseMountRaw`.

use base::gopath;
use containers::{
    MountPoint,
    config_v2::{BindOptions, Mount, VolumeOptions},
};

/// Why a `-v` is refused. The words are dockerd's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadBind {
    /// Too many or too few parts.
    #[error("invalid volume specification: '{0}'")]
    Spec(String),
    /// The third part.
    #[error("invalid mode: {0}")]
    Mode(String),
    /// The destination is the root.
    #[error(
        "invalid volume specification: '{spec}': invalid mount config for type \"{kind}\": invalid specification: destination can't be '/'"
    )]
    Root {
        /// As typed.
        spec: String,
        /// `bind` or `volume`.
        kind: &'static str,
    },
    /// The destination is relative.
    #[error(
        "invalid volume specification: '{spec}': invalid mount config for type \"{kind}\": invalid mount path: '{path}' mount path must be absolute"
    )]
    Relative {
        /// As typed.
        spec: String,
        /// `bind` or `volume`.
        kind: &'static str,
        /// The destination.
        path: String,
    },
}

/// What the words of a mode are about; of each kind there may be one.
#[derive(Clone, Copy, PartialEq)]
enum Word {
    Access,
    Label,
    Propagation,
    Copy,
    Consistency,
}

fn word(text: &str) -> Option<Word> {
    match text {
        "ro" | "rw" => Some(Word::Access),
        "z" | "Z" => Some(Word::Label),
        "private" | "rprivate" | "slave" | "rslave" | "shared" | "rshared" => Some(Word::Propagation),
        "nocopy" => Some(Word::Copy),
        "consistent" | "cached" | "delegated" => Some(Word::Consistency),
        _ => None,
    }
}

/// The words of a mode; `None` if one is unknown or two are about the same.
fn words(mode: &str) -> Option<Vec<(Word, &str)>> {
    if mode.is_empty() {
        return Some(Vec::new());
    }
    let words = mode.split(',').map(|text| word(text).map(|word| (word, text))).collect::<Option<Vec<_>>>()?;
    let twice = words.iter().enumerate().any(|(at, (word, _))| words[..at].iter().any(|(earlier, _)| earlier == word));
    (!twice).then_some(words)
}

/// The mount point that a `-v` asks for: a bind if its source is an absolute path, else a volume
/// of that name.
///
/// # Errors
/// [`BadBind`].
pub fn parse(spec: &str) -> Result<MountPoint, BadBind> {
    let bad = || BadBind::Spec(spec.to_owned());
    let parts: Vec<&str> = spec.split(':').collect();
    let (source, target, mode) = match parts[..] {
        // Without a source this would be a destination and a mode, which no volume has.
        [source, target] if !(is_mode(target) || source.is_empty()) => (source, target, ""),
        [source, target, mode] if !source.is_empty() => (source, target, mode),
        _ => return Err(bad()),
    };
    let words = words(mode).ok_or_else(|| BadBind::Mode(mode.to_owned()))?;
    let of = |kind: Word| words.iter().find(|(word, _)| *word == kind).map(|(_, text)| *text);
    let kind = if source.starts_with('/') { "bind" } else { "volume" };
    let destination = clean(target);
    if destination == "/" {
        return Err(BadBind::Root { spec: spec.to_owned(), kind });
    }
    if !target.starts_with('/') {
        return Err(BadBind::Relative { spec: spec.to_owned(), kind, path: target.to_owned() });
    }
    let writable = of(Word::Access) != Some("ro");
    let propagation = of(Word::Propagation);
    let asked = Mount {
        kind: kind.to_owned(),
        source: source.to_owned(),
        target: target.to_owned(),
        read_only: !writable,
        bind_options: propagation.map(|mode| BindOptions { propagation: mode.to_owned(), ..BindOptions::default() }),
        volume_options: of(Word::Copy).map(|_| VolumeOptions { no_copy: true, ..VolumeOptions::default() }),
        ..Mount::default()
    };
    let common = MountPoint {
        destination,
        rw: writable,
        kind: kind.to_owned(),
        mode: mode.to_owned(),
        spec: asked,
        ..MountPoint::default()
    };
    Ok(if kind == "bind" {
        let propagation = propagation.unwrap_or("rprivate").to_owned();
        MountPoint { source: clean(source), propagation, ..common }
    } else {
        MountPoint { name: source.to_owned(), ..common }
    })
}

/// Whether this is a mode of `--volumes-from`: propagation and copying are the first container's.
///
/// moby 20.10, volume/mounts/linux_parser.go `ParseVolumesFrom`.
pub(super) fn is_borrowing_mode(mode: &str) -> bool {
    let own = |word| word != Word::Propagation && word != Word::Copy;
    words(mode).is_some_and(|words| words.iter().all(|(word, _)| own(*word)))
}

fn is_mode(text: &str) -> bool {
    words(text).is_some()
}

fn clean(path: &str) -> String {
    String::from_utf8_lossy(&gopath::clean(path.as_bytes())).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words_of(spec: &str) -> String {
        parse(spec).expect_err(spec).to_string()
    }

    #[test]
    fn an_absolute_source_is_a_bind_and_its_paths_are_cleaned() {
        let point = parse("/tmp/:/q/:z").expect("a bind");
        assert_eq!((point.source.as_str(), point.destination.as_str()), ("/tmp", "/q"));
        assert_eq!((point.kind.as_str(), point.mode.as_str(), point.propagation.as_str()), ("bind", "z", "rprivate"));
        assert_eq!((point.spec.source.as_str(), point.spec.target.as_str()), ("/tmp/", "/q/"));
        assert!(point.rw);
    }

    #[test]
    fn another_source_names_a_volume() {
        let point = parse("nn:/q:ro").expect("a volume");
        assert_eq!((point.name.as_str(), point.kind.as_str(), point.source.as_str()), ("nn", "volume", ""));
        assert!(!point.rw && point.spec.read_only && point.propagation.is_empty());
        assert!(parse("nn:/q:nocopy").expect("a volume").spec.volume_options.expect("options").no_copy);
    }

    #[test]
    fn a_propagation_is_kept_where_it_was_asked_for() {
        let point = parse("/tmp:/q:rslave").expect("a bind");
        assert_eq!(point.propagation, "rslave");
        assert_eq!(point.spec.bind_options.expect("options").propagation, "rslave");
    }

    #[test]
    fn bad_wishes_are_refused_in_dockerds_words() {
        assert_eq!(words_of("a:b:c:d"), "invalid volume specification: 'a:b:c:d'");
        assert_eq!(words_of("/tmp:ro"), "invalid volume specification: '/tmp:ro'");
        assert_eq!(words_of("/tmp:/q:bad"), "invalid mode: bad");
        assert_eq!(words_of("/tmp:/q:ro,rw"), "invalid mode: ro,rw");
        let root = "invalid volume specification: '/tmp:/': invalid mount config for type \"bind\": \
                    invalid specification: destination can't be '/'";
        assert_eq!(words_of("/tmp:/"), root);
        let relative = "invalid volume specification: '/tmp:rel': invalid mount config for type \"bind\": \
                        invalid mount path: 'rel' mount path must be absolute";
        assert_eq!(words_of("/tmp:rel"), relative);
    }
}
