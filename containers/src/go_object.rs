//! JSON objects as Go reads and writes them: the macro that declares every object of
//! `config.v2.json` and `hostconfig.json`.
//!
//! Reading is Go's: keys match without regard to case, `null` leaves a plain field at its zero
//! value, a missing field is zero. Writing is dockerd's: the declared order is 20.10.24's. An
//! object that was read remembers how it was spelled ([`Spelling`]): its keys keep their order,
//! foreign keys stay where they stood, and a field that was not there is only added once it says
//! something. So a record of any version goes back to the disk byte for byte.

use std::{borrow::Cow, collections::BTreeMap};

use base::Time;
use serde::Deserialize;
use serde_json::Value;

/// How an object was spelled where it was read: the order of its keys, and the keys we do not
/// know with their values. Empty for an object made here.
#[derive(Debug, Clone, Default)]
pub struct Spelling(Vec<Slot>);

/// One key of an object that was read.
#[derive(Debug, Clone)]
pub(crate) enum Slot {
    /// The n-th declared key.
    Known(u8),
    /// A key of another version of dockerd.
    Foreign(String, Value),
}

impl Spelling {
    /// The value of a key that no field stands for, as `ImagePlatform` of dockerd 28.
    pub fn foreign(&self, key: &str) -> Option<&Value> {
        self.foreign_entries().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    fn foreign_entries(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().filter_map(|slot| match slot {
            Slot::Foreign(key, value) => Some((key.as_str(), value)),
            Slot::Known(_) => None,
        })
    }

    pub(crate) fn add_foreign(&mut self, key: String, value: Value) {
        self.0.push(Slot::Foreign(key, value));
    }

    pub(crate) fn add_known(&mut self, index: usize) {
        if !self.knows(index) {
            self.0.push(Slot::Known(index as u8));
        }
    }

    /// Whether the n-th declared key was there, and not null where Go would not hold a null.
    pub(crate) fn knows(&self, index: usize) -> bool {
        self.0.iter().any(|slot| matches!(slot, Slot::Known(known) if usize::from(*known) == index))
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.0
    }
}

/// Two objects are equal when they say the same, in whatever order.
impl PartialEq for Spelling {
    fn eq(&self, other: &Self) -> bool {
        let all = |spelling: &Self| {
            spelling.foreign_entries().map(|(key, value)| (key.to_owned(), value.clone())).collect::<BTreeMap<_, _>>()
        };
        all(self) == all(other)
    }
}

/// What a field's type must say of itself.
pub(crate) trait GoValue: Default + PartialEq {
    /// Whether Go would hold a `null` here (a pointer, slice or map).
    const NULLABLE: bool = false;
    /// Whether this is Go's zero value.
    fn is_zero(&self) -> bool {
        *self == Self::default()
    }
    /// Whether Go's `omitempty` leaves this value out.
    fn is_hollow(&self) -> bool {
        self.is_zero()
    }
    /// Forgets how it was spelled, here and in all it consists of.
    fn forget_spelling(&mut self) {}
}

macro_rules! plain {
    ($($ty:ty)*) => { $(impl GoValue for $ty {})* };
}
plain!(bool i64 u64 u32 u16 String Time [u64; 2]);

/// What may stand behind Go's `null`: here `None`.
pub(crate) trait Pointee: PartialEq {
    /// Whether `omitempty` leaves it out although it is there: empty slices and maps.
    fn is_empty(&self) -> bool {
        false
    }
    /// As [`GoValue::forget_spelling`].
    fn forget(&mut self) {}
}

impl<T: Pointee> GoValue for Option<T> {
    const NULLABLE: bool = true;
    fn is_hollow(&self) -> bool {
        self.as_ref().is_none_or(Pointee::is_empty)
    }
    fn forget_spelling(&mut self) {
        self.iter_mut().for_each(Pointee::forget);
    }
}

impl Pointee for bool {}
impl Pointee for i64 {}
impl Pointee for String {}
impl Pointee for Value {}
impl<T: Pointee> Pointee for Option<T> {
    fn forget(&mut self) {
        self.iter_mut().for_each(Pointee::forget);
    }
}
impl<T: Pointee> Pointee for Vec<T> {
    fn is_empty(&self) -> bool {
        self.is_empty()
    }
    fn forget(&mut self) {
        self.iter_mut().for_each(Pointee::forget);
    }
}
impl<V: Pointee> Pointee for BTreeMap<String, V> {
    fn is_empty(&self) -> bool {
        self.is_empty()
    }
    fn forget(&mut self) {
        self.values_mut().for_each(Pointee::forget);
    }
}

/// A key, borrowed from the bytes unless it has escapes.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Key<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// Which declared key this text is. `expected` is where to look first: files are in order.
pub(crate) fn index_of(text: &str, keys: &[&str], expected: usize) -> Option<usize> {
    if keys.get(expected) == Some(&text) {
        return Some(expected);
    }
    let exact = keys.iter().position(|key| *key == text);
    exact.or_else(|| keys.iter().position(|key| key.eq_ignore_ascii_case(text)))
}

/// Declares objects: `pub field: Type = "Key" mark,` in the order dockerd 20.10.24 writes.
///
/// The mark `omit` is Go's `omitempty`; `always` is for keys whose absence makes dockerd crash.
macro_rules! go_object {
    ($($(#[$doc:meta])* pub struct $name:ident {
        $($(#[$field_doc:meta])* pub $field:ident: $ty:ty = $key:literal $($mark:ident)?,)*
    })*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $ty,)*
            /// The order of the keys and the foreign ones among them, if this was read.
            pub spelling: $crate::Spelling,
        }

        impl $name {
            #[allow(dead_code)]
            pub(crate) const KEYS: &[&str] = &[$($key),*];

            /// Writes one field; when it was `spelled` or is due in a new object, or says something.
            #[allow(unused_variables)]
            fn write<M: serde::ser::SerializeMap>(&self, key: &str, due: bool, to: &mut M) -> Result<(), M::Error> {
                #[allow(unused_imports)]
                use $crate::go_object::GoValue;
                match key {
                    $($key => {
                        if $crate::go_object::is_written!(self.$field, due $(, $mark)?) {
                            to.serialize_entry($key, &self.$field)?;
                        }
                    })*
                    _ => {}
                }
                Ok(())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                use $crate::go_object::Slot;
                let mut object = to.serialize_map(None)?;
                for slot in self.spelling.slots() {
                    match slot {
                        Slot::Known(index) => self.write(Self::KEYS[usize::from(*index)], true, &mut object)?,
                        Slot::Foreign(key, value) => object.serialize_entry(key, value)?,
                    }
                }
                let made_here = self.spelling.slots().is_empty();
                for (index, key) in Self::KEYS.iter().enumerate() {
                    if !self.spelling.knows(index) {
                        self.write(key, made_here, &mut object)?;
                    }
                }
                object.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct Reader;

                impl<'de> serde::de::Visitor<'de> for Reader {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    // Go: null into a struct changes nothing.
                    fn visit_unit<E>(self) -> Result<$name, E> {
                        Ok($name::default())
                    }

                    #[allow(unused_mut, unused_variables, unused_imports)]
                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut from: A) -> Result<$name, A::Error> {
                        use $crate::go_object::{GoValue, Key, index_of};
                        let mut object = $name::default();
                        let mut expected = 0;
                        while let Some(Key(text)) = from.next_key()? {
                            let Some(index) = index_of(&text, $name::KEYS, expected) else {
                                object.spelling.add_foreign(text.into_owned(), from.next_value()?);
                                continue;
                            };
                            expected = index + 1;
                            let nullable = match $name::KEYS[index] {
                                $($key => {
                                    let value: Option<$ty> = from.next_value().map_err(|bad| $crate::go_object::in_key($key, bad))?;
                                    match value {
                                        Some(value) => object.$field = value,
                                        None if !<$ty>::NULLABLE => continue,
                                        None => object.$field = <$ty>::default(),
                                    }
                                })*
                                _ => {}
                            };
                            object.spelling.add_known(index);
                        }
                        Ok(object)
                    }
                }

                from.deserialize_any(Reader)
            }
        }

        impl $crate::go_object::GoValue for $name {
            fn forget_spelling(&mut self) {
                $($crate::go_object::GoValue::forget_spelling(&mut self.$field);)*
                self.spelling = $crate::Spelling::default();
            }
        }

        impl $crate::go_object::Pointee for $name {
            fn forget(&mut self) {
                $crate::go_object::GoValue::forget_spelling(self);
            }
        }
    )* };
}

