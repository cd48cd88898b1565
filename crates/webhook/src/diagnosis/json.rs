//! A JSON text, taken apart so that it can be written again as other serialisers write it.

use core::cell::Cell;
use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::json_style::{Features, JsonStyle};
use super::json_text;

/// The largest number of values and keys in a body that is written again. An event has some tens; this many take 8 MiB.
const MAX_VALUES: usize = 256 * 1024;

/// The largest depth of a body that is written again, as in `serde_json`. The writer calls itself at each level.
const MAX_DEPTH: usize = 128;

/// The largest length of a text that is written, in bytes. Deep levels of indentation could make it hundreds of times
/// the body's.
const MAX_WRITTEN_BYTES: usize = 4 * 1024 * 1024;

/// A body that is one valid JSON text.
#[derive(Default)]
pub(super) struct Document<'body> {
    /// Each value before the values in it. In an object, each key is before its value.
    values: Vec<Value<'body>>,
    features: Features,
    /// True when a limit was exceeded, so some forms cannot be tried.
    is_cut_short: Cell<bool>,
}

struct Value<'body> {
    kind: Kind,
    /// The text of a string or a scalar, as it stands in the body.
    text: &'body str,
    /// The position of the first value that is not in this one.
    next: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Array,
    Object,
    String,
    /// A number, `true`, `false` or `null`, which are kept as they are written.
    Scalar,
}

impl<'body> Document<'body> {
    /// Takes a body apart. Returns `None` if it is not JSON. A document that exceeds a limit is empty.
    pub(super) fn parse(body: &'body [u8]) -> Option<Self> {
        let text = str::from_utf8(body).ok()?;
        // What follows relies on a valid text.
        serde_json::from_str::<IgnoredAny>(text).ok()?;
        let bytes = text.as_bytes();
        let mut values: Vec<Value<'body>> = Vec::new();
        let mut open = Vec::new();
        let mut end = 0;
        while let Some(byte) = bytes.get(end) {
            let start = end;
            end += 1;
            let kind = match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' => continue,
                b'}' | b']' => {
                    let next = values.len();
                    let closed = open.pop().and_then(|position: usize| values.get_mut(position));
                    if let Some(value) = closed {
                        value.next = next;
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
                return Some(Self { is_cut_short: Cell::new(true), ..Self::default() });
            }
            if matches!(kind, Kind::Array | Kind::Object) {
                open.push(values.len());
            }
            let next = values.len() + 1;
            values.push(Value { kind, text: text.get(start..end)?, next });
        }
        let mut document = Self { values, ..Self::default() };
        document.features = document.features();
        Some(document)
    }

    /// Returns the styles in which the text can be written, without those that give the same text as another.
    pub(super) fn styles(&self) -> impl Iterator<Item = JsonStyle> {
        JsonStyle::all(self.features)
    }

    /// Returns true if some forms could not be written because of a limit.
    pub(super) fn is_cut_short(&self) -> bool {
        self.is_cut_short.get()
    }

    /// Writes the text in a style. Returns `None` if it would be too long.
    pub(super) fn write(&self, style: JsonStyle) -> Option<String> {
        let mut writer = Writer { document: self, style, written: String::new() };
        writer.value(0, 0)?;
        if style.ends_with_line_break() {
            writer.written.push('\n');
        }
        Some(writer.written)
    }

    /// Returns the decoded string, or the number as it is written, that the last field of this name has.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        let object = self.values.first().filter(|value| value.kind == Kind::Object)?;
        let keys: Vec<usize> = self.children(0, object).step_by(2).collect();
        let key = keys.into_iter().rfind(|key| self.decoded(*key) == name)?;
        let value = self.values.get(key + 1)?;
        match value.kind {
            Kind::String => Some(self.decoded(key + 1).into_owned()),
            Kind::Scalar => Some(value.text.to_owned()),
            Kind::Array | Kind::Object => None,
        }
    }

    /// Returns the positions of the values directly in the one at `position`: in an object, keys and values in turn.
    fn children(&self, position: usize, value: &Value<'_>) -> impl Iterator<Item = usize> {
        let end = value.next;
        let first = Some(position + 1).filter(|first| *first < end);
        core::iter::successors(first, move |position| {
            self.values.get(*position).map(|value| value.next).filter(|next| *next < end)
        })
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
                    let keys = self.children(position, value).step_by(2);
                    features.has_unsorted_keys |= !keys.map(|key| self.decoded(key)).is_sorted();
                }
                Kind::Array | Kind::Scalar => {}
            }
        }
        features
    }
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

/// The state of writing a document.
struct Writer<'document> {
    document: &'document Document<'document>,
    style: JsonStyle,
    written: String,
}

impl Writer<'_> {
    fn value(&mut self, position: usize, depth: usize) -> Option<()> {
        let document = self.document;
        let value = document.values.get(position)?;
        match value.kind {
            Kind::String => json_text::write(value.text, self.style.escapes, &mut self.written),
            Kind::Scalar => self.written.push_str(value.text),
            Kind::Array => {
                let items = document.children(position, value);
                self.list('[', ']', items, depth, Self::value)?;
            }
            Kind::Object => {
                let mut keys: Vec<usize> = document.children(position, value).step_by(2).collect();
                if self.style.is_sorted {
                    keys.sort_by_cached_key(|key| document.decoded(*key));
                }
                self.list('{', '}', keys.into_iter(), depth, Self::field)?;
            }
        }
        if self.written.len() > MAX_WRITTEN_BYTES {
            document.is_cut_short.set(true);
            return None;
        }
        Some(())
    }

    fn field(&mut self, key: usize, depth: usize) -> Option<()> {
        self.value(key, depth)?;
        self.written.push_str(self.style.spacing.colon());
        self.value(key + 1, depth)
    }

    fn list(
        &mut self,
        open: char,
        close: char,
        mut items: impl Iterator<Item = usize>,
        depth: usize,
        write: fn(&mut Self, usize, usize) -> Option<()>,
    ) -> Option<()> {
        let spacing = self.style.spacing;
        self.written.push(open);
        if let Some(first) = items.next() {
            spacing.write_break(depth + 1, &mut self.written);
            write(self, first, depth + 1)?;
            for item in items {
                self.written.push_str(spacing.comma());
                spacing.write_break(depth + 1, &mut self.written);
                write(self, item, depth + 1)?;
            }
            spacing.write_break(depth, &mut self.written);
        }
        self.written.push(close);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the longest text of all styles, and whether a limit was exceeded.
    fn longest(text: &str) -> (usize, bool) {
        let document = Document::parse(text.as_bytes()).unwrap();
        let lengths = document.styles().filter_map(|style| document.write(style));
        (lengths.map(|text| text.len()).max().unwrap_or_default(), document.is_cut_short())
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
