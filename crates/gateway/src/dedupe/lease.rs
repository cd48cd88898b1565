//! The leases of one shard: only the delivery that holds an event's lease may send the event. Others wait for it.
//!
//! The table is pure: it does not wait, and has neither clock nor timer. A shard passes each call to the table, and
//! answers callers with its decisions. A lease that has run out ends at the next request for any lease of the shard.

use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, DefaultHasher};

use cronozen_webhook::event::EventId;
use cronozen_webhook::time::Timestamp;

/// The longest that a lease lasts: 4.5 s until the answer, the 30 s that a Worker may run after it, and a margin.
/// The sender's second attempt, 30 s after the first, finds a lease only if its holder is still at work.
pub const MAX_LEASE: Duration = Duration::from_secs(35);

/// The most deliveries that wait for one event. A waiting call costs a Durable Object about 40 KB, and a popular event
/// must leave room for the others.
pub const MAX_EVENT_WAITERS: usize = 256;

/// The most deliveries that wait in one shard: 40 MB of the 128 MB that a Durable Object may use.
pub const MAX_WAITERS: usize = 1000;

/// The id of a lease. Its upper half is the generation of the table that granted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeaseId(u64);

impl LeaseId {
    /// Returns the number that represents the id outside Rust.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }

    /// Returns the id with this number. Does not check that such a lease exists.
    #[must_use]
    pub fn from_number(number: u64) -> Self {
        Self(number)
    }
}

/// The answer to a request for a lease. `L` is the caller's type for a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision<L = LeaseId> {
    /// The event may be sent.
    Lease(L),
    /// The event is in the queue.
    Duplicate,
    /// Another delivery held the lease for longer than this one could wait.
    WaitEnded,
    /// Too many deliveries already wait.
    TooManyWaiters,
}

impl<L> Decision<L> {
    /// Returns the same decision, with `wrap` applied to its lease.
    pub fn map_lease<M>(self, wrap: impl FnOnce(L) -> M) -> Decision<M> {
        match self {
            Self::Lease(lease) => Decision::Lease(wrap(lease)),
            Self::Duplicate => Decision::Duplicate,
            Self::WaitEnded => Decision::WaitEnded,
            Self::TooManyWaiters => Decision::TooManyWaiters,
        }
    }
}

/// The decisions that a method of the table returns, each with the caller that it answers.
pub type Decisions<W> = Vec<(W, Decision)>;

/// The leases of one shard. `W` identifies a caller.
#[derive(Debug)]
pub struct LeaseTable<W> {
    /// The hasher has fixed keys, so that simulations are repeatable. No attacker can choose ids, as all are signed.
    leases: HashMap<EventId, ActiveLease<W>, BuildHasherDefault<DefaultHasher>>,
    next: LeaseId,
    waiting: usize,
    /// No lease runs out before this time.
    sweep_at: Option<Timestamp>,
}

#[derive(Debug)]
struct ActiveLease<W> {
    lease: LeaseId,
    ends_at: Timestamp,
    /// In order of arrival.
    waiters: VecDeque<Waiter<W>>,
}

#[derive(Debug)]
struct Waiter<W> {
    waits_until: Timestamp,
    caller: W,
}

impl<W> LeaseTable<W> {
    /// Creates an empty table. Tables with different generations never grant the same lease.
    #[must_use]
    pub fn new(generation: u32) -> Self {
        let next = LeaseId(u64::from(generation) << 32);
        Self { leases: HashMap::default(), next, waiting: 0, sweep_at: None }
    }

    /// Requests the lease of an event that has no row, or whose row is ignored. The caller waits up to `wait` if
    /// another caller has the lease. Leases that have run out by `now` are ended first.
    pub fn acquire(
        &mut self,
        event_id: &EventId,
        now: Timestamp,
        wait: Duration,
        caller: W,
    ) -> Decisions<W> {
        let mut decisions = self.sweep(now);
        if !self.leases.contains_key(event_id) {
            let lease = self.grant(event_id.clone(), now, VecDeque::new());
            decisions.push((caller, Decision::Lease(lease)));
            return decisions;
        }
        if self.is_full(event_id) {
            decisions.extend(self.end_waits(now));
        }
        if self.is_full(event_id) {
            decisions.push((caller, Decision::TooManyWaiters));
        } else if let Some(held) = self.leases.get_mut(event_id) {
            held.waiters.push_back(Waiter { waits_until: now.plus(wait), caller });
            self.waiting += 1;
        }
        decisions
    }

