//! The waits of Rust's futures, for JavaScript calls and timers.
//!
//! A `JsFuture` creates two closures for each promise, and a `Delay` creates one. That was the largest cost of a
//! delivery, so an instance has one closure for all its waits, and identifies each wait by a ticket.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::task::{Poll, Waker};
use core::time::Duration;
use std::rc::Rc;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};

use super::js_number::{from_double, to_double};
use super::task;
use crate::tickets::{Ticket, Tickets};

#[wasm_bindgen(raw_module = "./calls.js")]
extern "C" {
    fn settle(awaitable: &JsValue, on_settled: &JsValue, ticket: f64);

    #[wasm_bindgen(js_name = startTimer)]
    fn start_timer(ms: u32, on_settled: &JsValue, ticket: f64) -> JsValue;
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue);
}

/// The result of a promise. A timer ends with `Ok`.
pub(super) type Settlement = Result<JsValue, JsValue>;

thread_local! {
    /// The waits whose tickets JavaScript holds.
    static WAITS: RefCell<Tickets<Rc<dyn Wait>>> = const { RefCell::new(Tickets::new()) };

    /// Ends the wait of a ticket. Returns false if the wait was given up.
    static ON_SETTLED: Closure<dyn Fn(f64, bool, JsValue) -> bool> = Closure::new(|ticket, fulfilled, value| {
        let Some(wait) = take(Ticket::from_number(from_double(ticket))) else { return false };
        wait.end(if fulfilled { Ok(value) } else { Err(value) });
        task::run();
        true
    });
}

/// A wait that a call from JavaScript ends.
pub(super) trait Wait {
    fn end(&self, settlement: Settlement);
}

/// The wait of one future.
#[derive(Default)]
pub(super) struct Completion {
    settlement: Cell<Option<Settlement>>,
    waker: Cell<Option<Waker>>,
}

impl Wait for Completion {
    fn end(&self, settlement: Settlement) {
        self.settlement.set(Some(settlement));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Completion {
    pub(super) async fn wait(&self) -> Settlement {
        poll_fn(|context| {
            if let Some(settlement) = self.settlement.take() {
                return Poll::Ready(settlement);
            }
            self.waker.set(Some(context.waker().clone()));
            Poll::Pending
        })
        .await
    }
}

/// The ticket that JavaScript holds for a wait. Dropping it gives the wait up: a later call finds nothing.
struct TicketGuard(Ticket);

impl TicketGuard {
    fn new(wait: Rc<dyn Wait>) -> Self {
        Self(WAITS.with_borrow_mut(|waits| waits.give(wait)))
    }

    fn ticket(&self) -> f64 {
        to_double(self.0.number())
    }
}

impl Drop for TicketGuard {
    fn drop(&mut self) {
        take(self.0);
    }
}

fn take(ticket: Ticket) -> Option<Rc<dyn Wait>> {
    WAITS.with_borrow_mut(|waits| waits.take(ticket))
}

/// Awaits the value that a call has returned. The value need not be a promise.
pub(super) async fn await_promise(awaitable: &JsValue) -> Settlement {
    let completion = Rc::<Completion>::default();
    let guard = TicketGuard::new(completion.clone());
    ON_SETTLED.with(|on_settled| settle(awaitable, on_settled.as_ref(), guard.ticket()));
    completion.wait().await
}

/// A JavaScript timer.
pub(super) struct Timer {
    guard: TicketGuard,
    handle: JsValue,
}

impl Timer {
    /// Ends `wait` after `duration`.
    pub(super) fn start(duration: Duration, wait: Rc<dyn Wait>) -> Self {
        let guard = TicketGuard::new(wait);
        let ms = u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
        let handle =
            ON_SETTLED.with(|on_settled| start_timer(ms, on_settled.as_ref(), guard.ticket()));
        Self { guard, handle }
    }

    /// Stops a timer that has not ended its wait.
    pub(super) fn stop(self) {
        clear_timeout(&self.handle);
        drop(self.guard);
    }
}
