//! The parts of a message, which travel to where it is committed.

use core::fmt;

use super::{Marker, Message};
use crate::event::{EventError, EventId};

/// A message taken apart, for its way to the [deduper](crate::commit::deduper) that commits it.
///
/// On that way nothing but this convention says that the message has been verified: only parts of
/// [`Message::into_parts`] may be put together again, and whoever receives parts must take them from this
/// gateway alone.
#[derive(Clone, PartialEq, Eq)]
pub struct MessageParts {
    /// The event's id.
    pub event_id: String,
    /// The marker that the event gets once it is in the queue.
    pub marker: Marker,
    /// Whether a marker that it has already is ignored.
    pub ignores_marker: bool,
    /// The text before what the look-up will say.
    pub before_dedupe: String,
    /// The text after it.
    pub after_dedupe: String,
}

impl Message {
    /// Takes the message apart.
    #[must_use]
    pub fn into_parts(self) -> MessageParts {
        let Self { event_id, marker, ignores_marker, before_dedupe, after_dedupe } = self;
        let event_id = event_id.into();
        MessageParts { event_id, marker, ignores_marker, before_dedupe, after_dedupe }
    }

    /// Puts a message together again.
    ///
    /// # Errors
    /// [`EventError`] if the id is none; then the parts are not those of a message.
    pub fn from_parts(parts: MessageParts) -> Result<Self, EventError> {
        let MessageParts { event_id, marker, ignores_marker, before_dedupe, after_dedupe } = parts;
        let event_id = EventId::new(event_id)?;
        Ok(Self { event_id, marker, ignores_marker, before_dedupe, after_dedupe })
    }
}

/// Without the body.
impl fmt::Debug for MessageParts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MessageParts")
            .field("event_id", &self.event_id)
            .field("marker", &self.marker)
            .finish_non_exhaustive()
    }
}
