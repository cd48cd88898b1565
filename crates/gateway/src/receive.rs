//! The eight steps of one delivery, from request to answer.

use crate::answer::Answer;
use crate::body::{self, BodyBytes};
use crate::commit::{Delivery, Verdict, commit};
use crate::configuration::{Configuration, HEALTH_PATH};
use crate::dedupe::{Lookup, Marker};
use crate::failures::limit;
use crate::log::{Level, Outcome, Record, logged_type};
use crate::platform::Platform;
use crate::queue::EventQueue;
use crate::refusal::{Fault, Refusal, Rejection, TOO_MANY_FAILURES};
use crate::settings::{ReplayPolicy, Settings};
use cronozen_webhook::event::{Event, EventId};
use cronozen_webhook::message::{Message, StoredBody, Window};
use cronozen_webhook::signature::Signature;
use cronozen_webhook::time::Timestamp;

const WEBHOOK_METHOD: &str = "POST";
const HEALTH_METHODS: &str = "GET, HEAD";

/// A request whose body has not been read.
#[derive(Debug)]
pub struct Request<B> {
    /// The HTTP method, in upper case.
    pub method: String,
    /// The path, without the query. It is `None` if the request's URL cannot be parsed: a `Host` header may contain
    /// anything.
    pub path: Option<String>,
    /// The value of `Content-Length`.
    pub content_length: Option<String>,
    /// The value of the signature header. HTTP joins several values with commas.
    pub signature: Option<String>,
    /// The sender's address, for the log.
    pub address: Option<String>,
    /// Cloudflare's id of the request, for the log.
    pub ray: Option<String>,
    /// The body.
    pub body: B,
}

/// Serves one request: a delivery or a health check.
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
    let mut result = deliver(platform, request, configuration, &mut record).await;
    if let Err(Refusal::Rejection(Rejection::Signature(failure))) = result
        && let Ok((settings, bindings)) = &configuration.ready
    {
        let (address, budget) = (record.address.as_deref(), settings.budget(arrived));
        result = Err(limit(platform, bindings, address, budget, failure).await);
    }
    let finished = platform.now();
    record.finish(finished);
    let (level, answer) = match result {
        Ok((event_id, Verdict::New(lookup))) => {
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
        Ok((event_id, Verdict::Duplicate)) => {
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
    let suppressed = platform.suppressed();
    if record.code == Some(TOO_MANY_FAILURES) {
        suppressed.add();
    } else {
        platform.write(level, &record);
    }
    if let Some(line) = suppressed.line(finished) {
        platform.write(Level::Warn, &line);
    }
    answer
}

/// Runs the eight steps, and adds their results to `record`. The event that it returns is in the queue, so its delivery
/// is answered 2xx.
async fn deliver<P: Platform>(
    platform: &P,
    request: Request<P::Body>,
    configuration: &Configuration<P::Bindings>,
    record: &mut Record,
) -> Result<(EventId, Verdict), Refusal> {
    // 1. Route, then settings.
    let (settings, bindings) = route(&request.method, request.path.as_deref(), configuration)?;
    let budget = settings.budget(record.at);

    // 2. Parse the signature header before the body is read.
    let signature = Signature::parse(request.signature.as_deref().map(str::as_bytes))
        .map_err(Rejection::from)?;

    // 3. Read the body within its limits of size and time, and within the allowance for all bodies.
    let declared = request.content_length.as_deref().and_then(content_length);
    let limits = body::Limits { bytes: settings.max_body_bytes, time: budget.body_read_limit() };
    let holding = platform.allowance().begin();
    let (bytes, holding) = body::read(request.body, declared, limits, holding, platform).await?;
    record.bytes = Some(bytes.length());

    // 4, 5. Verify the signature, and read the envelope.
    let stores_bodies = platform.bodies(bindings).is_some();
    let event = verify(&bytes, signature, settings, stores_bodies, record)?;
    let PreparedEvent { event_id, marker, message, body } = event;
    let delivery = Delivery {
        event_id: event_id.clone(),
        marker,
        ignores_marker: settings.forgets(&event_id),
        message: platform.queue(bindings).hold(message),
        body: body.map(|body| (body, bytes)),
        holding,
    };

    // 6, 7. Acquire, send, mark.
    let verdict = commit(platform, bindings, delivery, budget).await.map_err(Fault::from)?;

    // 8. Answer.
    Ok((event_id, verdict))
}

fn route<'c, T>(
    method: &str,
    path: Option<&str>,
    configuration: &'c Configuration<T>,
) -> Result<(&'c Settings, &'c T), Refusal> {
    let path = path.ok_or(Rejection::UrlInvalid)?;
    let webhook =
        configuration.webhook_path.as_ref().map_err(|errors| Fault::Config(errors.clone()))?;
    if path != webhook {
        return Err(Rejection::NotFound.into());
    }
    if method != WEBHOOK_METHOD {
        return Err(Rejection::MethodNotAllowed { allow: WEBHOOK_METHOD }.into());
    }
    match &configuration.ready {
        Ok((settings, bindings)) => Ok((settings, bindings)),
        Err(errors) => Err(Fault::Config(errors.clone()).into()),
    }
}

fn health<T>(method: &str, configuration: &Configuration<T>) -> Answer {
    // Not a search in HEALTH_METHODS: the standard library's code for that is 0.8 KB of the Worker.
    if !matches!(method, "GET" | "HEAD") {
        return Answer::refused(&Rejection::MethodNotAllowed { allow: HEALTH_METHODS }.into());
    }
    match (&configuration.webhook_path, &configuration.ready) {
        (Ok(_), Ok((settings, _))) => Answer::healthy(settings, &configuration.hints),
        (path, ready) => {
            let path = path.as_ref().err().into_iter().flatten();
            let errors = path.chain(ready.as_ref().err().into_iter().flatten());
            Answer::unhealthy(errors.cloned().collect(), &configuration.hints)
        }
    }
}

/// Returns the declared length if it is a plain number. Any other value counts as no declaration. A number that is too
/// large for `usize` becomes `usize::MAX`, which no cap allows.
fn content_length(value: &str) -> Option<usize> {
    let is_plain = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| value.parse().unwrap_or(usize::MAX))
}

