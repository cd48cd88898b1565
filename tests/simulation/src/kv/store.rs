//! The namespace as one delivery meets it: slow, failing, hanging, refusing.

use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;

use cronozen_edge::commit::SeenStore;
use cronozen_edge::error::PlatformError;
use cronozen_edge::event::EventId;
use cronozen_edge::message::Marker;
use tokio::sync::oneshot;
use tokio::task::spawn_local;

use super::Kv;
use crate::causes::STEP;
use crate::clock::{Ms, SECOND, VirtualClock, pass};
use crate::fate::{Fate, LookFate, MarkFate, Step};
use crate::faults::Fault;
use crate::ledger::{Look, Put};
use crate::life::Host;
use crate::plan::{Plan, outage_at};

/// KV for one delivery.
#[derive(Clone)]
pub struct KvStore {
    pub kv: Rc<RefCell<Kv>>,
    pub plan: Rc<Plan>,
    pub clock: VirtualClock,
    pub host: Host,
    pub delivery: usize,
    pub location: usize,
    pub fate: Rc<Fate>,
}

impl KvStore {
    /// What the look-up will do, and whether that is in time.
    fn look_fate(&self) -> (LookFate, bool) {
        let limit = self.plan.deadline.div_ceil(8);
        let outage = outage_at(&self.plan.look_outages[self.location], self.clock.ms());
        let fate = match outage {
            Some(outage) if outage.hangs => LookFate::Hangs,
            Some(_) => LookFate::Fails(20),
            // An answer in the very step of the limit would be neither in time nor late.
            None if self.fate.look == LookFate::Answers(limit) => LookFate::Answers(limit + STEP),
            None => self.fate.look,
        };
        let in_doubt = !matches!(fate, LookFate::Answers(ms) if ms < limit);
        let fault = match fate {
            _ if outage.is_some() => Some(Fault::LookOutage),
            LookFate::Hangs => Some(Fault::LookHung),
            LookFate::Fails(_) => Some(Fault::LookFailed),
            LookFate::Answers(_) => in_doubt.then_some(Fault::LookSlow),
        };
        if let Some(fault) = fault {
            self.host.ledger.strike(fault);
        }
        (fate, in_doubt)
    }

    fn looked(&self, as_of: Option<Ms>, in_doubt: bool) {
        self.host.ledger.tell(self.delivery, "looked", |trail, at| {
            trail.look = Some(Look { at, as_of: as_of.unwrap_or(at), in_doubt });
        });
    }

    fn put_fate(&self) -> Result<Ms, Option<Ms>> {
        if outage_at(&self.plan.write_limits, self.clock.ms()).is_some() {
            self.host.ledger.strike(Fault::PutOverLimit);
            return Err(Some(10));
        }
        match self.fate.mark {
            MarkFate::Works(ms) => {
                if ms > 250 {
                    self.host.ledger.strike(Fault::PutSlow);
                }
                Ok(ms)
            }
            MarkFate::Fails(ms) => {
                self.host.ledger.strike(Fault::PutFailed);
                Err(Some(ms))
            }
            MarkFate::Hangs => {
                self.host.ledger.strike(Fault::PutHung);
                Err(None)
            }
        }
    }

    /// The put is on the wire: it goes on without its isolate, unless that lives and waits no more.
    async fn put(self, key: String, ttl: Ms) -> Result<(), PlatformError> {
        let mut waits = Waits { store: self.clone(), answered: false };
        let written = self.write(key, ttl).await;
        waits.answered = true;
        written
    }

    async fn write(self, key: String, ttl: Ms) -> Result<(), PlatformError> {
        self.host.ledger.tell(self.delivery, "put", |trail, at| {
            trail.put =
                Some(Put { at, applied: None, dropped: None, visible: Vec::new(), ends: at + ttl });
        });
        let takes = match self.put_fate() {
            Ok(takes) => takes,
            Err(None) => return pending().await,
            Err(Some(ms)) => {
                pass(ms).await;
                return Err(PlatformError::new("KV PUT failed"));
            }
        };
        let (applied, answer) = oneshot::channel();
        let on_the_wire = self.clone();
        spawn_local(async move {
            pass(takes / 2).await;
            // Nobody may be left who waits for it.
            let _nobody = applied.send(on_the_wire.apply(&key, ttl));
        });
        let written = answer.await.unwrap_or(false);
        pass(takes - takes / 2).await;
        if written {
            Ok(())
        } else {
            Err(PlatformError::new("KV PUT failed: 429 Too Many Requests"))
        }
    }

    fn apply(&self, key: &str, ttl: Ms) -> bool {
        let mut dropped = false;
        self.host.ledger.tell(self.delivery, "arrived at KV", |trail, _| {
            dropped = trail.put.as_ref().is_some_and(|put| put.dropped.is_some());
        });
        if dropped {
            return false;
        }
        let (now, propagation) = (self.clock.ms(), &self.fate.propagation);
        let written = self.kv.borrow_mut().write(key, self.location, propagation, ttl, now);
        let Some(visible) = written else {
            self.host.ledger.strike(Fault::PutTooOften);
            return false;
        };
        self.host.ledger.tell(self.delivery, "applied", |trail, now| {
            if let Some(put) = &mut trail.put {
                (put.applied, put.visible, put.ends) = (Some(now), visible, now + ttl);
            }
        });
        true
    }
}

/// An isolate that waits for its put.
struct Waits {
    store: KvStore,
    answered: bool,
}

impl Drop for Waits {
    fn drop(&mut self) {
        let KvStore { host, delivery, .. } = &self.store;
        if !self.answered && host.life.died().is_none() {
            host.ledger.tell(*delivery, "dropped", |trail, now| {
                if let Some(put) = &mut trail.put {
                    put.dropped = Some(now);
                }
            });
        }
    }
}

impl SeenStore for KvStore {
    async fn seen(&self, event_id: &EventId) -> Result<bool, PlatformError> {
        self.host.step(Step::BeforeLook).await;
        let (fate, in_doubt) = self.look_fate();
        // It may be given up before it sees anything.
        self.looked(None, in_doubt);
        let takes = match fate {
            LookFate::Answers(ms) => ms,
            LookFate::Fails(ms) => {
                pass(ms).await;
                self.host.step(Step::AfterLook).await;
                return Err(PlatformError::new("KV GET failed"));
            }
            LookFate::Hangs => return pending().await,
        };
        pass(takes / 2).await;
        let read = self.kv.borrow_mut().read(event_id.as_str(), self.location, self.clock.ms());
        self.looked(Some(read.as_of), in_doubt);
        let missed = [
            (read.as_of < self.clock.ms(), Fault::CachedMiss),
            (read.hidden, Fault::NotPropagated),
            (read.expired, Fault::MarkerExpired),
        ];
        for (struck, fault) in missed {
            if struck && !read.found {
                self.host.ledger.strike(fault);
            }
        }
        pass(takes - takes / 2).await;
        self.host.step(Step::AfterLook).await;
        Ok(read.found)
    }

    fn mark(
        &self,
        event_id: &EventId,
        marker: Marker,
    ) -> impl Future<Output = Result<(), PlatformError>> + 'static {
        let (store, key) = (self.clone(), event_id.as_str().to_owned());
        async move {
            store.host.step(Step::Acknowledged).await;
            if store.host.fatal != Some(Step::Marked) {
                return store.put(key, marker.ttl_seconds() * SECOND).await;
            }
            // The put leaves, and its isolate dies before it arrives.
            let host = store.host.clone();
            spawn_local(store.put(key, marker.ttl_seconds() * SECOND));
            host.step(Step::Marked).await;
            pending().await
        }
    }
}
