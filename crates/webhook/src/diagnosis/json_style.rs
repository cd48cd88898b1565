//! The ways in which common serialisers write JSON.

use core::fmt;

use super::json_text::Unit;

/// The way in which a serialiser writes JSON. Numbers are always kept as they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonStyle {
    pub(super) spacing: Spacing,
    pub(super) escapes: Escapes,
    /// Each object's keys are in the order of their characters.
    pub(super) is_sorted: bool,
    ends_with_line_break: bool,
}

/// The white space between values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spacing {
    /// None, as `JSON.stringify` writes.
    Compact,
    /// A space after each comma and colon, as Python writes.
    Spaced,
    /// A line for each value, indented by this text at each level, after this line break.
    Indented(&'static str, &'static str),
}

/// The escapes in strings, besides those that JSON requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escapes {
    /// None, as `JSON.stringify` writes.
    Least,
    /// Everything that is not ASCII, as Python writes.
    NonAscii,
    /// Slashes, and everything that is not ASCII, as PHP writes.
    SlashesAndNonAscii,
    /// Slashes, as PHP writes with `JSON_UNESCAPED_UNICODE`.
    Slashes,
    /// `<`, `>`, `&` and two line separators, as Go and Rails write.
    Html,
    /// Those characters and others that matter in HTML, and everything that is not ASCII, with digits in upper case.
    DotNet,
}

/// The features of a document that decide which styles give different texts.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Features {
    has_slash: bool,
    has_html: bool,
    has_non_ascii: bool,
    has_dot_net: bool,
    pub(super) has_unsorted_keys: bool,
}

impl Features {
    /// Adds a part of a string.
    pub(super) fn add(&mut self, unit: Unit) {
        let character = unit.character();
        self.has_slash |= character == '/';
        self.has_html |= Escapes::Html.are_numeric(character);
        self.has_non_ascii |= Escapes::NonAscii.are_numeric(character);
        // Also control characters and surrogates, because of the case of the digits.
        self.has_dot_net |= Escapes::DotNet.are_numeric(character);
    }
}

impl JsonStyle {
    /// Returns the styles to try for a document with these features, the likeliest first. Most give different texts;
    /// those of an empty object, or of control characters, may give the same.
    pub(super) fn all(features: Features) -> impl Iterator<Item = Self> {
        let Features { has_slash, has_html, has_non_ascii, has_dot_net, has_unsorted_keys } =
            features;
        let escapes = [
            (Escapes::Least, true),
            (Escapes::NonAscii, has_non_ascii),
            (Escapes::SlashesAndNonAscii, has_slash && has_non_ascii),
            (Escapes::Slashes, has_slash),
            (Escapes::Html, has_html),
            (Escapes::DotNet, has_dot_net),
        ];
        let spacings = [
            (Spacing::Compact, false),
            (Spacing::Spaced, false),
            (Spacing::Indented("  ", "\n"), false),
            (Spacing::Indented("    ", "\n"), false),
            (Spacing::Indented("\t", "\n"), false),
            // As jq and editors write.
            (Spacing::Compact, true),
            (Spacing::Indented("  ", "\n"), true),
            (Spacing::Indented("    ", "\n"), true),
            (Spacing::Indented("\t", "\n"), true),
            // As programs and editors write on Windows.
            (Spacing::Indented("  ", "\r\n"), false),
            (Spacing::Indented("    ", "\r\n"), false),
            (Spacing::Indented("\t", "\r\n"), false),
            (Spacing::Indented("  ", "\r\n"), true),
            (Spacing::Indented("    ", "\r\n"), true),
            (Spacing::Indented("\t", "\r\n"), true),
        ];
        let orders = [(false, true), (true, has_unsorted_keys)];
        let orders = orders.into_iter().filter_map(|(sorted, differs)| differs.then_some(sorted));
        let escapes =
            escapes.into_iter().filter_map(|(escapes, differs)| differs.then_some(escapes));
        orders.flat_map(move |is_sorted| {
            let escapes = escapes.clone();
            spacings.into_iter().flat_map(move |(spacing, ends_with_line_break)| {
                // Python's is the only common serialiser that writes a space after commas.
                let is_used = move |escapes: &Escapes| {
                    spacing != Spacing::Spaced
                        || matches!(escapes, Escapes::Least | Escapes::NonAscii)
                };
                let style =
                    move |escapes| Self { spacing, escapes, is_sorted, ends_with_line_break };
                escapes.clone().filter(is_used).map(style)
            })
        })
    }

