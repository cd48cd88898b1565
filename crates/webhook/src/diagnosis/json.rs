//! A JSON text, taken apart so that it can be written again as other serialisers write it.

use core::cell::OnceCell;
use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::body::BYTE_ORDER_MARK;
use super::json_style::{Features, JsonStyle};
use super::work::{Work, length};
use super::{json_text, json_writer};

/// The largest number of values and keys in a body that is written again. An event has some tens; this many take 8 MiB.
const MAX_VALUES: usize = 256 * 1024;

/// The largest depth of a body that is written again, as in `serde_json`. The writer calls itself at each level.
const MAX_DEPTH: usize = 128;

/// The largest length of a text that is written, in bytes. Deep levels of indentation could make it hundreds of times
/// the body's.
const MAX_WRITTEN_BYTES: usize = 4 * 1024 * 1024;

/// The work of taking a JSON text apart, of sorting its keys, and of writing it, in terms of hashed bytes for each
/// byte. They were measured with texts of short values and of many keys, which take the most.
const PARSING: u64 = 8;
const SORTING: u64 = 16;
const WRITING: u64 = 4;

/// A body that is one valid JSON text.
#[derive(Default)]
pub(super) struct Document<'body> {
    bytes: u64,
    /// Each value before the values in it. In an object, each key is before its value.
    values: Vec<Value<'body>>,
    /// The same with the keys sorted, once a style needs it.
    sorted: OnceCell<Vec<Value<'body>>>,
    features: Features,
    created_at: Option<String>,
    /// The levels of indentation of all lines together, if each value has a line.
    levels: usize,
}

#[derive(Clone, Copy)]
pub(super) struct Value<'body> {
    pub(super) kind: Kind,
    /// The text of a string or a scalar, as it stands in the body.
    pub(super) text: &'body str,
    /// The position of the first value that is not in this one.
    next: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Array,
    Object,
    String,
    /// A number, `true`, `false` or `null`, which are kept as they are written.
    Scalar,
}

impl<'body> Document<'body> {
    /// Takes a body apart, without its byte order mark. Returns `None` if it is not JSON, or exceeds a limit.
    pub(super) fn parse(body: &'body [u8], work: &mut Work) -> Option<Self> {
        work.spend(PARSING.saturating_mul(length(body)))?;
        let text = str::from_utf8(body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body)).ok()?;
        // The code below relies on a valid text.
        serde_json::from_str::<IgnoredAny>(text).ok()?;
        let bytes = text.as_bytes();
        let mut values: Vec<Value<'body>> = Vec::new();
        let mut open = Vec::new();
        let mut end = 0;
        let mut levels = 0;
        let mut is_after_colon = false;
        while let Some(byte) = bytes.get(end) {
            let start = end;
            end += 1;
            let kind = match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b',' => continue,
                b':' => {
                    is_after_colon = true;
                    continue;
                }
                b'}' | b']' => {
                    let next = values.len();
                    let position: usize = open.pop()?;
                    values.get_mut(position)?.next = next;
                    if next > position + 1 {
                        levels += open.len();
                    }
                    continue;
                }
                b'{' => Kind::Object,
                b'[' => Kind::Array,
                b'"' => Kind::String,
                _ => Kind::Scalar,
            };
            end = match kind {
                Kind::String => end_of_string(bytes, end),
                Kind::Scalar => end_of_scalar(bytes, end),
                Kind::Array | Kind::Object => end,
            };
            if values.len() == MAX_VALUES || open.len() == MAX_DEPTH {
                work.cut_short();
                return None;
            }
            if !core::mem::take(&mut is_after_colon) {
                levels += open.len();
            }
            if matches!(kind, Kind::Array | Kind::Object) {
                open.push(values.len());
            }
            let next = values.len() + 1;
            values.push(Value { kind, text: text.get(start..end)?, next });
        }
        let mut document = Self { bytes: length(body), values, levels, ..Self::default() };
        document.features = document.features();
        document.created_at = document.field("createdAt");
        Some(document)
    }

    /// Returns the styles in which the text can be written, without those that give the same text as another.
    pub(super) fn styles(&self) -> impl Iterator<Item = JsonStyle> {
        JsonStyle::all(self.features)
    }

    /// Returns the field `createdAt`: the decoded string, or the number as it is written.
    pub(super) fn created_at(&self) -> Option<&str> {
        self.created_at.as_deref()
    }

    /// Writes the text in a style. Returns `None` if it would be too long, or take more work than is left.
    pub(super) fn write(&self, style: JsonStyle, work: &mut Work) -> Option<String> {
        let indentation = self.levels.saturating_mul(style.spacing.indentation().len());
        if indentation > MAX_WRITTEN_BYTES {
            work.cut_short();
            return None;
        }
        let values = if style.is_sorted { self.sorted(work)? } else { &self.values };
        let limit = MAX_WRITTEN_BYTES.min(work.room(WRITING));
        let (written, is_whole) = json_writer::write(values, style, limit);
        #[cfg(test)]
        super::work::meter::add(written.len());
        // A text that has become too long was written, too, so its work counts.
        work.charge(WRITING.saturating_mul(length(written.as_bytes())));
        if !is_whole {
            work.cut_short();
        }
        is_whole.then_some(written)
    }

    /// Returns the values with the keys of each object sorted.
    fn sorted(&self, work: &mut Work) -> Option<&[Value<'body>]> {
        if self.sorted.get().is_none() {
            work.spend(SORTING.saturating_mul(self.bytes))?;
        }
        let sorted = self.sorted.get_or_init(|| {
            let mut sorted = Vec::with_capacity(self.values.len());
            self.sort(0, &mut sorted);
            sorted
        });
        Some(sorted)
    }

    /// Copies a value and those in it, with the keys sorted.
    fn sort(&self, position: usize, sorted: &mut Vec<Value<'body>>) {
        let Some(value) = self.values.get(position) else { return };
        let copy = sorted.len();
        sorted.push(*value);
        if value.kind == Kind::Object {
            let mut keys: Vec<usize> = children(&self.values, position).step_by(2).collect();
            keys.sort_by_cached_key(|key| self.decoded(*key));
            for key in keys {
                self.sort(key, sorted);
                self.sort(key + 1, sorted);
            }
        } else {
            children(&self.values, position).for_each(|child| self.sort(child, sorted));
        }
        let next = sorted.len();
        if let Some(value) = sorted.get_mut(copy) {
            value.next = next;
        }
    }

    /// Returns the decoded string, or the number as it is written, that the last field of this name has.
    fn field(&self, name: &str) -> Option<String> {
        self.values.first().filter(|value| value.kind == Kind::Object)?;
        let keys: Vec<usize> = children(&self.values, 0).step_by(2).collect();
        let key = keys.into_iter().rfind(|key| self.decoded(*key) == name)?;
        let value = self.values.get(key + 1)?;
        match value.kind {
            Kind::String => Some(self.decoded(key + 1).into_owned()),
            Kind::Scalar => Some(value.text.to_owned()),
            Kind::Array | Kind::Object => None,
        }
    }

    fn decoded(&self, position: usize) -> Cow<'body, str> {
        self.values.get(position).map(|value| json_text::decoded(value.text)).unwrap_or_default()
    }

    fn features(&self) -> Features {
        let mut features = Features::default();
        for (position, value) in self.values.iter().enumerate() {
            match value.kind {
                Kind::String if json_text::is_plain(value.text) => {}
                Kind::String => json_text::units(value.text).for_each(|unit| features.add(unit)),
                Kind::Object => {
                    let keys = children(&self.values, position).step_by(2);
                    features.has_unsorted_keys |= !keys.map(|key| self.decoded(key)).is_sorted();
                }
                Kind::Array | Kind::Scalar => {}
            }
        }
        features
    }
}

