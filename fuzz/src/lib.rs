//! Parts that the fuzz targets share: the gateway's world in memory, the sender's signature, and a reader of JSON that
//! does not use the code under test.

#![allow(
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "only the targets use this crate"
)]
#![allow(clippy::pedantic, reason = "files of the gateway's tests, which have their own lints")]

#[path = "../../tests/support/body.rs"]
pub mod body;
#[path = "../../crates/gateway/tests/it/bucket.rs"]
pub mod bucket;
pub mod hostile;
pub mod json;
#[path = "../../crates/gateway/tests/it/platform.rs"]
pub mod platform;
pub mod requests;
#[path = "../../crates/gateway/tests/it/shards.rs"]
pub mod shards;
#[path = "../../tests/support/signing.rs"]
pub mod signing;
pub mod watch;
#[path = "../../crates/gateway/tests/it/world.rs"]
pub mod world;
