//! The clock of one request: however much is to be in time, one timer runs.
//!
//! A timer of JavaScript's costs more than most steps of a delivery, and each step has a limit.

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::rc::{Rc, Weak};

use js_sys::Date;
use wasm_bindgen::JsValue;

use super::wait::{Completion, Settlement, Timer, Wait};
use cronozen_gateway::budget::MARK_WAIT;
use cronozen_gateway::runtime::Clock;
use cronozen_webhook::time::Timestamp;

/// The timer runs no longer than this before it looks who is due, so that a later step with an earlier limit seldom
/// needs another one: hardly any limit is shorter.
const TICK: Duration = MARK_WAIT;

/// No step before the answer has a limit as long as this. Only late work sleeps longer, and it needs no earlier timer.
const LONG: Duration = Duration::from_secs(5);

/// Clones share one timer.
#[derive(Clone, Default)]
pub(super) struct WorkerClock(Rc<Sleepers>);

#[derive(Default)]
struct Sleepers {
    asleep: RefCell<Vec<(Timestamp, Rc<Completion>)>>,
    running: Cell<Option<(Timestamp, Timer)>>,
}

impl Clock for WorkerClock {
    fn now(&self) -> Timestamp {
        now()
    }

    async fn sleep(&self, duration: Duration) {
        let sleeper = Sleeper { sleepers: &self.0, completion: Rc::default() };
        let now = now();
        let due = now.plus(duration);
        self.0.asleep.borrow_mut().push((due, Rc::clone(&sleeper.completion)));
        self.0.run_until(due, now);
        let _settlement = sleeper.completion.wait().await;
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "whole milliseconds, of which i64 has room for all"
)]
pub(super) fn now() -> Timestamp {
    Timestamp::from_millis(Date::now() as i64)
}

/// One that sleeps, until it is dropped.
struct Sleeper<'s> {
    sleepers: &'s Sleepers,
    completion: Rc<Completion>,
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.sleepers.asleep.borrow_mut().retain(|(_, other)| !Rc::ptr_eq(other, &self.completion));
    }
}

impl Sleepers {
    /// Sees to it that the timer ends at `due`, or earlier.
    fn run_until(self: &Rc<Self>, due: Timestamp, now: Timestamp) {
        let due = if due.since(now) < LONG { due.min(now.plus(TICK)) } else { due };
        match self.running.take() {
            Some((ends, timer)) if ends <= due => return self.running.set(Some((ends, timer))),
            Some((_, timer)) => timer.stop(),
            None => {}
        }
        let timer = Timer::start(due.since(now), Rc::new(Tick(Rc::downgrade(self))));
        self.running.set(Some((due, timer)));
    }

    fn tick(self: &Rc<Self>) {
        self.running.take();
        let now = now();
        let mut next: Option<Timestamp> = None;
        for (due, completion) in self.asleep.borrow().iter() {
            if *due <= now {
                completion.end(Ok(JsValue::UNDEFINED));
            } else {
                next = Some(next.map_or(*due, |next| next.min(*due)));
            }
        }
        if let Some(next) = next {
            self.run_until(next, now);
        }
    }
}

impl Drop for Sleepers {
    fn drop(&mut self) {
        if let Some((_, timer)) = self.running.take() {
            timer.stop();
        }
    }
}

/// The timer must not keep its clock: it is stopped when that ends.
struct Tick(Weak<Sleepers>);

impl Wait for Tick {
    fn end(&self, _: Settlement) {
        if let Some(sleepers) = self.0.upgrade() {
            sleepers.tick();
        }
    }
}
