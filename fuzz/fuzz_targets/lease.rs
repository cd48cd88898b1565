//! The lease table: it answers any sequence of calls as its model does, never leases an event to two callers at once,
//! answers every caller once, and keeps nothing of those that it has answered.
//!
//! Input: the calls.

#![no_main]

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use cronozen_gateway::dedupe::lease::{
    Decision, Decisions, LeaseId, LeaseTable, MAX_EVENT_WAITERS, MAX_LEASE, MAX_WAITERS,
};
use cronozen_webhook::event::EventId;
use cronozen_webhook::time::Timestamp;
use libfuzzer_sys::fuzz_target;
use model::{Model, ModelWaiter, normalise};

#[allow(clippy::pedantic, reason = "a file of the gateway's tests, which have their own lints")]
#[path = "../../crates/gateway/src/dedupe/lease/tests/model.rs"]
mod model;

const EVENTS: u8 = 6;

/// The most requests of one input: enough to reach the caps.
const MAX_REQUESTS: usize = 1200;

#[derive(Debug, Arbitrary)]
enum Call {
    /// Requests a lease, 130 times if `many` is 0x5A.
    Acquire { event: u8, wait_ms: u16, many: u8 },
    /// Releases one of the leases granted so far, with the right event or another one.
    Release { which: u16, event: Option<u8> },
    /// Commits an event with one of the leases granted so far.
    Commit { which: u16, event: Option<u8> },
    /// Commits an event without a lease.
    Mark { event: u8 },
    /// Lets time pass: by milliseconds, and by steps of 200 ms.
    Pass { ms: u8, steps: u8 },
    /// Replaces the table after a restart, which forgets those that wait.
    Restart,
}

/// A caller of the table. The token counts the callers that the table keeps.
#[derive(Debug, Clone)]
struct Caller {
    number: usize,
    _token: Rc<()>,
}

struct World {
    table: LeaseTable<Caller>,
    model: Model,
    now: Timestamp,
    generation: u32,
    token: Rc<()>,
    /// The event of each caller, and the number of its answers.
    callers: Vec<(u8, u8)>,
    /// The number of callers before the last restart, which forgets those that wait.
    forgotten: usize,
    /// All leases granted so far, with their events, also those that have ended.
    granted: Vec<(u8, LeaseId)>,
    /// The lease of each event that is out, and its end: what a Worker that holds a lease relies on.
    out: BTreeMap<u8, (LeaseId, Timestamp)>,
}

fuzz_target!(|data: &[u8]| {
    let mut input = Unstructured::new(data);
    let mut world = World::new();
    while !input.is_empty() {
        let Ok(call) = input.arbitrary() else { break };
        world.call(&call);
    }
    world.end();
});

fn event_id(event: u8) -> EventId {
    EventId::new(format!("evt_{event}")).unwrap()
}

impl World {
    fn new() -> Self {
        Self {
            table: LeaseTable::new(0),
            model: Model::default(),
            now: Timestamp::from_millis(1_000_000),
            generation: 0,
            token: Rc::new(()),
            callers: Vec::new(),
            forgotten: 0,
            granted: Vec::new(),
            out: BTreeMap::new(),
        }
    }

    fn call(&mut self, call: &Call) {
        match *call {
            Call::Acquire { event, wait_ms, many } => {
                let times = if many == 0x5A { 130 } else { 1 };
                for _ in 0..times.min(MAX_REQUESTS - self.callers.len()) {
                    self.acquire(event % EVENTS, Duration::from_millis(wait_ms.into()));
                }
            }
            Call::Release { which, event } => self.release(which, event),
            Call::Commit { which, event } => {
                if let Some((event, lease)) = self.choose(which, event) {
                    self.commit(event, Some(lease));
                }
            }
            Call::Mark { event } => self.commit(event % EVENTS, None),
            Call::Pass { ms, steps } => {
                let time = Duration::from_millis(u64::from(ms) + 200 * u64::from(steps));
                self.now = self.now.plus(time);
            }
            Call::Restart => self.restart(),
        }
    }

