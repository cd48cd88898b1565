//! A gateway whose store, queue, clock and log are in memory. Time is virtual: it passes at once, and
//! only when everything waits.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use cronozen_gateway::allowance::Allowance;
use cronozen_gateway::answer::Answer;
use cronozen_gateway::configuration::{Configuration, Needs};
use cronozen_gateway::dedupe::{DedupeStore, Marker, SeenStore};
use cronozen_gateway::log::{Level, Log, Outcome, Record};
use cronozen_gateway::platform::Platform;
use cronozen_gateway::queue::EventQueue;
use cronozen_gateway::receive::{Request, receive};
use cronozen_gateway::runtime::{Background, Clock, PlatformError};
use cronozen_gateway::settings::{ConfigError, DedupeMode, Value};
use cronozen_webhook::event::EventId;
use cronozen_webhook::message::{Dedupe, Message};
use cronozen_webhook::time::Timestamp;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};

pub use crate::body::FakeBody;
pub use crate::bucket::FakeBodies;
use crate::shards::FakeShards;
use crate::signing::sign;

pub const SECRET: &str = "whsec_test";
pub const PATH: &str = "/webhooks/cronozen";

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

impl SeenStore for FakeStore {
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

impl EventQueue for FakeQueue {
    type Held = Message;

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
struct FakePlatform {
    clock: FakeClock,
    log: Rc<RefCell<Vec<(Level, Record)>>>,
    store: FakeStore,
    shards: Option<FakeShards>,
    previous: Option<FakeStore>,
    queue: FakeQueue,
    allowance: Allowance,
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

impl FakeBody {
    pub fn whole(bytes: &[u8]) -> Self {
        Self { pieces: vec![(0, Ok(bytes.to_vec()))], ends: true, reads: Rc::default() }
    }
}

/// What came of a request, and how long it took.
pub struct Served {
    pub answer: Answer,
    pub took: Duration,
}

impl Served {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.answer.body).expect("every answer is JSON")
    }

    /// The status and the `code` or, of a success, the `status` in the body.
    pub fn outcome(&self) -> (u16, String) {
        let json = self.json();
        let code = json.get("code").unwrap_or(&json["status"]);
        (self.answer.status, code.as_str().unwrap().to_owned())
    }
}

pub struct World {
    pub settings: BTreeMap<String, String>,
    pub missing_binding: Option<ConfigError>,
    pub clock: FakeClock,
    pub store: FakeStore,
    pub queue: FakeQueue,
    pub log: Rc<RefCell<Vec<(Level, Record)>>>,
    /// The bucket for bodies that do not fit a message, if there is one.
    pub bodies: Option<FakeBodies>,
    /// The shards in strict mode. Their rows are the markers of the store.
    pub shards: FakeShards,
    /// The store that was used before the shards' own.
    pub previous: Option<FakeStore>,
    pub allowance: Allowance,
}

impl FakeStore {
    fn working() -> Self {
        Self {
            look: Rc::new(Cell::new(Behaviour::Works(5))),
            mark: Rc::new(Cell::new(Behaviour::Works(5))),
            markers: Rc::default(),
            looks: Rc::default(),
        }
    }
}

impl World {
    fn new() -> Self {
        let (clock, store) = (FakeClock(Instant::now()), FakeStore::working());
        Self {
            settings: BTreeMap::from([("CRONOZEN_SIGNING_SECRET".to_owned(), SECRET.to_owned())]),
            missing_binding: None,
            shards: FakeShards::new(&clock, &store),
            clock,
            store,
            queue: FakeQueue {
                send: Rc::new(Cell::new(Behaviour::Works(5))),
                stored: Rc::default(),
            },
            log: Rc::default(),
            bodies: None,
            previous: None,
            allowance: Allowance::default(),
        }
    }

    /// From now on in strict mode.
    pub fn be_strict(&mut self) {
        self.set("DEDUPE", "durable-object");
    }

    /// From now on in strict mode, with what has been marked so far in the store that was used before.
    pub fn migrate(&mut self) {
        self.be_strict();
        self.previous = Some(std::mem::replace(&mut self.store, FakeStore::working()));
        self.shards.rows = self.store.clone();
    }

    /// From now on no look-up has an answer: in strict mode, one in the store that was used before.
    pub fn doubt(&mut self) {
        let failing = FakeStore::working();
        failing.look.set(Behaviour::Fails(5));
        if self.settings.contains_key("DEDUPE") {
            self.previous = Some(failing);
        } else {
            self.store = failing;
        }
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.insert(name.to_owned(), value.to_owned());
    }

    pub async fn serve(&self, request: Request<FakeBody>) -> Served {
        let missing = self.missing_binding.clone();
        let mut strict = false;
        // All that is bound is the bucket. The platform needs to know the mode, if the settings are right.
        let bindings = |needs: Needs| {
            strict = needs.dedupe.is_some_and(|dedupe| dedupe != DedupeMode::Kv);
            missing.map_or_else(|| Ok(self.bodies.clone()), |missing| Err(vec![missing]))
        };
        let configuration = Configuration::new(
            |name| {
                self.settings
                    .get(name)
                    .map_or(Value::Absent, |text| Value::Text(text.clone().into()))
            },
            bindings,
        );
        let platform = FakePlatform {
            clock: self.clock.clone(),
            log: Rc::clone(&self.log),
            store: self.store.clone(),
            shards: strict.then(|| self.shards.clone()),
            previous: self.previous.clone(),
            queue: self.queue.clone(),
            allowance: self.allowance.clone(),
        };
        let started = Instant::now();
        let answer = receive(&platform, request, &configuration).await;
        Served { answer, took: started.elapsed() }
    }

    /// Serves a signed delivery of `body`.
    pub async fn deliver(&self, body: &str) -> Served {
        self.serve(signed(body)).await
    }

    /// What has been logged, without the levels.
    pub fn logged(&self) -> Vec<Outcome> {
        self.log.borrow().iter().map(|(_, record)| record.outcome).collect()
    }

    pub fn last_record(&self) -> (Level, Record) {
        self.log.borrow().last().cloned().expect("something was logged")
    }

    pub fn stored(&self) -> usize {
        self.queue.stored.borrow().len()
    }

    pub fn marked(&self) -> usize {
        self.store.markers.borrow().len()
    }
}

pub fn signed(body: &str) -> Request<FakeBody> {
    Request {
        method: "POST".to_owned(),
        path: Some(PATH.to_owned()),
        content_length: Some(body.len().to_string()),
        signature: Some(sign(body.as_bytes(), SECRET)),
        address: Some("192.0.2.1".to_owned()),
        ray: Some("ray".to_owned()),
        body: FakeBody::whole(body.as_bytes()),
    }
}

pub fn get(path: &str) -> Request<FakeBody> {
    Request { method: "GET".to_owned(), path: Some(path.to_owned()), signature: None, ..signed("") }
}

/// Runs a test in a fresh world, in virtual time.
pub fn in_world<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, async { test(World::new()).await });
}
