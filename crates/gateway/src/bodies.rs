//! Where bodies are put that do not fit their messages.

use core::convert::Infallible;
use core::pin::pin;
use core::time::Duration;

use futures_util::future::{Either, select};
use thiserror::Error;

use crate::budget::Budget;
use crate::runtime::{Clock, PlatformError};
use cronozen_webhook::message::StoredBody;
use cronozen_webhook::time::Timestamp;

/// A body that was stored so lately need not be stored again: what deletes old ones counts in days.
const FRESH: Duration = Duration::from_hours(1);

/// Stores bodies, which the platform holds as `H`.
pub trait BodyStore<H> {
    /// Completes once `held`, whose bytes are those of `body`, is stored under its key. A body that is there
    /// already is stored again, so that whatever deletes old ones counts its age from now.
    fn put(&self, body: &StoredBody, held: H) -> impl Future<Output = Result<(), PlatformError>>;

    /// Whether there is a body under this one's key, of its length, that was stored at `since` or later.
    fn holds(
        &self,
        body: &StoredBody,
        since: Timestamp,
    ) -> impl Future<Output = Result<bool, PlatformError>>;
}

/// No store. `None` of it is what a platform without one has.
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

/// Stores a body before its message is sent: whoever reads the message must find it.
///
/// A body that the store refuses may be there already: R2 takes one write a second to a key, and a delivery
/// may come again within that time. Then the store is asked, in what is left of the same time.
///
/// # Errors
/// [`StoreBodyError`] if the store refuses the body and does not hold it, or gives no answer in the delivery's
/// `budget`. Nothing may be sent then. The body may be stored all the same; nothing refers to it until the
/// delivery comes again.
pub(crate) async fn store<H>(
    bodies: &impl BodyStore<H>,
    body: &StoredBody,
    held: H,
    budget: Budget,
    clock: &impl Clock,
) -> Result<(), StoreBodyError> {
    let now = clock.now();
    let limit = budget.store_time_left(now);
    let mut time_out = pin!(clock.sleep(limit));
    let refusal = match select(pin!(bodies.put(body, held)), time_out.as_mut()).await {
        Either::Left((Ok(()), _)) => return Ok(()),
        Either::Left((Err(error), _)) => error,
        Either::Right(((), _)) => return Err(StoreBodyError::TimedOut(limit)),
    };
    match select(pin!(bodies.holds(body, now.minus(FRESH))), time_out).await {
        Either::Left((Ok(true), _)) => Ok(()),
        _ => Err(StoreBodyError::Failed(refusal)),
    }
}
