//! The kinds of faults, and counts of their strikes.

use crate::plan::Mode;

macro_rules! faults {
    ($($name:ident, $modes:pat, $text:literal;)*) => {
        /// A kind of fault. It strikes when its effect takes place, not when it is drawn.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Fault {
            $($name,)*
        }

        impl Fault {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            pub fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// Returns true if the fault can strike in this mode.
            pub fn applies(self, mode: Mode) -> bool {
                match self {
                    $(Self::$name => matches!(mode, $modes),)*
                }
            }
        }
    };
}

faults! {
    RequestLost, _, "request lost on its way";
    AnswerLost, _, "answer lost on its way back";
    GaveUp, _, "sender gave up after 5 s";
    Reset, _, "connection reset by the isolate's death";
    SentTwice, _, "attempt sent twice at once";
    ByHand, _, "retried by hand";
    BodyChanged, _, "retry with other bytes";
    BodyStreamed, _, "body streamed in chunks";
    BodyStalled, _, "body stalled";
    BodyBroken, _, "body broken off";
    SecretUnknown, _, "secret not known at the location yet";
    SecretOld, _, "signed with the old secret after the location learnt the new one";
    SecretDropped, _, "old secret dropped at the location";
    Deployed, _, "isolate replaced by a deployment";
    DiedBeforeAcquire, _, "isolate died before the look-up or the lease";
    DiedAfterAcquire, _, "isolate died after the look-up or with the lease";
    DiedBeforeSend, _, "isolate died before the send";
    DiedStored, _, "isolate died between storing and acknowledgement";
    DiedAcknowledged, _, "isolate died between acknowledgement and marker";
    DiedMarking, _, "isolate died between marker and its effect";
    DiedBeforeAnswer, _, "isolate died before the answer";
    SendSlow, _, "send slow";
    SendVerySlow, _, "send acknowledged after more than 30 s";
    SendHungUnstored, _, "send hung, unstored";
    SendHungStored, _, "send hung, stored";
    SendHungThenFailed, _, "send failed after 57 s";
    SendFailedBefore, _, "send failed before storing";
    SendFailedAfter, _, "send failed after storing";
    QueueOutage, _, "send in an outage of the queue";
    ConsumedAgain, _, "message delivered again";
    ConsumedOutOfOrder, _, "message delivered out of order";
    LookSlow, Mode::Kv, "look-up slower than its time limit";
    LookFailed, Mode::Kv, "look-up failed";
    LookHung, Mode::Kv, "look-up hung";
    LookOutage, Mode::Kv, "look-up in an outage of KV";
    LooksAllInDoubt, Mode::Kv, "all look-ups of an event in doubt";
    CachedMiss, Mode::Kv, "look-up answered with a cached miss";
    NotPropagated, Mode::Kv, "marker not at the location yet";
    MarkerExpired, _, "marker expired";
    PutSlow, Mode::Kv, "put slow";
    PutFailed, Mode::Kv, "put failed";
    PutHung, Mode::Kv, "put hung";
    PutTooOften, Mode::Kv, "put refused: 1 write/s";
    PutOverLimit, Mode::Kv, "put refused: daily limit";
    AcquireLost, Mode::Strict, "request for a lease lost";
    AcquireRefused, Mode::Strict, "request for a lease refused";
    AcquireAnswerLost, Mode::Strict, "answer to a request for a lease lost";
    AcquireLate, Mode::Strict, "answer to a request for a lease late";
    LeaseHeld, Mode::Strict, "another delivery had the lease";
    WaitEnded, Mode::Strict, "wait for a lease ended";
    GrantedAfterWait, Mode::Strict, "lease granted after a wait";
    DuplicateAfterWait, Mode::Strict, "wait for a lease ended by a commit";
    GrantedToNobody, Mode::Strict, "lease granted to a Worker that had given up or died";
    DisposedLate, Mode::Strict, "lease disposed of late";
    NeverDisposed, Mode::Strict, "lease never disposed of";
    LeaseRanOut, Mode::Strict, "lease ran out after 35 s";
    ReleasedByOldHandle, Mode::Strict, "lease from before a trap disposed of";
    CommitLost, Mode::Strict, "commit lost";
    CommitRefused, Mode::Strict, "commit refused, lease disposed of";
    CommitAnswerLost, Mode::Strict, "answer to a commit lost";
    CommitAfterRestart, Mode::Strict, "commit failed after a restart";
    CommitByOldHandle, Mode::Strict, "commit through a lease from before a trap";
    MarkedAgain, Mode::Strict, "marked without a lease after a failed commit";
    MarkLost, Mode::Strict, "mark without a lease lost";
    MarkRefused, Mode::Strict, "mark without a lease refused";
    MarkAnswerLost, Mode::Strict, "answer to a mark without a lease lost";
    RestartedAsked, Mode::Strict, "object restarted before the look-up";
    RestartedGranted, Mode::Strict, "object restarted between grant and answer";
    RestartedBeforeSend, Mode::Strict, "object restarted before the send";
    RestartedStored, Mode::Strict, "object restarted between storing and acknowledgement";
    RestartedCommitting, Mode::Strict, "object restarted before the row was written";
    RestartedDurable, Mode::Strict, "object restarted between row and answer";
    RestartedByDeployment, Mode::Strict, "object with leases restarted by a deployment";
    Trapped, Mode::Strict, "object's instance trapped";
    ForgedWrongSecret, _, "forged: another secret";
    ForgedOtherSignature, _, "forged: another event's signature";
    ForgedTampered, _, "forged: body tampered with";
    ForgedMissing, _, "forged: no signature";
    ForgedMalformed, _, "forged: malformed signature";
    ForgedGarbage, _, "forged: body that is not JSON";
    ForgedNoEvent, _, "forged: body that is no event";
    SignedNoEvent, _, "signed, but no event";
    Replayed, _, "replayed";
    ReplayedAtOnce, _, "replayed at the same moment elsewhere";
    ReplayedLate, _, "replayed after the TTL";
}

/// The number of strikes of each kind of fault.
#[derive(Clone)]
pub struct Strikes([u64; Fault::ALL.len()]);

impl Default for Strikes {
    fn default() -> Self {
        Self([0; Fault::ALL.len()])
    }
}

impl Strikes {
    pub fn strike(&mut self, fault: Fault) {
        self.0[fault as usize] += 1;
    }

    pub fn of(&self, fault: Fault) -> u64 {
        self.0[fault as usize]
    }

    pub fn add(&mut self, other: &Self) {
        for (sum, strikes) in self.0.iter_mut().zip(other.0) {
            *sum += strikes;
        }
    }
}
