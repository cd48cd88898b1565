//! A platform whose services follow a plan, and that checks that nothing is marked as seen before the queue has
//! acknowledged it.

use std::rc::Rc;
use std::time::Duration;

use cronozen_gateway::allowance::Allowance;
use cronozen_gateway::bodies::BodyStore;
use cronozen_gateway::configuration::Configuration;
use cronozen_gateway::dedupe::lease::Decision;
use cronozen_gateway::dedupe::{DedupeStore, Marker, MarkerStore, ShardLease, Shards};
use cronozen_gateway::failures::{FailureLimiter, SuppressedCount};
use cronozen_gateway::log::{Level, Log, Record};
use cronozen_gateway::platform::Platform;
use cronozen_gateway::queue::EventQueue;
use cronozen_gateway::runtime::{Background, Clock, PlatformError};
use cronozen_webhook::event::EventId;
use cronozen_webhook::message::{Dedupe, Message, StoredBody};
use cronozen_webhook::time::Timestamp;

use crate::body::FakeBody;
use crate::bucket::FakeBucket;
use crate::platform::{Behaviour, FakeLimiter, FakePlatform, FakeQueue, FakeStore};
use crate::shards::{FakeLease, FakeShards};
use crate::watch::Watch;

/// A service of the fake platform that follows the plan.
#[derive(Clone)]
pub struct Hostile<T> {
    service: T,
    watch: Rc<Watch>,
}

impl MarkerStore for Hostile<FakeStore> {
    async fn has_marker(&self, event_id: &EventId) -> Result<bool, PlatformError> {
        let (behaviour, is_wrong) = self.watch.next();
        self.service.look.set(behaviour);
        let seen = self.service.has_marker(event_id).await? != is_wrong;
        if seen {
            self.watch.report(event_id);
        }
        Ok(seen)
    }

    async fn mark(&self, event_id: &EventId, marker: Marker) -> Result<(), PlatformError> {
        self.watch.check_mark(event_id);
        self.service.mark.set(self.watch.next().0);
        self.service.mark(event_id, marker).await
    }
}

impl Shards for Hostile<FakeShards> {
    type Lease = Hostile<FakeLease>;

    async fn acquire(
        &self,
        shard: u8,
        event_id: &EventId,
        ignores_row: bool,
        wait: Duration,
    ) -> Result<Decision<Self::Lease>, PlatformError> {
        let (behaviour, is_wrong) = self.watch.next();
        // An object that restarts while it is asked contradicts the leases that it has granted.
        if is_wrong {
            self.service.restart();
        }
        self.service.acquire.set(behaviour);
        self.service.rows.look.set(Behaviour::Works(1));
        let decision = self.service.acquire(shard, event_id, ignores_row, wait).await?;
        let watch = Rc::clone(&self.watch);
        Ok(decision.map_lease(|service| Hostile { service, watch }))
    }

    async fn mark(
        &self,
        shard: u8,
        event_id: &EventId,
        ends_at: Timestamp,
    ) -> Result<(), PlatformError> {
        self.watch.check_mark(event_id);
        self.service.rows.mark.set(self.watch.next().0);
        self.service.mark(shard, event_id, ends_at).await
    }
}

impl ShardLease for Hostile<FakeLease> {
    async fn commit(&self, ends_at: Timestamp) -> Result<(), PlatformError> {
        self.watch.check_mark(&self.service.event_id);
        self.service.shards.commit.set(self.watch.next().0);
        self.service.shards.rows.mark.set(Behaviour::Works(1));
        self.service.commit(ends_at).await
    }
}

impl EventQueue for Hostile<FakeQueue> {
    type HeldMessage = Message;

    fn hold(&self, message: Message) -> Message {
        message
    }

    fn send(
        &self,
        held: Message,
        dedupe: Dedupe,
    ) -> impl Future<Output = Result<(), PlatformError>> + 'static {
        let text = [held.before_dedupe(), dedupe.as_str(), held.after_dedupe()].concat();
        self.service.send.set(self.watch.next().0);
        let (send, watch) = (self.service.send(held, dedupe), Rc::clone(&self.watch));
        async move {
            send.await?;
            watch.acknowledge(text);
            Ok(())
        }
    }
}

