//! KV as one delivery uses it: it can be slow, fail, hang or refuse a write.

use std::future::pending;

use cronozen_gateway::dedupe::{Marker, MarkerStore};
use cronozen_gateway::runtime::PlatformError;
use cronozen_webhook::event::EventId;
use tokio::sync::oneshot;
use tokio::task::spawn_local;

use crate::clock::{Ms, SECOND, pass};
use crate::delivery::Delivery;
use crate::fate::{LookFate, MarkFate, Step};
use crate::faults::Fault;
use crate::history::{LookRecord, PutRecord};
use crate::limits::STEP;
use crate::plan::outage_at;

/// KV for one delivery.
#[derive(Clone)]
pub struct KvStore(pub Delivery);

impl Delivery {
    /// Returns the fate of the look-up, and true if no answer can arrive in time.
    fn look_fate(&self) -> (LookFate, bool) {
        let limit = self.world.plan.deadline.div_ceil(8);
        let outage = outage_at(&self.world.plan.look_outages[self.location], self.world.clock.ms());
        let fate = match outage {
            Some(outage) if outage.hangs => LookFate::Hangs,
            Some(_) => LookFate::Fails(20),
            // An answer in the same step as the limit would be neither in time nor late.
            None if self.fate.look_up == LookFate::Answers(limit) => {
                LookFate::Answers(limit + STEP)
            }
            None => self.fate.look_up,
        };
        let in_doubt = !matches!(fate, LookFate::Answers(ms) if ms < limit);
        let fault = match fate {
            _ if outage.is_some() => Some(Fault::LookOutage),
            LookFate::Hangs => Some(Fault::LookHung),
            LookFate::Fails(_) => Some(Fault::LookFailed),
            LookFate::Answers(_) => in_doubt.then_some(Fault::LookSlow),
        };
        if let Some(fault) = fault {
            self.strike(fault);
        }
        (fate, in_doubt)
    }

    fn record_look(&self, as_of: Option<Ms>, in_doubt: bool) {
        self.record("looked", |trail, at| {
            trail.look = Some(LookRecord { at, as_of: as_of.unwrap_or(at), in_doubt });
        });
    }

    fn put_fate(&self) -> Result<Ms, Option<Ms>> {
        if outage_at(&self.world.plan.write_limits, self.world.clock.ms()).is_some() {
            self.strike(Fault::PutOverLimit);
            return Err(Some(10));
        }
        match self.fate.mark {
            MarkFate::Works(ms) => {
                if ms > 250 {
                    self.strike(Fault::PutSlow);
                }
                Ok(ms)
            }
            MarkFate::Fails(ms) => {
                self.strike(Fault::PutFailed);
                Err(Some(ms))
            }
            MarkFate::Hangs => {
                self.strike(Fault::PutHung);
                Err(None)
            }
        }
    }

    /// Puts a marker. The put continues on the wire after its isolate dies, but not if a living isolate stops waiting
    /// for it.
    async fn put(self, key: String, ttl: Ms) -> Result<(), PlatformError> {
        let mut guard = PutGuard { delivery: self.clone(), answered: false };
        let result = self.write(key, ttl).await;
        guard.answered = true;
        result
    }

    async fn write(self, key: String, ttl: Ms) -> Result<(), PlatformError> {
        self.record("put", |trail, at| {
            trail.put = Some(PutRecord::new(at, at + ttl));
        });
        let duration = match self.put_fate() {
            Ok(duration) => duration,
            Err(None) => return pending().await,
            Err(Some(ms)) => {
                pass(ms).await;
                return Err(PlatformError::new("KV PUT failed"));
            }
        };
        let (responder, answer) = oneshot::channel();
        let on_the_wire = self.clone();
        spawn_local(async move {
            pass(duration / 2).await;
            // The receiver may be gone.
            let _ignored = responder.send(on_the_wire.apply(&key, ttl));
        });
        let written = answer.await.unwrap_or(false);
        pass(duration - duration / 2).await;
        if written {
            Ok(())
        } else {
            Err(PlatformError::new("KV PUT failed: 429 Too Many Requests"))
        }
    }

    fn apply(&self, key: &str, ttl: Ms) -> bool {
        let mut dropped = false;
        self.record("arrived at KV", |trail, _| {
            dropped = trail.put.as_ref().is_some_and(|put| put.dropped.is_some());
        });
        if dropped {
            return false;
        }
        let (now, propagation) = (self.world.clock.ms(), &self.fate.propagation);
        let written = self.world.kv.borrow_mut().write(key, self.location, propagation, ttl, now);
        let Some(visible) = written else {
            self.strike(Fault::PutTooOften);
            return false;
        };
        self.record("applied", |trail, now| {
            if let Some(put) = &mut trail.put {
                (put.applied, put.visible, put.ends) = (Some(now), visible, now + ttl);
            }
        });
        true
    }
}

/// A guard that records when a living isolate stops waiting for its put.
struct PutGuard {
    delivery: Delivery,
    answered: bool,
}

impl Drop for PutGuard {
    fn drop(&mut self) {
        if !self.answered && self.delivery.host.life.died().is_none() {
            self.delivery.record("dropped", |trail, now| {
                if let Some(put) = &mut trail.put {
                    put.dropped = Some(now);
                }
            });
        }
    }
}

impl MarkerStore for KvStore {
    async fn has_marker(&self, event_id: &EventId) -> Result<bool, PlatformError> {
        let Self(delivery) = self;
        delivery.host.step(Step::BeforeAcquire).await;
        let _open = delivery.connections.open().await;
        let (fate, in_doubt) = delivery.look_fate();
        // The gateway may give up the look-up before it reads anything.
        delivery.record_look(None, in_doubt);
        let duration = match fate {
            LookFate::Answers(ms) => ms,
            LookFate::Fails(ms) => {
                pass(ms).await;
                delivery.host.step(Step::AfterAcquire).await;
                return Err(PlatformError::new("KV GET failed"));
            }
            LookFate::Hangs => return pending().await,
        };
        pass(duration / 2).await;
        let (world, now) = (&delivery.world, delivery.world.clock.ms());
        let read = world.kv.borrow_mut().read(event_id.as_str(), delivery.location, now);
        delivery.record_look(Some(read.as_of), in_doubt);
        let missed = [
            (read.as_of < now, Fault::CachedMiss),
            (read.hidden, Fault::NotPropagated),
            (read.expired, Fault::MarkerExpired),
        ];
        for (struck, fault) in missed {
            if struck && !read.found {
                delivery.strike(fault);
            }
        }
        pass(duration - duration / 2).await;
        delivery.host.step(Step::AfterAcquire).await;
        Ok(read.found)
    }

    async fn mark(&self, event_id: &EventId, marker: Marker) -> Result<(), PlatformError> {
        let (delivery, key) = (self.0.clone(), event_id.as_str().to_owned());
        let ttl = marker.ttl_seconds() * SECOND;
        delivery.host.step(Step::Acknowledged).await;
        let _open = delivery.connections.open().await;
        if delivery.host.fatal != Some(Step::Marking) {
            return delivery.put(key, ttl).await;
        }
        // The isolate dies while its put is on the wire.
        let host = delivery.host.clone();
        spawn_local(delivery.put(key, ttl));
        host.step(Step::Marking).await;
        pending().await
    }
}
