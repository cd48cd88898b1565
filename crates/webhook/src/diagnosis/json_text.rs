//! The strings in a JSON text: decodes them, and writes them with the escapes of other serialisers.

use std::borrow::Cow;

use super::json_style::Escapes;

/// A part of a decoded string.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    Character(char),
    /// A surrogate without its other half, which is valid in JSON.
    Surrogate(u16),
}

impl Unit {
    /// Returns the character, or the replacement character for a surrogate.
    pub(super) fn character(self) -> char {
        match self {
            Self::Character(character) => character,
            Self::Surrogate(_) => char::REPLACEMENT_CHARACTER,
        }
    }
}

/// Decodes a valid string, with its quotation marks.
pub(super) fn units(text: &str) -> impl Iterator<Item = Unit> {
    let mut rest = inside(text).chars();
    core::iter::from_fn(move || match rest.next()? {
        '\\' => Some(escape(&mut rest)),
        character => Some(Unit::Character(character)),
    })
}

/// Returns the characters of a valid string, with replacement characters for surrogates.
pub(super) fn decoded(text: &str) -> Cow<'_, str> {
    if text.contains('\\') {
        units(text).map(Unit::character).collect()
    } else {
        inside(text).into()
    }
}

/// Writes a valid string again, with its quotation marks. Stops soon after `written` has exceeded the limit.
pub(super) fn write(text: &str, escapes: Escapes, limit: usize, written: &mut String) {
    written.push('"');
    let mut rest = inside(text);
    while written.len() <= limit {
        // Copies what needs no second look.
        let end = rest.bytes().position(|byte| !escapes.are_absent_from(byte));
        let (same, other) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or_default();
        written.push_str(same);
        let mut characters = other.chars();
        let Some(first) = characters.next() else { break };
        let unit = if first == '\\' { escape(&mut characters) } else { Unit::Character(first) };
        write_unit(unit, escapes, written);
        rest = characters.as_str();
    }
    written.push('"');
}

/// Returns true if every style writes the string as it is.
pub(super) fn is_plain(text: &str) -> bool {
    let is_plain =
        |byte: u8| (byte.is_ascii_graphic() || byte == b' ') && !b"\\/<>&'+`".contains(&byte);
    inside(text).bytes().all(is_plain)
}

fn inside(text: &str) -> &str {
    text.get(1..text.len().saturating_sub(1)).unwrap_or_default()
}

/// Decodes an escape, whose backslash has been read.
fn escape(rest: &mut core::str::Chars<'_>) -> Unit {
    Unit::Character(match rest.next() {
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('u') => return code_unit(rest),
        Some(character) => character,
        None => '\\',
    })
}

/// Decodes the four digits after `\u`, and the other half of a pair of surrogates.
fn code_unit(rest: &mut core::str::Chars<'_>) -> Unit {
    let first = four_digits(rest);
    let mut after = rest.clone();
    let second = match (first, after.next(), after.next()) {
        (0xd800..=0xdbff, Some('\\'), Some('u')) => four_digits(&mut after),
        _ => 0,
    };
    if matches!(second, 0xdc00..=0xdfff) {
        *rest = after;
        let pair = char::decode_utf16([first, second]).next();
        return Unit::Character(pair.and_then(Result::ok).unwrap_or_default());
    }
    char::from_u32(first.into()).map_or(Unit::Surrogate(first), Unit::Character)
}

fn four_digits(rest: &mut core::str::Chars<'_>) -> u16 {
    let digits = rest.by_ref().take(4).filter_map(|digit| digit.to_digit(16));
    let value = digits.fold(0, |value, digit| value << 4 | digit);
    u16::try_from(value).unwrap_or_default()
}

fn write_unit(unit: Unit, escapes: Escapes, written: &mut String) {
    match unit {
        Unit::Surrogate(surrogate) => write_escape(surrogate, escapes, written),
        Unit::Character(character) if escapes.are_numeric(character) => {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write_escape(*unit, escapes, written);
            }
        }
        Unit::Character(character) => match character {
            '"' => written.push_str("\\\""),
            '\\' => written.push_str("\\\\"),
            '\u{8}' => written.push_str("\\b"),
            '\u{c}' => written.push_str("\\f"),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            '/' if escapes.are_of_slashes() => written.push_str("\\/"),
            _ => written.push(character),
        },
    }
}

fn write_escape(unit: u16, escapes: Escapes, written: &mut String) {
    written.push_str("\\u");
    for shift in [12, 8, 4, 0] {
        let digit = char::from_digit(u32::from(unit >> shift & 15), 16).unwrap_or_default();
        written.push(if escapes == Escapes::DotNet { digit.to_ascii_uppercase() } else { digit });
    }
}
