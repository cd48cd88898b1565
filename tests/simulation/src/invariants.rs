//! What must hold in every world.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use crate::causes::{Cause, FLIGHT, STEP, cause};
use crate::clock::Ms;
use crate::fate::{CallFate, SendFate};
use crate::faults::Fault;
use crate::ledger::{Kind, Told, Trail};
use crate::plan::{AttackKind, Mode, Plan};
use crate::queue::consume;

/// What a look-up, a send and a marker may take over their times by rounding.
const ROUNDING: Ms = 5;

/// The send must be acknowledged so long before the deadline.
const MARK_WAIT: Ms = 250;

/// What the sender may be told of a delivery whose signature does not verify: another status would show
/// that its content had been looked at.
const UNVERIFIED: [u16; 5] = [401, 408, 413, 500, 503];

/// An invariant does not hold.
pub struct Violation {
    pub seed: u64,
    pub mode: Mode,
    pub invariant: u8,
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, mode, invariant, what } = self;
        write!(formatter, "seed {seed}, mode {}: invariant {invariant}: {what}", mode.name())
    }
}

/// What has been found in one world.
#[derive(Default)]
pub struct Findings {
    pub violations: Vec<Violation>,
    /// The cause of each copy but the first of an event.
    pub causes: Vec<Cause>,
    pub worst_answer: Ms,
    /// Attempts of which invariant 4 says that they must bring their event into the queue.
    pub promising: u64,
}

/// Checks one world. Consumers read the queue on the way.
pub fn check(plan: &Plan, mode: Mode, told: &mut Told) -> Findings {
    strike_events_in_doubt(plan, told);
    let wrong_messages = consume(&told.copies, plan, &mut told.strikes);
    let mut check = Check { plan, mode, told, findings: Findings::default() };
    for (delivery, wrong) in wrong_messages {
        check.violated(2, delivery, wrong);
    }
    for delivery in 0..check.told.trails.len() {
        check.acknowledged_is_queued(delivery);
        check.unverified_learns_nothing(delivery);
        check.answered_in_time(delivery);
        check.promising_is_queued(delivery);
        check.outside_is_refused(delivery);
    }
    check.copies_have_causes();
    check.findings
}

/// Counts the events that were attempted several times, with no look-up that could have been answered.
fn strike_events_in_doubt(plan: &Plan, told: &mut Told) {
    for event in 0..plan.events.len() {
        let of_event = told.trails.iter().filter(|trail| trail.event == event);
        let looks: Vec<bool> =
            of_event.filter_map(|trail| trail.look).map(|look| look.in_doubt).collect();
        if looks.len() > 2 && looks.iter().all(|in_doubt| *in_doubt) {
            told.strikes.strike(Fault::LooksAllInDoubt);
        }
    }
}

struct Check<'w> {
    plan: &'w Plan,
    mode: Mode,
    told: &'w Told,
    findings: Findings,
}

