//! Whole deliveries over services that fail, hang, answer late or contradict, in virtual time.
//!
//! Input: the settings, up to four deliveries, then the bodies that they may send; the last bytes are the plan of the
//! services' calls.

#![no_main]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use cronozen_fuzz::bucket::FakeBucket;
use cronozen_fuzz::hostile::HostilePlatform;
use cronozen_fuzz::json;
use cronozen_fuzz::platform::FakeLimiter;
use cronozen_fuzz::requests::{CONFIDENTIAL, Delivery, OLDER_SECRET, Sent, make_request};
use cronozen_fuzz::signing::hex;
use cronozen_fuzz::watch::Watch;
use cronozen_fuzz::world::{SECRET, World, in_world};
use cronozen_gateway::answer::Answer;
use cronozen_gateway::receive::receive;
use cronozen_webhook::event::MAX_EVENT_ID_BYTES;
use cronozen_webhook::message::{Dedupe, MAX_MESSAGE_BYTES};
use futures_util::future::join_all;
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout};

const MAX_DELIVERIES: usize = 4;

/// The timers of the runtime are up to 1 ms late, and a delivery uses several.
const TIMER_SLACK: Duration = Duration::from_millis(8);

/// The caps on a body, without a bucket and with one.
const CAPS: [usize; 2] = [127_000, 1_048_576];

/// A smaller body of these deliveries has a message that fits.
const MIN_UNFIT_BYTES: usize = 120_000;

/// Longer than any work after an answer.
const AFTERWARDS: Duration = Duration::from_secs(45);

#[derive(Debug, Arbitrary)]
#[allow(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
struct Options {
    deadline: u8,
    strict: bool,
    migrates: bool,
    has_bucket: bool,
    refuses_replays: bool,
    forgets: bool,
    has_limit: bool,
    misconfigured: u8,
}

/// The state that all deliveries of an input share.
struct Run {
    options: Options,
    world: World,
    watch: Rc<Watch>,
    deadline: Duration,
    /// The positions of the acknowledged messages that were answered with 202.
    claimed: RefCell<BTreeSet<usize>>,
}

fuzz_target!(|data: &[u8]| {
    let mut input = Unstructured::new(data);
    let Ok(options) = input.arbitrary::<Options>() else { return };
    let count = 1 + usize::from(input.arbitrary::<u8>().unwrap_or(0)) % MAX_DELIVERIES;
    let deliveries: Vec<Delivery> = (0..count).map_while(|_| input.arbitrary().ok()).collect();
    let length = input.arbitrary::<u8>().unwrap_or(0);
    let own_body = input.bytes(usize::from(length).min(input.len())).unwrap_or_default().to_vec();
    let plan = input.take_rest().to_vec();
    in_world(async move |world| {
        let run = set_up(world, options, plan);
        join_all(deliveries.iter().map(|delivery| deliver(&run, delivery, &own_body))).await;
        tokio::time::sleep(AFTERWARDS).await;
        check_afterwards(&run).await;
    });
});

fn set_up(mut world: World, options: Options, plan: Vec<u8>) -> Run {
    let deadline = [1000, 4000, 4500][usize::from(options.deadline) % 3];
    world.set("DEADLINE_MS", &deadline.to_string());
    world.set("CRONOZEN_SIGNING_SECRET", &format!("{SECRET} {OLDER_SECRET}"));
    if options.strict && options.migrates {
        world.migrate();
        world.set("MIGRATE_FROM_KV", "true");
    } else if options.strict {
        world.use_strict_mode();
    }
    if options.has_bucket {
        world.bodies = Some(FakeBucket::working(&world.clock));
        world.set("MAX_BODY_BYTES", &CAPS[1].to_string());
    }
    if options.refuses_replays {
        world.set("REPLAY", "refuse");
    }
    if options.forgets {
        world.set("FORGET", "evt_1");
    }
    if options.has_limit {
        world.limiter = Some(FakeLimiter::allowing(1));
    }
    if options.is_misconfigured() {
        world.set("REPLAY", "maybe");
    }
    Run {
        options,
        world,
        watch: Watch::new(plan),
        deadline: Duration::from_millis(deadline),
        claimed: RefCell::default(),
    }
}

impl Options {
    fn is_misconfigured(&self) -> bool {
        self.misconfigured >= 250
    }
}

/// Sends a delivery at its time. Its Worker may end before the answer.
async fn deliver(run: &Run, delivery: &Delivery, own_body: &[u8]) {
    tokio::time::sleep(Duration::from_millis(50 * u64::from(delivery.starts))).await;
    let served = serve(run, make_request(delivery, own_body));
    if delivery.ends < 200 {
        let ends = Duration::from_millis(40 * u64::from(delivery.ends));
        let _answered = timeout(ends, served).await;
    } else {
        served.await;
    }
}

