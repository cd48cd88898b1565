//! cronozen-edge takes Cronozen's webhooks at the edge: it verifies each delivery, recognises
//! duplicates, puts new events on a queue, and answers before the sender's 5 seconds are over.
//!
//! # One delivery, in eight steps
//!
//! 1. [`receive`](receive::receive) routes the request; bad [`settings`] refuse every delivery.
//! 2. The body is read, capped in size and time.
//! 3. The [`signature`] is checked over the raw bytes. Only this makes a
//!    [`Verified`](signature::Verified) body.
//! 4. The [`event`]'s envelope is read, and its [`message`] put together. A body that does not fit in there
//!    is [stored](bodies) first, within the time of the send.
//! 5. [`commit`] looks the event up,
//! 6. sends it to the queue,
//! 7. and marks it as seen, in this order: whatever fails, an event is queued twice at worst, never
//!    lost.
//! 8. The [`answer`] tells the sender. A 2xx means that the event is in the queue.
//!
//! In strict mode the steps 5 to 7 are those of a [`deduper`](commit::deduper), the one place for an event
//! wherever its deliveries arrive, which takes them in a [`single_flight`](commit::single_flight).
//!
//! # What is in scope
//!
//! The core decides all of this and depends on no platform: the store, the queue, the clock and the log
//! are traits. The feature `worker` adds the adapter for Cloudflare Workers, and the feature `npm` the one
//! for JavaScript, which does steps 2 to 4 alone; both translate and decide nothing. Handling an event is not
//! in scope; that is what consumers of the queue are for.

pub mod answer;
pub mod bodies;
pub mod body_cap;
pub mod commit;
pub mod error;
pub mod event;
pub mod log;
pub mod message;
pub mod platform;
pub mod receive;
pub mod settings;
pub mod signature;
pub mod time;

#[cfg(feature = "worker")]
mod cloudflare;
#[cfg(feature = "npm")]
mod npm;

#[cfg(all(target_family = "wasm", feature = "npm", feature = "worker"))]
compile_error!(
    "the features `npm` and `worker` exclude each other: a stray export of the one would become a method of \
     the other's entry point"
);
