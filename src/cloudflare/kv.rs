//! Workers KV as the store of seen events: key `seen:<eventId>`, an empty value, the rest as metadata.

use serde::Serialize;
use worker::Env;
use worker::kv::{KvError, KvStore};

use super::binding::has_methods;
use super::failure;
use crate::commit::SeenStore;
use crate::error::PlatformError;
use crate::event::EventId;
use crate::message::Marker;
use crate::time::Timestamp;

const KEY_PREFIX: &str = "seen:";

/// KV caches a miss at the location that looked, for 60 s if nothing else is said. This is the least
/// that it allows, and the time of the sender's first retry.
const CACHE_TTL_SECONDS: u64 = 30;

#[derive(Debug, Clone)]
pub(super) struct KvSeenStore(KvStore);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    received_at: Timestamp,
}

impl KvSeenStore {
    /// The namespace bound as `name`; `None` if nothing is, or something that is no namespace.
    pub(super) fn bound(env: &Env, name: &str) -> Option<Self> {
        // The crate does not check.
        has_methods(env, name, &["get", "put"]).then(|| env.kv(name).ok().map(Self)).flatten()
    }
}

impl SeenStore for KvSeenStore {
    async fn seen(&self, event_id: &EventId) -> Result<bool, PlatformError> {
        let value = self.0.get(&key(event_id)).cache_ttl(CACHE_TTL_SECONDS).text().await;
        Ok(value.map_err(|error| translate(&error))?.is_some())
    }

    fn mark(
        &self,
        event_id: &EventId,
        marker: Marker,
    ) -> impl Future<Output = Result<(), PlatformError>> + 'static {
        let put = self.0.put(&key(event_id), "").and_then(|put| {
            put.expiration_ttl(marker.ttl.as_secs())
                .metadata(Metadata { received_at: marker.received_at })
        });
        async move {
            put.map_err(|error| translate(&error))?
                .execute()
                .await
                .map_err(|error| translate(&error))
        }
    }
}

fn key(event_id: &EventId) -> String {
    format!("{KEY_PREFIX}{event_id}")
}

fn translate(error: &KvError) -> PlatformError {
    match error {
        KvError::JavaScript(thrown) => failure::translate(thrown),
        KvError::Serialization(_) => PlatformError::new("the value could not be serialised"),
        KvError::InvalidKvStore(_) => PlatformError::new("the binding is no KV namespace"),
    }
}
