//! The connections that one request, or one Durable Object, may have open at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most open connections that Workers allow. The next one waits until one of them is closed.
const MAX_CONNECTIONS: usize = 6;

/// The connections of one request. An object may have as many, but it opens none.
#[derive(Clone)]
pub struct Connections(Arc<Semaphore>);

/// An open connection. Dropping it closes it.
pub struct Connection(
    #[expect(dead_code, reason = "held until it is dropped")] OwnedSemaphorePermit,
);

impl Default for Connections {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_CONNECTIONS)))
    }
}

impl Connections {
    /// Opens a connection. Waits until one is free.
    pub async fn open(&self) -> Connection {
        let permit = Arc::clone(&self.0).acquire_owned().await;
        Connection(permit.expect("the semaphore is never closed"))
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;
    use tokio::task::{LocalSet, spawn_local};

    use super::*;
    use crate::clock::{SECOND, VirtualClock, pass};

    #[test]
    fn the_seventh_connection_waits_for_one_of_six() {
        let runtime =
            Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            let (clock, connections) = (VirtualClock::start(), Connections::default());
            let mut opened = Vec::new();
            for _ in 0..7 {
                let connections = connections.clone();
                opened.push(spawn_local(async move {
                    let _open = connections.open().await;
                    let at = clock.ms();
                    pass(57 * SECOND).await;
                    at
                }));
            }
            let mut times = Vec::new();
            for task in opened {
                times.push(task.await.unwrap());
            }
            assert_eq!(times, [0, 0, 0, 0, 0, 0, 57 * SECOND]);
        });
    }
}
