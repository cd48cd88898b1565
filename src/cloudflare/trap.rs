//! Traps on demand, for the tests of recovery. Not compiled into what is deployed.

use core::arch::wasm32::unreachable;
use core::hint::black_box;
use core::time::Duration;

use worker::{Delay, Result};

const HEADER: &str = "x-test-trap";

/// Traps in the way that the request's header names, if it names one.
pub(super) async fn if_asked(request: &web_sys::Request) -> Result<()> {
    match request.headers().get(HEADER)?.as_deref() {
        Some("unreachable") => unreachable(),
        Some("after a wait") => {
            Delay::from(Duration::from_millis(10)).await;
            unreachable()
        }
        #[expect(clippy::panic, reason = "what happens on a panic is what is tested")]
        Some("panic") => panic!("asked for by a test"),
        Some("stack overflow") => {
            overflow(1);
        }
        _ => {}
    }
    Ok(())
}

#[expect(unconditional_recursion, reason = "the stack is to overflow")]
fn overflow(depth: u64) -> u64 {
    black_box(overflow(black_box(depth + 1)) + 1)
}
