//! One delivery, one direction: the eight steps from request to answer.

use core::pin::pin;

use futures_util::future::{Either, select};

use crate::allowance::{Holding, MAX_EXEMPT_BYTES};
use crate::answer::Answer;
use crate::commit::{Committed, Delivery, commit};
use crate::dedupe::Lookup;
use crate::error::{BodyTooLarge, Fault, Refusal, Rejection, Unavailable};
use crate::event::{Event, EventId};
use crate::log::{Level, Outcome, Record};
use crate::message::{Message, StoredBody};
use crate::platform::{Body, EventQueue, HeldBody, Platform};
use crate::settings::{Configuration, HEALTH_PATH, ReplayPolicy, Settings, Window};
use crate::signature::Signature;
use crate::time::Timestamp;

const WEBHOOK_METHOD: &str = "POST";
const HEALTH_METHODS: &str = "GET, HEAD";

/// A request, its body not read yet.
#[derive(Debug)]
pub struct Request<B> {
    /// The HTTP method, in upper case.
    pub method: String,
    /// The path, without the query. There is none if the request has no URL that can be parsed: a `Host` header may
    /// hold anything.
    pub path: Option<String>,
    /// The value of `Content-Length`.
    pub content_length: Option<String>,
    /// The value of the signature header; several are joined with commas by HTTP's rules.
    pub signature: Option<String>,
    /// The sender's address, for the log.
    pub address: Option<String>,
    /// Cloudflare's id of the request, for the log.
    pub ray: Option<String>,
    /// The body.
    pub body: B,
}

/// Serves one request: a delivery, or the question whether the gateway is set up.
pub async fn receive<P: Platform>(
    platform: &P,
    request: Request<P::Body>,
    configuration: &Configuration<P::Bindings>,
) -> Answer {
    if request.path.as_deref() == Some(HEALTH_PATH) {
        return health(&request.method, configuration);
    }
    let arrived = platform.now();
    let mut record = Record::new(arrived);
    record.address.clone_from(&request.address);
    record.ray.clone_from(&request.ray);
    let result = deliver(platform, request, configuration, &mut record).await;
    record.ended(platform.now());
    let (level, answer) = match result {
        Ok(Acknowledged { event_id, committed: Committed::New(lookup) }) => {
            record.outcome = Outcome::Accepted;
            record.code = Some("accepted");
            record.dedupe = Some(lookup.dedupe());
            let answer = Answer::accepted(&event_id);
            match lookup {
                Lookup::Missed => (Level::Info, answer),
                Lookup::Doubtful(error) => {
                    record.reason = Some(error.to_string());
                    (Level::Warn, answer)
                }
            }
        }
        Ok(Acknowledged { event_id, committed: Committed::Duplicate }) => {
            record.outcome = Outcome::Duplicate;
            record.code = Some("duplicate");
            (Level::Info, Answer::duplicate(&event_id))
        }
        Err(refusal) => {
            record.outcome = refusal.outcome();
            record.code = Some(refusal.code());
            record.reason = Some(refusal.to_string());
            (refusal.level(), Answer::refused(&refusal))
        }
    };
    platform.write(level, &record);
    answer
}

/// An event that is in the queue, so that its delivery is answered 2xx.
struct Acknowledged {
    event_id: EventId,
    committed: Committed,
}

/// Takes the eight steps, and adds what it learns to `record`.
async fn deliver<P: Platform>(
    platform: &P,
    request: Request<P::Body>,
    configuration: &Configuration<P::Bindings>,
    record: &mut Record,
) -> Result<Acknowledged, Refusal> {
    // 1. Route, then settings.
    let (settings, bindings) = route(&request.method, request.path.as_deref(), configuration)?;
    let budget = settings.budget(record.at);

    // 2. Parse the signature header, before a byte of the body is read.
    let signature = Signature::parse(request.signature.as_deref().map(str::as_bytes))
        .map_err(Rejection::from)?;

    // 3. Read the body: capped, in its time, and within the allowance for all bodies.
    let declared = request.content_length.as_deref().and_then(content_length);
    let holding = platform.allowance().begin();
    let read = pin!(read_body(request.body, declared, settings.max_body_bytes, holding));
    let (held, holding) = match select(read, pin!(platform.sleep(budget.body_limit()))).await {
        Either::Left((read, _)) => read?,
        Either::Right(_) => return Err(Rejection::BodyTimeout.into()),
    };
    record.bytes = Some(held.length());

    // 4, 5. Verify the signature, and read the envelope.
    let stores_bodies = platform.bodies(bindings).is_some();
    let (message, body) = verified_message(&held, signature, settings, stores_bodies, record)?;
    let event_id = message.event_id().clone();
    let delivery = Delivery {
        event_id: event_id.clone(),
        marker: message.marker(),
        ignores_marker: message.ignores_marker(),
        message: platform.queue(bindings).hold(message.into_text()),
        body: body.map(|body| (body, held)),
        holding,
    };

    // 6, 7. Acquire, send, mark.
    let committed = commit(platform, bindings, delivery, budget).await.map_err(Fault::from)?;

    // 8. Answer.
    Ok(Acknowledged { event_id, committed })
}

