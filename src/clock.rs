//! The clock of one request. All its sleeps share one timer.
//!
//! Each step of a delivery has a time limit, which is a sleep, and a JavaScript timer costs more than most steps.

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::rc::{Rc, Weak};

use js_sys::Date;
use wasm_bindgen::JsValue;

use super::wait::{Completion, Settlement, Timer, Wait};
use cronozen_gateway::budget::MARK_WAIT;
use cronozen_gateway::runtime::Clock;
use cronozen_webhook::time::Timestamp;

/// The longest that the timer runs for a sleep shorter than [`LONG`]. Then it checks which sleeps are due, and is
/// started again for the others. A new sleep seldom needs another timer: hardly any time limit is shorter than this.
const TICK: Duration = MARK_WAIT;

/// The shortest sleep for which the timer runs without checks in between. No step before the answer lasts as long as
/// this. Only work that may outlast the answer sleeps this long, and it seldom starts a shorter sleep after that.
const LONG: Duration = Duration::from_secs(5);

/// The clock of one request. Clones share one timer.
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
    reason = "whole milliseconds, all of which fit in an i64"
)]
pub(super) fn now() -> Timestamp {
    Timestamp::from_millis(Date::now() as i64)
}

/// A sleep in progress. Dropping it ends the sleep.
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
    /// Makes sure that the timer ends at `due` or earlier.
    fn run_until(self: &Rc<Self>, due: Timestamp, now: Timestamp) {
        let due = if due.since(now) < LONG { due.min(now.plus(TICK)) } else { due };
        match self.running.take() {
            Some((ends_at, timer)) if ends_at <= due => {
                return self.running.set(Some((ends_at, timer)));
            }
            Some((_, timer)) => timer.stop(),
            None => {}
        }
        let timer = Timer::start(due.since(now), Rc::new(Tick(Rc::downgrade(self))));
        self.running.set(Some((due, timer)));
    }

    /// Ends the sleeps that are due, and starts the timer for the next one.
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

/// The timer's callback. It must not keep the clock alive: the timer is stopped when the clock is dropped.
struct Tick(Weak<Sleepers>);

impl Wait for Tick {
    fn end(&self, _: Settlement) {
        if let Some(sleepers) = self.0.upgrade() {
            sleepers.tick();
        }
    }
}