impl BodyStore<Vec<u8>> for Hostile<FakeBucket> {
    async fn put(&self, body: &StoredBody, held: Vec<u8>) -> Result<(), PlatformError> {
        self.service.put.set(self.watch.next().0);
        self.service.put(body, held).await
    }

    async fn holds(&self, body: &StoredBody, since: Timestamp) -> Result<bool, PlatformError> {
        self.service.head.set(self.watch.next().0);
        self.service.holds(body, since).await
    }
}

impl FailureLimiter for Hostile<FakeLimiter> {
    async fn allows(&self, address: &str) -> Result<bool, PlatformError> {
        let (behaviour, is_wrong) = self.watch.next();
        let limiter = FakeLimiter { behaviour, ..self.service.clone() };
        Ok(limiter.allows(address).await? != is_wrong)
    }
}

/// The fake platform with hostile services.
#[derive(Clone)]
pub struct HostilePlatform {
    fake: FakePlatform,
    limiter: Option<Hostile<FakeLimiter>>,
    watch: Rc<Watch>,
}

impl HostilePlatform {
    pub fn new(fake: FakePlatform, watch: &Rc<Watch>) -> Self {
        let limiter =
            fake.limiter.clone().map(|service| Hostile { service, watch: Rc::clone(watch) });
        Self { fake, limiter, watch: Rc::clone(watch) }
    }

    fn hostile<T>(&self, service: T) -> Hostile<T> {
        Hostile { service, watch: Rc::clone(&self.watch) }
    }

    /// Makes the bucket of a configuration hostile.
    pub fn configuration(
        &self,
        configuration: Configuration<Option<FakeBucket>>,
    ) -> Configuration<Option<Hostile<FakeBucket>>> {
        let Configuration { webhook_path, ready, hints } = configuration;
        let ready =
            ready.map(|(settings, bucket)| (settings, bucket.map(|bucket| self.hostile(bucket))));
        Configuration { webhook_path, ready, hints }
    }
}

impl Clock for HostilePlatform {
    fn now(&self) -> Timestamp {
        self.fake.now()
    }

    async fn sleep(&self, duration: Duration) {
        self.fake.sleep(duration).await;
    }
}

impl Background for HostilePlatform {
    fn keep(&self, future: impl Future<Output = ()> + 'static) {
        self.fake.keep(future);
    }
}

impl Log for HostilePlatform {
    fn write(&self, level: Level, record: &Record) {
        self.fake.write(level, record);
    }
}

impl Platform for HostilePlatform {
    /// The bucket, if there is one.
    type Bindings = Option<Hostile<FakeBucket>>;
    type Body = FakeBody;
    type Markers = Hostile<FakeStore>;
    type Shards = Hostile<FakeShards>;
    type Queue = Hostile<FakeQueue>;
    type Bodies = Hostile<FakeBucket>;
    type Failures = Hostile<FakeLimiter>;

    fn store(&self, _: &Self::Bindings) -> DedupeStore<Self::Markers, Self::Shards> {
        match self.fake.store(&None) {
            DedupeStore::Markers(store) => DedupeStore::Markers(self.hostile(store)),
            DedupeStore::Shards { shards, previous } => DedupeStore::Shards {
                shards: self.hostile(shards),
                previous: previous.map(|store| self.hostile(store)),
            },
        }
    }

    fn queue(&self, _: &Self::Bindings) -> Self::Queue {
        self.hostile(self.fake.queue(&None))
    }

    fn bodies<'b>(&self, bindings: &'b Self::Bindings) -> Option<&'b Self::Bodies> {
        bindings.as_ref()
    }

    fn failures<'b>(&'b self, _: &'b Self::Bindings) -> Option<&'b Self::Failures> {
        self.limiter.as_ref()
    }

    fn suppressed(&self) -> &SuppressedCount {
        self.fake.suppressed()
    }

    fn allowance(&self) -> &Allowance {
        self.fake.allowance()
    }
}