    /// Returns what follows the text.
    pub(super) fn end(self) -> &'static str {
        match self.spacing {
            _ if !self.ends_with_line_break => "",
            Spacing::Indented(_, line_break) => line_break,
            Spacing::Compact | Spacing::Spaced => "\n",
        }
    }
}

/// Writes the style in words: `compact JSON with sorted keys`.
impl fmt::Display for JsonStyle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.spacing {
            Spacing::Compact => "compact JSON",
            Spacing::Spaced => "JSON with a space after commas and colons",
            Spacing::Indented("\t", _) => "JSON indented by tabs",
            Spacing::Indented("    ", _) => "JSON indented by 4 spaces",
            Spacing::Indented(..) => "JSON indented by 2 spaces",
        })?;
        let is_of_windows = matches!(self.spacing, Spacing::Indented(_, "\r\n"));
        formatter.write_str(if is_of_windows { ", in lines that end with CRLF" } else { "" })?;
        formatter.write_str(match self.escapes {
            Escapes::Least => "",
            Escapes::NonAscii => ", non-ASCII characters escaped",
            Escapes::SlashesAndNonAscii => ", slashes and non-ASCII characters escaped",
            Escapes::Slashes => ", slashes escaped",
            Escapes::Html => ", <, > and & escaped",
            Escapes::DotNet => ", escaped as .NET does",
        })?;
        formatter.write_str(if self.is_sorted { ", keys sorted" } else { "" })?;
        formatter.write_str(if self.ends_with_line_break {
            ", a line break at its end"
        } else {
            ""
        })
    }
}

impl Spacing {
    pub(super) fn comma(self) -> &'static str {
        if self == Self::Spaced { ", " } else { "," }
    }

    pub(super) fn colon(self) -> &'static str {
        if self == Self::Compact { ":" } else { ": " }
    }

    /// Returns the indentation at each level.
    pub(super) fn indentation(self) -> &'static str {
        if let Self::Indented(indentation, _) = self { indentation } else { "" }
    }

    /// Begins a line, if each value has a line.
    pub(super) fn write_break(self, depth: usize, written: &mut String) {
        if let Self::Indented(indentation, line_break) = self {
            written.push_str(line_break);
            (0..depth).for_each(|_| written.push_str(indentation));
        }
    }
}

impl Escapes {
    /// Returns true for characters that are written as `\u` and four digits.
    pub(super) fn are_numeric(self, character: char) -> bool {
        let is_html = matches!(character, '<' | '>' | '&');
        match character {
            '\u{8}' | '\t' | '\n' | '\u{c}' | '\r' => false,
            '\0'..='\u{1f}' => true,
            // Only Python and .NET count it as non-ASCII.
            '\u{7f}' => matches!(self, Self::NonAscii | Self::DotNet),
            '\u{2028}' | '\u{2029}' if self == Self::Html => true,
            _ => match self {
                Self::Least | Self::Slashes => false,
                Self::NonAscii | Self::SlashesAndNonAscii => !character.is_ascii(),
                Self::Html => is_html,
                Self::DotNet => is_html || !character.is_ascii() || "\"'+`".contains(character),
            },
        }
    }

    /// Returns true for a byte that stands for itself, in a string as it is in JSON.
    pub(super) fn are_absent_from(self, byte: u8) -> bool {
        match byte {
            b'\\' => false,
            b'/' => !self.are_of_slashes(),
            // The first byte of the line separators U+2028 and U+2029.
            0xe2 if self == Self::Html => false,
            0x80.. => matches!(self, Self::Least | Self::Slashes | Self::Html),
            _ => !self.are_numeric(char::from(byte)),
        }
    }

    pub(super) fn are_of_slashes(self) -> bool {
        matches!(self, Self::Slashes | Self::SlashesAndNonAscii)
    }
}
