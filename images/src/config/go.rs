//! Reading JSON as Go reads it into a struct: keys without regard to case, `null` means "not
//! there", bytes that are not UTF-8 are replaced.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Map, Value};

/// A text as JSON; as Go's decoder, invalid UTF-8 becomes U+FFFD.
pub(crate) fn value(bytes: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_str(&String::from_utf8_lossy(bytes))
}

/// Gives an object's keys the spelling of these fields and drops the nulls. Of several spellings
/// the last counts. Anything but an object stays as it is.
pub(crate) fn fold(value: Value, fields: &[&str]) -> Value {
    let Value::Object(object) = value else { return value };
    let mut folded = Map::with_capacity(object.len());
    for (key, value) in object {
        let known = fields.iter().find(|field| field.eq_ignore_ascii_case(&key));
        if !value.is_null() {
            folded.insert(known.map_or(key, |field| (*field).to_owned()), value);
        }
    }
    Value::Object(folded)
}

/// [`fold`] and read.
pub(crate) fn read<T: DeserializeOwned>(value: Value, fields: &[&str]) -> serde_json::Result<T> {
    serde_json::from_value(fold(value, fields))
}

/// Go's `strslice`: a list of texts, or one text alone.
pub(crate) fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        One(String),
        Many(Vec<String>),
    }
    Ok(Some(match Either::deserialize(from)? {
        Either::One(text) => vec![text],
        Either::Many(texts) => texts,
    }))
}

/// A list without elements is left out, as Go's `omitempty` does.
pub(crate) fn is_hollow<T>(list: &Option<Vec<T>>) -> bool {
    list.as_ref().is_none_or(Vec::is_empty)
}

/// A zero is left out.
pub(crate) fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
