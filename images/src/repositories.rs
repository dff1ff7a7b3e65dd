//! `image/<driver>/repositories.json`: which image each name stands for.
//!
//! moby 20.10, reference/store.go: the outer key is the familiar repository name, the inner the
//! familiar reference; keys sorted, no newline. What dockerd cannot parse it keeps and ignores;
//! so do we.

use std::collections::BTreeMap;

use base::{ImageId, gojson};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::reference::Reference;

/// A `repositories.json` that is no such thing.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct BadRepositories(#[from] serde_json::Error);

/// Why a name was not given to an image. The sentences are dockerd's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTag {
    /// The name has a digest.
    #[error("refusing to create a tag with a digest reference")]
    Digest,
    /// The name is `sha256`, so that `sha256:x` could be an id.
    #[error("refusing to create an ambiguous tag using digest algorithm as name")]
    Ambiguous,
}

/// All names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Repositories {
    #[serde(rename = "Repositories", default)]
    names: Option<BTreeMap<String, Option<BTreeMap<String, String>>>>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Repositories {
    /// Reads the file. As dockerd does, only its first JSON value counts.
    ///
    /// # Errors
    /// [`BadRepositories`] when it is no JSON or of another shape; dockerd does not start then.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadRepositories> {
        let mut stream = serde_json::Deserializer::from_slice(bytes);
        Ok(Self::deserialize(&mut stream)?)
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let whole = Self { names: Some(self.names.clone().unwrap_or_default()), rest: self.rest.clone() };
        gojson::to_vec(&whole).expect("maps with string keys are JSON")
    }

    fn entries(&self) -> impl Iterator<Item = (Reference, ImageId)> {
        let inner = self.names.iter().flatten().filter_map(|(_, repository)| repository.as_ref());
        inner.flatten().filter_map(|(name, id)| Some((name.parse().ok()?, id.parse().ok()?)))
    }

    /// All names that can be read, with their images, sorted by full name.
    pub fn all(&self) -> Vec<(Reference, ImageId)> {
        let mut found: Vec<_> = self.entries().collect();
        found.sort();
        found
    }

    /// The image a name stands for; a name alone means `latest`.
    pub fn image(&self, name: &Reference) -> Option<ImageId> {
        let name = name.clone().stored();
        let repository = self.names.as_ref()?.get(&name.familiar_name())?.as_ref()?;
        repository.get(&name.to_string())?.parse().ok()
    }

    /// The names of an image, sorted.
    pub fn of_image(&self, image: &ImageId) -> Vec<Reference> {
        let mut found: Vec<_> = self.entries().filter(|(_, id)| id == image).map(|(name, _)| name).collect();
        found.sort();
        found
    }

    /// What one repository holds, sorted by name.
    pub fn in_repository(&self, name: &Reference) -> Vec<(Reference, ImageId)> {
        let wanted = name.familiar_name();
        let repository = self.names.as_ref().and_then(|names| names.get(&wanted)?.as_ref());
        let read = |(name, id): (&String, &String)| Some((name.parse().ok()?, id.parse().ok()?));
        let mut found: Vec<(Reference, ImageId)> = repository.into_iter().flatten().filter_map(read).collect();
        found.sort();
        found
    }

    /// Lets a tag stand for an image; returns the image it stood for until now.
    ///
    /// # Errors
    /// [`BadTag`] for names that are no tags.
    pub fn tag(&mut self, name: &Reference, image: &ImageId) -> Result<Option<ImageId>, BadTag> {
        if name.digest().is_some() {
            return Err(BadTag::Digest);
        }
        let name = name.clone().stored();
        if name.familiar_name() == "sha256" {
            return Err(BadTag::Ambiguous);
        }
        let repository = self.names.get_or_insert_default().entry(name.familiar_name()).or_default();
        let before = repository.get_or_insert_default().insert(name.to_string(), image.to_string());
        Ok(before.and_then(|text| text.parse().ok()))
    }

    /// Takes a name away; whether it was there.
    pub fn untag(&mut self, name: &Reference) -> bool {
        let name = name.clone().stored();
        let outer = name.familiar_name();
        let Some(names) = &mut self.names else { return false };
        let Some(Some(repository)) = names.get_mut(&outer) else { return false };
        let removed = repository.remove(&name.to_string()).is_some();
        if removed && repository.is_empty() {
            names.remove(&outer);
        }
        removed
    }
}

