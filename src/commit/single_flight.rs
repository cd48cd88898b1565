//! One flight for each event: deliveries that come while an event is being committed wait for what comes
//! of it, instead of committing it again.
//!
//! The flight belongs to the place that it runs in, not to the delivery that began it: it goes on until
//! the send has settled, whoever still waits. Each delivery waits until its own deadline, and none for a
//! flight that has hung for too long.

use core::fmt;
use core::pin::pin;
use core::time::Duration;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::{Either, LocalBoxFuture, Shared, select};

use super::{Commit, Committed};
use crate::error::Unavailable;
use crate::event::EventId;
use crate::log::{Level, Log, Outcome, Record};
use crate::message::Message;
use crate::platform::{Background, Clock};
use crate::settings::Budget;
use crate::time::Timestamp;

/// A send that has not settled by then is taken for lost, so that the next delivery sends again instead of
/// waiting for it. Sends have been seen to hang for 57 s and then fail; the sender's third attempt comes
/// after 150 s.
pub const MAX_FLIGHT: Duration = Duration::from_secs(90);

/// So many deliveries may wait in one place. Each holds up to three timers, and Workers allow 10,000 in all.
pub const MAX_WAITING: usize = 2000;

/// The flights that are under way, and who waits for them. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Flights(Rc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// The latest flight of each event.
    latest: RefCell<HashMap<EventId, Flight>>,
    next_number: Cell<u64>,
    waiting: Cell<usize>,
}

#[derive(Clone)]
struct Flight {
    number: u64,
    departed: Timestamp,
    committed: Shared<LocalBoxFuture<'static, Committed>>,
}

impl fmt::Debug for Flight {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Flight").field(&self.number).field(&self.departed).finish()
    }
}

impl Inner {
    /// The flight of an event that a delivery at `now` waits for.
    fn under_way(&self, event_id: &EventId, now: Timestamp) -> Option<Flight> {
        let latest = self.latest.borrow();
        latest.get(event_id).filter(|flight| now.since(flight.departed) < MAX_FLIGHT).cloned()
    }

    /// A flight has settled. A later one of the same event may be under way by now.
    fn arrived(&self, event_id: &EventId, number: u64) {
        let mut latest = self.latest.borrow_mut();
        if latest.get(event_id).is_some_and(|flight| flight.number == number) {
            latest.remove(event_id);
        }
    }
}

/// One delivery that waits, until it is dropped.
struct Waiting<'f>(&'f Inner);

impl<'f> Waiting<'f> {
    /// Unless too many wait already.
    fn begin(flights: &'f Inner) -> Option<Self> {
        let waiting = flights.waiting.get();
        (waiting < MAX_WAITING).then(|| {
            flights.waiting.set(waiting + 1);
            Self(flights)
        })
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.set(self.0.waiting.get().saturating_sub(1));
    }
}

/// Commits each event once at a time, through `inner`.
#[derive(Debug)]
pub struct SingleFlight<C, K, B, L> {
    /// Commits an event, however long that takes.
    pub inner: C,
    /// What is under way already.
    pub flights: Flights,
    /// The clock.
    pub clock: K,
    /// Keeps a flight going when nobody waits for it any more.
    pub background: B,
    /// Where flights are told that have outlived their first delivery.
    pub log: L,
}

impl<C, K, B, L> Commit for SingleFlight<C, K, B, L>
where
    C: Commit + Clone + 'static,
    K: Clock + Clone + 'static,
    B: Background,
    L: Log + Clone + 'static,
{
    async fn commit(&self, message: Message, budget: Budget) -> Committed {
        let Some(_waiting) = Waiting::begin(&self.flights.0) else {
            return Committed::Unavailable(Unavailable::Overloaded);
        };
        let under_way = self.flights.0.under_way(message.event_id(), self.clock.now());
        let first = under_way.is_none();
        let flight = under_way.unwrap_or_else(|| self.depart(message, budget));

        let time_left = budget.send_until().since(self.clock.now());
        match select(flight.committed, pin!(self.clock.sleep(time_left))).await {
            Either::Left((Committed::New(_), _)) if !first => Committed::Duplicate,
            Either::Left((committed, _)) => committed,
            Either::Right(((), _)) => Committed::Unavailable(Unavailable::QueueTimedOut(time_left)),
        }
    }
}