/// Whether a field is written: see [`go_object`].
macro_rules! is_written {
    ($value:expr, $due:expr) => {
        $due || !$value.is_zero()
    };
    ($value:expr, $due:expr, omit) => {
        !$value.is_hollow()
    };
    ($value:expr, $due:expr, always) => {
        true
    };
}

pub(crate) use {go_object, is_written};

/// Adds the name of the field to what was wrong with its value.
pub(crate) fn in_key<E: serde::de::Error>(key: &str, bad: E) -> E {
    E::custom(format_args!("{key}: {bad}"))
}

go_object! {
    /// `{}`: what Go writes for a set's members and for a struct without public fields.
    pub struct Empty {}
}

#[cfg(test)]
mod tests {
    use super::*;

    go_object! {
        /// An object with a field of each sort.
        pub struct Sample {
            /// Plain.
            pub plain: String = "Plain",
            /// Nullable.
            pub list: Option<Vec<String>> = "List",
            /// Left out when empty.
            pub extra: String = "Extra" omit,
            /// Never left out.
            pub inner: Empty = "Inner" always,
        }
    }

    fn read(text: &str) -> Sample {
        serde_json::from_str(text).expect("it is JSON of the right sort")
    }

    fn written(sample: &Sample) -> String {
        base::gojson::to_string(sample).expect("a sample is JSON")
    }

