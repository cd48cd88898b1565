//! The repairs of mistakes in the configured text of a secret.

use core::fmt;

use zeroize::Zeroizing;

use super::mistake::{Mistake, Party};
use crate::signature::{MAX_SECRETS, is_invisible, is_quotation_mark};

/// The repair of a mistake in the configured text. The first four each contain those before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cleaning {
    None,
    Trimmed,
    Unquoted,
    Visible,
    /// The value in a line such as `CRONOZEN_SIGNING_SECRET=whsec_…`.
    Value,
    /// Without the white space in it: a terminal has wrapped the text.
    Joined,
    /// One word of a list.
    Word(usize),
}

impl Cleaning {
    /// Returns the repairs to try.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let simple =
            [Self::None, Self::Trimmed, Self::Unquoted, Self::Visible, Self::Value, Self::Joined];
        simple.into_iter().chain((0..MAX_SECRETS).map(Self::Word))
    }

    /// Returns the repaired text, or `None` if the text does not have the mistake.
    pub(super) fn apply(self, text: &str) -> Option<Zeroizing<String>> {
        // Line breaks are control characters, too, but they are white space.
        let is_visible = |character: &char| character.is_whitespace() || !is_invisible(*character);
        let repaired = match self {
            Self::None => text.to_owned(),
            Self::Trimmed => text.trim().to_owned(),
            Self::Unquoted => unquoted(text).to_owned(),
            Self::Visible => {
                let visible = filtered(text, is_visible);
                if visible.len() == text.len() {
                    return None;
                }
                unquoted(&visible).to_owned()
            }
            Self::Value => value_in(text)?.to_owned(),
            Self::Joined => {
                let joined = filtered(text, |character| !character.is_whitespace());
                if joined.len() == text.trim().len() {
                    return None;
                }
                unquoted(&joined).to_owned()
            }
            Self::Word(position) => {
                word(text, 1)?;
                unquoted(word(text, position)?).to_owned()
            }
        };
        Some(Zeroizing::new(repaired))
    }

    /// Returns the mistakes of the receiver that the repair removes from the text.
    pub(super) fn mistakes(self, text: &str, position: usize) -> impl Iterator<Item = Mistake> {
        let party = Party::Receiver;
        let trimmed = text.trim();
        let is_trimmed = trimmed.len() < text.len();
        let is_unquoted = unquoted(text).len() < trimmed.len();
        let white_space = Mistake::SecretWhiteSpace { position, party };
        let quoted = Mistake::SecretQuoted { position, party };
        let mistakes = match self {
            Self::None => [None; 3],
            Self::Trimmed => [is_trimmed.then_some(white_space), None, None],
            Self::Unquoted | Self::Visible => [
                is_trimmed.then_some(white_space),
                is_unquoted.then_some(quoted),
                (self == Self::Visible)
                    .then_some(Mistake::SecretInvisibleCharacter { position, party }),
            ],
            Self::Value => [Some(Mistake::SecretAssignment { position }), None, None],
            Self::Joined => [Some(Mistake::SecretWrapped { position }), None, None],
            Self::Word(word) => {
                [Some(Mistake::SecretList { position, word: Some(word) }), None, None]
            }
        };
        mistakes.into_iter().flatten()
    }
}

/// Writes the repair as a part of a proof's text.
impl fmt::Display for Cleaning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::None => "",
            Self::Trimmed => ", trimmed",
            Self::Unquoted => ", without quotation marks",
            Self::Visible => ", without invisible characters",
            Self::Value => ", the value after = in it",
            Self::Joined => ", without the white space in it",
            Self::Word(word) => {
                return write!(formatter, ", the word at position {word} of it");
            }
        })
    }
}

/// Returns the value in a line such as `CRONOZEN_SIGNING_SECRET=whsec_…`, perhaps with `export` before it.
pub(super) fn value_in(text: &str) -> Option<&str> {
    let line = text.trim();
    let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let name = name.trim();
    let value = unquoted(value);
    let is_assignment = !name.is_empty() && name.chars().all(is_part) && !value.is_empty();
    is_assignment.then_some(value)
}

/// Returns the text at a position among those between white space and commas.
pub(super) fn word(text: &str, position: usize) -> Option<&str> {
    let is_separator = |character: char| character.is_whitespace() || character == ',';
    text.split(is_separator).filter(|word| !word.is_empty()).nth(position)
}

fn unquoted(text: &str) -> &str {
    let is_mark = |character: char| u8::try_from(character).is_ok_and(is_quotation_mark);
    text.trim().trim_matches(is_mark).trim()
}

fn filtered(text: &str, is_kept: fn(&char) -> bool) -> Zeroizing<String> {
    // The exact room: a string that grows would leave copies of the secret behind.
    let mut kept = Zeroizing::new(String::with_capacity(text.len()));
    kept.extend(text.chars().filter(is_kept));
    kept
}
