//! Numbers that stand for something in Rust, such as tickets and leases, as JavaScript holds them.

/// Returns the number as JavaScript holds it: exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "a count, which does not get that far")]
pub(super) fn to_double(number: u64) -> f64 {
    number as f64
}

/// Returns the number that JavaScript has been given.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "JavaScript gives back what it was given"
)]
pub(super) fn from_double(number: f64) -> u64 {
    number as u64
}
