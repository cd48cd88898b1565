//! The clock and the background work of Workers.

use core::time::Duration;

use worker::{Context, Date, Delay};

use crate::platform::{Background, Clock};
use crate::time::Timestamp;

#[derive(Debug, Clone, Copy)]
pub(super) struct WorkerClock;

impl Clock for WorkerClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(i64::try_from(Date::now().as_millis()).unwrap_or(i64::MAX))
    }

    async fn sleep(&self, duration: Duration) {
        Delay::from(duration).await;
    }
}

/// `ctx.waitUntil` of one request.
#[derive(Debug)]
pub(super) struct WorkerBackground(pub Context);

impl Background for WorkerBackground {
    fn keep(&self, future: impl Future<Output = ()> + 'static) {
        self.0.wait_until(future);
    }
}