impl<C, K, B, L> SingleFlight<C, K, B, L>
where
    C: Commit + Clone + 'static,
    K: Clock + Clone + 'static,
    B: Background,
    L: Log + Clone + 'static,
{
    fn depart(&self, message: Message, budget: Budget) -> Flight {
        let event_id = message.event_id().clone();
        let (inner, clock, log) = (self.inner.clone(), self.clock.clone(), self.log.clone());
        let number = self.flights.0.next_number.get();
        self.flights.0.next_number.set(number + 1);
        // Weakly: a flight that never settles must end with its place, whose map holds the flight.
        let (flights, key) = (Rc::downgrade(&self.flights.0), event_id.clone());
        let committed = async move {
            let committed = inner.commit(message, budget.without_send_limit()).await;
            if let Some(flights) = flights.upgrade() {
                flights.arrived(&event_id, number);
            }
            if clock.now() > budget.send_until() {
                tell_late(&log, &clock, event_id, budget, &committed);
            }
            committed
        };
        let committed = committed.boxed_local().shared();
        let flight = Flight { number, departed: self.clock.now(), committed };
        self.flights.0.latest.borrow_mut().insert(key, flight.clone());
        self.background.keep(flight.committed.clone().map(drop));
        flight
    }
}

/// The delivery that began the flight has been answered 503, and will come again.
fn tell_late(
    log: &impl Log,
    clock: &impl Clock,
    event_id: EventId,
    budget: Budget,
    committed: &Committed,
) {
    let (outcome, reason) = match committed {
        Committed::New(_) => (Outcome::LateCommit, None),
        Committed::Duplicate => return,
        Committed::Unavailable(reason) => (Outcome::LateSendFailed, Some(reason.to_string())),
    };
    log.write(
        Level::Warn,
        &Record::after_answer(budget.arrived(), clock.now(), outcome, event_id, reason),
    );
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;
    use crate::message::{Marker, MessageParts};

    const NOW: Timestamp = Timestamp::from_millis(0);

    /// Sends that never settle, and hold what this holds.
    #[derive(Clone)]
    struct Hangs(Rc<()>);

    impl Commit for Hangs {
        async fn commit(&self, _: Message, _: Budget) -> Committed {
            let held = Rc::clone(&self.0);
            pending::<()>().await;
            drop(held);
            Committed::Duplicate
        }
    }

    /// A place that ends as soon as nobody waits: time passes at once, and nothing is kept.
    #[derive(Clone)]
    struct Ends;

    impl Clock for Ends {
        fn now(&self) -> Timestamp {
            NOW
        }

        fn sleep(&self, _: Duration) -> impl Future<Output = ()> {
            ready(())
        }
    }

    impl Background for Ends {
        fn keep(&self, _: impl Future<Output = ()> + 'static) {}
    }

    impl Log for Ends {
        fn write(&self, _: Level, _: &Record) {}
    }

    #[test]
    fn a_flight_that_never_settles_ends_with_its_place() {
        let held = Rc::new(());
        let place = SingleFlight {
            inner: Hangs(Rc::clone(&held)),
            flights: Flights::default(),
            clock: Ends,
            background: Ends,
            log: Ends,
        };
        let message = Message::from_parts(MessageParts {
            event_id: "evt_1".to_owned(),
            marker: Marker { ttl: Duration::from_secs(1), received_at: NOW },
            ignores_marker: false,
            before_dedupe: String::new(),
            after_dedupe: String::new(),
        });
        let budget = Budget::new(NOW, Duration::from_secs(4));
        let committed = place.commit(message.unwrap(), budget).now_or_never();
        assert!(matches!(committed, Some(Committed::Unavailable(_))));
        assert!(Rc::strong_count(&held) > 2, "held by the place and by its flight");
        drop(place);
        assert_eq!(Rc::strong_count(&held), 1);
    }
}
