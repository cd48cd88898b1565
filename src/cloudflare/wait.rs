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

#[wasm_bindgen(module = "/src/cloudflare/once.mjs")]
extern "C" {
    fn settle(called: &JsValue, settled: &JsValue, ticket: u32);
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(settled: &JsValue, ms: u32, ticket: u32, fulfilled: bool) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue);
}

type Settled = Result<JsValue, JsValue>;

thread_local! {
    /// What JavaScript holds tickets of.
    static WAITS: RefCell<Slab<Rc<Wait>>> = const { RefCell::new(Slab::new()) };

    static SETTLED: Closure<dyn Fn(u32, bool, JsValue)> = Closure::new(|ticket, fulfilled, value| {
        end(ticket, if fulfilled { Ok(value) } else { Err(value) });
    });
}

/// One thing that is waited for.
#[derive(Default)]
struct Wait {
    ended: Cell<bool>,
    settled: Cell<Option<Settled>>,
    waker: Cell<Option<Waker>>,
}

impl Wait {
    async fn settled(&self) -> Settled {
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

fn begin() -> (u32, Rc<Wait>) {
    let wait = Rc::<Wait>::default();
    let key = WAITS.with_borrow_mut(|waits| waits.insert(Rc::clone(&wait)));
    // A memory of 4 GiB does not hold as many.
    (u32::try_from(key).unwrap_or(u32::MAX), wait)
}

fn end(ticket: u32, settled: Settled) {
    if let Some(wait) = forget(ticket) {
        wait.ended.set(true);
        wait.settled.set(Some(settled));
        if let Some(waker) = wait.waker.take() {
            waker.wake();
        }
    }
}

fn forget(ticket: u32) -> Option<Rc<Wait>> {
    let key = usize::try_from(ticket).ok()?;
    WAITS.with_borrow_mut(|waits| waits.try_remove(key))
}

/// What comes of a call that has returned this. What can be awaited need be no promise.
pub(super) async fn settled(called: &JsValue) -> Settled {
    let (ticket, wait) = begin();
    SETTLED.with(|settled| settle(called, settled.as_ref(), ticket));
    wait.settled().await
}

/// A timer, stopped when it is dropped.
struct Timer {
    ticket: u32,
    wait: Rc<Wait>,
    handle: JsValue,
}

impl Timer {
    fn start(duration: Duration) -> Self {
        let (ticket, wait) = begin();
        let ms = u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
        let handle = SETTLED.with(|settled| set_timeout(settled.as_ref(), ms, ticket, true));
        Self { ticket, wait, handle }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if !self.wait.ended.get() {
            clear_timeout(&self.handle);
            forget(self.ticket);
        }
    }
}

/// Completes after `duration`.
pub(super) async fn sleep(duration: Duration) {
    let timer = Timer::start(duration);
    let _undefined = timer.wait.settled().await;
}
