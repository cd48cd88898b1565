//! The reason why an event was queued again: a pure function of two trails.

use crate::clock::Ms;
use crate::history::{SendRecord, Trail};
use crate::limits::WORK_LIMIT;
use crate::plan::Mode;

mod kv;
mod strict;
#[cfg(test)]
mod tests;

/// The reason why a delivery could not know of an earlier copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    AtOnce,
    StoredUnacknowledged,
    Died,
    MarkerRefused,
    NotVisible,
    LookInDoubt,
    Restarted,
    Outside,
}

impl Cause {
    pub const ALL: [Self; 8] = [
        Self::AtOnce,
        Self::NotVisible,
        Self::StoredUnacknowledged,
        Self::LookInDoubt,
        Self::MarkerRefused,
        Self::Died,
        Self::Restarted,
        Self::Outside,
    ];

    pub fn text(self) -> &'static str {
        match self {
            Self::AtOnce => "two deliveries at once",
            Self::StoredUnacknowledged => "stored, not acknowledged in time",
            Self::Died => "isolate died between send and marker",
            Self::MarkerRefused => "marker refused or lost",
            Self::NotVisible => "marker not visible yet",
            Self::LookInDoubt => "look-up in doubt",
            Self::Restarted => "object restarted while a lease was out",
            Self::Outside => "outside the replay window",
        }
    }

    /// Returns true if the design allows this cause in this mode.
    pub fn applies(self, mode: Mode) -> bool {
        match self {
            Self::StoredUnacknowledged | Self::Died | Self::MarkerRefused | Self::Outside => true,
            Self::Restarted => mode == Mode::Strict,
            Self::AtOnce | Self::NotVisible | Self::LookInDoubt => mode == Mode::Kv,
        }
    }
}

/// Returns the reason why `later`, which sent the event again, could not know that `earlier` had sent it. Returns `None`
/// if it could have known. The event's object restarted or trapped at each time in `interruptions`.
pub fn cause(mode: Mode, earlier: &Trail, later: &Trail, interruptions: &[Ms]) -> Option<Cause> {
    match mode {
        Mode::Kv => kv::cause(earlier, later),
        Mode::Strict => strict::cause(earlier, later, interruptions),
    }
}

/// The result of a Worker's wait for an acknowledgement.
enum Acknowledgement {
    /// It reached a Worker that still waited.
    Received(Ms),
    /// The Worker stopped waiting: the isolate died, or the send failed or took too long.
    Missed { since: Ms, cause: Cause },
}

fn acknowledgement(trail: &Trail, sent: SendRecord) -> Acknowledgement {
    let given_up =
        trail.arrived.map(|arrived| arrived + WORK_LIMIT).into_iter().chain(sent.failed).min();
    let (died, given_up) = (trail.isolate_died().unwrap_or(Ms::MAX), given_up.unwrap_or(Ms::MAX));
    match sent.acknowledged.filter(|at| *at < given_up) {
        Some(at) if at <= died => Acknowledgement::Received(at),
        Some(_) => Acknowledgement::Missed { since: died, cause: Cause::Died },
        None => Acknowledgement::Missed {
            since: died.min(given_up),
            cause: Cause::StoredUnacknowledged,
        },
    }
}
