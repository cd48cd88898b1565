//! The names of the bindings in wrangler.toml.

/// The KV namespace of the markers.
pub const SEEN: &str = "SEEN";

/// The queue.
pub const EVENTS: &str = "EVENTS";

/// The Durable Objects that recognise duplicates strictly.
pub const DEDUPER: &str = "DEDUPER";

/// The R2 bucket for bodies that do not fit in a message.
pub const BODIES: &str = "BODIES";

/// All of them.
pub const NAMES: [&str; 4] = [SEEN, EVENTS, DEDUPER, BODIES];
