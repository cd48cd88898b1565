//! An independent account of the leases of one shard, kept from the calls of the lease table and its answers. It checks
//! each answer against the rules.

use std::collections::{BTreeMap, VecDeque};

use cronozen_gateway::dedupe::lease::Decision;

use crate::clock::Ms;
use crate::faults::Fault;
use crate::history::{LeaseRecord, Recorder};
use crate::limits::MAX_LEASE;

/// The account of one shard. It contains the events that have a lease or for which deliveries wait.
pub struct LeaseAudit {
    lines: BTreeMap<String, WaitLine>,
    recorder: Recorder,
}

/// A delivery that has a lease or waits for one.
#[derive(Clone, Copy)]
struct Claim {
    delivery: usize,
    until: Ms,
}

/// The claims to one event. The waiting ones are in the order of their requests.
#[derive(Default)]
struct WaitLine {
    holder: Option<Claim>,
    waiting: VecDeque<Claim>,
}

impl LeaseAudit {
    pub fn new(recorder: Recorder) -> Self {
        Self { lines: BTreeMap::new(), recorder }
    }

    /// Returns true if any event has a lease.
    pub fn has_leases(&self) -> bool {
        self.lines.values().any(|line| line.holder.is_some())
    }

    /// Records that a delivery asks for the lease of an event, and waits until `until`. First ends the leases that have
    /// run out.
    pub fn ask(&mut self, event: &str, delivery: usize, until: Ms, now: Ms) {
        for line in self.lines.values_mut() {
            if let Some(holder) = line.holder.take_if(|holder| holder.until <= now) {
                self.recorder.strike(Fault::LeaseRanOut);
                record_end(&self.recorder, holder, holder.until);
            }
        }
        let line = self.lines.entry(event.to_owned()).or_default();
        if line.holder.is_some() {
            self.recorder.strike(Fault::LeaseHeld);
        }
        line.waiting.push_back(Claim { delivery, until });
    }

    /// Ends the lease of a delivery after a commit or a release, unless it has already ended.
    pub fn end(&mut self, event: &str, delivery: usize, now: Ms) {
        let Some(line) = self.lines.get_mut(event) else { return };
        if let Some(holder) = line.holder.take_if(|holder| holder.delivery == delivery) {
            record_end(&self.recorder, holder, now);
        }
    }

    /// Ends all leases and waits, because the object has lost them.
    pub fn interrupt(&mut self, now: Ms) {
        for holder in std::mem::take(&mut self.lines).into_values().filter_map(|line| line.holder) {
            record_end(&self.recorder, holder, now);
        }
    }

    /// Checks an answer of the table against the rules. It may be a duplicate only if a commit of the event caused it
    /// (`commit`).
    pub fn answer(
        &mut self,
        event: &str,
        delivery: usize,
        decision: Decision,
        commit: bool,
        now: Ms,
    ) {
        let wrong = |what| self.recorder.broken_rule(delivery, what);
        let line = self.lines.entry(event.to_owned()).or_default();
        let position = line.waiting.iter().position(|claim| claim.delivery == delivery);
        let Some(claim) = position.and_then(|position| line.waiting.remove(position)) else {
            return wrong("it was answered without a request");
        };
        let wait_ended = claim.until <= now;
        match decision {
            Decision::Lease(_) => {
                let others = line.waiting.iter().take(position.unwrap_or_default());
                if line.holder.is_some() {
                    wrong("it was granted the lease that another delivery had");
                } else if others.into_iter().any(|other| now < other.until) {
                    wrong("it was granted the lease that another delivery had waited for longer");
                } else if wait_ended {
                    wrong("it was granted a lease after its wait had ended");
                }
                let mut waited = false;
                self.recorder.record(delivery, "granted", |trail, now| {
                    waited = trail.entered.is_some_and(|entered| entered < now);
                    trail.lease = Some(LeaseRecord::new(now));
                });
                if waited {
                    self.recorder.strike(Fault::GrantedAfterWait);
                }
                line.holder = Some(Claim { delivery, until: now + MAX_LEASE });
            }
            Decision::Duplicate if !commit => wrong("it was called a duplicate without a commit"),
            Decision::Duplicate => self.recorder.strike(Fault::DuplicateAfterWait),
            Decision::WaitEnded if !wait_ended => wrong("its wait was ended too early"),
            Decision::WaitEnded => self.recorder.strike(Fault::WaitEnded),
            Decision::TooManyWaiters => wrong("it was refused although few deliveries waited"),
        }
    }

    /// Checks the account after a call of the table: no delivery may still wait for an event that the call has committed,
    /// or for one that has no lease.
    pub fn check_waits(&mut self, committed: Option<&str>, now: Ms) {
        self.lines.retain(|event, line| {
            let is_committed = committed == Some(event);
            let is_free = line.holder.is_none();
            for waiting in line.waiting.iter().filter(|waiting| now < waiting.until) {
                if is_committed {
                    self.recorder.broken_rule(
                        waiting.delivery,
                        "it still waits after a commit of its event",
                    );
                } else if is_free {
                    self.recorder.broken_rule(
                        waiting.delivery,
                        "no delivery has the lease that it waits for",
                    );
                }
            }
            line.holder.is_some() || line.waiting.iter().any(|waiting| now < waiting.until)
        });
    }
}

fn record_end(recorder: &Recorder, holder: Claim, at: Ms) {
    recorder.record(holder.delivery, "lease ended", |trail, _| {
        if let Some(lease) = &mut trail.lease {
            lease.ended = Some(at);
        }
    });
}
