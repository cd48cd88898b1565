//! Traps on demand, for the tests of recovery. Not compiled into what is deployed.

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
    /// Throws, which is not caught, if the text is no URI.
    #[wasm_bindgen(js_name = decodeURIComponent)]
    fn decode(text: &str) -> String;

    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &JsValue);
}

const HEADER: &str = "x-test-trap";

thread_local! {
    /// How many requests this instance has seen. Borrowed while it traps, as an instance's own state
    /// may be: the same instance could not serve another request.
    static SEEN: RefCell<u32> = const { RefCell::new(0) };
}

/// Traps in the way that the request's header names, if it names one.
pub(super) async fn if_asked(request: &web_sys::Request) {
    SEEN.with_borrow_mut(|seen| *seen += 1);
    let way = request.headers().get(HEADER).unwrap_or_default();
    match way.as_deref() {
        Some("unreachable after a wait") => {
            WorkerClock::default().sleep(Duration::from_millis(10)).await;
        }
        Some("unreachable in a timer") => {
            set_timeout(&Closure::once_into_js(unseen));
            pending::<()>().await;
        }
        _ => {}
    }
    SEEN.with_borrow_mut(|seen| trap(way.as_deref().unwrap_or_default(), *seen));
}

fn trap(way: &str, seen: u32) {
    match way {
        "unreachable" | "unreachable after a wait" => unreachable(),
        #[expect(clippy::panic, reason = "what happens on a panic is what is tested")]
        "panic" => panic!("asked for by a test"),
        "exception" => drop(decode("%")),
        "stack overflow" => {
            overflow(seen);
        }
        _ => {}
    }
}

fn unseen() {
    unreachable()
}

#[expect(unconditional_recursion, reason = "the stack is to overflow")]
fn overflow(depth: u32) -> u32 {
    black_box(overflow(black_box(depth + 1)) + 1)
}