    #[test]
    fn an_object_made_here_is_in_declared_order() {
        assert_eq!(written(&Sample::default()), r#"{"Plain":"","List":null,"Inner":{}}"#);
    }

    #[test]
    fn keys_keep_their_order_and_foreign_keys_their_place() {
        let text = r#"{"Inner":{"z":1},"Zebra":[1,{"b":2,"a":null}],"Plain":"p","List":[],"Aardvark":1}"#;
        assert_eq!(written(&read(text)), text);
    }

    #[test]
    fn a_field_that_was_not_there_appears_when_it_says_something_or_dockerd_needs_it() {
        let mut sample = read(r#"{"List":null}"#);
        assert_eq!(written(&sample), r#"{"List":null,"Inner":{}}"#);
        sample.plain = "x".to_owned();
        assert_eq!(written(&sample), r#"{"List":null,"Plain":"x","Inner":{}}"#);
    }

    #[test]
    fn an_object_that_forgot_its_spelling_is_in_declared_order() {
        let mut sample = read(r#"{"Inner":{"z":1},"Zebra":1,"List":["a"]}"#);
        sample.forget_spelling();
        assert_eq!(written(&sample), r#"{"Plain":"","List":["a"],"Inner":{}}"#);
    }

    #[test]
    fn keys_match_in_any_case_as_in_go() {
        assert_eq!(read(r#"{"pLAIN":"x"}"#).plain, "x");
        assert_eq!(read(r#"{"\u0050lain":"x"}"#).plain, "x");
    }

    #[test]
    fn null_leaves_a_plain_field_at_zero() {
        assert_eq!(read(r#"{"Plain":null,"Inner":null,"List":null}"#), Sample::default());
    }

    #[test]
    fn a_key_given_twice_counts_last_and_is_written_once() {
        assert_eq!(written(&read(r#"{"Plain":"a","plain":"b","Inner":{}}"#)), r#"{"Plain":"b","Inner":{}}"#);
    }

    #[test]
    fn a_wrong_value_is_named_by_its_key() {
        let bad = serde_json::from_str::<Sample>(r#"{"Plain":7}"#).expect_err("7 is no string");
        assert_eq!(bad.to_string(), "Plain: invalid type: integer `7`, expected a string at line 1 column 10");
    }
}
