//! The fate of one delivery: everything that will happen to it. It is drawn before the world starts, so it does not
//! depend on the code under test.

use fastrand::Rng;

use crate::clock::Ms;
pub use drawing::one_in;
use drawing::{DISPOSAL, LATENCY};

mod drawing;

/// A step of the protocol at which the Worker's isolate can die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The store has not been asked yet.
    BeforeAcquire,
    /// The answer of the store has arrived.
    AfterAcquire,
    /// The send is about to be issued.
    BeforeSend,
    /// The message is stored, and the acknowledgement is on its way.
    Stored,
    /// The acknowledgement has arrived, and nothing is marked.
    Acknowledged,
    /// The put or the commit is issued, and has not arrived.
    Marking,
    /// Everything is done except the answer.
    BeforeAnswer,
}

/// A moment at which the object of an event can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectStep {
    /// The request for the lease has arrived.
    Asked,
    /// The lease is granted, and the answer is not yet on its way.
    Granted,
    /// The Worker is about to send.
    BeforeSend,
    /// The message is stored, and the acknowledgement is on its way.
    Stored,
    /// The commit has arrived, and nothing is written.
    Committing,
    /// The row is durable, and the answer is not yet on its way.
    Durable,
}

/// The end of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectEnd {
    /// The object restarts. The Workers' calls of it fail, and their leases are invalid.
    Restart,
    /// Its WebAssembly instance traps and is replaced. Calls through the leases that Workers hold reach the new instance.
    Trap,
}

/// The way in which the body arrives.
#[derive(Debug, Clone)]
pub enum BodyFate {
    /// In one piece after this time, with its length declared.
    Whole(Ms),
    /// In chunks, each after its own time.
    Streamed(Vec<Ms>),
    /// A part arrives, and then nothing.
    Stalled { declared: bool },
    /// A part arrives, and then an error.
    Broken,
}

impl BodyFate {
    /// Returns the time until the whole body has arrived. Returns `None` if it stalls or breaks off.
    pub fn takes(&self) -> Option<Ms> {
        match self {
            Self::Whole(ms) => Some(*ms),
            Self::Streamed(gaps) => Some(gaps.iter().sum()),
            Self::Stalled { .. } | Self::Broken => None,
        }
    }
}

/// The fate of a look-up in KV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookFate {
    Answers(Ms),
    Fails(Ms),
    Hangs,
}

/// The fate of a send to the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendFate {
    /// Stored after half of the time, acknowledged after the whole.
    Works(Ms),
    HangsUnstored,
    HangsStored(Ms),
    /// Fails after 57 s, as has been observed.
    HangsThenFails,
    FailsBefore(Ms),
    /// Stored after half of the time, reported as failed after the whole.
    FailsAfter(Ms),
}

/// The fate of a put to KV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkFate {
    /// Applied after half of the time, acknowledged after the whole.
    Works(Ms),
    Fails(Ms),
    Hangs,
}

/// The fate of a call from the Worker to the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallFate {
    Works {
        back: Ms,
    },
    /// The call never arrives, and hangs.
    Lost,
    /// The call never arrives, and fails.
    Refused,
    /// The call takes effect, but fails.
    AnswerLost,
}

/// The time until the object learns that the Worker has disposed of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisposalFate {
    After(Ms),
    /// The object never learns it: the Worker's process has stopped without closing the session.
    Never,
}

/// Everything that will happen to one delivery.
#[derive(Debug, Clone)]
pub struct Fate {
    /// The network's latency to the gateway.
    pub to_gateway: Ms,
    /// The network's latency back to the sender.
    pub to_sender: Ms,
    pub request_lost: bool,
    pub answer_lost: bool,
    pub body: BodyFate,
    pub look_up: LookFate,
    pub send: SendFate,
    pub mark: MarkFate,
    /// The time until its marker is visible at other locations, by location.
    pub propagation: Vec<Ms>,
    /// The step at which its isolate dies.
    pub death: Option<Step>,
    /// The fate of the request for the lease.
    pub acquire: CallFate,
    /// The fate of the commit through the lease.
    pub commit: CallFate,
    /// The fate of the mark without the lease, after a commit that has failed.
    pub mark_again: CallFate,
    /// The time that each of these three calls takes to reach the object.
    pub call_there: Ms,
    pub disposal: DisposalFate,
    /// The time until the object's row is durable.
    pub row_delay: Ms,
    /// The step at which the object ends, and the way in which it ends.
    pub object_end: Option<(ObjectStep, ObjectEnd)>,
}

impl Fate {
    /// Returns this fate without its faults.
    pub fn made_fair(self) -> Self {
        Self {
            to_gateway: self.to_gateway.min(LATENCY),
            to_sender: self.to_sender.min(LATENCY),
            request_lost: false,
            answer_lost: false,
            body: BodyFate::Whole(20),
            look_up: LookFate::Answers(20),
            send: SendFate::Works(40),
            mark: MarkFate::Works(40),
            death: None,
            acquire: CallFate::Works { back: 20 },
            commit: CallFate::Works { back: 20 },
            mark_again: CallFate::Works { back: 20 },
            disposal: DisposalFate::After(DISPOSAL),
            object_end: None,
            ..self
        }
    }

    /// Returns this fate with a send that hangs for 57 s and then fails.
    pub fn with_hung_send(self) -> Self {
        Self { send: SendFate::HangsThenFails, ..self }
    }

    /// Returns this fate with a send that stores nothing.
    pub fn without_queue(mut self, rng: &mut Rng) -> Self {
        self.send = match rng.u8(..4) {
            0 => SendFate::HangsUnstored,
            1 => SendFate::HangsThenFails,
            _ => SendFate::FailsBefore(rng.u64(1..500)),
        };
        self
    }
}