impl Check<'_> {
    fn violated(&mut self, invariant: u8, delivery: usize, what: impl fmt::Display) {
        let (seed, mode) = (self.plan.seed, self.mode);
        let what = format!("{what}; {}", self.describe(delivery));
        self.findings.violations.push(Violation { seed, mode, invariant, what });
    }

    fn describe(&self, delivery: usize) -> String {
        let trail = &self.told.trails[delivery];
        let Trail { kind, location, arrived, answered, entered, look, sent, put, .. } = trail;
        let id = &self.plan.events[trail.event].id;
        format!(
            "delivery {delivery} of {id}: {kind:?} at location {location}, arrived {arrived:?}, answered \
             {answered:?}, isolate died {:?}, entered {entered:?}, object died {:?}, {look:?}, {sent:?}, {put:?}",
            trail.isolate_died(),
            trail.object_died(),
        )
    }

    /// Whether the event was in the queue at a time.
    fn is_queued(&self, event: usize, at: Ms) -> bool {
        let mut copies = self.told.copies.iter();
        copies.any(|copy| copy.at <= at && self.told.trails[copy.delivery].event == event)
    }

    fn is_verifiable(&self, trail: &Trail, arrived: Ms) -> bool {
        trail.secret.is_some_and(|secret| self.plan.knows(trail.location, secret, arrived))
    }

    /// 1.
    fn acknowledged_is_queued(&mut self, delivery: usize) {
        let trail = &self.told.trails[delivery];
        let Some((at, status @ 200..300)) = trail.answered else { return };
        if !self.is_queued(trail.event, at) {
            self.violated(1, delivery, format_args!("answered {status}, not in the queue"));
        }
    }

    /// 2, as far as answers show it.
    fn unverified_learns_nothing(&mut self, delivery: usize) {
        let trail = &self.told.trails[delivery];
        let (Some(arrived), Some((_, status))) = (trail.arrived, trail.answered) else { return };
        if !self.is_verifiable(trail, arrived) && !UNVERIFIED.contains(&status) {
            self.violated(2, delivery, format_args!("unverified, and answered {status}"));
        }
        if trail.kind == Kind::Attack(AttackKind::SignedNoEvent) && status < 300 {
            self.violated(2, delivery, format_args!("no event, and answered {status}"));
        }
    }

    /// 3.
    fn answered_in_time(&mut self, delivery: usize) {
        let trail = &self.told.trails[delivery];
        let Some(arrived) = trail.arrived else { return };
        let latest = arrived + self.plan.deadline + STEP;
        if let Some((at, _)) = trail.answered {
            self.findings.worst_answer = self.findings.worst_answer.max(at - arrived);
        }
        let ended = trail.answered.map(|(at, _)| at).or(trail.isolate_died());
        if ended.is_none_or(|ended| ended > latest) {
            self.violated(3, delivery, format_args!("not answered by {latest}"));
        }
    }

    /// 4, at the end of the first attempt that must succeed rather than in the end.
    fn promising_is_queued(&mut self, delivery: usize) {
        let trail = &self.told.trails[delivery];
        let Some(arrived) = trail.arrived else { return };
        if !self.is_promising(trail, arrived) {
            return;
        }
        self.findings.promising += 1;
        if !self.is_queued(trail.event, arrived + self.plan.deadline) {
            self.violated(4, delivery, "nothing stood in its way, not in the queue");
        }
    }

    /// Whether a true attempt must bring its event into the queue: by what was drawn for it, by who lived,
    /// and, in strict mode, by which sends were under way. Not by what the code made of it.
    fn is_promising(&self, trail: &Trail, arrived: Ms) -> bool {
        let deadline = self.plan.deadline;
        let end = arrived + deadline + ROUNDING;
        let lives = |died: Option<Ms>| died.is_none_or(|died| died > end);
        let (Some(body), SendFate::Works(send)) = (trail.fate.body.takes(), trail.fate.send) else {
            return false;
        };
        let refused = self.plan.refuse && self.plan.is_outside(trail.event, end);
        let outage = self.plan.queue_outages.iter().any(|outage| outage.overlaps(arrived, end));
        let called = match (self.mode, trail.fate.call) {
            (Mode::Kv, _) => 0,
            (Mode::Strict, CallFate::Works { .. }) => trail.fate.call_there,
            (Mode::Strict, _) => return false,
        };
        let sent = body + called + deadline.div_ceil(8) + send + ROUNDING;
        !matches!(trail.kind, Kind::Attack(_))
            && self.is_verifiable(trail, arrived)
            && lives(trail.isolate_died())
            && lives(trail.object_died())
            && body + ROUNDING < deadline * 3 / 8
            && sent + MARK_WAIT < deadline
            && !refused
            && !outage
            && !self.joins_a_flight(trail)
    }

    /// Whether an older send of the event is under way in the object, and not given up.
    fn joins_a_flight(&self, trail: &Trail) -> bool {
        let (Some(entered), Some(object)) = (trail.entered, &trail.object) else { return false };
        self.told.trails.iter().any(|other| {
            let (Some(began), Some(sent)) = (other.entered, other.sent) else { return false };
            let settled = sent.acknowledged.or(sent.failed);
            !std::ptr::eq(other, trail)
                && other.event == trail.event
                && other.object.as_ref().is_some_and(|life| Rc::ptr_eq(life, object))
                && began <= entered
                && settled.is_none_or(|settled| settled >= entered)
                && entered <= sent.at + FLIGHT
        })
    }

    /// 5: what the settings refuse as too old costs no copy.
    fn outside_is_refused(&mut self, delivery: usize) {
        let trail = &self.told.trails[delivery];
        let (Some(arrived), Some((_, 200..300))) = (trail.arrived, trail.answered) else { return };
        if self.plan.refuse && self.plan.is_outside(trail.event, arrived) {
            self.violated(5, delivery, "accepted outside the replay window");
        }
    }

    /// 5.
    fn copies_have_causes(&mut self) {
        let mut by_event: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (number, copy) in self.told.copies.iter().enumerate() {
            let trail = &self.told.trails[copy.delivery];
            let earlier = by_event.entry(trail.event).or_default();
            earlier.push(number);
        }
        for copies in by_event.values_mut() {
            // In the order of their sends: a send that was issued first may well be stored last.
            copies.sort_by_key(|copy| {
                let delivery = self.told.copies[*copy].delivery;
                (self.told.trails[delivery].sent.map(|sent| sent.at), *copy)
            });
            for (position, later) in copies.iter().enumerate().skip(1) {
                self.copy_has_a_cause(&copies[..position], *later);
            }
        }
    }

    /// Every earlier copy must have a reason; the one that is counted is that of the copy before it.
    fn copy_has_a_cause(&mut self, earlier: &[usize], later: usize) {
        let later = &self.told.copies[later];
        let mut last = None;
        for copy in earlier {
            let before = self.told.copies[*copy].delivery;
            let trails = (&self.told.trails[before], &self.told.trails[later.delivery]);
            last = cause(self.mode, self.plan.deadline, trails.0, trails.1)
                .filter(|cause| before != later.delivery && cause.applies(self.mode));
            if last.is_none() {
                let known = self.describe(before);
                let what = format!("a copy without a cause, after {known}");
                return self.violated(5, later.delivery, what);
            }
        }
        self.findings.causes.extend(last);
        let expected = match last {
            Some(Cause::LookInDoubt) => r#""dedupe":"unknown""#,
            Some(Cause::Outside)
                if self.plan.events[self.told.trails[later.delivery].event].dated =>
            {
                r#""window":"outside""#
            }
            _ => return,
        };
        if !later.text.contains(expected) {
            self.violated(5, later.delivery, format_args!("the message does not say {expected}"));
        }
    }
}
