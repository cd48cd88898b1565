//! A consumer of the gateway's queue in Rust: verifies each event again, and stores it in a D1 database. The queue
//! delivers a message at least once, so an event is claimed by its id: one that has a claim is not handled again.
//!
//! The claim is the event's row in the ledger, the table `cronozen_events`. The npm package's consumer writes the same
//! table, so the package's console can show the events of this one. The console does not show the dead letters: they
//! are in a table of this consumer's own.
//!
//! Deploy it in the place of the starter's consumer (the starter with two Workers), from this project's root, with the
//! gateway's secret:
//!
//! ```sh
//! npx wrangler secret put CRONOZEN_SIGNING_SECRET --config examples/consumer-rust/wrangler.toml
//! npx wrangler deploy --config examples/consumer-rust/wrangler.toml
//! npx wrangler d1 migrations apply cronozen-events-rust --remote --config examples/consumer-rust/wrangler.toml
//! ```
//!
//! Until the last command has run, messages fail and are retried later. If the gateway stores large bodies, bind its
//! bucket as `BODIES` here, too.

use core::iter;
use core::pin::pin;

use cronozen_webhook::event::{Event, JsonString};
use cronozen_webhook::message::queued::{QueuedBody, QueuedError, QueuedMessage};
use cronozen_webhook::signature::{Secrets, SecretsError};
use futures_util::future::{Either, select};
use js_sys::{Array, Date, Error, Function, JSON, Object, Promise, Reflect, Uint8Array};
use serde_json::json;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// The delay of the first retry. It doubles with each further retry.
const FIRST_DELAY_SECONDS: u32 = 30;

/// The longest delay that Cloudflare Queues allows: 12 hours.
const MAX_DELAY_SECONDS: u32 = 43_200;

/// The longest message of a platform error in the log.
const MAX_ERROR_CHARACTERS: usize = 200;

/// The longest type or `createdAt` in the ledger. A sender may make them as long as it likes.
const MAX_LEDGER_CHARACTERS: usize = 256;

/// The time after which a message that is not handled is retried. The rest of its batch waits for it until then.
const TIMEOUT_MS: u32 = 30_000;

/// Stores a dead letter. The queue may deliver it twice.
const KEEP_DEAD_LETTER: &str =
    "INSERT INTO dead_letters (message_id, body) VALUES (?, ?) ON CONFLICT (message_id) DO NOTHING";

/// Finds the claim of an event.
const IS_CLAIMED: &str = "SELECT 1 FROM cronozen_events WHERE event_id = ?";

/// Claims an event. It fails if the event has been claimed, and the whole batch with it. Never an upsert: that could
/// apply the effect twice. `INSERT OR IGNORE` could, too.
const CLAIM: &str = "INSERT INTO cronozen_events \
    (event_id, type, created_at, received_at, attempts, body_key, handled_at, outcome) \
    VALUES (?, ?, ?, ?, ?, ?, ?, 'handled')";

/// Stores an event: the effect of this consumer.
const STORE_EVENT: &str = "INSERT INTO events (event_id, type, event) VALUES (?, ?, ?)";

#[wasm_bindgen]
extern "C" {
    /// A message from the queue.
    #[derive(Debug)]
    pub type Message;
    #[wasm_bindgen(method, getter)]
    fn id(this: &Message) -> String;
    #[wasm_bindgen(method, getter)]
    fn body(this: &Message) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn attempts(this: &Message) -> u32;
    #[wasm_bindgen(method)]
    fn ack(this: &Message);
    #[wasm_bindgen(method)]
    fn retry(this: &Message, options: &Object);

    /// The Worker's bindings.
    #[derive(Debug)]
    pub type Env;
    #[wasm_bindgen(method, getter, js_name = CRONOZEN_SIGNING_SECRET)]
    fn secrets(this: &Env) -> Option<String>;
    #[wasm_bindgen(method, getter, js_name = CRONOZEN_SIGNING_SECRET_NEXT)]
    fn next_secrets(this: &Env) -> Option<String>;
    #[wasm_bindgen(method, getter, js_name = DB)]
    fn database(this: &Env) -> Database;
    #[wasm_bindgen(method, getter, js_name = BODIES)]
    fn bodies(this: &Env) -> Option<Bucket>;

    type Database;
    #[wasm_bindgen(method, catch)]
    fn prepare(this: &Database, query: &str) -> Result<Statement, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn batch(this: &Database, statements: &Array) -> Result<Promise, JsValue>;
    type Statement;
    #[wasm_bindgen(method, variadic, catch)]
    fn bind(this: &Statement, values: &Array) -> Result<Statement, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn run(this: &Statement) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn first(this: &Statement) -> Result<Promise, JsValue>;

    type Bucket;
    #[wasm_bindgen(method, catch)]
    fn get(this: &Bucket, key: &str) -> Result<Promise, JsValue>;
    type StoredObject;
    #[wasm_bindgen(method, getter)]
    fn size(this: &StoredObject) -> JsValue;
    #[wasm_bindgen(method, catch, js_name = arrayBuffer)]
    fn array_buffer(this: &StoredObject) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = console)]
    fn log(line: &str);

    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, ms: u32) -> JsValue;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue);
}

