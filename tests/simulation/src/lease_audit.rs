//! The leases of one shard as an onlooker counts them, who sees each call of the lease table and each of its answers.

use std::collections::{BTreeMap, VecDeque};

use cronozen_gateway::dedupe::lease::Decision;

use crate::causes::LEASE;
use crate::clock::Ms;
use crate::faults::Fault;
use crate::history::{LeaseRecord, Recorder};

/// The events of one shard that are leased or waited for.
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

/// Those of one event, in the order of their requests.
#[derive(Default)]
struct WaitLine {
    holder: Option<Claim>,
    waiting: VecDeque<Claim>,
}

impl LeaseAudit {
    pub fn new(recorder: Recorder) -> Self {
        Self { lines: BTreeMap::new(), recorder }
    }

    /// Returns whether any event is leased.
    pub fn has_leases(&self) -> bool {
        self.lines.values().any(|line| line.holder.is_some())
    }

    /// A delivery asks for the lease of an event, and waits until a time. Leases that have run out end first.
    pub fn ask(&mut self, event: &str, delivery: usize, until: Ms, now: Ms) {
        for line in self.lines.values_mut() {
            if let Some(holder) = line.holder.take_if(|holder| holder.until <= now) {
                self.recorder.strike(Fault::LeaseRanOut);
                end(&self.recorder, holder, holder.until);
            }
        }
        let line = self.lines.entry(event.to_owned()).or_default();
        if line.holder.is_some() {
            self.recorder.strike(Fault::LeaseHeld);
        }
        line.waiting.push_back(Claim { delivery, until });
    }

    /// The lease of a delivery ends by a commit or a release, unless it has ended before.
    pub fn end(&mut self, event: &str, delivery: usize, now: Ms) {
        let Some(line) = self.lines.get_mut(event) else { return };
        if let Some(holder) = line.holder.take_if(|holder| holder.delivery == delivery) {
            end(&self.recorder, holder, now);
        }
    }

    /// The object forgets all leases.
    pub fn interrupt(&mut self, now: Ms) {
        for holder in std::mem::take(&mut self.lines).into_values().filter_map(|line| line.holder) {
            end(&self.recorder, holder, now);
        }
    }

    /// Compares an answer of the table with the rules. Only a commit of the event may call it a duplicate.
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
        let place = line.waiting.iter().position(|entry| entry.delivery == delivery);
        let Some(entry) = place.and_then(|place| line.waiting.remove(place)) else {
            return wrong("it was answered without a request");
        };
        let ended = entry.until <= now;
        match decision {
            Decision::Lease(_) => {
                let others = line.waiting.iter().take(place.unwrap_or_default());
                if line.holder.is_some() {
                    wrong("it was granted the lease that another delivery had");
                } else if others.into_iter().any(|other| now < other.until) {
                    wrong("it was granted the lease that another delivery had waited for longer");
                } else if ended {
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
                line.holder = Some(Claim { delivery, until: now + LEASE });
            }
            Decision::Duplicate if !commit => wrong("it was called a duplicate without a commit"),
            Decision::Duplicate => self.recorder.strike(Fault::DuplicateAfterWait),
            Decision::WaitEnded if !ended => wrong("its wait was ended too early"),
            Decision::WaitEnded => self.recorder.strike(Fault::WaitEnded),
            Decision::TooManyWaiters => wrong("it was one too many in a short line"),
        }
    }

    /// The table has answered a call. Nobody may wait who could have been answered.
    pub fn settle(&mut self, committed: Option<&str>, now: Ms) {
        self.lines.retain(|event, line| {
            let unanswered = committed == Some(event);
            let forgotten = line.holder.is_none();
            for waiting in line.waiting.iter().filter(|waiting| now < waiting.until) {
                if unanswered {
                    self.recorder
                        .broken_rule(waiting.delivery, "a commit of its event left it waiting");
                } else if forgotten {
                    self.recorder
                        .broken_rule(waiting.delivery, "nobody has the lease that it waits for");
                }
            }
            line.holder.is_some() || line.waiting.iter().any(|waiting| now < waiting.until)
        });
    }
}

fn end(recorder: &Recorder, holder: Claim, at: Ms) {
    recorder.record(holder.delivery, "lease ended", |trail, _| {
        if let Some(lease) = &mut trail.lease {
            lease.ended = Some(at);
        }
    });
}
