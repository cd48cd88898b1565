//! The gateway receives Cronozen's webhooks: it verifies each delivery, recognises duplicates, puts new events on a
//! queue, and answers before the sender's 5 seconds are over.
//!
//! # One delivery, in eight steps
//!
//! 1. [`receive`](receive::receive) routes the request. Invalid [`settings`] refuse every delivery.
//! 2. The [signature](cronozen_webhook::signature) header is parsed.
//! 3. The [`body`] is read within its limits of size and time, and within the [`allowance`] for all bodies together.
//! 4. The signature is checked over the raw bytes. Only this check creates a verified body.
//! 5. The [event](cronozen_webhook::event)'s envelope is read, and put into its [message](cronozen_webhook::message).
//! 6. [`commit`] requests a lease from the [`dedupe`] store, which grants it or reports a duplicate.
//! 7. A body that is too large for its message is [stored](bodies), and the message is sent to the [`queue`].
//! 8. The lease is committed, which marks the event as seen, and the [`answer`] goes to the sender.
//!
//! A 2xx means that the event is in the queue. No failure loses an event: at worst, the event is queued twice.
//!
//! In strict mode an event belongs to one of 16 [shards](dedupe::shard), each with a table of [leases](dedupe::lease).
//!
//! # Scope
//!
//! This crate makes every decision and depends on no platform. A [`platform`] implements its traits: the store, the
//! queue, the clock, the log, the limit on [`failures`]. Handling an event is not in scope: consumers of the queue do that.

pub mod allowance;
pub mod answer;
pub mod bodies;
pub mod body;
pub mod budget;
pub mod commit;
pub mod configuration;
pub mod dedupe;
pub mod failures;
mod hints;
pub mod log;
pub mod platform;
pub mod queue;
pub mod receive;
pub mod refusal;
pub mod runtime;
pub mod settings;
