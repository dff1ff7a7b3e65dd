//! Many names in little memory: a set that can say whether it has a name, and nothing else.

use std::{collections::HashSet, hash::BuildHasher, hash::RandomState};

/// A set of names, 16 bytes each: a name is told by two keyed hashes.
///
/// The keys are random in every set, so nobody can choose names that collide; by chance, two of
/// a million names do so once in 10²⁶ sets.
#[derive(Debug, Default)]
pub struct NameSet {
    names: HashSet<u128>,
    keys: [RandomState; 2],
}

impl NameSet {
    /// Puts a name in; whether it is new.
    pub fn insert(&mut self, name: &[u8]) -> bool {
        self.names.insert(self.key(name))
    }

    /// Whether a name was put in.
    pub fn contains(&self, name: &[u8]) -> bool {
        self.names.contains(&self.key(name))
    }

    fn key(&self, name: &[u8]) -> u128 {
        let [one, two] = self.keys.each_ref().map(|key| u128::from(key.hash_one(name)));
        one << 64 | two
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_new_once() {
        let mut set = NameSet::default();
        assert!(set.insert(b"a") && set.insert(b"b") && !set.insert(b"a"));
        assert!(set.contains(b"b") && !set.contains(b"c"));
    }
}