/// The reason why a message is retried.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("message body not a string")]
    NotText,
    #[error("{name}: {error}")]
    Secrets { name: &'static str, error: SecretsError },
    #[error(transparent)]
    Message(#[from] QueuedError),
    #[error("stored body missing: {0}")]
    BodyMissing(String),
    #[error("R2 bucket missing: bind BODIES to the gateway's")]
    NoBucket,
    #[error("message timed out after {TIMEOUT_MS} ms")]
    TimedOut,
    /// The first line of the platform's message: the rest may be a stack trace.
    #[error("{0}")]
    Platform(String),
}

impl From<JsValue> for Failure {
    fn from(thrown: JsValue) -> Self {
        let message = thrown.dyn_ref::<Error>().map(|error| String::from(error.message()));
        let message = message.as_deref().unwrap_or("a thrown value that is not an error");
        let line = message.lines().next().unwrap_or_default();
        Self::Platform(line.chars().take(MAX_ERROR_CHARACTERS).collect())
    }
}

/// The entry point for a message from the gateway: verifies its event and handles it.
#[wasm_bindgen]
pub async fn consume(message: Message, env: Env) {
    acknowledge_or_retry(&message, with_time_limit(process(&message, &env)).await);
}

/// The entry point for a dead letter.
#[wasm_bindgen(js_name = keepDeadLetter)]
pub async fn keep_dead_letter(message: Message, env: Env) {
    acknowledge_or_retry(&message, with_time_limit(keep(&message, &env)).await);
}

/// Gives up work that takes too long. The platform may still complete an operation that has started, so the message
/// must be safe to handle twice.
async fn with_time_limit(
    work: impl Future<Output = Result<String, Failure>>,
) -> Result<String, Failure> {
    let (mut timer, mut resolver) = (JsValue::UNDEFINED, None);
    let promise = Promise::new(&mut |resolve, _| {
        timer = set_timeout(&resolve, TIMEOUT_MS);
        resolver = Some(resolve);
    });
    let result = match select(pin!(work), pin!(JsFuture::from(promise))).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => Err(Failure::TimedOut),
    };
    clear_timeout(&timer);
    // A promise that never settles would keep its callbacks in memory until the instance ends.
    let _undefined = resolver.map(|resolve| resolve.call0(&JsValue::UNDEFINED));
    result
}

/// Acknowledges or retries this one message, so that its failure does not repeat the rest of the batch.
fn acknowledge_or_retry(message: &Message, result: Result<String, Failure>) {
    match result {
        Ok(line) => {
            log(&line);
            message.ack();
        }
        Err(failure) => {
            let reason = failure.to_string();
            log(&json!({ "outcome": "retried", "reason": reason }).to_string());
            message.retry(&retry_options(message.attempts()));
        }
    }
}

/// Verifies and handles a message. Returns the line for the log.
async fn process(message: &Message, env: &Env) -> Result<String, Failure> {
    let text = message.body().as_string().ok_or(Failure::NotText)?;
    let secrets = read_secrets(env)?;
    let queued = QueuedMessage::parse(&text)?;
    let attempts = message.attempts();
    let outcome = match queued.body() {
        QueuedBody::Inline(_) => handle(&queued.verify(&secrets)?, &queued, attempts, env).await?,
        QueuedBody::Stored { key, bytes, .. } => {
            let body = read_stored_body(key, *bytes, env).await?;
            handle(&queued.verify_body(&body, &secrets)?, &queued, attempts, env).await?
        }
    };
    Ok(json!({ "outcome": outcome, "eventId": queued.event_id() }).to_string())
}

/// Reads the gateway's secrets: those of the second setting, which is optional, are newer.
fn read_secrets(env: &Env) -> Result<Secrets, Failure> {
    let name = "CRONOZEN_SIGNING_SECRET";
    let secrets = Secrets::parse(&env.secrets().unwrap_or_default())
        .map_err(|error| Failure::Secrets { name, error })?;
    let next = env.next_secrets().unwrap_or_default();
    if next.trim().is_empty() {
        return Ok(secrets);
    }
    let name = "CRONOZEN_SIGNING_SECRET_NEXT";
    Secrets::parse(&next)
        .and_then(|next| next.followed_by(&secrets))
        .map_err(|error| Failure::Secrets { name, error })
}

