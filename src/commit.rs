//! The one commit protocol: look the event up, send it, then mark it as seen.
//!
//! The order is the product's promise. An event is marked only after the queue has acknowledged it,
//! so a crash, a time-out or an error at any point leaves a duplicate behind at worst, never a loss.

use core::pin::pin;
use core::time::Duration;

use futures_util::future::{Either, select};

use crate::error::{PlatformError, Unavailable};
use crate::event::EventId;
use crate::log::{Level, Log, Outcome, Record};
use crate::message::{Dedupe, Marker, Message};
use crate::platform::{Background, Clock};
use crate::settings::{Budget, MARK_WAIT};
use crate::time::Timestamp;

pub mod deduper;
pub mod migration;
pub mod purge;
pub mod single_flight;

/// Puts an event into the queue once.
pub trait Commit {
    /// Commits `message` within `budget`.
    fn commit(&self, message: Message, budget: Budget) -> impl Future<Output = Committed>;
}

/// Settings choose between two ways to commit.
impl<A: Commit, B: Commit> Commit for Either<A, B> {
    async fn commit(&self, message: Message, budget: Budget) -> Committed {
        match self {
            Self::Left(commit) => commit.commit(message, budget).await,
            Self::Right(commit) => commit.commit(message, budget).await,
        }
    }
}

/// What came of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// The queue has acknowledged the event.
    New(Lookup),
    /// The event has been committed before.
    Duplicate,
    /// The event is not known to be in the queue.
    Unavailable(Unavailable),
}

/// What the look-up of a committed event said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The event had not been seen.
    Missed,
    /// The store gave no answer, for this reason.
    Doubtful(LookupError),
}

impl Lookup {
    /// The word for it in the message and in the log.
    #[must_use]
    pub fn dedupe(&self) -> Dedupe {
        match self {
            Self::Missed => Dedupe::New,
            Self::Doubtful(_) => Dedupe::Unknown,
        }
    }
}

/// Why a look-up gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// The store failed.
    #[error("expected the store to answer a look-up, got an error: {0}")]
    Failed(PlatformError),
    /// The store took too long.
    #[error("expected the store to answer a look-up within {} ms, got no answer", .0.as_millis())]
    TimedOut(Duration),
    /// The [deduper](deduper::Deduper) has said so.
    #[error("{0}")]
    Reported(PlatformError),
}

/// Remembers which events have been seen. Clones share one store.
pub trait SeenStore {
    /// Whether the event has been marked.
    fn seen(&self, event_id: &EventId) -> impl Future<Output = Result<bool, PlatformError>>;

    /// Marks the event.
    fn mark(
        &self,
        event_id: &EventId,
        marker: Marker,
    ) -> impl Future<Output = Result<(), PlatformError>> + 'static;
}

/// Takes messages. Clones share one queue.
pub trait EventQueue {
    /// Completes once the message is stored.
    fn send(&self, text: String) -> impl Future<Output = Result<(), PlatformError>> + 'static;
}

/// The commit protocol over a store and a queue.
#[derive(Debug, Clone)]
pub struct LookSendMark<S, Q, K, B, L> {
    /// Remembers which events have been seen.
    pub store: S,
    /// Takes the messages.
    pub queue: Q,
    /// The clock.
    pub clock: K,
    /// Finishes late sends and markers.
    pub background: B,
    /// Where late sends and failed markers are told.
    pub log: L,
}

impl<S, Q, K, B, L> Commit for LookSendMark<S, Q, K, B, L>
where
    S: SeenStore + Clone + 'static,
    Q: EventQueue,
    K: Clock + Clone + 'static,
    B: Background,
    L: Log + Clone + 'static,
{
    async fn commit(&self, message: Message, budget: Budget) -> Committed {
        let event_id = message.event_id().clone();
        let marker = message.marker();
        let lookup = match self.look(&message, budget.lookup_limit()).await {
            Ok(true) => return Committed::Duplicate,
            Ok(false) => Lookup::Missed,
            Err(error) => Lookup::Doubtful(error),
        };

        let after = self.after_send(event_id, marker, budget.arrived());
        let send = Box::pin(self.queue.send(message.into_text(lookup.dedupe())));
        let settled = match budget.send_time_left(self.clock.now()) {
            None => send.await,
            Some(limit) => match select(send, pin!(self.clock.sleep(limit))).await {
                Either::Left((settled, _)) => settled,
                Either::Right(((), send)) => {
                    self.background.keep(async move { after.late(send.await).await });
                    return Committed::Unavailable(Unavailable::QueueTimedOut(limit));
                }
            },
        };
        if let Err(error) = settled {
            return Committed::Unavailable(Unavailable::QueueFailed(error));
        }

        let mark = Box::pin(async move {
            let _told = after.mark().await;
        });
        if let Either::Right(((), mark)) = select(mark, pin!(self.clock.sleep(MARK_WAIT))).await {
            self.background.keep(mark);
        }
        Committed::New(lookup)
    }
}

impl<S, Q, K, B, L> LookSendMark<S, Q, K, B, L>
where
    S: SeenStore + Clone,
    K: Clock + Clone,
    L: Log + Clone,
{
    async fn look(&self, message: &Message, limit: Duration) -> Result<bool, LookupError> {
        if message.ignores_marker() {
            return Ok(false);
        }
        let look = pin!(self.store.seen(message.event_id()));
        match select(look, pin!(self.clock.sleep(limit))).await {
            Either::Left((seen, _)) => seen.map_err(LookupError::Failed),
            Either::Right(((), _)) => Err(LookupError::TimedOut(limit)),
        }
    }

    fn after_send(
        &self,
        event_id: EventId,
        marker: Marker,
        arrived: Timestamp,
    ) -> AfterSend<S, K, L> {
        AfterSend {
            store: self.store.clone(),
            clock: self.clock.clone(),
            log: self.log.clone(),
            event_id,
            marker,
            arrived,
        }
    }
}

/// What is done once the queue has answered. It owns all that it needs, because it may outlive the
/// request.
struct AfterSend<S, K, L> {
    store: S,
    clock: K,
    log: L,
    event_id: EventId,
    marker: Marker,
    arrived: Timestamp,
}

impl<S: SeenStore, K: Clock, L: Log> AfterSend<S, K, L> {
    /// Marks the event as seen. A failure is told; it costs a duplicate, not the event.
    async fn mark(&self) -> Result<(), MarkerFailed> {
        let marked = self.store.mark(&self.event_id, self.marker).await;
        marked.map_err(|error| {
            self.tell(Level::Error, Outcome::MarkerFailed, Some(error.to_string()));
            MarkerFailed
        })
    }

    /// The send has outlived its time: the sender has been answered 503 and will retry.
    async fn late(self, sent: Result<(), PlatformError>) {
        if let Err(error) = sent {
            return self.tell(Level::Warn, Outcome::LateSendFailed, Some(error.to_string()));
        }
        if self.mark().await.is_ok() {
            self.tell(Level::Warn, Outcome::LateCommit, None);
        }
    }

    fn tell(&self, level: Level, outcome: Outcome, reason: Option<String>) {
        let (now, event_id) = (self.clock.now(), self.event_id.clone());
        let record = Record::after_answer(self.arrived, now, outcome, event_id, reason);
        self.log.write(level, &record);
    }
}

/// The failure has been told already.
struct MarkerFailed;
