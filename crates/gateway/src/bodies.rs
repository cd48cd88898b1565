//! The store of bodies that are too large for their messages.

use core::convert::Infallible;
use core::pin::pin;
use core::time::Duration;

use futures_util::future::{Either, select};
use thiserror::Error;

use crate::budget::Budget;
use crate::runtime::{Clock, PlatformError};
use cronozen_webhook::message::StoredBody;
use cronozen_webhook::time::Timestamp;

/// The age up to which a stored body need not be stored again. Old bodies are deleted only after days.
const FRESH: Duration = Duration::from_hours(1);

/// A store of bodies, which the platform holds as `H`.
pub trait BodyStore<H> {
    /// Stores `bytes`, the bytes of `body`, under its key. A body that is there already is stored again, so that its
    /// age, after which it is deleted, counts from now.
    fn put(&self, body: &StoredBody, bytes: H) -> impl Future<Output = Result<(), PlatformError>>;

    /// Returns true if a body with the key and the length of `body` was stored at `since` or later.
    fn holds(
        &self,
        body: &StoredBody,
        since: Timestamp,
    ) -> impl Future<Output = Result<bool, PlatformError>>;
}

/// The type for a platform without a store. It has no values, so the platform can only return `None`.
impl<H> BodyStore<H> for Infallible {
    async fn put(&self, _: &StoredBody, _: H) -> Result<(), PlatformError> {
        match *self {}
    }

    async fn holds(&self, _: &StoredBody, _: Timestamp) -> Result<bool, PlatformError> {
        match *self {}
    }
}

/// A body that is not known to be stored. Its message has not been sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreBodyError {
    /// The store refused the body.
    #[error("bucket put failed: {0}")]
    Failed(PlatformError),
    /// The store gave no answer in time.
    #[error("bucket put timed out after {} ms", .0.as_millis())]
    TimedOut(Duration),
}

/// Stores a body before its message is sent, because a consumer of the message must find the body.
///
/// A body that the store refuses may be there already: R2 accepts one write a second to a key, and a delivery may be
/// retried within that second. So the store is then asked if it holds the body, in the rest of the same time.
///
/// # Errors
/// [`StoreBodyError`] if the store refuses the body and does not hold it, or does not answer within the delivery's
/// `budget`. The message must not be sent then. The body may be stored nevertheless, but nothing refers to it until
/// the delivery is retried.
pub(crate) async fn store<H>(
    bodies: &impl BodyStore<H>,
    body: &StoredBody,
    bytes: H,
    budget: Budget,
    clock: &impl Clock,
) -> Result<(), StoreBodyError> {
    let now = clock.now();
    let limit = budget.store_time_left(now);
    let mut time_out = pin!(clock.sleep(limit));
    let refusal = match select(pin!(bodies.put(body, bytes)), time_out.as_mut()).await {
        Either::Left((Ok(()), _)) => return Ok(()),
        Either::Left((Err(error), _)) => error,
        Either::Right(((), _)) => return Err(StoreBodyError::TimedOut(limit)),
    };
    match select(pin!(bodies.holds(body, now.minus(FRESH))), time_out).await {
        Either::Left((Ok(true), _)) => Ok(()),
        _ => Err(StoreBodyError::Failed(refusal)),
    }
}
