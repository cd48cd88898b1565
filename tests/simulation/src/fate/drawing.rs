//! Draws fates. The numbers here are their probabilities and times.

use fastrand::Rng;

use super::{
    BodyFate, CallFate, DisposalFate, Fate, LookFate, MarkFate, ObjectEnd, ObjectStep, SendFate,
    Step,
};
use crate::clock::{Ms, SECOND};
use crate::limits::ROW_LIMIT;

const STEPS: [Step; 7] = [
    Step::BeforeAcquire,
    Step::AfterAcquire,
    Step::BeforeSend,
    Step::Stored,
    Step::Acknowledged,
    Step::Marking,
    Step::BeforeAnswer,
];

const OBJECT_STEPS: [ObjectStep; 6] = [
    ObjectStep::Asked,
    ObjectStep::Granted,
    ObjectStep::BeforeSend,
    ObjectStep::Stored,
    ObjectStep::Committing,
    ObjectStep::Durable,
];

impl Fate {
    /// Draws a fate. Some of its times are close to the limits that follow from the deadline.
    pub fn draw(rng: &mut Rng, locations: usize, deadline: Ms) -> Self {
        Self {
            to_gateway: latency(rng),
            to_sender: latency(rng),
            request_lost: one_in(rng, 30),
            answer_lost: one_in(rng, 15),
            body: body(rng),
            look_up: look(rng, deadline),
            send: send(rng, deadline),
            mark: mark(rng),
            propagation: (0..locations).map(|_| rng.u64(SECOND..90 * SECOND)).collect(),
            death: one_in(rng, 9).then(|| STEPS[rng.usize(..STEPS.len())]),
            acquire: call(rng),
            commit: call(rng),
            mark_again: call(rng),
            call_there: rng.u64(1..60),
            disposal: disposal(rng),
            row_delay: rng.u64(1..ROW_LIMIT),
            object_end: one_in(rng, 8).then(|| object_end(rng)),
        }
    }
}

/// Returns true with a probability of one in `times`.
pub fn one_in(rng: &mut Rng, times: u32) -> bool {
    rng.u32(..times) == 0
}

/// The latency that the network seldom exceeds.
pub const LATENCY: Ms = 250;

/// The time until an object learns of a disposal, if nothing goes wrong.
pub const DISPOSAL: Ms = 1;

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

fn disposal(rng: &mut Rng) -> DisposalFate {
    match rng.u8(..100) {
        0..3 => DisposalFate::Never,
        3..10 => DisposalFate::After(rng.u64(SECOND..20 * SECOND)),
        // As after a SIGKILL of the Worker's process.
        10..20 => DisposalFate::After(8),
        _ => DisposalFate::After(DISPOSAL),
    }
}

fn object_end(rng: &mut Rng) -> (ObjectStep, ObjectEnd) {
    let step = OBJECT_STEPS[rng.usize(..OBJECT_STEPS.len())];
    (step, if rng.bool() { ObjectEnd::Trap } else { ObjectEnd::Restart })
}
