//! A model of the queue, as the gateway and the consumers use it.

use std::collections::BTreeSet;
use std::future::pending;

use cronozen_gateway::queue::EventQueue;
use cronozen_gateway::runtime::PlatformError;
use cronozen_webhook::message::{Dedupe, Message};
use fastrand::Rng;
use tokio::sync::oneshot;
use tokio::task::spawn_local;

use crate::clock::{Ms, SECOND, pass};
use crate::delivery::Delivery;
use crate::fate::{ObjectStep, SendFate, Step};
use crate::faults::{Fault, Strikes};
use crate::history::{QueuedCopy, SendRecord};
use crate::plan::{Plan, outage_at};
use crate::signing::sign;

/// The time for which sends have been seen to hang before they failed.
const HUNG_THEN_FAILED: Ms = 57 * SECOND;

/// The time from which a send counts as slow.
const SLOW: Ms = 200;

/// The time from which a send counts as very slow: its Worker does not live until the acknowledgement.
const VERY_SLOW: Ms = 30 * SECOND;

/// The queue for one delivery.
pub struct SimQueue(pub Delivery);

impl Delivery {
    fn send_fate(&self) -> SendFate {
        if let Some(outage) = outage_at(&self.world.plan.queue_outages, self.world.clock.ms()) {
            self.strike(Fault::QueueOutage);
            return if outage.hangs { SendFate::HangsUnstored } else { SendFate::FailsBefore(50) };
        }
        let fault = match self.fate.send {
            SendFate::Works(ms) if ms >= VERY_SLOW => Some(Fault::SendVerySlow),
            SendFate::Works(ms) => (ms >= SLOW).then_some(Fault::SendSlow),
            SendFate::HangsUnstored => Some(Fault::SendHungUnstored),
            SendFate::HangsStored(_) => Some(Fault::SendHungStored),
            SendFate::HangsThenFails => Some(Fault::SendHungThenFailed),
            SendFate::FailsBefore(_) => Some(Fault::SendFailedBefore),
            SendFate::FailsAfter(_) => Some(Fault::SendFailedAfter),
        };
        if let Some(fault) = fault {
            self.strike(fault);
        }
        self.fate.send
    }

    /// Sends a message on the wire: the send continues after its isolate dies. Returns true if it is acknowledged.
    async fn deliver(self, text: String) -> bool {
        self.record("sent", |trail, at| {
            trail.sent = Some(SendRecord { at, stored: None, acknowledged: None, failed: None });
        });
        let (is_stored, duration, acknowledged) = match self.send_fate() {
            SendFate::Works(ms) => (true, ms, Some(true)),
            SendFate::FailsAfter(ms) => (true, ms, Some(false)),
            SendFate::FailsBefore(ms) => (false, ms, Some(false)),
            SendFate::HangsThenFails => (false, HUNG_THEN_FAILED, Some(false)),
            SendFate::HangsStored(ms) => (true, ms, None),
            SendFate::HangsUnstored => (false, 0, None),
        };
        pass(duration / 2).await;
        if is_stored {
            self.world.recorder.stored(self.number, text);
            self.object_step(ObjectStep::Stored);
            self.host.end_at(Step::Stored);
        }
        pass(duration - duration / 2).await;
        let Some(acknowledged) = acknowledged else { return pending().await };
        self.record("settled", |trail, now| {
            if let Some(sent) = &mut trail.sent {
                sent.acknowledged = acknowledged.then_some(now);
                sent.failed = (!acknowledged).then_some(now);
            }
        });
        acknowledged
    }
}

impl EventQueue for SimQueue {
    type HeldMessage = Message;

    fn hold(&self, message: Message) -> Message {
        message
    }

    fn send(
        &self,
        held: Message,
        dedupe: Dedupe,
    ) -> impl Future<Output = Result<(), PlatformError>> + 'static {
        let delivery = self.0.clone();
        async move {
            delivery.object_step(ObjectStep::BeforeSend);
            delivery.host.step(Step::BeforeSend).await;
            let _open = delivery.connections.open().await;
            let (responder, acknowledgement) = oneshot::channel();
            spawn_local(async move {
                let acknowledged = delivery.deliver(held.with_dedupe(dedupe)).await;
                // The receiver may be gone.
                let _ignored = responder.send(acknowledged);
            });
            match acknowledgement.await {
                Ok(true) => Ok(()),
                _ => Err(PlatformError::new("Queue send failed")),
            }
        }
    }
}

/// Delivers every message to a consumer, one to three times and out of order. Returns what is wrong with the
/// messages, each fault with the delivery that sent the message.
pub fn consume(copies: &[QueuedCopy], plan: &Plan, strikes: &mut Strikes) -> Vec<(usize, String)> {
    let mut rng = Rng::with_seed(plan.seed);
    let mut order: Vec<usize> = (0..copies.len()).collect();
    for copy in 0..copies.len() {
        for _ in 0..rng.usize(..3) {
            order.push(copy);
            strikes.strike(Fault::ConsumedAgain);
        }
    }
    rng.shuffle(&mut order);
    if !order.is_sorted() {
        strikes.strike(Fault::ConsumedOutOfOrder);
    }
    let (mut handled, mut seen, mut wrong) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for copy in order {
        if !seen.insert(copy) {
            continue;
        }
        let QueuedCopy { delivery, text, .. } = &copies[copy];
        match check_message(text, plan) {
            Ok(event_id) => _ = handled.insert(event_id),
            Err(reason) => wrong.push((*delivery, reason)),
        }
    }
    let queued: BTreeSet<&str> = copies.iter().filter_map(|copy| embedded_id(&copy.text)).collect();
    if wrong.is_empty() && queued.len() != handled.len() {
        wrong.push((0, format!("{} events were handled, of {}", handled.len(), queued.len())));
    }
    wrong
}

/// Returns the event's id if the message has a body of the sender, the id of its event and a signature that verifies.
fn check_message(text: &str, plan: &Plan) -> Result<String, String> {
    let message: serde_json::Value =
        serde_json::from_str(text).map_err(|error| format!("a message is not JSON: {error}"))?;
    let (_, event) = text.split_once(",\"event\":").ok_or("a message has no event")?;
    let body = event.strip_suffix('}').ok_or("a message has no end")?;
    let event =
        plan.events.iter().find(|event| event.bodies.iter().any(|sent| sent == body.as_bytes()));
    let event = event.ok_or_else(|| format!("a body that was never signed is queued: {body}"))?;
    if message["eventId"] != event.id {
        return Err(format!("the message of {} says eventId {}", event.id, message["eventId"]));
    }
    let signature = message["signature"].as_str().unwrap_or_default();
    let verifies = |secret: &String| sign(body.as_bytes(), secret) == signature;
    if !plan.secrets.iter().any(verifies) {
        return Err(format!("the signature of {} does not verify", event.id));
    }
    Ok(event.id.clone())
}

fn embedded_id(text: &str) -> Option<&str> {
    text.split_once("\"eventId\":\"")?.1.split('"').next()
}
