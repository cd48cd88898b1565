//! What Rust's futures wait for: calls of JavaScript, and timers.
//!
//! A `JsFuture` makes two closures for each promise, and a `Delay` makes one. That was the largest cost of a delivery,
//! so an instance has one closure for all that it waits for, and tells one from the other by tickets.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::task::{Poll, Waker};
use core::time::Duration;
use std::rc::Rc;

use slab::Slab;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};

use super::task;

#[wasm_bindgen(module = "/src/cloudflare/once.mjs")]
extern "C" {
    fn settle(called: &JsValue, settled: &JsValue, ticket: u32);

    #[wasm_bindgen(js_name = startTimer)]
    fn start_timer(ms: u32, settled: &JsValue, ticket: u32) -> JsValue;
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue);
}

/// What comes of a promise; a timer ends with `Ok`.
pub(super) type Settled = Result<JsValue, JsValue>;

thread_local! {
    /// What JavaScript holds tickets of.
    static WAITS: RefCell<Slab<Rc<dyn Wait>>> = const { RefCell::new(Slab::new()) };

    static SETTLED: Closure<dyn Fn(u32, bool, JsValue)> = Closure::new(|ticket, fulfilled, value| {
        if let Some(wait) = take(ticket) {
            wait.end(if fulfilled { Ok(value) } else { Err(value) });
            task::run();
        }
    });
}

/// What JavaScript is to tell of.
pub(super) trait Wait {
    fn end(&self, settled: Settled);
}

/// One thing that a future waits for.
#[derive(Default)]
pub(super) struct Outcome {
    settled: Cell<Option<Settled>>,
    waker: Cell<Option<Waker>>,
}

impl Wait for Outcome {
    fn end(&self, settled: Settled) {
        self.settled.set(Some(settled));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Outcome {
    pub(super) async fn settled(&self) -> Settled {
        poll_fn(|context| {
            if let Some(settled) = self.settled.take() {
                return Poll::Ready(settled);
            }
            self.waker.set(Some(context.waker().clone()));
            Poll::Pending
        })
        .await
    }
}

fn give(wait: Rc<dyn Wait>) -> u32 {
    let key = WAITS.with_borrow_mut(|waits| waits.insert(wait));
    // A memory of 4 GiB does not hold as many.
    u32::try_from(key).unwrap_or(u32::MAX)
}

fn take(ticket: u32) -> Option<Rc<dyn Wait>> {
    let key = usize::try_from(ticket).ok()?;
    WAITS.with_borrow_mut(|waits| waits.try_remove(key))
}

/// What comes of a call that has returned this. What can be awaited need be no promise.
pub(super) async fn settled(called: &JsValue) -> Settled {
    let outcome = Rc::<Outcome>::default();
    let ticket = give(outcome.clone());
    SETTLED.with(|settled| settle(called, settled.as_ref(), ticket));
    outcome.settled().await
}

/// A timer of JavaScript's.
pub(super) struct Timer {
    ticket: u32,
    handle: JsValue,
}

impl Timer {
    /// Ends `wait` after `duration`.
    pub(super) fn start(duration: Duration, wait: Rc<dyn Wait>) -> Self {
        let ticket = give(wait);
        let ms = u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
        let handle = SETTLED.with(|settled| start_timer(ms, settled.as_ref(), ticket));
        Self { ticket, handle }
    }

    /// Stops one that has not ended its wait: the ticket of one that has may be another's by now.
    pub(super) fn stop(self) {
        clear_timeout(&self.handle);
        take(self.ticket);
    }
}
