//! A platform with its clock, store, queue and log in memory. Time is virtual: it jumps ahead when every task waits.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use cronozen_gateway::allowance::Allowance;
use cronozen_gateway::dedupe::{DedupeStore, Marker, MarkerStore};
use cronozen_gateway::failures::{FailureLimiter, SuppressedCount};
use cronozen_gateway::log::{Level, Log, Record};
use cronozen_gateway::platform::Platform;
use cronozen_gateway::queue::EventQueue;
use cronozen_gateway::runtime::{Background, Clock, PlatformError};
use cronozen_webhook::event::EventId;
use cronozen_webhook::message::{Dedupe, Message};
use cronozen_webhook::time::Timestamp;
use tokio::time::{Instant, sleep};

use crate::body::FakeBody;
use crate::bucket::FakeBucket;
use crate::shards::FakeShards;

/// The time at which every world starts: 2026-11-24T07:00:00Z.
pub const START: Timestamp = Timestamp::from_millis(1_795_503_600_000);

/// The behaviour of a call to a store or a queue. Delays are in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// The call succeeds after the delay.
    Works(u64),
    /// The call fails after the delay and does nothing.
    Fails(u64),
    /// The call does its work after the delay, but returns an error.
    WorksThenFails(u64),
    /// The call never completes.
    Hangs,
}

impl Behaviour {
    pub async fn perform<T>(self, work: impl FnOnce() -> T) -> Result<T, PlatformError> {
        let failure = Err(PlatformError::new("out of order\n    at stack"));
        match self {
            Self::Hangs => pending().await,
            Self::Works(ms) => {
                sleep(Duration::from_millis(ms)).await;
                Ok(work())
            }
            Self::Fails(ms) => {
                sleep(Duration::from_millis(ms)).await;
                failure
            }
            Self::WorksThenFails(ms) => {
                sleep(Duration::from_millis(ms)).await;
                work();
                failure
            }
        }
    }
}

#[derive(Clone)]
pub struct FakeClock(Instant);

impl FakeClock {
    /// Starts a clock at [`START`].
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        START.plus(self.0.elapsed())
    }

    async fn sleep(&self, duration: Duration) {
        sleep(duration).await;
    }
}

#[derive(Clone)]
pub struct FakeStore {
    pub look: Rc<Cell<Behaviour>>,
    pub mark: Rc<Cell<Behaviour>>,
    pub markers: Rc<RefCell<BTreeMap<String, Marker>>>,
    /// The number of look-ups.
    pub look_ups: Rc<Cell<usize>>,
}

impl FakeStore {
    pub fn working() -> Self {
        Self {
            look: Rc::new(Cell::new(Behaviour::Works(5))),
            mark: Rc::new(Cell::new(Behaviour::Works(5))),
            markers: Rc::default(),
            look_ups: Rc::default(),
        }
    }
}

impl MarkerStore for FakeStore {
    async fn has_marker(&self, event_id: &EventId) -> Result<bool, PlatformError> {
        self.look_ups.set(self.look_ups.get() + 1);
        let look_up = || self.markers.borrow().contains_key(event_id.as_str());
        self.look.get().perform(look_up).await
    }

    async fn mark(&self, event_id: &EventId, marker: Marker) -> Result<(), PlatformError> {
        let key = event_id.as_str().to_owned();
        let write = || self.markers.borrow_mut().insert(key, marker);
        self.mark.get().perform(write).await.map(|_| ())
    }
}

#[derive(Clone)]
pub struct FakeQueue {
    pub send: Rc<Cell<Behaviour>>,
    pub stored: Rc<RefCell<Vec<String>>>,
}

impl FakeQueue {
    pub fn working() -> Self {
        Self { send: Rc::new(Cell::new(Behaviour::Works(5))), stored: Rc::default() }
    }
}

impl EventQueue for FakeQueue {
    type HeldMessage = Message;

    fn hold(&self, message: Message) -> Message {
        message
    }

    fn send(
        &self,
        held: Message,
        dedupe: Dedupe,
    ) -> impl Future<Output = Result<(), PlatformError>> + 'static {
        let (behaviour, stored) = (self.send.get(), Rc::clone(&self.stored));
        let store = move || stored.borrow_mut().push(held.with_dedupe(dedupe));
        async move { behaviour.perform(store).await }
    }
}

/// A limit on failures, which counts the questions.
#[derive(Clone)]
pub struct FakeLimiter {
    pub behaviour: Behaviour,
    /// The number of failures that each address may have.
    pub most: usize,
    pub failures: Rc<RefCell<BTreeMap<String, usize>>>,
}

impl FakeLimiter {
    pub fn allowing(most: usize) -> Self {
        Self { behaviour: Behaviour::Works(1), most, failures: Rc::default() }
    }
}

impl FailureLimiter for FakeLimiter {
    async fn allows(&self, address: &str) -> Result<bool, PlatformError> {
        let count = || {
            let mut failures = self.failures.borrow_mut();
            let of_address = failures.entry(address.to_owned()).or_default();
            *of_address += 1;
            *of_address <= self.most
        };
        self.behaviour.perform(count).await
    }
}

/// A platform that shares its parts with a world.
#[derive(Clone)]
pub struct FakePlatform {
    pub clock: FakeClock,
    pub log: Rc<RefCell<Vec<(Level, Record)>>>,
    pub store: FakeStore,
    pub shards: Option<FakeShards>,
    pub previous: Option<FakeStore>,
    pub queue: FakeQueue,
    pub allowance: Allowance,
    pub limiter: Option<FakeLimiter>,
    pub suppressed: SuppressedCount,
}

impl Clock for FakePlatform {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }
}

impl Background for FakePlatform {
    fn keep(&self, future: impl Future<Output = ()> + 'static) {
        tokio::task::spawn_local(future);
    }
}

impl Log for FakePlatform {
    fn write(&self, level: Level, record: &Record) {
        self.log.borrow_mut().push((level, record.clone()));
    }
}

impl Platform for FakePlatform {
    /// The bucket, if there is one.
    type Bindings = Option<FakeBucket>;
    type Body = FakeBody;
    type Markers = FakeStore;
    type Shards = FakeShards;
    type Queue = FakeQueue;
    type Bodies = FakeBucket;
    type Failures = FakeLimiter;

    fn store(&self, _: &Option<FakeBucket>) -> DedupeStore<FakeStore, FakeShards> {
        match self.shards.clone() {
            None => DedupeStore::Markers(self.store.clone()),
            Some(shards) => DedupeStore::Shards { shards, previous: self.previous.clone() },
        }
    }

    fn queue(&self, _: &Option<FakeBucket>) -> FakeQueue {
        self.queue.clone()
    }

    fn bodies<'b>(&self, bindings: &'b Option<FakeBucket>) -> Option<&'b FakeBucket> {
        bindings.as_ref()
    }

    fn failures<'b>(&'b self, _: &'b Option<FakeBucket>) -> Option<&'b FakeLimiter> {
        self.limiter.as_ref()
    }

    fn suppressed(&self) -> &SuppressedCount {
        &self.suppressed
    }

    fn allowance(&self) -> &Allowance {
        &self.allowance
    }
}
