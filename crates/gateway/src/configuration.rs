//! All that is configured: the webhook's path, the settings, and the bindings that they ask for.

use crate::settings::{
    ConfigError, DEFAULT_MAX_BODY_BYTES, DedupeMode, Reader, Settings, Value, max_body_bytes,
};

const DEFAULT_WEBHOOK_PATH: &str = "/webhooks/cronozen";

/// Where the gateway says that it is well.
pub const HEALTH_PATH: &str = "/healthz";

/// What the settings ask of the bindings, as far as they can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// How duplicates are recognised; without it, the bindings are asked for that every mode needs.
    pub dedupe: Option<DedupeMode>,
    /// Whether bodies are taken that fit no message, so that there must be a store for them.
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

/// All that a delivery needs to know before it is read: where the webhook is, and the settings together
/// with the bindings `T` that they ask for.
#[derive(Debug)]
pub struct Configuration<T> {
    /// The webhook's path, or what is wrong with it.
    pub webhook_path: Result<String, Vec<ConfigError>>,
    /// The settings and the bindings, or all that is wrong with them; at least one.
    pub ready: Result<(Settings, T), Vec<ConfigError>>,
}

impl<T> Configuration<T> {
    /// Reads the settings through `value`, and joins them with the bindings, of which `bindings` says
    /// what is missing of that which the settings need.
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
        Self { webhook_path, ready }
    }
}

/// The exact path of the webhook, `/webhooks/cronozen` if it is not set.
///
/// # Errors
/// If it is [`HEALTH_PATH`], or no path that the URL of a request can have.
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
            _ => Err("another text".to_owned()),
        }
    });
    path.ok_or_else(|| reader.into_errors())
}

/// Whether the path is one that a URL's parser leaves as it is: it would undo dot segments and escape
/// other characters, and the path would never be met.
fn is_plain_path(path: &str) -> bool {
    let Some(segments) = path.strip_prefix('/') else { return false };
    segments.split('/').all(|segment| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        segment.bytes().all(plain) && segment != "." && segment != ".."
    })
}
