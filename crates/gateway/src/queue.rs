//! The queue that events are sent to.

use crate::runtime::PlatformError;
use cronozen_webhook::message::{Dedupe, Message};

/// Takes messages. Clones share one queue.
pub trait EventQueue {
    /// A message that waits for its send, held by the platform.
    type HeldMessage: 'static;

    /// Moves a message to where it waits. WebAssembly's memory never shrinks, so a Worker holds it in JavaScript's.
    fn hold(&self, message: Message) -> Self::HeldMessage;

    /// Sends a message with the result of its look-up. Completes once the message is stored.
    fn send(
        &self,
        message: Self::HeldMessage,
        dedupe: Dedupe,
    ) -> impl Future<Output = Result<(), PlatformError>> + 'static;
}
