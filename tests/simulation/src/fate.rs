//! What is to happen to one delivery, drawn before the world begins: nothing of it depends on what the
//! code under test does.

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
    /// The message is stored, the acknowledgement on its way.
    Stored,
    /// The acknowledgement has arrived, nothing is marked.
    Acknowledged,
    /// The put or the commit is issued, and has not arrived.
    Marking,
    /// Everything is done but the answer.
    BeforeAnswer,
}

/// A moment at which the object of an event can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectStep {
    /// The request for the lease has arrived.
    Asked,
    /// The lease is granted, the answer not on its way.
    Granted,
    /// The Worker is about to send.
    BeforeSend,
    /// The message is stored, the acknowledgement on its way.
    Stored,
    /// The commit has arrived, nothing is written.
    Committing,
    /// The row is durable, the answer not on its way.
    Durable,
}

/// The end of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectEnd {
    /// The object starts anew. What the Workers hold of it fails.
    Restart,
    /// Its WebAssembly instance traps and is replaced. The leases that the Workers hold go on calling.
    Trap,
}

/// How the body comes.
#[derive(Debug, Clone)]
pub enum BodyFate {
    /// With its length declared, after so long.
    Whole(Ms),
    /// In chunks, each after so long.
    Streamed(Vec<Ms>),
    /// A part of it comes, and then nothing.
    Stalled { declared: bool },
    /// A part of it comes, and then an error.
    Broken,
}

impl BodyFate {
    /// When the whole body is there; never, if it stalls or breaks off.
    pub fn takes(&self) -> Option<Ms> {
        match self {
            Self::Whole(ms) => Some(*ms),
            Self::Streamed(gaps) => Some(gaps.iter().sum()),
            Self::Stalled { .. } | Self::Broken => None,
        }
    }
}

/// What KV does when it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookFate {
    Answers(Ms),
    Fails(Ms),
    Hangs,
}

/// What the queue does with a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendFate {
    /// Stored after half of the time, acknowledged after the whole.
    Works(Ms),
    HangsUnstored,
    HangsStored(Ms),
    /// Fails after 57 s, as has been seen.
    HangsThenFails,
    FailsBefore(Ms),
    /// Stored after half of the time, reported as failed after the whole.
    FailsAfter(Ms),
}

/// What KV does with a put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkFate {
    /// Applied after half of the time, acknowledged after the whole.
    Works(Ms),
    Fails(Ms),
    Hangs,
}

/// What becomes of a call from the Worker to the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallFate {
    Works {
        back: Ms,
    },
    /// It never arrives, and never fails.
    Lost,
    /// It fails, and never arrives.
    Refused,
    /// It does what it is for, and fails all the same.
    AnswerLost,
}

/// When the object learns that the Worker has disposed of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisposalFate {
    After(Ms),
    /// The process of the Worker has stopped without an end.
    Never,
}

/// What is to happen to one delivery.
#[derive(Debug, Clone)]
pub struct Fate {
    /// The network's latency, each way.
    pub there: Ms,
    pub back: Ms,
    pub request_lost: bool,
    pub answer_lost: bool,
    pub body: BodyFate,
    pub look: LookFate,
    pub send: SendFate,
    pub mark: MarkFate,
    /// When its marker becomes visible elsewhere, by location.
    pub propagation: Vec<Ms>,
    /// Where its isolate dies.
    pub death: Option<Step>,
    /// The request for the lease.
    pub acquire: CallFate,
    /// The commit through the lease.
    pub commit: CallFate,
    /// The mark without the lease, after a commit that has failed.
    pub remark: CallFate,
    /// How long each of these is on the way to the object.
    pub call_there: Ms,
    pub disposal: DisposalFate,
    /// How long the object's row takes to be durable.
    pub row: Ms,
    /// Where the object ends, and how.
    pub object_end: Option<(ObjectStep, ObjectEnd)>,
}

impl Fate {
    /// The same, but nothing goes wrong.
    pub fn made_fair(self) -> Self {
        Self {
            there: self.there.min(LATENCY),
            back: self.back.min(LATENCY),
            request_lost: false,
            answer_lost: false,
            body: BodyFate::Whole(20),
            look: LookFate::Answers(20),
            send: SendFate::Works(40),
            mark: MarkFate::Works(40),
            death: None,
            acquire: CallFate::Works { back: 20 },
            commit: CallFate::Works { back: 20 },
            remark: CallFate::Works { back: 20 },
            disposal: DisposalFate::After(DISPOSAL),
            object_end: None,
            ..self
        }
    }

    /// The same, but the send hangs for 57 s and then fails.
    pub fn with_hung_send(self) -> Self {
        Self { send: SendFate::HangsThenFails, ..self }
    }

    /// The same, but nothing can come of the send.
    pub fn without_queue(mut self, rng: &mut Rng) -> Self {
        self.send = match rng.u8(..4) {
            0 => SendFate::HangsUnstored,
            1 => SendFate::HangsThenFails,
            _ => SendFate::FailsBefore(rng.u64(1..500)),
        };
        self
    }
}
