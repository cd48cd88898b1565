//! The invariants that must hold in every world.

use std::fmt;

use crate::causes::Cause;
use crate::clock::{MINUTE, Ms};
use crate::faults::Fault;
use crate::history::{History, Kind, Trail};
use crate::limits::STEP;
use crate::plan::{AttackKind, Mode, Plan};
use crate::queue::consume;

mod copies;
mod leases;
mod must_succeed;

/// The time after a delivery's arrival for which its description lists the ends of its object.
const DESCRIBED: Ms = MINUTE;

/// The statuses that may answer a delivery whose signature does not verify. Any other status would show that the
/// gateway had looked at its content.
const UNVERIFIED: [u16; 5] = [401, 408, 413, 500, 503];

/// An invariant that does not hold.
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

/// The results of the checks of one world.
#[derive(Default)]
pub struct Findings {
    pub violations: Vec<Violation>,
    /// The cause of each copy of an event except the first.
    pub causes: Vec<Cause>,
    pub worst_answer: Ms,
    /// The number of attempts that must bring their event into the queue, by invariant 4.
    pub must_succeed: u64,
}

/// Checks one world. Before that, consumers read the queue.
pub fn check(plan: &Plan, mode: Mode, history: &mut History) -> Findings {
    strike_events_in_doubt(plan, history);
    let wrong_messages = consume(&history.copies, plan, &mut history.strikes);
    let mut check = Check { plan, mode, history, findings: Findings::default() };
    for (delivery, wrong) in wrong_messages {
        check.violated(2, delivery, wrong);
    }
    for delivery in 0..check.history.trails.len() {
        check.acknowledged_is_queued(delivery);
        check.unverified_learns_nothing(delivery);
        check.answered_in_time(delivery);
        check.required_attempt_is_queued(delivery);
        check.outside_window_is_refused(delivery);
        check.lease_is_disposed_of(delivery);
    }
    check.copies_have_causes();
    check.models_saw_no_broken_rule();
    check.findings
}

/// Counts the events with at least three look-ups of which none could be answered in time.
fn strike_events_in_doubt(plan: &Plan, history: &mut History) {
    for event in 0..plan.events.len() {
        let of_event = history.trails.iter().filter(|trail| trail.event == event);
        let looks: Vec<bool> =
            of_event.filter_map(|trail| trail.look).map(|look| look.in_doubt).collect();
        if looks.len() > 2 && looks.iter().all(|in_doubt| *in_doubt) {
            history.strikes.strike(Fault::LooksAllInDoubt);
        }
    }
}

struct Check<'w> {
    plan: &'w Plan,
    mode: Mode,
    history: &'w History,
    findings: Findings,
}

impl Check<'_> {
    fn violated(&mut self, invariant: u8, delivery: usize, what: impl fmt::Display) {
        let (seed, mode) = (self.plan.seed, self.mode);
        let what = format!("{what}; {}", self.describe(delivery));
        self.findings.violations.push(Violation { seed, mode, invariant, what });
    }

    fn describe(&self, delivery: usize) -> String {
        let trail = &self.history.trails[delivery];
        let Trail { kind, location, arrived, answered, entered, look, lease, sent, put, .. } =
            trail;
        let id = &self.plan.events[trail.event].id;
        let around = |at: &&Ms| arrived.is_some_and(|from| (from..from + DESCRIBED).contains(*at));
        format!(
            "delivery {delivery} of {id}: {kind:?} at location {location}, arrived {arrived:?}, answered \
             {answered:?}, isolate died {:?}, entered {entered:?}, object ended {:?}, {look:?}, {lease:?}, {sent:?}, \
             {put:?}",
            trail.isolate_died(),
            self.interruptions(trail.event).iter().filter(around).collect::<Vec<_>>(),
        )
    }

    /// Returns the times at which the object of an event restarted or trapped.
    fn interruptions(&self, event: usize) -> Vec<Ms> {
        let shard = self.plan.events[event].shard;
        let of_shard = self.history.interruptions.iter().filter(|(_, other)| *other == shard);
        of_shard.map(|(at, _)| *at).collect()
    }

    /// Returns true if the event was in the queue at a time.
    fn is_queued(&self, event: usize, at: Ms) -> bool {
        let mut copies = self.history.copies.iter();
        copies.any(|copy| copy.at <= at && self.history.trails[copy.delivery].event == event)
    }

    fn is_verifiable(&self, trail: &Trail, arrived: Ms) -> bool {
        trail.secret.is_some_and(|secret| self.plan.knows(trail.location, secret, arrived))
    }

    /// Invariant 1: a 2xx means that the event is in the queue.
    fn acknowledged_is_queued(&mut self, delivery: usize) {
        let trail = &self.history.trails[delivery];
        let Some((at, status @ 200..300)) = trail.answered else { return };
        if !self.is_queued(trail.event, at) {
            self.violated(1, delivery, format_args!("answered {status}, not in the queue"));
        }
    }

    /// Invariant 2: nothing unverified is in the queue. This checks the answers, `consume` the messages.
    fn unverified_learns_nothing(&mut self, delivery: usize) {
        let trail = &self.history.trails[delivery];
        let (Some(arrived), Some((_, status))) = (trail.arrived, trail.answered) else { return };
        if !self.is_verifiable(trail, arrived) && !UNVERIFIED.contains(&status) {
            self.violated(2, delivery, format_args!("unverified, and answered {status}"));
        }
        if trail.kind == Kind::Attack(AttackKind::SignedNoEvent) && status < 300 {
            self.violated(2, delivery, format_args!("no event, and answered {status}"));
        }
    }

    /// Invariant 3: an answer comes within the deadline, unless the isolate dies before that.
    fn answered_in_time(&mut self, delivery: usize) {
        let trail = &self.history.trails[delivery];
        let Some(arrived) = trail.arrived else { return };
        let latest = arrived + self.plan.deadline + STEP;
        if let Some((at, _)) = trail.answered {
            self.findings.worst_answer = self.findings.worst_answer.max(at - arrived);
        }
        let end = trail.answered.map(|(at, _)| at).or(trail.isolate_died());
        if end.is_none_or(|end| end > latest) {
            self.violated(3, delivery, format_args!("not answered by {latest}"));
        }
    }

    /// Invariant 5: an event that is too old for the settings is not accepted, so it causes no copy.
    fn outside_window_is_refused(&mut self, delivery: usize) {
        let trail = &self.history.trails[delivery];
        let (Some(arrived), Some((_, 200..300))) = (trail.arrived, trail.answered) else { return };
        if self.plan.refuses_old && self.plan.is_outside(trail.event, arrived) {
            self.violated(5, delivery, "accepted outside the replay window");
        }
    }
}
