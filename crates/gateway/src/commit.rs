//! The commit protocol: acquire the event, send it, then mark it as seen.
//!
//! This order guarantees that no event is lost. An event is marked only after the queue has acknowledged it, so a
//! crash, a time-out or an error at any point causes a duplicate at worst, and never a loss.

use core::pin::pin;
use core::time::Duration;

use futures_util::future::{Either, select};
use thiserror::Error;

use crate::allowance::Holding;
use crate::bodies::{self, StoreBodyError};
use crate::body::Body;
use crate::budget::{Budget, LATE_WORK_LIMIT, MARK_WAIT};
use crate::dedupe::{AcquireError, Acquisition, Lease, Lookup, Marker};
use crate::log::{Level, Outcome, Record};
use crate::platform::Platform;
use crate::queue::EventQueue;
use crate::runtime::PlatformError;
use cronozen_webhook::event::EventId;
use cronozen_webhook::message::StoredBody;

/// The bytes of a request's body on a platform.
type BytesOf<P> = <<P as Platform>::Body as Body>::Bytes;

/// The lease of an event on a platform.
type EventLease<P> = Lease<<P as Platform>::Markers, <P as Platform>::Shards>;

/// A failed commit: the event is not known to be in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CommitError {
    /// The event's shard granted no lease.
    #[error(transparent)]
    Acquire(#[from] AcquireError),
    /// The body is not known to be stored.
    #[error(transparent)]
    StoreBody(#[from] StoreBodyError),
    /// The queue refused the message.
    #[error("queue send failed: {0}")]
    SendFailed(PlatformError),
    /// The queue did not answer in time. The message may still be stored.
    #[error("queue send timed out after {} ms", .0.as_millis())]
    SendTimedOut(Duration),
}

/// A verified event on its way into the queue, with all that it holds in memory.
pub(crate) struct Delivery<P: Platform> {
    pub event_id: EventId,
    pub marker: Marker,
    /// True if the event is sent even if it has a marker.
    pub ignores_marker: bool,
    pub message: <P::Queue as EventQueue>::HeldMessage,
    /// The body, if the message only refers to it.
    pub body: Option<(StoredBody, BytesOf<P>)>,
    pub holding: Holding,
}

/// The result of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The queue has acknowledged the event.
    New(Lookup),
    /// The event has been committed before.
    Duplicate,
}

/// Puts an event into the queue, within `budget`.
///
/// # Errors
/// [`CommitError`] if the event is not known to be in the queue.
pub(crate) async fn commit<P: Platform>(
    platform: &P,
    bindings: &P::Bindings,
    delivery: Delivery<P>,
    budget: Budget,
) -> Result<Verdict, CommitError> {
    let Delivery { event_id, marker, ignores_marker, message, body, holding } = delivery;
    let store = platform.store(bindings);
    let acquired = store.acquire(&event_id, marker, ignores_marker, budget, platform).await?;
    let Acquisition::Lease(lease, lookup) = acquired else { return Ok(Verdict::Duplicate) };

    // The body is stored before the message that refers to it is sent. After that, only the small message is held.
    let mut holding = Some(holding);
    if let (Some((body, bytes)), Some(bodies)) = (body, platform.bodies(bindings)) {
        bodies::store(bodies, &body, bytes, budget, platform).await?;
        holding = None;
    }

    let log = LateLog { platform: platform.clone(), event_id, budget };
    let limit = budget.send_time_left(platform.now());
    let send = Box::pin(platform.queue(bindings).send(message, lookup.dedupe()));
    match select(send, pin!(platform.sleep(limit))).await {
        Either::Left((Ok(()), _)) => drop(holding),
        Either::Left((Err(error), _)) => return Err(CommitError::SendFailed(error)),
        Either::Right(((), send)) => {
            platform.keep(finish_late(log, send, holding, lease, marker));
            return Err(CommitError::SendTimedOut(limit));
        }
    }

    let mark = Box::pin(async move {
        let _logged = mark(&log, lease, marker).await;
    });
    if let Either::Right(((), mark)) = select(mark, pin!(platform.sleep(MARK_WAIT))).await {
        platform.keep(mark);
    }
    Ok(Verdict::New(lookup))
}

/// Waits for a send that has timed out. The sender has been answered 503 and will retry.
async fn finish_late<P: Platform>(
    log: LateLog<P>,
    send: impl Future<Output = Result<(), PlatformError>>,
    holding: Option<Holding>,
    lease: EventLease<P>,
    marker: Marker,
) {
    let result = log.in_time(send).await;
    drop(holding);
    if let Err(error) = result {
        log.write(Level::Warn, Outcome::LateSendFailed, Some(error.to_string()));
    } else if mark(&log, lease, marker).await {
        log.write(Level::Warn, Outcome::LateCommit, None);
    }
}

/// Marks the event as seen, which ends the lease. Returns false after a failure, which it logs: the failure may cause a
/// duplicate, but does not lose the event.
async fn mark<P: Platform>(log: &LateLog<P>, lease: EventLease<P>, marker: Marker) -> bool {
    let result = log.in_time(lease.commit(&log.event_id, marker, &log.platform)).await;
    if let Err(error) = &result {
        log.write(Level::Error, Outcome::MarkerFailed, Some(error.to_string()));
    }
    result.is_ok()
}

/// Work after the answer that failed or timed out.
#[derive(Debug, Error)]
enum LateError {
    #[error("{0}")]
    Failed(PlatformError),
    #[error("no answer within {} ms of the delivery's arrival", LATE_WORK_LIMIT.as_millis())]
    TimedOut,
}

/// The time limit and the log of an event's work after its answer. It owns its data, because it may outlive the
/// request. A platform ends such work without notice, so the limit ends it before that.
struct LateLog<P> {
    platform: P,
    event_id: EventId,
    budget: Budget,
}

impl<P: Platform> LateLog<P> {
    async fn in_time(
        &self,
        work: impl Future<Output = Result<(), PlatformError>>,
    ) -> Result<(), LateError> {
        let limit = self.budget.late_work_ends_at().since(self.platform.now());
        match select(pin!(work), pin!(self.platform.sleep(limit))).await {
            Either::Left((result, _)) => result.map_err(LateError::Failed),
            Either::Right(((), _)) => Err(LateError::TimedOut),
        }
    }

    fn write(&self, level: Level, outcome: Outcome, reason: Option<String>) {
        let (arrived, now) = (self.budget.arrived(), self.platform.now());
        let record = Record::follow_up(arrived, now, outcome, self.event_id.clone(), reason);
        self.platform.write(level, &record);
    }
}
