//! Virtual time. It moves only when all tasks wait, and then at once to the end of the first wait.

use std::time::Duration;

use cronozen_gateway::runtime::Clock;
use cronozen_webhook::time::Timestamp;
use tokio::time::{Instant, sleep};

/// Milliseconds. A point in time is counted from the start of the world.
pub type Ms = u64;

pub const SECOND: Ms = 1000;
pub const MINUTE: Ms = 60 * SECOND;
pub const HOUR: Ms = 60 * MINUTE;

/// The time at which every world starts: 2026-11-24T07:00:00Z.
const START: Timestamp = Timestamp::from_millis(1_795_503_600_000);

/// The one clock of a world.
#[derive(Clone, Copy)]
pub struct VirtualClock(Instant);

impl VirtualClock {
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Returns the time since the world's start.
    pub fn ms(self) -> Ms {
        u64::try_from(self.0.elapsed().as_millis()).unwrap()
    }

    /// Waits until `at`. Does not wait if that time has passed.
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

/// Waits for `ms`.
pub async fn pass(ms: Ms) {
    sleep(Duration::from_millis(ms)).await;
}

/// Converts a time of the simulation to the type that the gateway uses.
pub fn timestamp(at: Ms) -> Timestamp {
    START.plus(Duration::from_millis(at))
}

/// Converts a time that the gateway has computed to one of the simulation.
pub fn since_start(time: Timestamp) -> Ms {
    u64::try_from(time.since(START).as_millis()).unwrap()
}
