//! The largest body that the npm package verifies. The gateway's limit is a separate setting, `MAX_BODY_BYTES`: it
//! depends on the size of a queue's messages and on a Worker's memory.

use thiserror::Error;

/// The default cap, in bytes: 1 MiB. The sender documents no limit. The gateway's setting allows up to 1 MiB, too, and
/// any runtime has much more memory.
const DEFAULT_BYTES: u32 = 1024 * 1024;

/// The largest cap, in bytes: 64 MiB. WebAssembly's memory never shrinks, so one body must not make it huge.
const MAX_BYTES: u32 = 64 * 1024 * 1024;

/// The error for a body that is larger than the cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("body too large: more than {limit} bytes")]
pub struct BodyTooLarge {
    /// The cap, in bytes.
    pub limit: usize,
}

/// The error for a cap that is out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("maxBodyBytes out of range: {found} (expected 1 to {MAX_BYTES})")]
pub struct BodyCapError {
    /// The cap that was given, in bytes.
    pub found: u32,
}

/// The largest length of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyCap(usize);

impl BodyCap {
    /// Makes a cap of `bytes`, or of 1 MiB if none is given.
    ///
    /// # Errors
    /// [`BodyCapError`] if `bytes` is 0 or more than 64 MiB.
    pub fn new(bytes: Option<u32>) -> Result<Self, BodyCapError> {
        match bytes.unwrap_or(DEFAULT_BYTES) {
            bytes @ 1..=MAX_BYTES => Ok(Self(usize::try_from(bytes).unwrap_or(usize::MAX))),
            found => Err(BodyCapError { found }),
        }
    }

    /// Returns the cap, in bytes.
    pub fn bytes(self) -> usize {
        self.0
    }

    /// Checks a body's length.
    ///
    /// # Errors
    /// [`BodyTooLarge`] if the length is over the cap.
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
    fn only_a_cap_out_of_range_is_refused() {
        assert_eq!(BodyCap::new(None).unwrap().bytes(), 1_048_576);
        for bytes in [1, 67_108_864] {
            assert_eq!(BodyCap::new(Some(bytes)).unwrap().bytes(), bytes as usize);
        }
        for found in [0, 67_108_865, u32::MAX] {
            assert_eq!(BodyCap::new(Some(found)).unwrap_err(), BodyCapError { found });
        }
    }

    #[test]
    fn only_a_body_over_the_cap_is_refused() {
        let cap = BodyCap::new(Some(10)).unwrap();
        assert_eq!(cap.check(10), Ok(()));
        assert_eq!(cap.check(11), Err(BodyTooLarge { limit: 10 }));
    }
}
