//! The strict mode of a world.

use cronozen_edge::commit::deduper::Deduper;
use cronozen_edge::commit::migration::Migrating;
use cronozen_edge::commit::single_flight::SingleFlight;
use cronozen_edge::commit::{Commit, Committed, LookSendMark};
use cronozen_edge::error::PlatformError;
use cronozen_edge::message::Message;
use cronozen_edge::settings::Budget;

use crate::world::{FakeBackground, World};

/// The one place that commits events in strict mode, with the world's store and queue in it.
pub struct FakeDeduper<'w>(pub &'w World);

impl Deduper for FakeDeduper<'_> {
    async fn commit(&self, message: Message, budget: Budget) -> Result<Committed, PlatformError> {
        let world = self.0;
        world.call.get().perform(|| ()).await?;
        let place = SingleFlight {
            inner: LookSendMark {
                store: Migrating { store: world.store.clone(), previous: world.previous.clone() },
                queue: world.queue.clone(),
                clock: world.clock.clone(),
                background: FakeBackground,
                log: world.log.clone(),
            },
            flights: world.flights.clone(),
            clock: world.clock.clone(),
            background: FakeBackground,
            log: world.log.clone(),
        };
        let message = Message::from_parts(message.into_parts()).unwrap();
        Ok(place.commit(message, budget).await)
    }
}