/// Returns the positions of the values directly in the one at `position`: in an object, keys and values in turn.
pub(super) fn children(values: &[Value<'_>], position: usize) -> impl Iterator<Item = usize> {
    let end = values.get(position).map_or(0, |value| value.next);
    let first = Some(position + 1).filter(|first| *first < end);
    core::iter::successors(first, move |position| {
        values.get(*position).map(|value| value.next).filter(|next| *next < end)
    })
}

fn end_of_string(bytes: &[u8], mut end: usize) -> usize {
    loop {
        match bytes.get(end) {
            Some(b'\\') => end += 2,
            Some(b'"') | None => return end + 1,
            Some(_) => end += 1,
        }
    }
}

fn end_of_scalar(bytes: &[u8], start: usize) -> usize {
    let is_after = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b']' | b'}');
    let rest = bytes.get(start..).unwrap_or_default();
    rest.iter().position(is_after).map_or(bytes.len(), |length| start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the longest text of all styles, and whether a limit was exceeded.
    fn longest(text: &str) -> (usize, bool) {
        let mut is_cut_short = false;
        let mut length = |style, document: &Document<'_>| {
            let mut work = Work::default();
            let length = document.write(style, &mut work).map(|text| text.len());
            is_cut_short |= work.is_cut_short();
            length
        };
        let mut work = Work::default();
        let Some(document) = Document::parse(text.as_bytes(), &mut work) else {
            return (0, work.is_cut_short());
        };
        let longest = document.styles().filter_map(|style| length(style, &document)).max();
        (longest.unwrap_or_default(), is_cut_short)
    }

    #[test]
    fn a_document_of_too_many_values_is_not_written() {
        // The array is a value, too.
        let values = |count: usize| format!("[{}0]", "0,".repeat(count - 2));
        assert!(!longest(&values(MAX_VALUES)).1);
        assert_eq!(longest(&values(MAX_VALUES + 1)), (0, true));
    }

    #[test]
    fn a_document_that_indentation_makes_too_long_is_not_written() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let text = format!("[{}0]", format!("{},", nested(120)).repeat(200));
        let (longest, is_cut_short) = longest(&text);
        assert!(is_cut_short && longest <= MAX_WRITTEN_BYTES, "{longest}");
    }
}
