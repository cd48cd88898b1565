//! The plan of the services' calls, which work, fail, hang, answer late or contradict, and what has happened in them.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use cronozen_webhook::event::EventId;

use crate::json;
use crate::platform::Behaviour;

/// The delays of calls in milliseconds: around the limits of the steps, for each deadline, and of the late work.
const DELAYS: [u64; 32] = [
    0, 1, 5, 124, 125, 126, 249, 250, 251, 374, 376, 499, 500, 501, 562, 749, 751, 999, 1001, 1499,
    1501, 2000, 2251, 3249, 3749, 3751, 4251, 5001, 7000, 27_000, 28_001, 31_000,
];

/// The plan of the calls, and what has happened.
#[derive(Default)]
pub struct Watch {
    /// A byte for each call that is still to come, the next one last. Calls without a byte work.
    plan: RefCell<Vec<u8>>,
    /// The messages that the queue has acknowledged.
    pub acknowledged: RefCell<Vec<String>>,
    /// The ids of the messages that the queue has acknowledged, and of the events that a store has reported as seen.
    known: RefCell<BTreeSet<String>>,
}

impl Watch {
    pub fn new(mut plan: Vec<u8>) -> Rc<Self> {
        plan.reverse();
        Rc::new(Self { plan: RefCell::new(plan), ..Self::default() })
    }

    /// Makes all further calls work.
    pub fn calm(&self) {
        self.plan.borrow_mut().clear();
    }

    /// Returns true if the event was acknowledged, or reported as seen.
    pub fn knows(&self, event_id: &str) -> bool {
        self.known.borrow().contains(event_id)
    }

    /// Returns the behaviour of the next call, and true if its answer is the wrong one.
    pub(crate) fn next(&self) -> (Behaviour, bool) {
        let Some(byte) = self.plan.borrow_mut().pop() else { return (Behaviour::Works(1), false) };
        let delay = DELAYS[usize::from(byte >> 3)];
        match byte & 7 {
            0..=2 => (Behaviour::Works(delay), false),
            3 => (Behaviour::Works(delay), true),
            4 => (Behaviour::Fails(delay), false),
            5 | 6 => (Behaviour::WorksThenFails(delay), false),
            _ => (Behaviour::Hangs, false),
        }
    }

    pub(crate) fn acknowledge(&self, text: String) {
        let members = json::members(&text).expect("a message is one valid JSON object");
        let id = json::last(&members, "eventId")
            .and_then(json::string)
            .expect("a message has an eventId");
        self.known.borrow_mut().insert(String::from_utf16(&id).unwrap());
        self.acknowledged.borrow_mut().push(text);
    }

    pub(crate) fn report(&self, event_id: &EventId) {
        self.known.borrow_mut().insert(event_id.as_str().to_owned());
    }

    pub(crate) fn check_mark(&self, event_id: &EventId) {
        assert!(
            self.knows(event_id.as_str()),
            "{event_id} is marked before the queue has acknowledged it"
        );
    }
}
