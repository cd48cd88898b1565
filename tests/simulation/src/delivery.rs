//! One delivery at its Worker, and the platform on which the gateway crate serves it.

use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use cronozen_gateway::allowance::Allowance;
use cronozen_gateway::dedupe::DedupeStore;
use cronozen_gateway::failures::SuppressedCount;
use cronozen_gateway::log::{Level, Log, Record};
use cronozen_gateway::platform::Platform;
use cronozen_gateway::runtime::{Background, Clock};
use cronozen_webhook::time::Timestamp;

use crate::body::FakeBody;
use crate::clock::Ms;
use crate::connections::Connections;
use crate::fate::{Fate, ObjectStep};
use crate::faults::Fault;
use crate::history::Trail;
use crate::host::{BackgroundWork, Host};
use crate::kv::KvStore;
use crate::plan::Mode;
use crate::queue::SimQueue;
use crate::shards::SimShards;
use crate::world::World;

/// One delivery, with everything that serves it.
#[derive(Clone)]
pub struct Delivery {
    pub world: Rc<World>,
    /// The Worker's isolate.
    pub host: Host,
    pub number: usize,
    pub location: usize,
    pub fate: Rc<Fate>,
    /// The connections of its request.
    pub connections: Connections,
}

impl Delivery {
    pub fn strike(&self, fault: Fault) {
        self.world.recorder.strike(fault);
    }

    pub fn record(&self, what: &'static str, change: impl FnOnce(&mut Trail, Ms)) {
        self.world.recorder.record(self.number, what, change);
    }

    /// Reaches a step at which the object of the event may end.
    pub fn object_step(&self, step: ObjectStep) {
        self.world.objects.step(&self.world, self.number, step);
    }
}

/// The platform of one delivery.
#[derive(Clone)]
pub struct SimPlatform {
    pub delivery: Delivery,
    pub background: BackgroundWork,
    /// The allowance of the isolate.
    pub allowance: Allowance,
    pub suppressed: SuppressedCount,
}

impl Clock for SimPlatform {
    fn now(&self) -> Timestamp {
        self.delivery.world.clock.now()
    }

    async fn sleep(&self, duration: Duration) {
        self.delivery.world.clock.sleep(duration).await;
    }
}

impl Background for SimPlatform {
    fn keep(&self, future: impl Future<Output = ()> + 'static) {
        self.background.keep(future);
    }
}

impl Log for SimPlatform {
    fn write(&self, level: Level, record: &Record) {
        self.delivery.world.recorder.write(level, record);
    }
}

impl Platform for SimPlatform {
    type Bindings = ();
    type Body = FakeBody;
    type Markers = KvStore;
    type Shards = SimShards;
    type Queue = SimQueue;
    /// There is no store: the sender's bodies are small.
    type Bodies = Infallible;
    type Failures = Infallible;

    fn store(&self, (): &()) -> DedupeStore<KvStore, SimShards> {
        let delivery = self.delivery.clone();
        match delivery.world.mode {
            Mode::Kv => DedupeStore::Markers(KvStore(delivery)),
            Mode::Strict => DedupeStore::Shards { shards: SimShards(delivery), previous: None },
        }
    }

    fn queue(&self, (): &()) -> SimQueue {
        SimQueue(self.delivery.clone())
    }

    fn bodies<'b>(&self, (): &'b ()) -> Option<&'b Infallible> {
        None
    }

    fn failures<'b>(&'b self, (): &'b ()) -> Option<&'b Infallible> {
        None
    }

    fn suppressed(&self) -> &SuppressedCount {
        &self.suppressed
    }

    fn allowance(&self) -> &Allowance {
        &self.allowance
    }
}
