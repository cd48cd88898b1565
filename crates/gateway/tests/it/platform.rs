//! A platform whose clock, store, queue and log are in memory. Time is virtual: it passes at once, when everything waits.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use cronozen_gateway::allowance::Allowance;
use cronozen_gateway::dedupe::{DedupeStore, Marker, MarkerStore};
use cronozen_gateway::log::{Level, Log, Record};
use cronozen_gateway::platform::Platform;
use cronozen_gateway::queue::EventQueue;
use cronozen_gateway::runtime::{Background, Clock, PlatformError};
use cronozen_webhook::event::EventId;
use cronozen_webhook::message::{Dedupe, Message};
use cronozen_webhook::time::Timestamp;
use tokio::time::{Instant, sleep};

use crate::body::FakeBody;
use crate::bucket::FakeBodies;
use crate::shards::FakeShards;

/// When every world begins: 2026-11-24T07:00:00Z.
pub const START: Timestamp = Timestamp::from_millis(1_795_503_600_000);

/// How a store or a queue behaves when it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// It does what it is for, after so many milliseconds.
    Works(u64),
    /// It fails, after so many milliseconds.
    Fails(u64),
    /// It does what it is for after so many milliseconds, and then fails all the same.
    WorksThenFails(u64),
    /// It never answers.
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
    /// Starts at [`START`].
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
    pub looks: Rc<Cell<usize>>,
}

impl FakeStore {
    pub fn working() -> Self {
        Self {
            look: Rc::new(Cell::new(Behaviour::Works(5))),
            mark: Rc::new(Cell::new(Behaviour::Works(5))),
            markers: Rc::default(),
            looks: Rc::default(),
        }
    }
}

impl MarkerStore for FakeStore {
    async fn seen(&self, event_id: &EventId) -> Result<bool, PlatformError> {
        self.looks.set(self.looks.get() + 1);
        let found = || self.markers.borrow().contains_key(event_id.as_str());
        self.look.get().perform(found).await
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

/// A platform whose parts are those of a world.
#[derive(Clone)]
pub struct FakePlatform {
    pub clock: FakeClock,
    pub log: Rc<RefCell<Vec<(Level, Record)>>>,
    pub store: FakeStore,
    pub shards: Option<FakeShards>,
    pub previous: Option<FakeStore>,
    pub queue: FakeQueue,
    pub allowance: Allowance,
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
    /// The bucket.
    type Bindings = Option<FakeBodies>;
    type Body = FakeBody;
    type Markers = FakeStore;
    type Shards = FakeShards;
    type Queue = FakeQueue;
    type Bodies = FakeBodies;

    fn store(&self, _: &Option<FakeBodies>) -> DedupeStore<FakeStore, FakeShards> {
        match self.shards.clone() {
            None => DedupeStore::Markers(self.store.clone()),
            Some(shards) => DedupeStore::Shards { shards, previous: self.previous.clone() },
        }
    }

    fn queue(&self, _: &Option<FakeBodies>) -> FakeQueue {
        self.queue.clone()
    }

    fn bodies<'b>(&self, bindings: &'b Option<FakeBodies>) -> Option<&'b FakeBodies> {
        bindings.as_ref()
    }

    fn allowance(&self) -> &Allowance {
        &self.allowance
    }
}
