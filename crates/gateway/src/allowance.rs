//! The limit on the bytes that all deliveries of an isolate together hold: bodies until they are verified, and messages
//! until their sends have settled.

use std::cell::Cell;
use std::rc::Rc;

use thiserror::Error;

/// The most bytes that may be held. A Worker has 128 MB for everything. A body is held as it arrived and, for a moment,
/// a second time while it grows or becomes a message, so 32 MiB of bodies may need 64 MiB. The rest is for the runtime
/// and WebAssembly.
pub const MAX_HELD_BYTES: usize = 32 * 1024 * 1024;

/// The largest declared length of a body that is not counted. A flood of large bodies thus does not keep out the
/// sender's events, which are smaller. 2,000 such bodies need as much memory as the allowance.
pub const MAX_EXEMPT_BYTES: usize = 16 * 1024;

/// A refusal to hold more than [`MAX_HELD_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("too many bodies held: more than {MAX_HELD_BYTES} bytes at once")]
pub struct AllowanceExceeded;

/// The count of the bytes that are held. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Allowance(Rc<Cell<usize>>);

impl Allowance {
    /// Starts to count the bytes of one delivery.
    #[must_use]
    pub fn begin(&self) -> Holding {
        Holding { allowance: self.clone(), bytes: 0 }
    }

    /// Returns the number of bytes that are held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.0.get()
    }
}

/// The bytes that one delivery holds. Dropping this gives them back.
#[derive(Debug)]
pub struct Holding {
    allowance: Allowance,
    bytes: usize,
}

impl Holding {
    /// Counts bytes that have arrived.
    ///
    /// # Errors
    /// [`AllowanceExceeded`] if the total would exceed [`MAX_HELD_BYTES`]. Then the bytes are not counted.
    pub fn add(&mut self, bytes: usize) -> Result<(), AllowanceExceeded> {
        let held = self.allowance.0.get().saturating_add(bytes);
        if held > MAX_HELD_BYTES {
            return Err(AllowanceExceeded);
        }
        self.allowance.0.set(held);
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        let held = self.allowance.0.get();
        self.allowance.0.set(held.saturating_sub(self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_held_up_to_the_limit_and_given_back() {
        let allowance = Allowance::default();
        let mut first = allowance.begin();
        let mut second = allowance.clone().begin();
        assert_eq!(first.add(MAX_HELD_BYTES - 10), Ok(()));
        assert_eq!(second.add(11), Err(AllowanceExceeded));
        assert_eq!(second.add(10), Ok(()));
        assert_eq!(first.add(1), Err(AllowanceExceeded));
        assert_eq!(allowance.held(), MAX_HELD_BYTES);
        drop(first);
        assert_eq!(allowance.held(), 10);
        drop(second);
        assert_eq!(allowance.held(), 0);
    }
}
