//! Where bodies are put that do not fit their messages.

use core::convert::Infallible;
use core::pin::pin;

use futures_util::future::{Either, select};

use crate::error::{PlatformError, Unavailable};
use crate::message::StoredBody;
use crate::platform::Clock;
use crate::settings::Budget;

/// Stores bodies, which the platform holds as `H`.
pub trait BodyStore<H> {
    /// Completes once `held`, whose bytes are those of `body`, is stored under its key. A body that is there
    /// already is stored again, so that whatever deletes old ones counts its age from now.
    fn put(&self, body: &StoredBody, held: H) -> impl Future<Output = Result<(), PlatformError>>;
}

/// No store. `None` of it is what a platform without one has.
impl<H> BodyStore<H> for Infallible {
    async fn put(&self, _: &StoredBody, _: H) -> Result<(), PlatformError> {
        match *self {}
    }
}

/// Stores a body before its message is sent: whoever reads the message must find it.
///
/// # Errors
/// [`Unavailable`] if the store fails, or gives no answer in the delivery's `budget`. Nothing may be sent
/// then. The body may be stored all the same; nothing refers to it until the delivery comes again.
pub async fn store<H>(
    bodies: &impl BodyStore<H>,
    body: &StoredBody,
    held: H,
    budget: Budget,
    clock: &impl Clock,
) -> Result<(), Unavailable> {
    let limit = budget.store_time_left(clock.now());
    match select(pin!(bodies.put(body, held)), pin!(clock.sleep(limit))).await {
        Either::Left((stored, _)) => stored.map_err(Unavailable::BodyStoreFailed),
        Either::Right(((), _)) => Err(Unavailable::BodyStoreTimedOut(limit)),
    }
}