async fn serve(run: &Run, sent: Sent) {
    let Sent { request, body, is_routed, is_whole, is_prompt, is_signed } = sent;
    let is_over = is_over_cap(run, &body, request.content_length.as_deref());
    let is_event = is_signed && is_whole && !is_over && id_of(&body).is_some();
    let (fake, configuration) = run.world.set_up();
    let platform = HostilePlatform::new(fake, &run.watch);
    let configuration = platform.configuration(configuration);
    let (acknowledged_before, started) = (run.watch.acknowledged.borrow().len(), Instant::now());
    let header = request.signature.clone();
    let served = timeout(AFTERWARDS, receive(&platform, request, &configuration));
    let answer = served.await.expect("no answer");
    let took = started.elapsed();
    assert!(took <= run.deadline + TIMER_SLACK, "{took:?} of {:?}: {answer:?}", run.deadline);
    check_text(&answer, header.as_deref());
    // All other answers come for routed requests to a gateway whose settings are right.
    assert_eq!(matches!(answer.status, 404 | 405), !is_routed, "{answer:?}");
    let is_misconfigured = run.options.is_misconfigured();
    assert_eq!(answer.status == 500, is_routed && is_misconfigured, "{answer:?}");
    match answer.status {
        202 => {
            assert!(is_event, "no signed event is accepted: {answer:?}");
            let acknowledged = run.watch.acknowledged.borrow();
            let mut own = (acknowledged_before..acknowledged.len())
                .filter(|position| !run.claimed.borrow().contains(position))
                .filter(|position| {
                    is_message_of(run, &acknowledged[*position], &body, header.as_deref())
                });
            let own = own.next().expect("the queue has not acknowledged this body");
            run.claimed.borrow_mut().insert(own);
        }
        200 => {
            assert!(is_event, "no signed event is a duplicate: {answer:?}");
            let id = id_of(&body).expect("a duplicate has an eventId");
            assert!(run.watch.knows(&id), "{id} is a duplicate of nothing");
        }
        400 => {
            assert!(is_signed && is_whole, "looks at a body before its signature: {answer:?}");
            assert_eq!(id_of(&body), None, "an event is refused: {answer:?}");
        }
        401 => assert!(!is_signed, "a right signature is refused"),
        404 | 405 | 500 => {}
        408 => assert!(!is_prompt, "a prompt body is too late: {answer:?}"),
        413 => {
            let has_bucket = run.options.has_bucket;
            let is_unfit = is_event && !has_bucket && body.len() >= MIN_UNFIT_BYTES;
            assert!(is_over || is_unfit, "{} bytes are too many: {answer:?}", body.len());
        }
        422 => assert!(is_event && run.options.refuses_replays, "no old event: {answer:?}"),
        429 => assert!(!is_signed && run.options.has_limit, "{answer:?}"),
        503 => assert!(is_event, "a delivery that must be refused is to come again: {answer:?}"),
        status => panic!("status {status}"),
    }
}

/// Returns true if a body or its declared length is over the cap.
fn is_over_cap(run: &Run, body: &[u8], declared: Option<&str>) -> bool {
    let cap = CAPS[usize::from(run.options.has_bucket)];
    // Another text than a number declares nothing.
    let declared = declared.and_then(|text| text.parse::<u128>().ok());
    body.len() > cap || declared.is_some_and(|declared| declared > cap as u128)
}

/// Checks that an answer is JSON, and shows nothing that is confidential.
fn check_text(answer: &Answer, header: Option<&str>) {
    assert!(json::members(&answer.body).is_some(), "{}", answer.body);
    assert_eq!(answer.retry_after, (answer.status == 503).then_some(30));
    check_confidential(&answer.body);
    let header = header.filter(|header| header.len() > 20);
    assert!(!header.is_some_and(|header| answer.body.contains(header)), "{}", answer.body);
}

fn check_confidential(text: &str) {
    for confidential in [CONFIDENTIAL, SECRET, OLDER_SECRET, "at stack", "out of order\n"] {
        assert!(!text.contains(confidential), "shows {confidential:?}: {text}");
    }
}

/// Returns the last `eventId` in a body, if the body is an event and its id is usable.
fn id_of(body: &[u8]) -> Option<String> {
    let members = json::members(std::str::from_utf8(body).ok()?)?;
    let id = String::from_utf16(&json::string(json::last(&members, "eventId")?)?).ok()?;
    let is_control = |character: char| matches!(character, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}');
    let is_usable = (1..=MAX_EVENT_ID_BYTES).contains(&id.len()) && !id.contains(is_control);
    is_usable.then_some(id)
}

/// Returns true if a message is in the queue, and consumers find exactly this body with its signature through it.
fn is_message_of(run: &Run, text: &str, body: &[u8], header: Option<&str>) -> bool {
    let members = json::members(text).unwrap();
    let string = |name| {
        let units = json::string(json::last(&members, name)?)?;
        String::from_utf16(&units).ok()
    };
    let body_text = std::str::from_utf8(body).unwrap();
    let has_body = if let Some(key) = string("bodyKey") {
        let sha256 = hex(&Sha256::digest(body));
        let stored = run.world.bodies.as_ref().unwrap().stored.borrow();
        key == format!("bodies/{sha256}") && stored.get(&key).is_some_and(|stored| stored == body)
    } else {
        text.ends_with(&format!(",\"event\":{body_text}}}"))
    };
    let dedupe = string("dedupe").unwrap();
    has_body
        && string("eventId") == id_of(body)
        && string("signature").as_deref() == header
        && [Dedupe::New, Dedupe::Unknown].iter().any(|known| known.as_str() == dedupe)
        && text.len() <= MAX_MESSAGE_BYTES
        && run.world.queue.stored.borrow().iter().any(|stored| stored == text)
}

/// Checks that nothing is left of the deliveries, and that their events can be delivered as soon as all services work.
async fn check_afterwards(run: &Run) {
    assert_eq!(run.world.allowance.held(), 0, "bytes are still held");
    for (_, record) in run.world.log.borrow().iter() {
        check_confidential(&record.to_json());
    }
    run.watch.calm();
    for body in [0, 60] {
        let retry = Delivery { body, ..Delivery::default() };
        let Sent { request, .. } = make_request(&retry, &[]);
        let (fake, configuration) = run.world.set_up();
        let platform = HostilePlatform::new(fake, &run.watch);
        let configuration = platform.configuration(configuration);
        let answer = receive(&platform, request, &configuration).await;
        let expected: &[u16] = if run.options.is_misconfigured() { &[500] } else { &[200, 202] };
        assert!(expected.contains(&answer.status), "{answer:?}");
    }
}
