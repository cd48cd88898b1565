//! A gateway whose store, queue, clock and log are in memory. Time is virtual: it passes at once, and
//! only when everything waits.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use cronozen_edge::answer::Answer;
use cronozen_edge::commit::deduper::AskDeduper;
use cronozen_edge::commit::single_flight::Flights;
use cronozen_edge::commit::{EventQueue, LookSendMark, SeenStore};
use cronozen_edge::error::PlatformError;
use cronozen_edge::event::EventId;
use cronozen_edge::log::{Level, Log, Outcome, Record};
use cronozen_edge::message::Marker;
use cronozen_edge::platform::{Background, Clock};
use cronozen_edge::receive::{Request, receive};
use cronozen_edge::settings::{Configuration, DedupeMode, Misconfigured, Needs, Value};
use cronozen_edge::time::Timestamp;
use futures_util::future::Either;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};

pub use crate::body::FakeBody;
pub use crate::bucket::FakeBodies;
use crate::deduper::FakeDeduper;
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
}

impl SeenStore for FakeStore {
    async fn seen(&self, event_id: &EventId) -> Result<bool, PlatformError> {
        let found = || self.markers.borrow().contains_key(event_id.as_str());
        self.look.get().perform(found).await
    }

    fn mark(
        &self,
        event_id: &EventId,
        marker: Marker,
    ) -> impl Future<Output = Result<(), PlatformError>> + 'static {
        let (behaviour, markers) = (self.mark.get(), Rc::clone(&self.markers));
        let key = event_id.as_str().to_owned();
        async move {
            let write = || markers.borrow_mut().insert(key, marker);
            behaviour.perform(write).await.map(|_| ())
        }
    }
}

#[derive(Clone)]
pub struct FakeQueue {
    pub send: Rc<Cell<Behaviour>>,
    pub stored: Rc<RefCell<Vec<String>>>,
}

impl EventQueue for FakeQueue {
    fn send(&self, text: String) -> impl Future<Output = Result<(), PlatformError>> + 'static {
        let (behaviour, stored) = (self.send.get(), Rc::clone(&self.stored));
        async move { behaviour.perform(|| stored.borrow_mut().push(text)).await }
    }
}

#[derive(Clone, Copy)]
pub struct FakeBackground;

impl Background for FakeBackground {
    fn keep(&self, future: impl Future<Output = ()> + 'static) {
        tokio::task::spawn_local(future);
    }
}

#[derive(Clone, Default)]
pub struct FakeLog(pub Rc<RefCell<Vec<(Level, Record)>>>);

impl Log for FakeLog {
    fn write(&self, level: Level, record: &Record) {
        self.0.borrow_mut().push((level, record.clone()));
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
    pub missing_binding: Option<Misconfigured>,
    pub clock: FakeClock,
    pub store: FakeStore,
    pub queue: FakeQueue,
    pub log: FakeLog,
    /// The bucket for bodies that do not fit a message, if there is one.
    pub bodies: Option<FakeBodies>,
    /// How a call of the deduper behaves; only in strict mode is there one.
    pub call: Rc<Cell<Behaviour>>,
    pub flights: Flights,
    /// The store that was used before the deduper's own.
    pub previous: Option<FakeStore>,
}

impl FakeStore {
    fn working() -> Self {
        Self {
            look: Rc::new(Cell::new(Behaviour::Works(5))),
            mark: Rc::new(Cell::new(Behaviour::Works(5))),
            markers: Rc::default(),
        }
    }
}

impl World {
    fn new() -> Self {
        Self {
            settings: BTreeMap::from([("CRONOZEN_SIGNING_SECRET".to_owned(), SECRET.to_owned())]),
            missing_binding: None,
            clock: FakeClock(Instant::now()),
            store: FakeStore::working(),
            queue: FakeQueue {
                send: Rc::new(Cell::new(Behaviour::Works(5))),
                stored: Rc::default(),
            },
            log: FakeLog::default(),
            bodies: None,
            call: Rc::new(Cell::new(Behaviour::Works(0))),
            flights: Flights::default(),
            previous: None,
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
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.insert(name.to_owned(), value.to_owned());
    }

    pub async fn serve(&self, request: Request<FakeBody>) -> Served {
        let missing = self.missing_binding.clone();
        // All that is bound is the bucket. A commit needs to know the mode, if the settings are right.
        let bindings = |needs: Needs| match missing {
            Some(missing) => Err(vec![missing]),
            None => Ok((needs.dedupe, self.bodies.clone())),
        };
        let configuration = Configuration::new(
            |name| {
                self.settings
                    .get(name)
                    .map_or(Value::Absent, |text| Value::Text(text.clone().into()))
            },
            bindings,
        );
        let commit = |(mode, _): &Bindings| {
            if *mode != Some(DedupeMode::Kv) {
                let clock = self.clock.clone();
                return Either::Right(AskDeduper { deduper: FakeDeduper(self), clock });
            }
            Either::Left(LookSendMark {
                store: self.store.clone(),
                queue: self.queue.clone(),
                clock: self.clock.clone(),
                background: FakeBackground,
                log: self.log.clone(),
            })
        };
        let started = Instant::now();
        let answer = receive(request, &configuration, bodies, commit, &self.clock, &self.log).await;
        Served { answer, took: started.elapsed() }
    }

    /// Serves a signed delivery of `body`.
    pub async fn deliver(&self, body: &str) -> Served {
        self.serve(signed(body)).await
    }

    /// What has been logged, without the levels.
    pub fn logged(&self) -> Vec<Outcome> {
        self.log.0.borrow().iter().map(|(_, record)| record.outcome).collect()
    }

    pub fn last_record(&self) -> (Level, Record) {
        self.log.0.borrow().last().cloned().expect("something was logged")
    }

    pub fn stored(&self) -> usize {
        self.queue.stored.borrow().len()
    }

    pub fn marked(&self) -> usize {
        self.store.markers.borrow().len()
    }
}

type Bindings = (Option<DedupeMode>, Option<FakeBodies>);

fn bodies((_, bodies): &Bindings) -> Option<&FakeBodies> {
    bodies.as_ref()
}

pub fn signed(body: &str) -> Request<FakeBody> {
    Request {
        method: "POST".to_owned(),
        path: PATH.to_owned(),
        content_length: Some(body.len().to_string()),
        signature: Some(sign(body.as_bytes(), SECRET)),
        address: Some("192.0.2.1".to_owned()),
        ray: Some("ray".to_owned()),
        body: FakeBody::whole(body.as_bytes()),
    }
}

pub fn get(path: &str) -> Request<FakeBody> {
    Request { method: "GET".to_owned(), path: path.to_owned(), signature: None, ..signed("") }
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