fn route<'c, T>(
    method: &str,
    path: Option<&str>,
    configuration: &'c Configuration<T>,
) -> Result<(&'c Settings, &'c T), Refusal> {
    let path = path.ok_or(Rejection::UrlInvalid)?;
    let webhook =
        configuration.webhook_path.as_ref().map_err(|wrong| Fault::Misconfigured(wrong.clone()))?;
    if path != webhook {
        return Err(Rejection::NotFound.into());
    }
    if method != WEBHOOK_METHOD {
        return Err(Rejection::MethodNotAllowed { allow: WEBHOOK_METHOD }.into());
    }
    match &configuration.ready {
        Ok((settings, bindings)) => Ok((settings, bindings)),
        Err(wrong) => Err(Fault::Misconfigured(wrong.clone()).into()),
    }
}

fn health<T>(method: &str, configuration: &Configuration<T>) -> Answer {
    if !HEALTH_METHODS.split(", ").any(|allowed| allowed == method) {
        return Answer::refused(&Rejection::MethodNotAllowed { allow: HEALTH_METHODS }.into());
    }
    match (&configuration.webhook_path, &configuration.ready) {
        (Ok(_), Ok((settings, _))) => Answer::healthy(settings),
        (path, ready) => {
            let path = path.as_ref().err().into_iter().flatten();
            let wrong = path.chain(ready.as_ref().err().into_iter().flatten());
            Answer::unhealthy(wrong.cloned().collect())
        }
    }
}

/// The declared length, if it is a plain number; anything else is no declaration. A number beyond
/// `usize` stands for one that no cap allows.
fn content_length(value: &str) -> Option<usize> {
    let plain = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| value.parse().unwrap_or(usize::MAX))
}

/// Reads a body. One that declares a small length is read whole, which is cheaper. Others are read as streams, so that
/// no more than the cap is ever held, and counted as they arrive: a declared length counts nothing, because a sender
/// could declare much and send little.
async fn read_body<B: Body>(
    mut body: B,
    declared: Option<usize>,
    limit: usize,
    mut holding: Holding,
) -> Result<(B::Held, Holding), Refusal> {
    let too_large = Rejection::from(BodyTooLarge { limit });
    if declared.is_some_and(|declared| declared > limit) {
        return Err(too_large.into());
    }
    if declared.is_some_and(|declared| declared <= MAX_EXEMPT_BYTES) {
        let held = body.whole().await.map_err(Rejection::BodyBroken)?;
        return if held.length() > limit { Err(too_large.into()) } else { Ok((held, holding)) };
    }
    let mut held = B::Held::default();
    while let Some(chunk) = body.chunk().await.map_err(Rejection::BodyBroken)? {
        if held.length() + chunk.length() > limit {
            return Err(too_large.into());
        }
        holding.add(chunk.length()).map_err(|error| Fault::from(Unavailable::from(error)))?;
        held.append(chunk);
    }
    Ok((held, holding))
}

/// Takes steps 4 and 5 in one stretch: the bytes have left WebAssembly's memory again before anything is awaited.
/// The result is the message and, if it only refers to its body, the name of that.
fn verified_message(
    held: &impl HeldBody,
    signature: Signature,
    settings: &Settings,
    stores_bodies: bool,
    record: &mut Record,
) -> Result<(Message, Option<StoredBody>), Rejection> {
    held.with_bytes(|body| {
        // 4. Verify the signature. Nothing is parsed before this.
        let verified = settings.secrets.verify(body, signature)?;
        record.key = Some(verified.key());

        // 5. Read the envelope.
        let event = Event::read(verified)?;
        record.event_id = Some(event.id().clone());
        record.r#type = event.logged_type();
        message(&event, settings, stores_bodies, record.at)
    })
}

/// Returns the event's message, which only refers to its body if that does not fit and there is a store for it.
fn message(
    event: &Event<'_>,
    settings: &Settings,
    stores_bodies: bool,
    received_at: Timestamp,
) -> Result<(Message, Option<StoredBody>), Rejection> {
    let created = event.created();
    let window = settings.window(created, received_at);
    if window == Window::Outside && settings.replay == ReplayPolicy::Refuse {
        return Err(Rejection::EventTooOld);
    }
    let ttl = settings.marker_ttl(created, received_at);
    let (message, body) = match Message::new(event, received_at, window, ttl) {
        Err(_) if stores_bodies => {
            let (message, body) = Message::with_stored_body(event, received_at, window, ttl)?;
            (message, Some(body))
        }
        message => (message?, None),
    };
    Ok((message.ignoring_marker(settings.forgets(event.id())), body))
}
