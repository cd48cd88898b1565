//! The queue that events are sent to.

use crate::runtime::PlatformError;
use cronozen_webhook::message::{Dedupe, Message};

/// A queue of messages. Clones share it.
pub trait EventQueue {
    /// A message that the platform holds until it is sent.
    type HeldMessage: 'static;

    /// Moves a message into the platform's memory. WebAssembly's memory never shrinks, so a Worker uses JavaScript's.
    fn hold(&self, message: Message) -> Self::HeldMessage;

    /// Sends a message with the result of its look-up. Completes when the message is stored.
    fn send(
        &self,
        message: Self::HeldMessage,
        dedupe: Dedupe,
    ) -> impl Future<Output = Result<(), PlatformError>> + 'static;
}
