//! The platform that one delivery runs on.

use crate::allowance::Allowance;
use crate::bodies::BodyStore;
use crate::body::Body;
use crate::dedupe::{DedupeStore, MarkerStore, Shards};
use crate::failures::{FailureLimiter, SuppressedCount};
use crate::log::Log;
use crate::queue::EventQueue;
use crate::runtime::{Background, Clock};

/// The services that one delivery uses. Clones belong to the same delivery, and may outlive its answer.
pub trait Platform: Clock + Background + Log + Clone + 'static {
    /// The bindings that the settings require.
    type Bindings;
    /// The body of the request.
    type Body: Body;
    /// The store of markers, which is eventually consistent.
    type Markers: MarkerStore + 'static;
    /// The shards of strict mode.
    type Shards: Shards + 'static;
    /// The queue that events are sent to.
    type Queue: EventQueue;
    /// The store of bodies that are too large for a message.
    type Bodies: BodyStore<<Self::Body as Body>::Bytes>;
    /// The limit on the failures of each address.
    type Failures: FailureLimiter;

    /// Returns the store of events that the settings chose.
    fn store(&self, bindings: &Self::Bindings) -> DedupeStore<Self::Markers, Self::Shards>;

    /// Returns the queue that events are sent to.
    fn queue(&self, bindings: &Self::Bindings) -> Self::Queue;

    /// Returns the store of bodies that are too large for a message, if there is one.
    fn bodies<'b>(&self, bindings: &'b Self::Bindings) -> Option<&'b Self::Bodies>;

    /// Returns the limit on the failures of each address, if there is one.
    fn failures<'b>(&'b self, bindings: &'b Self::Bindings) -> Option<&'b Self::Failures>;

    /// Returns the deliveries that were refused without a line of their own.
    fn suppressed(&self) -> &SuppressedCount;

    /// Returns the limit on the bytes that all deliveries together hold in memory.
    fn allowance(&self) -> &Allowance;
}
