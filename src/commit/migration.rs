//! A store that takes over from another one.

use super::SeenStore;
use crate::error::PlatformError;
use crate::event::EventId;
use crate::message::Marker;

/// Marks events in `store`, and looks for what it misses in the store that was used before.
#[derive(Debug, Clone)]
pub struct Migrating<S, P> {
    /// The store that is used now.
    pub store: S,
    /// The store that was used before, as long as its markers count.
    pub previous: Option<P>,
}

impl<S: SeenStore, P: SeenStore> SeenStore for Migrating<S, P> {
    async fn seen(&self, event_id: &EventId) -> Result<bool, PlatformError> {
        match (self.store.seen(event_id).await?, &self.previous) {
            (false, Some(previous)) => previous.seen(event_id).await,
            (seen, _) => Ok(seen),
        }
    }

    fn mark(
        &self,
        event_id: &EventId,
        marker: Marker,
    ) -> impl Future<Output = Result<(), PlatformError>> + 'static {
        self.store.mark(event_id, marker)
    }
}
