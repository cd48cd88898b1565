//! A location of the network, at which requests arrive and an isolate serves them.

use std::cell::RefCell;
use std::rc::Rc;

use cronozen_gateway::allowance::Allowance;
use cronozen_gateway::configuration::Configuration;
use cronozen_gateway::failures::SuppressedCount;
use cronozen_gateway::receive::{Request, receive};
use cronozen_gateway::settings::Value;
use tokio::sync::oneshot;

use crate::body::FakeBody;
use crate::connections::Connections;
use crate::delivery::{Delivery, SimPlatform};
use crate::fate::{BodyFate, Fate, Step};
use crate::faults::Fault;
use crate::host::{BackgroundWork, Host};
use crate::life::Life;
use crate::plan::{Mode, Plan, TTL};
use crate::world::World;

/// The path of the gateway without a setting for it.
const PATH: &str = "/webhooks/cronozen";

/// The isolate of one location. It serves requests until it dies or a deployment replaces it.
#[derive(Clone)]
struct Isolate {
    life: Rc<Life>,
    deployment: usize,
    configuration: Rc<Configuration<()>>,
    allowance: Allowance,
    suppressed: SuppressedCount,
}

/// A location, with its current isolate.
#[derive(Default)]
pub struct Location(RefCell<Option<Isolate>>);

impl Location {
    /// Returns the isolate that serves the next request. An isolate that a deployment has replaced finishes the requests
    /// that it has begun.
    fn isolate(&self, location: usize, world: &World) -> Isolate {
        let deployment = world.plan.deployment(location, world.clock.ms());
        let mut current = self.0.borrow_mut();
        let usable = current.take().filter(|isolate| {
            let alive = isolate.life.died().is_none();
            if alive && isolate.deployment != deployment {
                world.recorder.strike(Fault::Deployed);
            }
            alive && isolate.deployment == deployment
        });
        let isolate = usable.unwrap_or_else(|| Isolate {
            life: Life::new(world.clock),
            deployment,
            configuration: Rc::new(configuration(&world.plan, world.mode, deployment)),
            allowance: Allowance::default(),
            suppressed: SuppressedCount::default(),
        });
        *current = Some(isolate.clone());
        isolate
    }
}

fn configuration(plan: &Plan, mode: Mode, deployment: usize) -> Configuration<()> {
    let value = |name: &str| {
        let text = match name {
            "CRONOZEN_SIGNING_SECRET" => plan.deployed_secrets(deployment),
            "DEDUPE" if mode == Mode::Strict => "durable-object".to_owned(),
            "DEDUPE_TTL_SECONDS" => (TTL / 1000).to_string(),
            "REPLAY" if plan.refuses_old => "refuse".to_owned(),
            "DEADLINE_MS" => plan.deadline.to_string(),
            _ => return Value::Absent,
        };
        Value::Text(text.into())
    };
    Configuration::new(value, |_| Ok(()))
}

/// Returns the fault if a deployment lacks the secret that signs a delivery, or also has a newer one.
fn fault_of_secret(secret: Option<usize>, deployment: usize) -> Option<Fault> {
    match (secret?, deployment) {
        (1, 0) => Some(Fault::SecretUnknown),
        (0, 1) => Some(Fault::SecretOld),
        (0, 2) => Some(Fault::SecretDropped),
        _ => None,
    }
}

fn fault_of_death(step: Step) -> Fault {
    match step {
        Step::BeforeAcquire => Fault::DiedBeforeAcquire,
        Step::AfterAcquire => Fault::DiedAfterAcquire,
        Step::BeforeSend => Fault::DiedBeforeSend,
        Step::Stored => Fault::DiedStored,
        Step::Acknowledged => Fault::DiedAcknowledged,
        Step::Marking => Fault::DiedMarking,
        Step::BeforeAnswer => Fault::DiedBeforeAnswer,
    }
}

/// The parts of a request that its sender determines.
pub struct Payload {
    pub body: Vec<u8>,
    pub signature: Option<String>,
}

/// Serves a request that arrives at its location, and sends the status of the answer to `reply`.
pub fn arrive(
    world: &Rc<World>,
    delivery: usize,
    location: usize,
    fate: &Rc<Fate>,
    payload: Payload,
    reply: oneshot::Sender<u16>,
) {
    let Isolate { life, configuration, allowance, suppressed, .. } =
        world.locations[location].isolate(location, world);
    let mut secret = None;
    world.recorder.record(delivery, "arrived", |trail, now| {
        trail.arrived = Some(now);
        trail.isolate = Some(Rc::clone(&life));
        secret = trail.secret;
    });
    let deployment = world.plan.deployment(location, world.clock.ms());
    if let Some(fault) = fault_of_secret(secret, deployment) {
        world.recorder.strike(fault);
    }
    let host = Host {
        life: Rc::clone(&life),
        recorder: world.recorder.clone(),
        fatal: fate.death,
        fault: fault_of_death,
    };
    let delivery = Delivery {
        world: Rc::clone(world),
        host,
        number: delivery,
        location,
        fate: Rc::clone(fate),
        connections: Connections::default(),
    };
    let platform =
        SimPlatform { delivery, background: BackgroundWork::new(&life), allowance, suppressed };
    life.spawn(async move {
        let SimPlatform { delivery, background, .. } = &platform;
        let request = request(payload, &delivery.fate.body, &delivery.world);
        let answer = receive(&platform, request, &configuration).await;
        delivery.host.step(Step::BeforeAnswer).await;
        delivery.record("answered", |trail, now| {
            trail.answered = Some((now, answer.status));
        });
        // The sender may have hung up.
        let _ignored = reply.send(answer.status);
        background.cut_off(&delivery.world.recorder, delivery.number).await;
    });
}

fn request(payload: Payload, fate: &BodyFate, world: &World) -> Request<FakeBody> {
    let Payload { body, signature } = payload;
    let half = body.len() / 2;
    let mut pieces = Vec::new();
    let length = body.len().to_string();
    let (declared, ends) = match fate {
        BodyFate::Whole(ms) => {
            pieces.push((*ms, Ok(body)));
            (true, true)
        }
        BodyFate::Streamed(gaps) => {
            world.recorder.strike(Fault::BodyStreamed);
            let size = body.len().div_ceil(gaps.len()).max(1);
            let mut chunks = body.chunks(size);
            for gap in gaps {
                pieces.push((*gap, Ok(chunks.next().unwrap_or_default().to_vec())));
            }
            (false, true)
        }
        BodyFate::Stalled { declared } => {
            world.recorder.strike(Fault::BodyStalled);
            pieces.push((10, Ok(body[..half].to_vec())));
            (*declared, false)
        }
        BodyFate::Broken => {
            world.recorder.strike(Fault::BodyBroken);
            pieces.push((10, Ok(body[..half].to_vec())));
            pieces.push((10, Err("Network connection lost.")));
            (false, true)
        }
    };
    Request {
        method: "POST".to_owned(),
        path: Some(PATH.to_owned()),
        content_length: declared.then_some(length),
        signature,
        address: None,
        ray: None,
        body: FakeBody { pieces, ends, ..FakeBody::default() },
    }
}
