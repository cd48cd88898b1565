//! Every kind of fault, and how often each has struck.

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

            /// Whether it can strike in this mode at all.
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
    Reset, _, "connection reset by a death";
    SentTwice, _, "attempt sent twice at once";
    ByHand, _, "retried by hand";
    BodyChanged, _, "retry with other bytes";
    BodyStreamed, _, "body streamed in chunks";
    BodyStalled, _, "body stalled";
    BodyBroken, _, "body broken off";
    SecretUnknown, _, "secret not known at the location yet";
    SecretOld, _, "signed with the old secret after the location learnt the new one";
    SecretDropped, _, "old secret dropped at the location";
    Deployed, _, "fresh isolate by a deployment";
    DiedBeforeLook, Mode::Kv, "isolate died before the look-up";
    DiedAfterLook, Mode::Kv, "isolate died after the look-up";
    DiedBeforeSend, Mode::Kv, "isolate died before the send";
    DiedStored, Mode::Kv, "isolate died between storing and acknowledgement";
    DiedAcknowledged, Mode::Kv, "isolate died between acknowledgement and put";
    DiedPutIssued, Mode::Kv, "isolate died between put and its effect";
    DiedBeforeCall, Mode::Strict, "isolate died before the call";
    DiedDuringCall, Mode::Strict, "isolate died during the call";
    DiedBeforeAnswer, _, "isolate died before the answer";
    BackgroundEnded, Mode::Kv, "work after the answer cut off after 30 s";
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
    LookSlow, Mode::Kv, "look-up slower than its time";
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
    CallLost, Mode::Strict, "call to the object lost";
    CallLate, Mode::Strict, "object's answer late";
    CallRefused, Mode::Strict, "object overloaded";
    CallAnswerLost, Mode::Strict, "object's answer lost";
    RestartedBeforeLook, Mode::Strict, "object restarted before the look-up";
    RestartedAfterLook, Mode::Strict, "object restarted after the look-up";
    RestartedBeforeSend, Mode::Strict, "object restarted before the send";
    RestartedStored, Mode::Strict, "object restarted between storing and acknowledgement";
    RestartedAcknowledged, Mode::Strict, "object restarted between acknowledgement and row";
    RestartedMarked, Mode::Strict, "object restarted between row and answer";
    RestartedByDeployment, Mode::Strict, "object restarted by a deployment";
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

/// How often each kind has struck.
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
