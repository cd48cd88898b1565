//! The one commit protocol: acquire the event, send it, then mark it as seen.
//!
//! The order is the product's promise. An event is marked only after the queue has acknowledged it, so a crash, a
//! time-out or an error at any point leaves a duplicate behind at worst, and never a loss.

use core::pin::pin;

use futures_util::future::{Either, select};
use thiserror::Error;

use crate::allowance::Holding;
use crate::bodies::store;
use crate::dedupe::{Acquired, DedupeStore, Lease, Lookup};
use crate::error::{PlatformError, Unavailable};
use crate::event::EventId;
use crate::log::{Level, Outcome, Record};
use crate::message::{Marker, StoredBody};
use crate::platform::{Body, EventQueue, Platform};
use crate::settings::{Budget, LATE_LIMIT, MARK_WAIT};
use crate::time::Timestamp;

/// The bytes of a request on a platform.
pub(crate) type HeldBody<P> = <<P as Platform>::Body as Body>::Held;

/// A verified event on its way into the queue, with all that it holds in memory.
pub(crate) struct Delivery<P: Platform> {
    pub event_id: EventId,
    pub marker: Marker,
    /// Whether the event is sent although it may have been seen.
    pub ignores_marker: bool,
    pub message: <P::Queue as EventQueue>::Held,
    /// The body, if the message only refers to it.
    pub body: Option<(StoredBody, HeldBody<P>)>,
    pub holding: Holding,
}

/// The result of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Committed {
    /// The queue has acknowledged the event.
    New(Lookup),
    /// The event has been committed before.
    Duplicate,
}

/// Puts an event into the queue, within `budget`.
///
/// # Errors
/// [`Unavailable`] if the event is not known to be in the queue.
pub(crate) async fn commit<P: Platform>(
    platform: &P,
    bindings: &P::Bindings,
    delivery: Delivery<P>,
    budget: Budget,
) -> Result<Committed, Unavailable> {
    let Delivery { event_id, marker, ignores_marker, message, body, holding } = delivery;
    let acquired = platform.store(bindings).acquire(&event_id, ignores_marker, budget).await?;
    let Acquired::Lease(lease, lookup) = acquired else { return Ok(Committed::Duplicate) };

    // The message refers to the body, so the body is there first.
    if let (Some((body, held)), Some(bodies)) = (body, platform.bodies(bindings)) {
        store(bodies, &body, held, budget, platform).await?;
    }

    let log = LateLog { platform: platform.clone(), event_id, arrived: budget.arrived() };
    let after = AfterSend { log, lease, marker };
    let limit = budget.send_time_left(platform.now());
    let send = Box::pin(platform.queue(bindings).send(message, lookup.dedupe()));
    match select(send, pin!(platform.sleep(limit))).await {
        Either::Left((Ok(()), _)) => drop(holding),
        Either::Left((Err(error), _)) => return Err(Unavailable::QueueFailed(error)),
        Either::Right(((), send)) => {
            platform.keep(after.finish_late(send, holding));
            return Err(Unavailable::QueueTimedOut(limit));
        }
    }

    let until = platform.now().plus(LATE_LIMIT);
    let mark = Box::pin(async move {
        let _logged = after.mark(until).await;
    });
    if let Either::Right(((), mark)) = select(mark, pin!(platform.sleep(MARK_WAIT))).await {
        platform.keep(mark);
    }
    Ok(Committed::New(lookup))
}

/// The rest of the protocol once the message is on its way. It owns all that it needs, because it may outlive the
/// request. No hook tells when a platform ends such work, so it ends itself after [`LATE_LIMIT`].
struct AfterSend<P, L> {
    log: LateLog<P>,
    lease: L,
    marker: Marker,
}

impl<P: Platform, L: Lease> AfterSend<P, L> {
    /// Marks the event as seen, which ends the lease. A failure is logged; it costs a duplicate, not the event.
    async fn mark(self, until: Timestamp) -> Result<LateLog<P>, MarkerFailed> {
        let Self { log, lease, marker } = self;
        match log.within(until, lease.commit(marker)).await {
            Ok(()) => Ok(log),
            Err(error) => {
                log.write(Level::Error, Outcome::MarkerFailed, Some(error.to_string()));
                Err(MarkerFailed)
            }
        }
    }

    /// Waits for a send that has outlived its time. The sender has been answered 503 and will retry.
    async fn finish_late(
        self,
        send: impl Future<Output = Result<(), PlatformError>>,
        holding: Holding,
    ) {
        let until = self.log.platform.now().plus(LATE_LIMIT);
        let result = self.log.within(until, send).await;
        drop(holding);
        if let Err(error) = result {
            self.log.write(Level::Warn, Outcome::LateSendFailed, Some(error.to_string()));
        } else if let Ok(log) = self.mark(until).await {
            log.write(Level::Warn, Outcome::LateCommit, None);
        }
    }
}

/// Work after the answer that failed or was given up.
#[derive(Debug, Error)]
enum LateError {
    #[error("{0}")]
    Failed(PlatformError),
    #[error("no answer within {} ms after the response", LATE_LIMIT.as_millis())]
    TimedOut,
}

/// The failure has been logged already.
struct MarkerFailed;

/// Logs what happens to an event after its answer.
struct LateLog<P> {
    platform: P,
    event_id: EventId,
    arrived: Timestamp,
}

impl<P: Platform> LateLog<P> {
    async fn within(
        &self,
        until: Timestamp,
        work: impl Future<Output = Result<(), PlatformError>>,
    ) -> Result<(), LateError> {
        let limit = until.since(self.platform.now());
        match select(pin!(work), pin!(self.platform.sleep(limit))).await {
            Either::Left((result, _)) => result.map_err(LateError::Failed),
            Either::Right(((), _)) => Err(LateError::TimedOut),
        }
    }

    fn write(&self, level: Level, outcome: Outcome, reason: Option<String>) {
        let now = self.platform.now();
        let event_id = self.event_id.clone();
        let record = Record::after_answer(self.arrived, now, outcome, event_id, reason);
        self.platform.write(level, &record);
    }
}
