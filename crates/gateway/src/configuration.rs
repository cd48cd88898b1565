//! The gateway's configuration: the webhook's path, the settings, and the bindings that they require.

pub mod bindings;

use crate::hints;
use crate::settings::{
    ConfigError, DEFAULT_MAX_BODY_BYTES, DedupeMode, Reader, Settings, Value, max_body_bytes,
};

const DEFAULT_WEBHOOK_PATH: &str = "/webhooks/cronozen";

/// The path of the health check.
pub const HEALTH_PATH: &str = "/healthz";

/// The bindings that the settings require. An invalid setting requires none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// The way in which duplicates are recognised. Without it, only the bindings that every mode needs are required.
    pub dedupe: Option<DedupeMode>,
    /// True if the gateway accepts bodies that are too large for a message, which requires a store for them.
    pub bodies: bool,
}

impl Needs {
    fn read(value: impl Fn(&str) -> Value) -> Self {
        let mut reader = Reader::new(&value);
        let dedupe = DedupeMode::read(&mut reader);
        let cap = max_body_bytes(&mut reader);
        Self { dedupe, bodies: cap.is_some_and(|cap| cap > DEFAULT_MAX_BODY_BYTES) }
    }
}

/// The configuration of every delivery: the webhook's path, and the settings with the bindings `T` that they require.
#[derive(Debug)]
pub struct Configuration<T> {
    /// The webhook's path, or its errors.
    pub webhook_path: Result<String, Vec<ConfigError>>,
    /// The settings and the bindings, or all of their errors (at least one).
    pub ready: Result<(Settings, T), Vec<ConfigError>>,
    /// A hint for each name in the environment that is nearly that of a setting or a binding. It refuses no delivery.
    pub hints: Vec<String>,
}

impl<T> Configuration<T> {
    /// Reads the settings through `value`, and combines them with the bindings. `bindings` returns the bindings that
    /// the settings require, or an error for each that is missing.
    pub fn new(
        value: impl Fn(&str) -> Value,
        bindings: impl FnOnce(Needs) -> Result<T, Vec<ConfigError>>,
    ) -> Self {
        let webhook_path = webhook_path(&value);
        let bindings = bindings(Needs::read(&value));
        let ready = match (Settings::parse(value), bindings) {
            (Ok(settings), Ok(bindings)) => Ok((settings, bindings)),
            (settings, bindings) => {
                let mut errors = settings.err().unwrap_or_default();
                errors.extend(bindings.err().unwrap_or_default());
                Err(errors)
            }
        };
        Self { webhook_path, ready, hints: Vec::new() }
    }

    /// Adds the hints for `names`, which are all the names in the environment.
    #[must_use]
    pub fn with_hints_for(mut self, names: impl Iterator<Item = String>) -> Self {
        self.hints = hints::hints(names);
        self
    }
}

/// Returns the exact path of the webhook, which is `/webhooks/cronozen` if it is not set.
///
/// # Errors
/// Fails if the path is [`HEALTH_PATH`], or if no request's URL can have it.
pub fn webhook_path(value: impl Fn(&str) -> Value) -> Result<String, Vec<ConfigError>> {
    let expected = format!(
        "a path that starts with /, has only letters, digits and -._~ between slashes, and is not \
         {HEALTH_PATH}"
    );
    let mut reader = Reader::new(&value);
    let path = reader.read("WEBHOOK_PATH", &expected, |text| {
        let path = text.unwrap_or(DEFAULT_WEBHOOK_PATH);
        match path {
            HEALTH_PATH => Err(HEALTH_PATH.to_owned()),
            _ if is_plain_path(path) => Ok(path.to_owned()),
            _ => Err("a different string".to_owned()),
        }
    });
    path.ok_or_else(|| reader.into_errors())
}

/// Returns true if a URL parser does not change the path. A parser resolves dot segments and escapes other characters,
/// so no request could match a path that has them.
fn is_plain_path(path: &str) -> bool {
    let Some(segments) = path.strip_prefix('/') else { return false };
    segments.split('/').all(|segment| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        segment.bytes().all(plain) && segment != "." && segment != ".."
    })
}
