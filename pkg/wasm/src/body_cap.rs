//! The largest body that the npm package verifies. The gateway has one of its own among its settings, since
//! its messages must fit the queue.

use thiserror::Error;

/// The sender documents no limit. This is the most that the gateway can be set to take, and small beside the
/// memory of any runtime.
const DEFAULT_BYTES: u32 = 1024 * 1024;

/// WebAssembly's memory never shrinks, so one body must not make it huge.
const MAX_BYTES: u32 = 64 * 1024 * 1024;

/// A body that is larger than the cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("body too large: more than {limit} bytes")]
pub struct BodyTooLarge {
    /// The cap, in bytes.
    pub limit: usize,
}

/// A cap that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("maxBodyBytes out of range: {found} (expected 1 to {MAX_BYTES})")]
pub struct BodyCapError {
    /// What came.
    pub found: u32,
}

/// How large a body may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyCap(usize);

impl BodyCap {
    /// A cap in bytes; 1 MiB if none is given.
    ///
    /// # Errors
    /// [`BodyCapError`] if it is 0 or more than 64 MiB.
    pub fn new(bytes: Option<u32>) -> Result<Self, BodyCapError> {
        match bytes.unwrap_or(DEFAULT_BYTES) {
            found @ 1..=MAX_BYTES => Ok(Self(usize::try_from(found).unwrap_or(usize::MAX))),
            found => Err(BodyCapError { found }),
        }
    }

    /// The cap, in bytes.
    pub fn bytes(self) -> usize {
        self.0
    }

    /// Checks a body's length.
    ///
    /// # Errors
    /// [`BodyTooLarge`] if it is over the cap.
    pub fn check(self, length: usize) -> Result<(), BodyTooLarge> {
        if length > self.0 {
            return Err(BodyTooLarge { limit: self.0 });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_cap_within_its_range() {
        assert_eq!(BodyCap::new(None).unwrap().bytes(), 1_048_576);
        for bytes in [1, 67_108_864] {
            assert_eq!(BodyCap::new(Some(bytes)).unwrap().bytes(), bytes as usize);
        }
        for found in [0, 67_108_865, u32::MAX] {
            assert_eq!(BodyCap::new(Some(found)).unwrap_err(), BodyCapError { found });
        }
    }

    #[test]
    fn takes_a_body_of_its_size_and_none_that_is_larger() {
        let cap = BodyCap::new(Some(10)).unwrap();
        assert_eq!(cap.check(10), Ok(()));
        assert_eq!(cap.check(11), Err(BodyTooLarge { limit: 10 }));
    }
}
