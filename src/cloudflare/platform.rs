//! The clock and the background work of Workers.

use core::time::Duration;

use futures_util::FutureExt;

use js_sys::Date;
use worker::Context;
use worker::wasm_bindgen_futures::spawn_local;

use super::wait;
use crate::platform::{Background, Clock};
use crate::time::Timestamp;

#[derive(Debug, Clone, Copy)]
pub(super) struct WorkerClock;

impl Clock for WorkerClock {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole milliseconds, of which i64 has room for all"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(Date::now() as i64)
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        wait::sleep(duration)
    }
}

/// Runs a future. Boxed, so that the module has one such task, and not one for each kind of future.
pub(super) fn spawn(future: impl Future<Output = ()> + 'static) {
    spawn_local(future.boxed_local());
}

/// `ctx.waitUntil` of one request.
#[derive(Debug)]
pub(super) struct WorkerBackground(pub Context);

impl Background for WorkerBackground {
    fn keep(&self, future: impl Future<Output = ()> + 'static) {
        self.0.wait_until(future.boxed_local());
    }
}
