//! A reader of settings, which collects all errors, so that they are reported together.

use core::fmt;
use core::ops::RangeInclusive;

use serde::Serialize;
use zeroize::Zeroizing;

/// The value of a setting in the environment.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// No value.
    Absent,
    /// Text, or a number or boolean as text.
    Text(Zeroizing<String>),
    /// A value that no setting can have, such as a list.
    Other,
}

/// Omits the text, which may be a secret.
impl fmt::Debug for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Absent => "Absent",
            Self::Text(_) => "Text(redacted)",
            Self::Other => "Other",
        })
    }
}

/// The error for a setting or binding that is missing or wrong. It never contains the text that was found: that may be
/// a secret that was put into the wrong setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigError {
    /// The name of the setting or binding.
    pub name: &'static str,
    /// A description of the expected value.
    pub expected: String,
    /// A description of the value that was found. It may quote a number, but never text.
    pub found: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: expected {}, got {}", self.name, self.expected, self.found)
    }
}

/// A reader of settings. It gets each value from a function, by the setting's name.
pub(crate) struct Reader<'v> {
    value: &'v dyn Fn(&str) -> Value,
    errors: Vec<ConfigError>,
}

impl<'v> Reader<'v> {
    pub(crate) fn new(value: &'v dyn Fn(&str) -> Value) -> Self {
        Self { value, errors: Vec::new() }
    }

    /// Returns all errors, in the order of reading.
    pub(crate) fn into_errors(self) -> Vec<ConfigError> {
        self.errors
    }

    /// Reads the setting `name`: calls `parse` with the setting's text, or with `None` if it is not set. `parse` fails
    /// with a description of the wrong text. After a failure, this keeps the error and returns `None`.
    pub(crate) fn read<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        parse: impl FnOnce(Option<&str>) -> Result<T, String>,
    ) -> Option<T> {
        let parsed = match (self.value)(name) {
            Value::Absent => parse(None),
            Value::Text(text) => parse(Some(&text)),
            Value::Other => Err("a value that is not a string".to_owned()),
        };
        let expected = expected.to_owned();
        parsed.map_err(|found| self.errors.push(ConfigError { name, expected, found })).ok()
    }

    /// Reads a setting whose value is one of several words.
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
            chosen.map(|(_, choice)| *choice).ok_or_else(|| "a different string".to_owned())
        })
    }

    /// Reads a whole number that consists of decimal digits only.
    pub(crate) fn number(
        &mut self,
        name: &'static str,
        range: &RangeInclusive<u32>,
        default: u32,
    ) -> Option<u32> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        self.read(name, &expected, |text| {
            let Some(text) = text else { return Ok(default) };
            // Rust's parser also accepts a sign.
            let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
            match text.parse::<u32>() {
                Ok(number) if is_plain && range.contains(&number) => Ok(number),
                Ok(number) if is_plain => Err(number.to_string()),
                _ => Err("a string that is not such a number".to_owned()),
            }
        })
    }
}
