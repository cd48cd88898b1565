//! Reads settings one by one, and keeps what is wrong with them.

use core::fmt;
use core::ops::RangeInclusive;

use serde::Serialize;
use zeroize::Zeroizing;

/// What stands in the environment under a setting's name.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Absent,
    /// A text, or a number or boolean in its text form.
    Text(Zeroizing<String>),
    /// Something that no setting can be, such as a list.
    Other,
}

/// Without the text, which may be a secret.
impl fmt::Debug for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Absent => "Absent",
            Self::Text(_) => "Text(redacted)",
            Self::Other => "Other",
        })
    }
}

/// A setting or binding that is missing or wrong. Holds no text that came: somebody may have put a secret
/// into the wrong setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigError {
    /// The setting's name.
    pub name: &'static str,
    /// What was expected.
    pub expected: String,
    /// What came instead: a number that came, but no text.
    pub found: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: expected {}, got {}", self.name, self.expected, self.found)
    }
}

/// Reads settings through a function that gives the value of a name.
pub(crate) struct Reader<'v> {
    value: &'v dyn Fn(&str) -> Value,
    errors: Vec<ConfigError>,
}

impl<'v> Reader<'v> {
    pub(crate) fn new(value: &'v dyn Fn(&str) -> Value) -> Self {
        Self { value, errors: Vec::new() }
    }

    /// All that was wrong, in the order of reading.
    pub(crate) fn into_errors(self) -> Vec<ConfigError> {
        self.errors
    }

    /// The setting `name` as `parse` reads its text (`None` if it is not set); `parse` says what came if
    /// that is wrong. Nothing if it is wrong, which is then kept.
    pub(crate) fn read<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        parse: impl FnOnce(Option<&str>) -> Result<T, String>,
    ) -> Option<T> {
        let parsed = match (self.value)(name) {
            Value::Absent => parse(None),
            Value::Text(text) => parse(Some(&text)),
            Value::Other => Err("a value that is no text".to_owned()),
        };
        let expected = expected.to_owned();
        parsed.map_err(|found| self.errors.push(ConfigError { name, expected, found })).ok()
    }

    /// One of several words.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        name: &'static str,
        choices: &[(&str, T)],
        default: T,
    ) -> Option<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        self.read(name, &words.join(" or "), |text| {
            let Some(text) = text else { return Ok(default) };
            let chosen = choices.iter().find(|(word, _)| *word == text);
            chosen.map(|(_, choice)| *choice).ok_or_else(|| "another text".to_owned())
        })
    }

    /// A whole number, in plain digits.
    pub(crate) fn number(
        &mut self,
        name: &'static str,
        range: &RangeInclusive<u32>,
        default: u32,
    ) -> Option<u32> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        self.read(name, &expected, |text| {
            let Some(text) = text else { return Ok(default) };
            // Rust's own parser takes a sign, too.
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            match text.parse::<u32>() {
                Ok(number) if digits && range.contains(&number) => Ok(number),
                Ok(number) if digits => Err(number.to_string()),
                _ => Err("a text that is no such number".to_owned()),
            }
        })
    }
}
