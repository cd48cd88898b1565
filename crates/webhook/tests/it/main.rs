//! Tests of the public API: with the vectors that all languages share, and with random input.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::pedantic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests"
)]

#[path = "../../../../tests/support/signing.rs"]
mod signing;
#[path = "../../../../tests/support/vectors.rs"]
mod vectors;

mod diagnoses;
mod diagnoses_of_any_input;
mod freed_memory;
mod messages;
mod properties;
mod shared_vectors;
