//! The names of the bindings in wrangler.toml.

/// The KV namespace of the markers.
pub const SEEN: &str = "SEEN";

/// The queue.
pub const EVENTS: &str = "EVENTS";

/// The Durable Objects that recognise duplicates strictly.
pub const DEDUPER: &str = "DEDUPER";

/// The R2 bucket for bodies that do not fit in a message.
pub const BODIES: &str = "BODIES";

/// The rate limiter of failed signatures.
pub const FAILURES: &str = "FAILURES";

/// The Durable Object that counts deliveries. The Worker's scripts use it, and it changes no answer.
const ACTIVITY: &str = "ACTIVITY";

/// All of them.
pub const NAMES: [&str; 6] = [SEEN, EVENTS, DEDUPER, BODIES, FAILURES, ACTIVITY];
