//! Strict deduplication: each event is committed in one place, wherever its deliveries arrive.

use core::pin::pin;

use futures_util::future::{Either, select};
use sha2::{Digest, Sha256};

use super::{Commit, Committed};
use crate::error::{PlatformError, Unavailable};
use crate::event::EventId;
use crate::message::Message;
use crate::platform::Clock;
use crate::settings::Budget;

/// How many places share the events. A queue takes 5,000 a second, and a Durable Object is said to take
/// 1,000 requests. No setting, because another number would send events to places that have never seen
/// them. A power of two, so that a byte's remainder is even.
pub const PLACES: u8 = 16;

/// The place of an event, below [`PLACES`]: from its id alone, and the same for ever.
#[must_use]
pub fn place_of(event_id: &EventId) -> u8 {
    let digest: [u8; 32] = Sha256::digest(event_id.as_str()).into();
    let [first, ..] = digest;
    first % PLACES
}

/// The place that commits an event.
pub trait Deduper {
    /// Has `message` committed there.
    ///
    /// # Errors
    /// If the place cannot be reached, is overloaded, or ends. The event may be in the queue all the same.
    fn commit(
        &self,
        message: Message,
        budget: Budget,
    ) -> impl Future<Output = Result<Committed, PlatformError>>;
}

/// Leaves the commit to a [`Deduper`], and waits for it until the delivery's deadline.
#[derive(Debug)]
pub struct AskDeduper<D, K> {
    /// The place that commits.
    pub deduper: D,
    /// The clock.
    pub clock: K,
}

impl<D: Deduper, K: Clock> Commit for AskDeduper<D, K> {
    async fn commit(&self, message: Message, budget: Budget) -> Committed {
        let time_left = budget.answer_by().since(self.clock.now());
        let asked = pin!(self.deduper.commit(message, budget));
        let unavailable = match select(asked, pin!(self.clock.sleep(time_left))).await {
            Either::Left((Ok(committed), _)) => return committed,
            Either::Left((Err(error), _)) => Unavailable::DeduperFailed(error),
            Either::Right(((), _)) => Unavailable::DeduperTimedOut(time_left),
        };
        Committed::Unavailable(unavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_never_changes_its_place() {
        let place = |id: &str| place_of(&EventId::new(id.to_owned()).unwrap());
        // A change here would queue remembered events again.
        assert_eq!(["evt_1", "evt_2", "evt_3", "\u{e9}"].map(place), [13, 7, 0, 10]);
    }

    #[test]
    fn places_share_events_evenly() {
        let mut events = [0; PLACES as usize];
        for number in 0..16_000 {
            events[usize::from(place_of(&EventId::new(format!("evt_{number}")).unwrap()))] += 1;
        }
        assert!(events.iter().all(|count| (850..1150).contains(count)), "{events:?}");
    }
}
