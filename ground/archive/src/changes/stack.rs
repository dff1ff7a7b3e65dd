//! Directories laid over each other as overlay does it, without mounting anything.

use std::collections::BTreeMap;

use rustix::fs::{FileType, Stat};
use sys::Dir;

use super::{
    Change, kind_of,
    tree::{Holds, Old, compare, is_whiteout},
};

/// What is different in a container's own directory against the layers below it, nearest first:
/// what [`super::changes`] would say of the mounted trees, at the cost of the changed files only.
///
/// `None` where that cannot be told from the directory alone: it has directories that were moved
/// (`redirect_dir`). Then the mounted trees must be compared.
///
/// # Errors
/// What could not be read.
pub fn overlay_changes(upper: &Dir, lowers: &[Dir]) -> sys::Result<Option<Vec<Change>>> {
    if has_redirect(upper)? {
        return Ok(None);
    }
    let stack = Stack { roots: lowers, layers: (0..lowers.len()).collect(), path: Vec::new() };
    let mut found = Vec::new();
    compare(upper, Some(&Old::Stack(stack)), b"", Holds::Changes, &mut found)?;
    Ok(Some(found))
}

fn has_redirect(dir: &Dir) -> sys::Result<bool> {
    for listed in dir.list()? {
        let is_dir = match listed.kind {
            FileType::Unknown => dir.stat(&listed.name)?.is_some_and(|stat| kind_of(&stat) == FileType::Directory),
            kind => kind == FileType::Directory,
        };
        if !is_dir {
            continue;
        }
        if dir.xattr(&listed.name, "trusted.overlay.redirect")?.is_some() || has_redirect(&dir.sub(&listed.name)?)? {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn is_opaque(dir: &Dir, path: &[u8]) -> sys::Result<bool> {
    Ok(dir.xattr(path, "trusted.overlay.opaque")?.is_some_and(|value| value == b"y"))
}

/// One directory of a stack of layers. It is found by its path in each layer, so that a deep
/// tree of many layers does not need a descriptor for each directory of each.
pub(super) struct Stack<'a> {
    roots: &'a [Dir],
    /// The layers that have a part in it, nearest first.
    layers: Vec<usize>,
    path: Vec<u8>,
}

impl Stack<'_> {
    /// The layer a name is seen in.
    fn find(&self, name: &[u8]) -> sys::Result<Option<(usize, Stat)>> {
        let path = self.path_of(name);
        for (at, layer) in self.layers.iter().enumerate() {
            match self.roots[*layer].stat(&path)? {
                Some(stat) if is_whiteout(&stat) => return Ok(None),
                Some(stat) => return Ok(Some((at, stat))),
                None => {}
            }
        }
        Ok(None)
    }

    pub(super) fn stat(&self, name: &[u8]) -> sys::Result<Option<Stat>> {
        Ok(self.find(name)?.map(|(_, stat)| stat))
    }

    pub(super) fn xattr(&self, name: &[u8], key: &str) -> sys::Result<Option<Vec<u8>>> {
        match self.find(name)? {
            Some((at, _)) => self.roots[self.layers[at]].xattr(&self.path_of(name), key),
            None => Ok(None),
        }
    }

    /// The directory of that name.
    pub(super) fn enter(&self, name: &[u8]) -> sys::Result<Self> {
        let path = self.path_of(name);
        let mut layers = Vec::new();
        for layer in &self.layers {
            let root = &self.roots[*layer];
            match root.stat(&path)? {
                None => continue,
                Some(stat) if kind_of(&stat) == FileType::Directory => layers.push(*layer),
                Some(_) => break,
            }
            if is_opaque(root, &path)? {
                break;
            }
        }
        Ok(Self { roots: self.roots, layers, path })
    }

    /// The names that are seen, sorted.
    pub(super) fn names(&self) -> sys::Result<Vec<Vec<u8>>> {
        let mut names = BTreeMap::new();
        for layer in &self.layers {
            let dir = self.roots[*layer].below(&self.path)?;
            for listed in dir.list()? {
                let hidden = || Ok(dir.stat(&listed.name)?.is_none_or(|stat| is_whiteout(&stat)));
                if !names.contains_key(&listed.name) {
                    names.insert(listed.name.clone(), hidden()?);
                }
            }
        }
        Ok(names.into_iter().filter(|(_, hidden)| !hidden).map(|(name, _)| name).collect())
    }

    fn path_of(&self, name: &[u8]) -> Vec<u8> {
        if self.path.is_empty() { name.to_vec() } else { [self.path.as_slice(), b"/", name].concat() }
    }
}
