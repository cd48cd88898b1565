//! Traps on demand, for the tests of recovery. Not compiled into the deployed Worker.

use core::arch::wasm32::unreachable;
use core::cell::RefCell;
use core::future::pending;
use core::hint::black_box;
use core::time::Duration;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};

use super::clock::WorkerClock;
use cronozen_gateway::runtime::Clock;

#[wasm_bindgen]
extern "C" {
    /// Throws if the text is not a URI. Nothing catches the exception.
    #[wasm_bindgen(js_name = decodeURIComponent)]
    fn decode(text: &str) -> String;

    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &JsValue);
}

const HEADER: &str = "x-test-trap";

thread_local! {
    /// The number of requests that this instance has seen. It is borrowed during the trap, as an instance's own state
    /// may be, so the same instance could not serve another request.
    static SEEN: RefCell<u32> = const { RefCell::new(0) };
}

/// Traps in the way that the request's header names. Does nothing if the header names none.
pub(super) async fn if_asked(request: &web_sys::Request) {
    SEEN.with_borrow_mut(|seen| *seen += 1);
    let kind = request.headers().get(HEADER).unwrap_or_default();
    match kind.as_deref() {
        Some("unreachable after a wait") => {
            WorkerClock::default().sleep(Duration::from_millis(10)).await;
        }
        Some("unreachable in a timer") => {
            set_timeout(&Closure::once_into_js(trap_in_timer));
            pending::<()>().await;
        }
        _ => {}
    }
    SEEN.with_borrow_mut(|seen| trap(kind.as_deref().unwrap_or_default(), *seen));
}

fn trap(kind: &str, seen: u32) {
    match kind {
        "unreachable" | "unreachable after a wait" => unreachable(),
        #[expect(clippy::panic, reason = "the tests check what happens on a panic")]
        "panic" => panic!("asked for by a test"),
        "exception" => drop(decode("%")),
        "stack overflow" => {
            overflow(seen);
        }
        _ => {}
    }
}

fn trap_in_timer() {
    unreachable()
}

#[expect(unconditional_recursion, reason = "the stack must overflow")]
fn overflow(depth: u32) -> u32 {
    black_box(overflow(black_box(depth + 1)) + 1)
}
