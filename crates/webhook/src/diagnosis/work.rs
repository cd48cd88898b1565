//! The limit on the work of a search.

/// The most work of a search, in terms of hashed bytes. Whatever a search hashes, writes or takes apart is charged with
/// its measured cost. It is enough for all combinations of a usual event. It takes less than 50 ms on a server's
/// processor that has instructions for SHA-256, and one to two seconds in JavaScript. Besides it, the verifier hashes the
/// body once with each secret.
pub const MAX_WORK_BYTES: u64 = 40 * 1024 * 1024;

/// The work of a search that was done, and that is left.
#[derive(Default)]
pub(super) struct Work {
    done: u64,
    is_cut_short: bool,
}

impl Work {
    /// Returns the work that was done.
    pub(super) fn done(&self) -> u64 {
        self.done
    }

    /// Takes work from what is left. Returns `None` if too little is left.
    pub(super) fn spend(&mut self, work: u64) -> Option<()> {
        if work > MAX_WORK_BYTES - self.done {
            self.is_cut_short = true;
            return None;
        }
        self.done += work;
        Some(())
    }

    /// Takes work that has been done within the room that was left, or a little more.
    pub(super) fn charge(&mut self, work: u64) {
        self.done = self.done.saturating_add(work).min(MAX_WORK_BYTES);
    }

    /// Returns the number of bytes that can be made at this cost.
    pub(super) fn room(&self, cost: u64) -> usize {
        usize::try_from((MAX_WORK_BYTES - self.done) / cost).unwrap_or(usize::MAX)
    }

    /// Notes that a limit has left out a combination.
    pub(super) fn cut_short(&mut self) {
        self.is_cut_short = true;
    }

    /// Returns true if a limit has left out a combination.
    pub(super) fn is_cut_short(&self) -> bool {
        self.is_cut_short
    }
}

/// Returns the length of some bytes, as a measure of work.
pub(super) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// The bytes that were hashed, written and sorted in this thread, counted where it is done: for the tests, which
/// compare them with the limit.
#[cfg(test)]
pub(super) mod meter {
    use core::cell::Cell;

    thread_local! {
        static BYTES: Cell<usize> = const { Cell::new(0) };
    }

    pub(in super::super) fn add(bytes: usize) {
        BYTES.set(BYTES.get() + bytes);
    }

    pub(in super::super) fn take() -> usize {
        BYTES.take()
    }
}
