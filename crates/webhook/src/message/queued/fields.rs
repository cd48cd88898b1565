//! The fields of a JSON object, with their values still in JSON form.

use core::fmt;
use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::event::{JsonString, plain_key};

/// A description of the value that a field should have.
#[derive(Clone, Copy)]
pub(super) struct FieldError(pub(super) &'static str);

/// The fields of an object. Only requested fields are decoded, so fields that a later version adds do no harm, even if
/// a key or a string contains a lone surrogate, which JavaScript's strings allow and Rust's do not.
pub(super) struct Fields<'text>(Vec<(Cow<'text, str>, &'text RawValue)>);

impl<'text> Fields<'text> {
    /// Returns the field, or `None` if it is absent; a `null` is not absent. If a key is repeated, its last value counts,
    /// as in `JSON.parse`.
    pub(super) fn raw(&self, name: &str) -> Option<&'text RawValue> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| *value)
    }

    /// Returns the field as a `T`, or `expected` if it is absent or something else.
    pub(super) fn read<T: Deserialize<'text>>(
        &self,
        name: &str,
        expected: &'static str,
    ) -> Result<T, FieldError> {
        let value = self.raw(name).and_then(|value| serde_json::from_str(value.get()).ok());
        value.ok_or(FieldError(expected))
    }

    /// Returns the field in its JSON form if it is a string, and None if it is `null`.
    pub(super) fn string_or_null(
        &self,
        name: &str,
    ) -> Result<Option<JsonString<'text>>, FieldError> {
        let expected = FieldError("type and createdAt to be a string or null");
        let value = self.raw(name).ok_or(expected)?;
        let string = JsonString::new(value);
        if string.is_none() && value.get() != "null" {
            return Err(expected);
        }
        Ok(string)
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            if let Some(key) = plain_key(key) {
                fields.push((key, value));
            }
        }
        Ok(Fields(fields))
    }
}
