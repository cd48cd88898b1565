//! What is to happen to one delivery, drawn before the world begins: nothing of it depends on what the
//! code under test does.

use fastrand::Rng;

use crate::causes::ROW;
use crate::clock::{Ms, SECOND};

/// Where an isolate or an object can end while it works on a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Before the look-up has any effect; in strict mode before the call.
    BeforeLook,
    /// The store has been read.
    AfterLook,
    /// The send is about to be issued.
    BeforeSend,
    /// The message is stored, the acknowledgement on its way.
    Stored,
    /// The acknowledgement has arrived, nothing is marked.
    Acknowledged,
    /// KV: the put is issued, not applied. Object: the row is durable, the answer not on its way.
    Marked,
    /// Everything is done but the answer.
    BeforeAnswer,
}

const STEPS: [Step; 7] = [
    Step::BeforeLook,
    Step::AfterLook,
    Step::BeforeSend,
    Step::Stored,
    Step::Acknowledged,
    Step::Marked,
    Step::BeforeAnswer,
];

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

/// What becomes of the Worker's call to the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallFate {
    Works { back: Ms },
    Lost,
    Refused,
    AnswerLost,
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
    pub call: CallFate,
    /// How long its call is on the way to the object.
    pub call_there: Ms,
    /// How long the object's row takes to be durable.
    pub row: Ms,
    /// Where the object restarts.
    pub restart: Option<Step>,
}

impl Fate {
    /// Some of it lies close to the limits that follow from the deadline.
    pub fn draw(rng: &mut Rng, locations: usize, deadline: Ms) -> Self {
        Self {
            there: latency(rng),
            back: latency(rng),
            request_lost: one_in(rng, 30),
            answer_lost: one_in(rng, 15),
            body: body(rng),
            look: look(rng, deadline),
            send: send(rng, deadline),
            mark: mark(rng),
            propagation: (0..locations).map(|_| rng.u64(SECOND..90 * SECOND)).collect(),
            death: one_in(rng, 9).then(|| STEPS[rng.usize(..STEPS.len())]),
            call: call(rng),
            call_there: rng.u64(1..60),
            row: rng.u64(1..ROW),
            // The object's own answer is the last of its steps.
            restart: one_in(rng, 12).then(|| STEPS[rng.usize(..STEPS.len() - 1)]),
        }
    }

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
            call: CallFate::Works { back: 20 },
            restart: None,
            ..self
        }
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

pub fn one_in(rng: &mut Rng, times: u32) -> bool {
    rng.u32(..times) == 0
}

/// What the network seldom exceeds.
const LATENCY: Ms = 250;

fn latency(rng: &mut Rng) -> Ms {
    if one_in(rng, 20) { rng.u64(LATENCY..3 * SECOND) } else { rng.u64(1..LATENCY) }
}

fn body(rng: &mut Rng) -> BodyFate {
    match rng.u8(..100) {
        0..3 => BodyFate::Stalled { declared: rng.bool() },
        3..5 => BodyFate::Broken,
        5..35 => BodyFate::Streamed((0..rng.usize(2..5)).map(|_| rng.u64(..250)).collect()),
        _ => BodyFate::Whole(rng.u64(..40)),
    }
}

fn look(rng: &mut Rng, deadline: Ms) -> LookFate {
    match rng.u8(..100) {
        0..5 => LookFate::Hangs,
        5..11 => LookFate::Fails(rng.u64(1..800)),
        11..16 => LookFate::Answers(rng.u64(100..3000)),
        16..20 => LookFate::Answers(deadline / 8 - 5 + rng.u64(..10)),
        _ => LookFate::Answers(rng.u64(2..60)),
    }
}

fn send(rng: &mut Rng, deadline: Ms) -> SendFate {
    match rng.u8(..100) {
        0..4 => SendFate::HangsUnstored,
        4..9 => SendFate::HangsStored(rng.u64(1..2000)),
        9..12 => SendFate::HangsThenFails,
        12..18 => SendFate::FailsBefore(rng.u64(1..2000)),
        18..23 => SendFate::FailsAfter(rng.u64(2..2000)),
        23..28 => SendFate::Works(rng.u64(30_500..120_000)),
        28..36 => SendFate::Works(rng.u64(200..12_000)),
        36..42 => SendFate::Works(deadline - 400 + rng.u64(..500)),
        _ => SendFate::Works(rng.u64(4..200)),
    }
}

fn mark(rng: &mut Rng) -> MarkFate {
    match rng.u8(..100) {
        0..5 => MarkFate::Hangs,
        5..10 => MarkFate::Fails(rng.u64(1..2000)),
        10..18 => MarkFate::Works(rng.u64(200..20_000)),
        _ => MarkFate::Works(rng.u64(4..120)),
    }
}

fn call(rng: &mut Rng) -> CallFate {
    match rng.u8(..100) {
        0..3 => CallFate::Lost,
        3..7 => CallFate::Refused,
        7..11 => CallFate::AnswerLost,
        11..15 => CallFate::Works { back: rng.u64(SECOND..8 * SECOND) },
        _ => CallFate::Works { back: rng.u64(1..60) },
    }
}
