//! The flow from request to answer, over in-memory fakes in virtual time.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::pedantic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test"
)]

#[path = "../support/body.rs"]
mod body;
#[path = "../support/signing.rs"]
mod signing;

mod allowance;
mod answers;
mod bodies;
mod bucket;
mod failures;
mod large;
mod refused;
mod replay;
mod shards;
mod strict;
mod world;
