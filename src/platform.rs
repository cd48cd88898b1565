//! What the flow needs of the platform that it runs on.

use core::time::Duration;

use crate::allowance::Allowance;
use crate::bodies::BodyStore;
use crate::dedupe::DedupeStore;
use crate::error::PlatformError;
use crate::log::Log;
use crate::message::{Dedupe, MessageText};
use crate::time::Timestamp;

/// All that one delivery needs of where it runs. Clones belong to the same delivery, and may outlive its answer.
pub trait Platform: Clock + Background + Log + Clone + 'static {
    /// The bindings that the settings ask for.
    type Bindings;
    /// The body of the request.
    type Body: Body;
    /// Where events are remembered.
    type Store: DedupeStore;
    /// Where messages go.
    type Queue: EventQueue;
    /// Where bodies go that fit no message.
    type Bodies: BodyStore<<Self::Body as Body>::Held>;

    /// Returns where events are remembered.
    fn store(&self, bindings: &Self::Bindings) -> Self::Store;

    /// Returns where messages go.
    fn queue(&self, bindings: &Self::Bindings) -> Self::Queue;

    /// Returns where bodies go that fit no message, if there is such a place.
    fn bodies<'b>(&self, bindings: &'b Self::Bindings) -> Option<&'b Self::Bodies>;

    /// Returns what all deliveries together may hold in memory.
    fn allowance(&self) -> &Allowance;
}

/// Takes messages. Clones share one queue.
pub trait EventQueue {
    /// A message that waits for its send, held by the platform.
    type Held: 'static;

    /// Moves a message to where it waits. WebAssembly's memory never shrinks, so a Worker holds it in JavaScript's.
    fn hold(&self, text: MessageText) -> Self::Held;

    /// Sends a message with the result of its look-up. Completes once the message is stored.
    fn send(
        &self,
        held: Self::Held,
        dedupe: Dedupe,
    ) -> impl Future<Output = Result<(), PlatformError>> + 'static;
}

/// The clock. On Workers it stands still between I/O.
pub trait Clock {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Completes after `duration`.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()>;
}

/// Runs what must be finished after the answer.
pub trait Background {
    /// Keeps `future` running, up to the platform's limit (30 s on Workers).
    fn keep(&self, future: impl Future<Output = ()> + 'static);
}

/// The body of a request, not read yet.
pub trait Body {
    /// What has been read of it.
    type Held: HeldBody;

    /// All of it.
    fn whole(self) -> impl Future<Output = Result<Self::Held, PlatformError>>;

    /// The next part of it; `None` at its end.
    fn chunk(&mut self) -> impl Future<Output = Result<Option<Self::Held>, PlatformError>>;
}

/// What has been read of a body, held by the platform.
///
/// WebAssembly's memory never shrinks, so what lies in it while something is awaited decides how large it
/// gets: one body after the other has passed through by the time that twenty would have lain there at once.
/// Therefore a Worker holds bodies in JavaScript's memory, and nothing is awaited where the bytes are seen.
pub trait HeldBody: Default {
    /// How many bytes it has.
    fn length(&self) -> usize;

    /// Adds the next part.
    fn append(&mut self, chunk: Self);

    /// Lets `read` see the bytes, copied if they are held elsewhere, for as long as it runs.
    fn with_bytes<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R;
}

/// On a host there is no other memory.
impl HeldBody for Vec<u8> {
    fn length(&self) -> usize {
        self.len()
    }

    fn append(&mut self, chunk: Self) {
        self.extend(chunk);
    }

    fn with_bytes<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
        read(self)
    }
}
