//! Conversions between the numbers of tickets and leases and JavaScript's doubles.

/// Converts a number to a double, which is exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "a count that never reaches 2^53")]
pub(super) fn to_double(number: u64) -> f64 {
    number as f64
}

/// Converts a double from [`to_double`] back to the number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "JavaScript returns the double unchanged"
)]
pub(super) fn from_double(number: f64) -> u64 {
    number as u64
}
