//! The writer of a JSON text in the style of another serialiser.

use super::json::{Kind, Value, children};
use super::json_style::JsonStyle;
use super::json_text;

/// Writes values in a style. Returns the text, and false if it stops because the text exceeds the limit, in bytes.
pub(super) fn write(values: &[Value<'_>], style: JsonStyle, limit: usize) -> (String, bool) {
    let mut writer = Writer { values, style, limit, written: String::new() };
    let is_whole = writer.value(0, 0).is_some();
    writer.written.push_str(style.end());
    (writer.written, is_whole)
}

/// The state of writing a document.
struct Writer<'document> {
    values: &'document [Value<'document>],
    style: JsonStyle,
    limit: usize,
    written: String,
}

impl Writer<'_> {
    fn value(&mut self, position: usize, depth: usize) -> Option<()> {
        let values = self.values;
        let value = values.get(position)?;
        match value.kind {
            Kind::String => {
                json_text::write(value.text, self.style.escapes, self.limit, &mut self.written);
            }
            Kind::Scalar => self.written.push_str(value.text),
            Kind::Array => {
                self.list('[', ']', children(values, position), depth, Self::value)?;
            }
            Kind::Object => {
                let keys = children(values, position).step_by(2);
                self.list('{', '}', keys, depth, Self::field)?;
            }
        }
        (self.written.len() <= self.limit).then_some(())
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