#[cfg(test)]
mod tests {
    use base::Digest;
    use proptest::prelude::*;

    use super::*;

    fn id(seed: &[u8]) -> ImageId {
        ImageId::new(Digest::of(seed))
    }

    fn name(text: &str) -> Reference {
        text.parse().expect(text)
    }

    /// Written by dockerd 20.10.24.
    const GOLDEN: &str = r#"{"Repositories":{"base":{"base:1":"sha256:ab837081a741038caeb7b6ff471cdb1659ac7c9c35c84cb83a163057b116a96e"},"multi":{"multi:1":"sha256:edd2e89a4012dfada884d873964b570f622fcbed858db975d0ad0de2558c0bab","multi@sha256:edd2e89a4012dfada884d873964b570f622fcbed858db975d0ad0de2558c0bab":"sha256:edd2e89a4012dfada884d873964b570f622fcbed858db975d0ad0de2558c0bab"}}}"#;

    #[test]
    fn what_dockerd_wrote_survives_a_round_trip() {
        for golden in [GOLDEN, r#"{"Repositories":{}}"#, r#"{"Repositories":{"bad name":{"?":"x"}},"New":[1]}"#] {
            let read = Repositories::parse(golden.as_bytes()).expect("dockerd's file");
            assert_eq!(String::from_utf8_lossy(&read.to_bytes()), golden);
        }
    }

    #[test]
    fn names_lead_to_images_and_back() {
        let read = Repositories::parse(GOLDEN.as_bytes()).expect("dockerd's file");
        let multi = read.image(&name("multi:1")).expect("it is tagged");
        assert_eq!(read.image(&name("docker.io/library/multi:1")), Some(multi));
        assert_eq!(read.image(&name("multi")), None);
        let shown: Vec<_> = read.of_image(&multi).iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["multi:1".to_owned(), format!("multi@{multi}")]);
        assert_eq!(read.image(&name(&format!("multi:9@{multi}"))), Some(multi), "a digest makes the tag void");
    }

    #[test]
    fn the_last_name_of_a_repository_takes_it_away() {
        let mut read = Repositories::default();
        assert_eq!(read.tag(&name("a"), &id(b"1")), Ok(None));
        assert_eq!(read.tag(&name("a:latest"), &id(b"2")), Ok(Some(id(b"1"))));
        assert!(read.untag(&name("a")));
        assert!(!read.untag(&name("a")));
        assert_eq!(read.to_bytes(), br#"{"Repositories":{}}"#);
    }

    #[test]
    fn dockerd_refuses_two_kinds_of_tags() {
        let mut read = Repositories::default();
        let digest = name(&format!("a@{}", id(b"1")));
        assert_eq!(read.tag(&digest, &id(b"1")), Err(BadTag::Digest));
        assert_eq!(read.tag(&name("sha256:x"), &id(b"1")), Err(BadTag::Ambiguous));
    }

    #[test]
    fn a_damaged_file_says_where() {
        let bad = Repositories::parse(b"{\"Repositories\":{").expect_err("it ends too soon");
        assert!(bad.to_string().starts_with("EOF while parsing"), "{bad}");
        assert!(Repositories::parse(b"[]").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(tags in proptest::collection::btree_map("[a-z]{1,5}(/[a-z]{1,5})?:[a-z0-9]{1,4}", any::<[u8; 4]>(), 0..8)) {
            let mut written = Repositories::default();
            for (tag, seed) in &tags {
                written.tag(&name(tag), &id(seed)).expect("a plain tag");
            }
            let read = Repositories::parse(&written.to_bytes()).expect("what we wrote");
            for (tag, seed) in &tags {
                prop_assert_eq!(read.image(&name(tag)), Some(id(seed)));
            }
            prop_assert_eq!(read.to_bytes(), written.to_bytes());
        }
    }
}