    fn acquire(&mut self, event: u8, wait: Duration) {
        let number = self.callers.len();
        self.callers.push((event, 0));
        // The request sweeps leases that have run out.
        self.out.retain(|_, (_, end)| *end > self.now);
        let caller = Caller { number, _token: Rc::clone(&self.token) };
        let answered = self.table.acquire(&event_id(event), self.now, wait, caller);
        let waiting =
            ModelWaiter { event: event.into(), until: self.now.plus(wait), caller: number };
        let expected = self.model.acquire(waiting, self.now);
        self.check(answered, expected);
    }

    fn choose(&self, which: u16, event: Option<u8>) -> Option<(u8, LeaseId)> {
        let position = usize::from(which).checked_rem(self.granted.len())?;
        // From the newest.
        let (of_lease, lease) = self.granted[self.granted.len() - 1 - position];
        Some((event.map_or(of_lease, |event| event % EVENTS), lease))
    }

    fn release(&mut self, which: u16, event: Option<u8>) {
        let Some((event, lease)) = self.choose(which, event) else { return };
        self.ends(event, lease);
        let answered = self.table.release(&event_id(event), lease, self.now);
        let mut expected = Vec::new();
        // The model knows leases by their numbers alone.
        let is_its = |(other, held, _): &(usize, LeaseId, Timestamp)| {
            (*other, *held) == (event.into(), lease)
        };
        if self.model.leases.iter().any(is_its) {
            self.model.end(lease, self.now, &mut expected);
        }
        self.check(answered, expected);
    }

    fn commit(&mut self, event: u8, lease: Option<LeaseId>) {
        if let Some(lease) = lease {
            self.ends(event, lease);
        }
        let answered = self.table.commit(&event_id(event), lease);
        let expected = self.model.commit(event.into(), lease);
        self.check(answered, expected);
    }

    /// Notes that a lease is no longer out.
    fn ends(&mut self, event: u8, lease: LeaseId) {
        if self.out.get(&event).is_some_and(|(out, _)| *out == lease) {
            self.out.remove(&event);
        }
    }

    fn restart(&mut self) {
        self.generation += 1;
        self.forgotten = self.callers.len();
        self.table = LeaseTable::new(self.generation);
        self.model = Model { granted: u64::from(self.generation) << 32, ..Model::default() };
        self.out.clear();
        self.check(Vec::new(), Vec::new());
    }

    /// Checks the decisions of one call.
    fn check(&mut self, answered: Decisions<Caller>, expected: Decisions<usize>) {
        let answered: Decisions<usize> =
            answered.into_iter().map(|(caller, decision)| (caller.number, decision)).collect();
        for (caller, decision) in &answered {
            let (event, answers) = &mut self.callers[*caller];
            *answers += 1;
            assert_eq!(*answers, 1, "caller {caller} is answered twice");
            if let Decision::Lease(lease) = decision {
                let end = self.now.plus(MAX_LEASE);
                let other = self.out.insert(*event, (*lease, end));
                assert_eq!(other, None, "event {event} is leased twice");
                // Their numbers only grow.
                let newest = self.granted.last();
                assert!(newest.is_none_or(|(_, newest)| newest < lease), "{lease:?} is used again");
                self.granted.push((*event, *lease));
            }
        }
        assert_eq!(normalise(answered), normalise(expected));
        let kept = Rc::strong_count(&self.token) - 1;
        assert_eq!(kept, self.model.waiting.len(), "the table keeps callers");
        assert!(kept <= MAX_WAITERS);
    }

    /// Ends all leases and waits: then everyone is answered, and every event can be leased at once.
    fn end(mut self) {
        // Longer than any wait and any lease.
        self.now = self.now.plus(MAX_LEASE + Duration::from_mins(2));
        for event in 0..=EVENTS {
            self.acquire(event, Duration::ZERO);
            assert!(self.out.contains_key(&event), "event {event} cannot be leased");
        }
        assert_eq!(Rc::strong_count(&self.token), 1, "the table keeps callers");
        let mut remembered = self.callers.iter().skip(self.forgotten);
        assert!(remembered.all(|(_, answers)| *answers == 1), "a caller is not answered");
    }
}
