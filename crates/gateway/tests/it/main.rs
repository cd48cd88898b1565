//! Tests of the gateway with in-memory fakes in virtual time, and of its settings.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::pedantic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests"
)]

#[path = "../../../../tests/support/body.rs"]
mod body;
#[path = "../../../../tests/support/signing.rs"]
mod signing;

mod allowance;
mod answers;
mod body_reading;
mod bucket;
mod configuration;
mod errors;
mod failures;
mod floods;
mod leases;
mod platform;
mod refused_bodies;
mod replay;
mod settings;
mod shards;
mod stored_bodies;
mod strict;
mod world;
