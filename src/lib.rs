//! cronozen-edge verifies Cronozen's webhooks at the edge, recognises duplicates, and queues events.

pub mod answer;
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
