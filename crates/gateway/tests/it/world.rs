//! A gateway with its settings and an in-memory platform, and the requests to it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use cronozen_gateway::allowance::Allowance;
use cronozen_gateway::answer::Answer;
use cronozen_gateway::configuration::{Configuration, Needs};
use cronozen_gateway::failures::SuppressedCount;
use cronozen_gateway::log::{Level, Outcome, Record};
use cronozen_gateway::receive::{Request, receive};
use cronozen_gateway::settings::{ConfigError, DedupeMode, Value};
use tokio::task::LocalSet;
use tokio::time::Instant;

pub use crate::body::FakeBody;
pub use crate::bucket::FakeBucket;
pub use crate::platform::{Behaviour, START};
use crate::platform::{FakeClock, FakeLimiter, FakePlatform, FakeQueue, FakeStore};
use crate::shards::FakeShards;
use crate::signing::sign;

pub const SECRET: &str = "whsec_test";
pub const PATH: &str = "/webhooks/cronozen";

impl FakeBody {
    pub fn whole(bytes: &[u8]) -> Self {
        Self { pieces: vec![(0, Ok(bytes.to_vec()))], ends: true, reads: Rc::default() }
    }
}

/// The answer to a request, and the virtual time that it took.
pub struct Reply {
    pub answer: Answer,
    pub took: Duration,
}

impl Reply {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.answer.body).expect("every answer is JSON")
    }

    /// Returns the HTTP status, and the `code` from the body or, after a success, its `status`.
    pub fn status_and_code(&self) -> (u16, String) {
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
    /// The bucket for bodies that are too large for a message, if there is one.
    pub bodies: Option<FakeBucket>,
    /// The shards for strict mode. Their rows are the markers in `store`.
    pub shards: FakeShards,
    /// The earlier store, from before strict mode.
    pub previous: Option<FakeStore>,
    pub allowance: Allowance,
    /// The limit on failed signatures, if there is one.
    pub limiter: Option<FakeLimiter>,
    pub suppressed: SuppressedCount,
}

impl World {
    fn new() -> Self {
        let (clock, store) = (FakeClock::start(), FakeStore::working());
        Self {
            settings: BTreeMap::from([("CRONOZEN_SIGNING_SECRET".to_owned(), SECRET.to_owned())]),
            missing_binding: None,
            shards: FakeShards::new(&clock, &store),
            clock,
            store,
            queue: FakeQueue::working(),
            log: Rc::default(),
            bodies: None,
            previous: None,
            allowance: Allowance::default(),
            limiter: None,
            suppressed: SuppressedCount::default(),
        }
    }

    /// Switches to strict mode.
    pub fn use_strict_mode(&mut self) {
        self.set("DEDUPE", "durable-object");
    }

    /// Switches to strict mode, and makes the present store the earlier one. The shards start without rows.
    pub fn migrate(&mut self) {
        self.use_strict_mode();
        self.previous = Some(std::mem::replace(&mut self.store, FakeStore::working()));
        self.shards.rows = self.store.clone();
    }

    /// Replaces the store (in strict mode, the earlier store) with an empty one whose look-ups fail.
    pub fn fail_look_ups(&mut self) {
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

    /// Returns the platform and the configuration of one delivery.
    pub fn set_up(&self) -> (FakePlatform, Configuration<Option<FakeBucket>>) {
        let missing = self.missing_binding.clone();
        let mut strict = false;
        // The bucket is the only binding. The mode, if the settings are right, decides which store the platform has.
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
        let configuration = configuration.with_hints_for(self.settings.keys().cloned());
        let platform = FakePlatform {
            clock: self.clock.clone(),
            log: Rc::clone(&self.log),
            store: self.store.clone(),
            shards: strict.then(|| self.shards.clone()),
            previous: self.previous.clone(),
            queue: self.queue.clone(),
            allowance: self.allowance.clone(),
            limiter: self.limiter.clone(),
            suppressed: self.suppressed.clone(),
        };
        (platform, configuration)
    }

    pub async fn serve(&self, request: Request<FakeBody>) -> Reply {
        let (platform, configuration) = self.set_up();
        let started = Instant::now();
        let answer = receive(&platform, request, &configuration).await;
        Reply { answer, took: started.elapsed() }
    }

    /// Serves a signed delivery of `body`.
    pub async fn deliver(&self, body: &str) -> Reply {
        self.serve(signed(body)).await
    }

    /// Returns the outcomes that have been logged.
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
