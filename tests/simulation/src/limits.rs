//! The time limits that the models and the invariants share. They repeat the rules of the design, not the code under test.

use crate::clock::{Ms, SECOND};

/// One scheduling step. Actions in the same step have no order.
pub const STEP: Ms = 1;

/// The longest that a lease lasts.
pub const MAX_LEASE: Ms = 35 * SECOND;

/// The longest that a delivery's work lasts after its arrival.
pub const WORK_LIMIT: Ms = 28 * SECOND;

/// The longest that a row takes to become durable after it is written.
pub const ROW_LIMIT: Ms = 8;

/// The most by which rounding may lengthen a look-up, a send or a marker.
pub const ROUNDING: Ms = 5;
