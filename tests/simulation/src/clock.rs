//! Virtual time: it passes at once, and only when everything waits.

use std::time::Duration;

use cronozen_gateway::runtime::Clock;
use cronozen_webhook::time::Timestamp;
use tokio::time::{Instant, sleep};

/// Milliseconds, most often since the world began.
pub type Ms = u64;

pub const SECOND: Ms = 1000;
pub const MINUTE: Ms = 60 * SECOND;
pub const HOUR: Ms = 60 * MINUTE;

/// When every world begins: 2026-11-24T07:00:00Z.
const START: Timestamp = Timestamp::from_millis(1_795_503_600_000);

/// The one clock of a world.
#[derive(Clone, Copy)]
pub struct VirtualClock(Instant);

impl VirtualClock {
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Since the world began.
    pub fn ms(self) -> Ms {
        u64::try_from(self.0.elapsed().as_millis()).unwrap()
    }

    /// PutGuard until `at`; not at all if that has passed.
    pub async fn until(self, at: Ms) {
        pass(at.saturating_sub(self.ms())).await;
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        timestamp(self.ms())
    }

    async fn sleep(&self, duration: Duration) {
        sleep(duration).await;
    }
}

/// Lets `ms` pass.
pub async fn pass(ms: Ms) {
    sleep(Duration::from_millis(ms)).await;
}

/// The core's form of a time.
pub fn timestamp(at: Ms) -> Timestamp {
    START.plus(Duration::from_millis(at))
}

/// The model's form of a time that the core has computed.
pub fn since_start(time: Timestamp) -> Ms {
    u64::try_from(time.since(START).as_millis()).unwrap()
}
