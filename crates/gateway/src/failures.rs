//! The limit on failed signatures. It is consulted only after a failure, so that a forger never throttles the sender.

use core::cell::Cell;
use core::convert::Infallible;
use core::pin::pin;
use core::time::Duration;
use std::rc::Rc;

use futures_util::future::{Either, select};

use crate::budget::Budget;
use crate::log::{Outcome, Record};
use crate::platform::Platform;
use crate::refusal::{Refusal, Rejection, TOO_MANY_FAILURES};
use crate::runtime::PlatformError;
use cronozen_webhook::signature::SignatureError;
use cronozen_webhook::time::Timestamp;

/// The least time between two lines about refused deliveries: a flood must not fill the log.
const LINE_INTERVAL: Duration = Duration::from_mins(1);

/// A limit on the failures of each address.
pub trait FailureLimiter {
    /// Counts a failure of `address`. Returns false if the address has exhausted its limit.
    fn allows(&self, address: &str) -> impl Future<Output = Result<bool, PlatformError>>;
}

/// The type for a platform without a limit. It has no values, so the platform can only return `None`.
impl FailureLimiter for Infallible {
    async fn allows(&self, _: &str) -> Result<bool, PlatformError> {
        match *self {}
    }
}

/// The deliveries that were refused without a line of their own, because their address had exhausted the limit. Clones share
/// one count, that of the isolate.
#[derive(Debug, Clone, Default)]
pub struct SuppressedCount(Rc<Counter>);

#[derive(Debug, Default)]
struct Counter {
    count: Cell<u64>,
    last_line: Cell<Option<Timestamp>>,
}

impl SuppressedCount {
    /// Counts a delivery.
    pub(crate) fn add(&self) {
        self.0.count.set(self.0.count.get().saturating_add(1));
    }

    /// Returns the line about all deliveries since the last one, if there are any, and the last line is a minute old.
    pub(crate) fn line(&self, now: Timestamp) -> Option<Record> {
        let is_due = self.0.last_line.get().is_none_or(|last| now.since(last) >= LINE_INTERVAL);
        if self.0.count.get() == 0 || !is_due {
            return None;
        }
        self.0.last_line.set(Some(now));
        Some(Record {
            outcome: Outcome::Rejected,
            code: Some(TOO_MANY_FAILURES),
            count: Some(self.0.count.take()),
            ..Record::new(now)
        })
    }
}

/// Returns the refusal of a delivery whose signature has failed: the failure itself, or that there are too many. A limiter that
/// fails or does not answer in time refuses nothing.
pub(crate) async fn limit<P: Platform>(
    platform: &P,
    bindings: &P::Bindings,
    address: Option<&str>,
    budget: Budget,
    failure: SignatureError,
) -> Refusal {
    if let (Some(limiter), Some(address)) = (platform.failures(bindings), address) {
        let failure_counted = pin!(limiter.allows(address));
        let time_out = pin!(platform.sleep(budget.lookup_limit()));
        if let Either::Left((Ok(false), _)) = select(failure_counted, time_out).await {
            return Rejection::TooManyFailures.into();
        }
    }
    Rejection::from(failure).into()
}
