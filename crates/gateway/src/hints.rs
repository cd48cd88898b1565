//! Hints for names in the environment that are nearly those of the gateway's settings and bindings.
//!
//! A misspelt name has no effect, so without a hint it would go unnoticed. The Worker may also have settings and bindings
//! that are not the gateway's: they must not appear in a hint.

use strsim::osa_distance;

use crate::configuration::bindings;

/// The names of the gateway's settings.
const SETTINGS: [&str; 10] = [
    "CRONOZEN_SIGNING_SECRET",
    "CRONOZEN_SIGNING_SECRET_NEXT",
    "DEDUPE",
    "MIGRATE_FROM_KV",
    "DEDUPE_TTL_SECONDS",
    "REPLAY",
    "MAX_BODY_BYTES",
    "DEADLINE_MS",
    "WEBHOOK_PATH",
    "FORGET",
];

/// The largest number of hints. More misspelt names are unlikely.
const MAX_HINTS: usize = 8;

/// The longest name in which only one mistake is likely: two would make another word of it.
const MAX_SHORT_NAME: usize = 7;

/// Returns a hint for each of the names that is nearly one of the gateway's. If the gateway's own is there, too, the other
/// one is probably not misspelt.
pub(crate) fn hints(names: impl Iterator<Item = String>) -> Vec<String> {
    let names: Vec<String> = names.collect();
    let mut hints = Vec::new();
    for name in &names {
        if let Some(meant) = meant_by(name)
            && hints.len() < MAX_HINTS
            && !names.iter().any(|present| present == meant)
        {
            hints.push(format!("unknown name {name}: did you mean {meant}?"));
        }
    }
    hints
}

/// Returns the gateway's name that is nearest to `name`, if it is near enough and not the same.
fn meant_by(name: &str) -> Option<&'static str> {
    let mut nearest = None;
    let mut least = usize::MAX;
    for known in SETTINGS.into_iter().chain(bindings::NAMES) {
        let most = if known.len() > MAX_SHORT_NAME { 2 } else { 1 };
        // Most names end here. So a hint is at most two bytes longer than the name that was meant.
        if name.len().abs_diff(known.len()) > most {
            continue;
        }
        if name == known {
            return None;
        }
        let distance = if name.eq_ignore_ascii_case(known) { 0 } else { osa_distance(name, known) };
        if distance <= most && distance < least {
            least = distance;
            nearest = Some(known);
        }
    }
    nearest
}
