//! The sender, with its schedule and its time-out, and the network between it and the gateway.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::spawn_local;
use tokio::time::timeout;

use crate::clock::{Ms, SECOND, pass};
use crate::faults::Fault;
use crate::history::{Kind, Trail};
use crate::location::{Payload, arrive};
use crate::plan::{Attempt, DELAYS, Trip};
use crate::signing::sign;
use crate::world::World;

/// The time after which the sender counts an attempt as failed.
const SENDER_TIMEOUT: Ms = 5 * SECOND;

/// Delivers an event on the sender's schedule, until an attempt succeeds. After the last failure, retries it by hand if
/// that is planned.
pub async fn send(world: Rc<World>, event: usize) {
    let plan = Rc::clone(&world.plan);
    let planned = &plan.events[event];
    world.clock.until(planned.created).await;
    let first_secret = plan.signs_with(planned.created);
    let current_secret =
        || if plan.signs_again { plan.signs_with(world.clock.ms()) } else { first_secret };
    for (number, (delay, attempt)) in DELAYS.iter().zip(&planned.attempts).enumerate() {
        pass(*delay).await;
        let secret = current_secret();
        if number > 0 && attempt.form != planned.attempts[0].form {
            world.recorder.strike(Fault::BodyChanged);
        }
        for (later, twin) in &attempt.twins {
            let (world, twin, later) = (Rc::clone(&world), twin.clone(), *later);
            let form = attempt.form;
            world.recorder.strike(Fault::SentTwice);
            spawn_local(async move {
                pass(later).await;
                let attempt = Attempt { trip: twin, form, twins: Vec::new() };
                deliver(&world, event, Kind::Twin(number), &attempt, secret).await
            });
        }
        if deliver(&world, event, Kind::Attempt(number), attempt, secret).await {
            return;
        }
    }
    if let Some(after) = planned.by_hand {
        pass(after).await;
        world.recorder.strike(Fault::ByHand);
        let secret = current_secret();
        let attempt = &planned.attempts[DELAYS.len()];
        deliver(&world, event, Kind::ByHand, attempt, secret).await;
    }
}

/// Makes one signed delivery. Returns true if it succeeds.
async fn deliver(
    world: &Rc<World>,
    event: usize,
    kind: Kind,
    attempt: &Attempt,
    secret: usize,
) -> bool {
    let plan = &world.plan;
    let body = plan.events[event].bodies[attempt.form].clone();
    let signature = Some(sign(&body, &plan.secrets[secret]));
    let payload = Payload { body, signature };
    let status = request(world, kind, event, Some(secret), &attempt.trip, payload).await;
    status.is_some_and(|status| (200..300).contains(&status))
}

/// Makes a request, and returns the status of its answer. Returns `None` if the request or the answer is lost, if the
/// answer is late, or if the connection is reset.
pub async fn request(
    world: &Rc<World>,
    kind: Kind,
    event: usize,
    secret: Option<usize>,
    trip: &Trip,
    payload: Payload,
) -> Option<u16> {
    let Trip { location, fate } = trip.clone();
    let trail = Trail::new(kind, event, secret, location, Rc::clone(&fate));
    let delivery = world.recorder.open(trail);
    if fate.request_lost {
        world.recorder.strike(Fault::RequestLost);
        pass(SENDER_TIMEOUT).await;
        return None;
    }
    let (reply, answer) = oneshot::channel();
    let (latency, request_fate) = (fate.to_gateway, Rc::clone(&fate));
    let request_world = Rc::clone(world);
    // The request is on the wire: it arrives even if the sender has stopped waiting.
    spawn_local(async move {
        pass(latency).await;
        arrive(&request_world, delivery, location, &request_fate, payload, reply);
    });
    let answer = async {
        let Ok(status) = answer.await else {
            world.recorder.strike(Fault::Reset);
            return None;
        };
        if fate.answer_lost {
            world.recorder.strike(Fault::AnswerLost);
            pass(SENDER_TIMEOUT).await;
        }
        pass(fate.to_sender).await;
        Some(status)
    };
    let Ok(status) = timeout(Duration::from_millis(SENDER_TIMEOUT), answer).await else {
        if !fate.answer_lost {
            world.recorder.strike(Fault::GaveUp);
        }
        return None;
    };
    status
}
