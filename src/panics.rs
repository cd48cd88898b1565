//! Keeps panics out of the log: a stack may not be logged.

use std::sync::Once;

static QUIET: Once = Once::new();

/// Replaces the `worker` crate's panic hook, which logs a stack. The shim logs the trap that follows a panic.
pub(crate) fn silence_panics() {
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
}
