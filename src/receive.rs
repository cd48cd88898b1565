//! One delivery, one direction: the eight steps from request to answer.

use core::pin::pin;

use futures_util::future::{Either, select};

use crate::answer::Answer;
use crate::bodies::{BodyStore, store};
use crate::commit::{Commit, Committed, Lookup};
use crate::error::{BodyTooLarge, Fault, Refusal, Rejection};
use crate::event::{Event, EventId};
use crate::log::{Level, Log, Outcome, Record};
use crate::message::{Message, StoredBody};
use crate::platform::{Body, Clock, HeldBody};
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
    /// The path, without the query.
    pub path: String,
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
///
/// Of the bindings, `body_store` gives the store for bodies that do not fit a message, if there is one, and
/// `commit` makes the commit protocol of this request.
pub async fn receive<'c, T, B, S, C>(
    request: Request<B>,
    configuration: &'c Configuration<T>,
    body_store: impl FnOnce(&'c T) -> Option<&'c S>,
    commit: impl FnOnce(&'c T) -> C,
    clock: &impl Clock,
    log: &impl Log,
) -> Answer
where
    B: Body,
    S: BodyStore<B::Held> + 'c,
    C: Commit,
{
    if request.path == HEALTH_PATH {
        return health(&request.method, configuration);
    }
    let arrived = clock.now();
    let mut record = Record::new(arrived);
    record.address.clone_from(&request.address);
    record.ray.clone_from(&request.ray);
    let result = deliver(request, configuration, body_store, commit, clock, &mut record).await;
    record.ended(clock.now());
    let (level, answer) = match result {
        Ok(Acknowledged::Accepted(event_id, lookup)) => {
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
        Ok(Acknowledged::Duplicate(event_id)) => {
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
    log.write(level, &record);
    answer
}

/// The outcomes that are answered 2xx.
enum Acknowledged {
    Accepted(EventId, Lookup),
    Duplicate(EventId),
}

/// The eight steps. What is learnt on the way goes into `record`.
async fn deliver<'c, T, B, S, C>(
    request: Request<B>,
    configuration: &'c Configuration<T>,
    body_store: impl FnOnce(&'c T) -> Option<&'c S>,
    commit: impl FnOnce(&'c T) -> C,
    clock: &impl Clock,
    record: &mut Record,
) -> Result<Acknowledged, Refusal>
where
    B: Body,
    S: BodyStore<B::Held> + 'c,
    C: Commit,
{
    // 1. Route, then settings.
    let (settings, bindings) = route(&request.method, &request.path, configuration)?;
    let budget = settings.budget(record.at);

    // 2. Read the body, capped, in its time.
    let signature = request.signature;
    let declared = request.content_length.as_deref().and_then(content_length);
    let read = pin!(read_body(request.body, declared, settings.max_body_bytes));
    let held = match select(read, pin!(clock.sleep(budget.body_limit()))).await {
        Either::Left((held, _)) => held?,
        Either::Right(_) => return Err(Rejection::BodyTimeout.into()),
    };
    record.bytes = Some(held.length());

    // 3, 4. Verify the signature, and read the envelope.
    let bodies = body_store(bindings);
    let (message, elsewhere) =
        verified_message(&held, signature.as_deref(), settings, bodies, record)?;
    let event_id = message.event_id().clone();

    // A body that the message only refers to is there before the message is.
    match elsewhere {
        Some((bodies, body)) => {
            store(bodies, &body, held, budget, clock).await.map_err(Fault::from)?;
        }
        None => drop(held),
    }

    // 5, 6, 7. Look up, send, mark.
    let committed = commit(bindings).commit(message, budget).await;

    // 8. Answer.
    match committed {
        Committed::New(lookup) => Ok(Acknowledged::Accepted(event_id, lookup)),
        Committed::Duplicate => Ok(Acknowledged::Duplicate(event_id)),
        Committed::Unavailable(reason) => Err(Fault::from(reason).into()),
    }
}

fn route<'c, T>(
    method: &str,
    path: &str,
    configuration: &'c Configuration<T>,
) -> Result<(&'c Settings, &'c T), Refusal> {
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

/// A body that declares a length within the cap is read whole, which is cheaper; without a declared
/// length it is read as a stream, so that no more than the cap is ever held.
async fn read_body<B: Body>(
    mut body: B,
    declared: Option<usize>,
    limit: usize,
) -> Result<B::Held, Rejection> {
    let too_large = Rejection::from(BodyTooLarge { limit });
    if let Some(declared) = declared {
        if declared > limit {
            return Err(too_large);
        }
        let held = body.whole().await.map_err(Rejection::BodyBroken)?;
        return if held.length() > limit { Err(too_large) } else { Ok(held) };
    }
    let mut held = B::Held::default();
    while let Some(chunk) = body.chunk().await.map_err(Rejection::BodyBroken)? {
        if held.length() + chunk.length() > limit {
            return Err(too_large);
        }
        held.append(chunk);
    }
    Ok(held)
}

/// A message and, if it only refers to its body, that which is to be stored and where.
type Prepared<'c, S> = (Message, Option<(&'c S, StoredBody)>);

/// Steps 3 and 4, in one stretch: the bytes are gone again before anything is awaited.
fn verified_message<'c, S>(
    held: &impl HeldBody,
    signature: Option<&str>,
    settings: &Settings,
    bodies: Option<&'c S>,
    record: &mut Record,
) -> Result<Prepared<'c, S>, Rejection> {
    // 3. Verify the signature. Nothing is parsed before this.
    let signature = Signature::parse(signature.map(str::as_bytes))?;
    held.with_bytes(|body| {
        let verified = settings.secrets.verify(body, signature)?;
        record.key = Some(verified.key());

        // 4. Read the envelope.
        let event = Event::read(verified)?;
        record.event_id = Some(event.id().clone());
        record.r#type = event.logged_type();
        message(&event, settings, bodies, record.at)
    })
}

/// The event's message, which only refers to its body if that does not fit and there is a store for it.
fn message<'c, S>(
    event: &Event<'_>,
    settings: &Settings,
    bodies: Option<&'c S>,
    received_at: Timestamp,
) -> Result<Prepared<'c, S>, Rejection> {
    let created = event.created();
    let window = settings.window(created, received_at);
    if window == Window::Outside && settings.replay == ReplayPolicy::Refuse {
        return Err(Rejection::EventTooOld);
    }
    let ttl = settings.marker_ttl(created, received_at);
    let (message, elsewhere) = match (Message::new(event, received_at, window, ttl), bodies) {
        (Err(_), Some(bodies)) => {
            let (message, body) = Message::with_stored_body(event, received_at, window, ttl)?;
            (message, Some((bodies, body)))
        }
        (message, _) => (message?, None),
    };
    Ok((message.ignoring_marker(settings.forgets(event.id())), elsewhere))
}
