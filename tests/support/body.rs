//! A fake body that arrives in pieces, as over the network.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use cronozen_gateway::body::Body;
use cronozen_gateway::runtime::PlatformError;
use tokio::time::sleep;

/// A body in pieces, each with its delay in milliseconds. Unless `ends` is true, it hangs after the last piece.
#[derive(Clone, Default)]
pub struct FakeBody {
    pub pieces: Vec<(u64, Result<Vec<u8>, &'static str>)>,
    pub ends: bool,
    pub reads: Rc<Cell<usize>>,
}

impl Body for FakeBody {
    type Bytes = Vec<u8>;

    async fn read_all(mut self) -> Result<Vec<u8>, PlatformError> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.next_chunk().await? {
            bytes.extend(piece);
        }
        Ok(bytes)
    }

    async fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, PlatformError> {
        self.reads.set(self.reads.get() + 1);
        if self.pieces.is_empty() {
            return if self.ends { Ok(None) } else { pending().await };
        }
        let (ms, piece) = self.pieces.remove(0);
        sleep(Duration::from_millis(ms)).await;
        piece.map(Some).map_err(PlatformError::new)
    }
}
