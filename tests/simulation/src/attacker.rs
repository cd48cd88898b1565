//! The attackers. They try to get forged events into the queue, or the sender's events a second time.

use std::rc::Rc;

use crate::faults::Fault;
use crate::history::Kind;
use crate::location::Payload;
use crate::plan::{Attack, AttackKind, Forgery, Plan};
use crate::sender::request;
use crate::signing::sign;
use crate::world::World;

/// Bodies that are JSON, but not events.
const NO_EVENTS: [&[u8]; 3] = [b"{}", b"[1]", b"{\"eventId\":7}"];

/// Bodies that are not JSON.
const GARBAGE: [&[u8]; 3] = [b"\xff{ no JSON", b"", b"{\"eventId\":"];

/// A secret that neither the sender nor the gateway has.
const WRONG_SECRET: &str = "whsec_guessed";

/// Carries out one attack.
pub async fn attack(world: Rc<World>, number: usize) {
    let plan = Rc::clone(&world.plan);
    let attack = &plan.attacks[number];
    world.clock.until(attack.at).await;
    world.recorder.strike(fault(attack.kind));
    let (payload, secret) = payload(attack, &plan);
    request(&world, Kind::from(attack), attack.event, secret, &attack.trip, payload).await;
}

fn fault(kind: AttackKind) -> Fault {
    match kind {
        AttackKind::SignedNoEvent => Fault::SignedNoEvent,
        AttackKind::Replayed => Fault::Replayed,
        AttackKind::ReplayedAtOnce => Fault::ReplayedAtOnce,
        AttackKind::ReplayedLate => Fault::ReplayedLate,
        AttackKind::Forged(forgery) => match forgery {
            Forgery::WrongSecret => Fault::ForgedWrongSecret,
            Forgery::OtherSignature => Fault::ForgedOtherSignature,
            Forgery::Tampered => Fault::ForgedTampered,
            Forgery::Missing => Fault::ForgedMissing,
            Forgery::Malformed => Fault::ForgedMalformed,
            Forgery::Garbage => Fault::ForgedGarbage,
            Forgery::NoEvent => Fault::ForgedNoEvent,
        },
    }
}

/// Returns the payload of an attack, and the number of the secret that signs it. Returns no secret for a forgery.
fn payload(attack: &Attack, plan: &Plan) -> (Payload, Option<usize>) {
    if attack.kind == AttackKind::SignedNoEvent {
        let secret = plan.signs_with(attack.at);
        let body = NO_EVENTS[attack.event % NO_EVENTS.len()].to_vec();
        let signature = Some(sign(&body, &plan.secrets[secret]));
        return (Payload { body, signature }, Some(secret));
    }
    // The payload of the event's first attempt.
    let event = &plan.events[attack.event];
    let body = event.bodies[event.attempts[0].form].clone();
    let secret = plan.signs_with(event.created);
    let signature = sign(&body, &plan.secrets[secret]);
    let AttackKind::Forged(forgery) = attack.kind else {
        return (Payload { body, signature: Some(signature) }, Some(secret));
    };
    let other = &plan.events[(attack.event + 1) % plan.events.len()].bodies[0];
    let payload = match forgery {
        Forgery::WrongSecret => Payload { signature: Some(sign(&body, WRONG_SECRET)), body },
        Forgery::OtherSignature => Payload { body: other.clone(), signature: Some(signature) },
        Forgery::Tampered => {
            let text = String::from_utf8(body).expect("the sender's bodies are text");
            let body = text.replace("evt_", "evt-").into_bytes();
            Payload { body, signature: Some(signature) }
        }
        Forgery::Missing => Payload { body, signature: None },
        Forgery::Malformed => {
            let malformed = match attack.at % 4 {
                0 => signature.to_uppercase(),
                1 => format!("sha256={signature}"),
                2 => format!("{signature},{signature}"),
                _ => signature.chars().skip(1).collect(),
            };
            Payload { body, signature: Some(malformed) }
        }
        Forgery::Garbage => {
            let body = GARBAGE[attack.event % GARBAGE.len()].to_vec();
            Payload { signature: Some(sign(&body, WRONG_SECRET)), body }
        }
        Forgery::NoEvent => {
            let body = NO_EVENTS[attack.event % NO_EVENTS.len()].to_vec();
            Payload { signature: Some(sign(&body, WRONG_SECRET)), body }
        }
    };
    (payload, None)
}