/// A verified event in its message, ready to be committed.
struct PreparedEvent {
    event_id: EventId,
    /// The marker that the event gets after it is in the queue.
    marker: Marker,
    message: Message,
    /// The name of the body, if the message only refers to it.
    body: Option<StoredBody>,
}

/// Runs steps 4 and 5. It is not async: the bytes must leave WebAssembly's memory before anything is awaited.
fn verify(
    bytes: &impl BodyBytes,
    signature: Signature,
    settings: &Settings,
    stores_bodies: bool,
    record: &mut Record,
) -> Result<PreparedEvent, Rejection> {
    bytes.with_bytes(|body| {
        // 4. Verify the signature. Nothing is parsed before this.
        let verified = settings.secrets.verify(body, signature)?;
        record.key = Some(verified.key());

        // 5. Read the envelope.
        let event = Event::read(verified)?;
        record.event_id = Some(event.id().clone());
        record.r#type = event.event_type().and_then(logged_type);
        prepare(&event, settings, stores_bodies, record.at)
    })
}

/// Puts an event into its message. A message that would be too large only refers to the body, if there is a store.
fn prepare(
    event: &Event<'_>,
    settings: &Settings,
    stores_bodies: bool,
    received_at: Timestamp,
) -> Result<PreparedEvent, Rejection> {
    let created = event.created();
    let window = settings.window(created, received_at);
    if window == Window::Outside && settings.replay == ReplayPolicy::Refuse {
        return Err(Rejection::EventTooOld);
    }
    let (message, body) = match Message::new(event, received_at, window) {
        Err(_) if stores_bodies => {
            let (message, body) = Message::with_stored_body(event, received_at, window)?;
            (message, Some(body))
        }
        message => (message?, None),
    };
    let marker = Marker { ttl: settings.marker_ttl(created, received_at), received_at };
    Ok(PreparedEvent { event_id: event.id().clone(), marker, message, body })
}