/// Handles a verified event, unless it has been claimed. The claim and the effect are in one `batch`, which D1 makes a
/// transaction, so that either both happen or neither.
async fn handle(
    event: &Event<'_>,
    queued: &QueuedMessage<'_>,
    attempts: u32,
    env: &Env,
) -> Result<&'static str, Failure> {
    let database = env.database();
    if is_claimed(event, &database).await? {
        return Ok("duplicate");
    }
    let claim = claim(event, queued, attempts, &database)?;
    let statements: Array = iter::once(claim).chain(effect(event, &database)?).collect();
    match JsFuture::from(database.batch(&statements)?).await {
        Ok(_) => Ok("handled"),
        // Another copy of the message was faster, or the answer to our own success was lost.
        Err(_) if is_claimed(event, &database).await? => Ok("duplicate"),
        Err(error) => Err(error.into()),
    }
}

/// Returns the statements that are the event's effect. Your code goes here. It must not run a statement itself: D1 runs
/// all of them together with the claim.
fn effect(event: &Event<'_>, database: &Database) -> Result<Vec<Statement>, JsValue> {
    // None if the event has no type, or if the type contains a lone surrogate.
    let event_type = event.event_type().and_then(JsonString::decode);
    let event_type = event_type.map_or(JsValue::NULL, JsValue::from);
    let values = Array::of3(&event.id().as_str().into(), &event_type, &event.text().into());
    Ok(vec![database.prepare(STORE_EVENT)?.bind(&values)?])
}

/// Returns true if the event has had its effect.
async fn is_claimed(event: &Event<'_>, database: &Database) -> Result<bool, JsValue> {
    let values = Array::of1(&event.id().as_str().into());
    let row = JsFuture::from(database.prepare(IS_CLAIMED)?.bind(&values)?.first()?).await?;
    // Null if there is no row.
    Ok(row.is_object())
}

/// Returns the statement that adds the event's row to the ledger.
fn claim(
    event: &Event<'_>,
    queued: &QueuedMessage<'_>,
    attempts: u32,
    database: &Database,
) -> Result<Statement, JsValue> {
    let body_key = match queued.body() {
        QueuedBody::Inline(_) => JsValue::NULL,
        QueuedBody::Stored { key, .. } => key.into(),
    };
    let values: [JsValue; 7] = [
        event.id().as_str().into(),
        shortened(event.event_type()),
        shortened(event.created_at()),
        queued.received_at().to_string().into(),
        attempts.into(),
        body_key,
        Date::new_0().to_iso_string().into(),
    ];
    database.prepare(CLAIM)?.bind(&values.iter().collect())
}

/// Returns the first characters of a text, or NULL if there is none or if it contains a lone surrogate.
fn shortened(text: Option<JsonString<'_>>) -> JsValue {
    let text = text.and_then(JsonString::decode);
    let characters = |text: String| text.chars().take(MAX_LEDGER_CHARACTERS).collect::<String>();
    text.map(characters).map_or(JsValue::NULL, JsValue::from)
}

/// Stores a dead letter for an operator to look at. Returns the line for the log.
async fn keep(message: &Message, env: &Env) -> Result<String, Failure> {
    let body = message.body();
    // A body that is not a string is stored as JSON, or else in its debug form.
    let body = body.as_string().unwrap_or_else(|| {
        let json = JSON::stringify(&body).ok().and_then(|json| JsValue::from(json).as_string());
        json.unwrap_or_else(|| format!("{body:?}"))
    });
    let values = Array::of2(&message.id().into(), &body.into());
    JsFuture::from(env.database().prepare(KEEP_DEAD_LETTER)?.bind(&values)?.run()?).await?;
    Ok(json!({ "outcome": "dead", "id": message.id() }).to_string())
}

/// Reads the body that the gateway has stored. An object of another size is an error, and is not read.
async fn read_stored_body(key: &str, bytes: u64, env: &Env) -> Result<Vec<u8>, Failure> {
    let bucket = env.bodies().ok_or(Failure::NoBucket)?;
    let object = JsFuture::from(bucket.get(key)?).await?;
    if object.is_null() {
        return Err(Failure::BodyMissing(key.to_owned()));
    }
    let object = object.unchecked_into::<StoredObject>();
    if !u32::try_from(bytes).is_ok_and(|bytes| object.size() == bytes) {
        return Err(QueuedError::BodyMismatch.into());
    }
    let buffer = JsFuture::from(object.array_buffer()?).await?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

/// Returns the options of a retry after this many attempts.
fn retry_options(attempts: u32) -> Object {
    let doublings = attempts.saturating_sub(1);
    let seconds = FIRST_DELAY_SECONDS.saturating_mul(2u32.saturating_pow(doublings));
    let options = Object::new();
    // Setting a field of a new object never fails.
    let _set =
        Reflect::set(&options, &"delaySeconds".into(), &seconds.min(MAX_DELAY_SECONDS).into());
    options
}