    /// Answers all callers that wait for an event that is in the queue and has its row. Ends `lease`, but not another
    /// lease that has been granted since.
    pub fn commit(&mut self, event_id: &EventId, lease: Option<LeaseId>) -> Decisions<W> {
        let Some(held) = self.leases.get_mut(event_id) else { return Vec::new() };
        let waiters = core::mem::take(&mut held.waiters);
        if lease == Some(held.lease) {
            self.leases.remove(event_id);
        }
        self.waiting -= waiters.len();
        waiters.into_iter().map(|waiter| (waiter.caller, Decision::Duplicate)).collect()
    }

    /// Ends a lease without a commit: the first caller that still waits gets a new lease. Nothing happens if the
    /// lease has already ended.
    pub fn release(&mut self, event_id: &EventId, lease: LeaseId, now: Timestamp) -> Decisions<W> {
        let is_current = self.leases.get(event_id).is_some_and(|held| held.lease == lease);
        if is_current { self.pass_on(event_id, now) } else { Vec::new() }
    }

    /// Ends the leases that have run out, in the order of their grants.
    fn sweep(&mut self, now: Timestamp) -> Decisions<W> {
        if self.sweep_at.is_none_or(|at| now < at) {
            return Vec::new();
        }
        let mut ended: Vec<(LeaseId, EventId)> = self
            .leases
            .iter()
            .filter(|(_, held)| held.ends_at <= now)
            .map(|(event_id, held)| (held.lease, event_id.clone()))
            .collect();
        ended.sort_unstable_by_key(|(lease, _)| *lease);
        let decisions =
            ended.iter().flat_map(|(_, event_id)| self.pass_on(event_id, now)).collect();
        self.sweep_at = self.leases.values().map(|held| held.ends_at).min();
        decisions
    }

    /// Ends an event's lease, and grants a new one to the first caller that still waits.
    fn pass_on(&mut self, event_id: &EventId, now: Timestamp) -> Decisions<W> {
        let mut decisions = Vec::new();
        let Some((event_id, mut held)) = self.leases.remove_entry(event_id) else {
            return decisions;
        };
        while let Some(Waiter { waits_until, caller }) = held.waiters.pop_front() {
            self.waiting -= 1;
            if now < waits_until {
                let lease = self.grant(event_id, now, held.waiters);
                decisions.push((caller, Decision::Lease(lease)));
                return decisions;
            }
            decisions.push((caller, Decision::WaitEnded));
        }
        decisions
    }

    fn grant(
        &mut self,
        event_id: EventId,
        now: Timestamp,
        waiters: VecDeque<Waiter<W>>,
    ) -> LeaseId {
        let lease = self.next;
        self.next = LeaseId(lease.0 + 1);
        let ends_at = now.plus(MAX_LEASE);
        self.sweep_at = Some(self.sweep_at.map_or(ends_at, |at| at.min(ends_at)));
        self.leases.insert(event_id, ActiveLease { lease, ends_at, waiters });
        lease
    }

    fn is_full(&self, event_id: &EventId) -> bool {
        let event_waiters = self.leases.get(event_id).map_or(0, |held| held.waiters.len());
        event_waiters >= MAX_EVENT_WAITERS || self.waiting >= MAX_WAITERS
    }

    /// Ends the waits whose time is over: their callers have given up.
    fn end_waits(&mut self, now: Timestamp) -> Decisions<W> {
        let mut decisions = Vec::new();
        for held in self.leases.values_mut() {
            let (waiting, ended) = core::mem::take(&mut held.waiters)
                .into_iter()
                .partition(|waiter: &Waiter<W>| now < waiter.waits_until);
            held.waiters = waiting;
            decisions.extend(VecDeque::into_iter(ended).map(|w| (w.caller, Decision::WaitEnded)));
        }
        self.waiting -= decisions.len();
        decisions
    }
}

#[cfg(test)]
mod tests;
