//! cronozen-edge takes Cronozen's webhooks at the edge: it verifies each delivery, recognises
//! duplicates, puts new events on a queue, and answers before the sender's 5 seconds are over.
//!
//! # One delivery, in eight steps
//!
//! 1. [`receive`](receive::receive) routes the request; bad [`settings`] refuse every delivery.
//! 2. The [`signature`] header is parsed.
//! 3. The body is read, capped in size and time, and within the [`allowance`] for all bodies together.
//! 4. The signature is checked over the raw bytes. Only this makes a [`Verified`](signature::Verified) body.
//! 5. The [`event`]'s envelope is read, and its [`message`] put together.
//! 6. [`commit`] acquires the event from its [`dedupe`] store, which answers that it is a duplicate or gives a lease.
//! 7. A body that does not fit its message is [stored](bodies), and the message is sent to the queue.
//! 8. The lease is committed, which marks the event as seen, and the [`answer`] goes to the sender.
//!
//! A 2xx means that the event is in the queue. Whatever fails, an event is queued twice at worst, and never lost.
//!
//! In strict mode an event belongs to one of 16 [shards](dedupe::shard), each with a table of
//! [leases](dedupe::lease).
//!
//! # What is in scope
//!
//! The core decides all of this and depends on no platform: the store, the queue, the clock and the log
//! are traits. The feature `worker` adds the adapter for Cloudflare Workers, and the feature `npm` the one
//! for JavaScript, which does steps 2 to 4 alone; both translate and decide nothing. Handling an event is not
//! in scope; that is what consumers of the queue are for.

pub mod allowance;
pub mod answer;
pub mod bodies;
pub mod body;
pub mod body_cap;
pub mod budget;
pub mod commit;
pub mod configuration;
pub mod dedupe;
pub mod event;
pub mod log;
pub mod message;
pub mod platform;
pub mod queue;
pub mod receive;
pub mod refusal;
pub mod runtime;
pub mod settings;
pub mod signature;
pub mod tickets;
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
