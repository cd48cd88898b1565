//! The sender, with its schedule and its patience; and the network between it and the gateway.

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

/// The sender takes an attempt for failed after this.
const PATIENCE: Ms = 5 * SECOND;

/// Delivers an event by its schedule, until an attempt succeeds.
pub async fn send(world: Rc<World>, event: usize) {
    let plan = Rc::clone(&world.plan);
    let planned = &plan.events[event];
    world.clock.until(planned.created).await;
    let first_secret = plan.signs_with(planned.created);
    let present_secret =
        || if plan.resigns { plan.signs_with(world.clock.ms()) } else { first_secret };
    for (number, (delay, attempt)) in DELAYS.iter().zip(&planned.attempts).enumerate() {
        pass(*delay).await;
        let secret = present_secret();
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
        let secret = present_secret();
        let attempt = &planned.attempts[DELAYS.len()];
        deliver(&world, event, Kind::ByHand, attempt, secret).await;
    }
}

/// One true delivery, and whether it succeeds.
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

/// Makes a request, and waits for its answer: none if it is lost or late.
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
        pass(PATIENCE).await;
        return None;
    }
    let (reply, answer) = oneshot::channel();
    let (there, arriving) = (fate.there, Rc::clone(&fate));
    let at_the_edge = Rc::clone(world);
    // On the wire: it arrives, whether the sender still waits or not.
    spawn_local(async move {
        pass(there).await;
        arrive(&at_the_edge, delivery, location, &arriving, payload, reply);
    });
    let answer = async {
        let Ok(status) = answer.await else {
            world.recorder.strike(Fault::Reset);
            return None;
        };
        if fate.answer_lost {
            world.recorder.strike(Fault::AnswerLost);
            pass(PATIENCE).await;
        }
        pass(fate.back).await;
        Some(status)
    };
    let Ok(status) = timeout(Duration::from_millis(PATIENCE), answer).await else {
        if !fate.answer_lost {
            world.recorder.strike(Fault::GaveUp);
        }
        return None;
    };
    status
}
