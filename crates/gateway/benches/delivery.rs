//! `cargo bench`: the webhook and gateway crates on the host, step by step and as a whole.

#![allow(clippy::expect_used, missing_docs, reason = "a benchmark")]

use std::convert::Infallible;
use std::future::{pending, ready};
use std::hint::black_box;
use std::time::Duration;

use criterion::{
    BatchSize, Bencher, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use cronozen_gateway::allowance::Allowance;
use cronozen_gateway::body::Body;
use cronozen_gateway::configuration::Configuration;
use cronozen_gateway::dedupe::lease::Decision;
use cronozen_gateway::dedupe::{DedupeStore, Marker, MarkerStore, ShardLease, Shards};
use cronozen_gateway::failures::SuppressedCount;
use cronozen_gateway::log::{Level, Log, Record};
use cronozen_gateway::platform::Platform;
use cronozen_gateway::queue::EventQueue;
use cronozen_gateway::receive::{Request, receive};
use cronozen_gateway::runtime::{Background, Clock, PlatformError};
use cronozen_gateway::settings::Value;
use cronozen_webhook::event::{Event, EventId};
use cronozen_webhook::message::{Dedupe, Message, Window};
use cronozen_webhook::signature::{Secrets, Signature};
use cronozen_webhook::time::Timestamp;
use futures_util::FutureExt;

const SECRET: &str = "whsec_bench";

/// The time at which every event is created and received: 2026-11-24T07:00:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_503_600_000);

/// The sizes of the bodies, in bytes.
const SIZES: [usize; 5] = [256, 1 << 10, 4 << 10, 64 << 10, 1 << 20];

/// The sizes that fit a message.
const SIZES_IN_MESSAGE: [usize; 4] = [256, 1 << 10, 4 << 10, 64 << 10];

/// The status of the answer to a new event.
const ACCEPTED: u16 = 202;

/// A signed event.
struct Delivery {
    body: String,
    signature: String,
}

impl Delivery {
    /// Makes a delivery whose body has `size` bytes: an event with as many small values as fit.
    fn of(size: usize) -> Self {
        const START: &str = r#"{"eventId":"evt_0001","type":"dpu.sealed","createdAt":"2026-11-24T07:00:00Z","data":["#;
        const VALUE: &str = r#"{"k":1},"#;
        const LAST: &str = "0]}";
        let room = size - START.len() - LAST.len();
        let values = VALUE.repeat(room / VALUE.len());
        let body = format!("{START}{values}{}{LAST}", " ".repeat(room % VALUE.len()));
        let signature =
            Secrets::new(&[SECRET]).expect("a good secret").sign(body.as_bytes()).to_string();
        Self { body, signature }
    }

    fn signature(&self) -> Signature {
        Signature::parse(Some(self.signature.as_bytes())).expect("a good signature")
    }

    fn request(&self) -> Request<ArrivedBody> {
        Request {
            method: "POST".to_owned(),
            path: Some("/webhooks/cronozen".to_owned()),
            content_length: Some(self.body.len().to_string()),
            signature: Some(self.signature.clone()),
            address: Some("192.0.2.1".to_owned()),
            ray: Some("ray".to_owned()),
            body: ArrivedBody(Some(self.body.clone().into_bytes())),
        }
    }
}

/// A body that has arrived, in one part.
struct ArrivedBody(Option<Vec<u8>>);

impl Body for ArrivedBody {
    type Bytes = Vec<u8>;

    async fn read_all(self) -> Result<Vec<u8>, PlatformError> {
        Ok(self.0.unwrap_or_default())
    }

    async fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, PlatformError> {
        Ok(self.0.take())
    }
}

/// A platform that answers at once and stores nothing. It is also the marker store, the queue and the clock.
#[derive(Clone, Default)]
struct InstantPlatform {
    allowance: Allowance,
    suppressed: SuppressedCount,
}

impl Platform for InstantPlatform {
    type Bindings = ();
    type Body = ArrivedBody;
    type Markers = Self;
    type Shards = NoShards;
    type Queue = Self;
    type Bodies = Infallible;
    type Failures = Infallible;

    fn store(&self, (): &()) -> DedupeStore<Self, NoShards> {
        DedupeStore::Markers(self.clone())
    }

    fn queue(&self, (): &()) -> Self {
        self.clone()
    }

    fn bodies<'b>(&self, (): &'b ()) -> Option<&'b Infallible> {
        None
    }

    fn failures<'b>(&'b self, (): &'b ()) -> Option<&'b Infallible> {
        None
    }

    fn suppressed(&self) -> &SuppressedCount {
        &self.suppressed
    }

    fn allowance(&self) -> &Allowance {
        &self.allowance
    }
}

impl Clock for InstantPlatform {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn sleep(&self, _: Duration) -> impl Future<Output = ()> {
        pending()
    }
}

impl MarkerStore for InstantPlatform {
    async fn has_marker(&self, _: &EventId) -> Result<bool, PlatformError> {
        Ok(false)
    }

    async fn mark(&self, _: &EventId, marker: Marker) -> Result<(), PlatformError> {
        black_box(marker);
        Ok(())
    }
}

/// No shards: only markers are measured.
enum NoShards {}

impl Shards for NoShards {
    type Lease = Self;

    async fn acquire(
        &self,
        _: u8,
        _: &EventId,
        _: bool,
        _: Duration,
    ) -> Result<Decision<Self>, PlatformError> {
        match *self {}
    }

    async fn mark(&self, _: u8, _: &EventId, _: Timestamp) -> Result<(), PlatformError> {
        match *self {}
    }
}

impl ShardLease for NoShards {
    async fn commit(&self, _: Timestamp) -> Result<(), PlatformError> {
        match *self {}
    }
}

impl EventQueue for InstantPlatform {
    type HeldMessage = Message;

    fn hold(&self, message: Message) -> Message {
        message
    }

    fn send(
        &self,
        held: Message,
        dedupe: Dedupe,
    ) -> impl Future<Output = Result<(), PlatformError>> + 'static {
        black_box(held.with_dedupe(dedupe));
        ready(Ok(()))
    }
}

impl Background for InstantPlatform {
    fn keep(&self, future: impl Future<Output = ()> + 'static) {
        future.now_or_never().expect("nothing here waits");
    }
}

impl Log for InstantPlatform {
    fn write(&self, level: Level, record: &Record) {
        black_box((level, record));
    }
}

fn verify(criterion: &mut Criterion) {
    let secrets = Secrets::parse(SECRET).expect("a good secret");
    each_size(criterion, "verify", &SIZES, |bencher, delivery| {
        bencher.iter(|| {
            let signature = Signature::parse(Some(black_box(&delivery.signature).as_bytes()));
            let body = black_box(delivery.body.as_bytes());
            secrets.verify(body, signature.expect("a good signature")).expect("signed").key()
        });
    });
}

fn read_envelope(criterion: &mut Criterion) {
    let secrets = Secrets::parse(SECRET).expect("a good secret");
    each_size(criterion, "read envelope", &SIZES, |bencher, delivery| {
        let verified = secrets.verify(delivery.body.as_bytes(), delivery.signature());
        let verified = verified.expect("signed");
        bencher.iter(|| Event::read(black_box(verified)).expect("an event"));
    });
}

fn build_message(criterion: &mut Criterion) {
    let secrets = Secrets::parse(SECRET).expect("a good secret");
    each_size(criterion, "build message", &SIZES_IN_MESSAGE, |bencher, delivery| {
        let verified = secrets.verify(delivery.body.as_bytes(), delivery.signature());
        let event = Event::read(verified.expect("signed")).expect("an event");
        bencher.iter(|| {
            let message = Message::new(black_box(&event), NOW, Window::Inside);
            message.expect("one that fits").with_dedupe(Dedupe::New)
        });
    });
}

fn receive_delivery(criterion: &mut Criterion) {
    let value = |name: &str| match name {
        "CRONOZEN_SIGNING_SECRET" => Value::Text(SECRET.to_owned().into()),
        _ => Value::Absent,
    };
    let configuration = Configuration::new(value, |_| Ok(()));
    let platform = InstantPlatform::default();
    each_size(criterion, "receive", &SIZES_IN_MESSAGE, |bencher, delivery| {
        let receive_one = |request| {
            let answer = receive(&platform, request, &configuration);
            let answer = answer.now_or_never().expect("nothing here waits");
            assert_eq!(answer.status, ACCEPTED, "{}", answer.body);
            answer
        };
        bencher.iter_batched(|| delivery.request(), receive_one, BatchSize::SmallInput);
    });
}

/// Runs `bench` with a delivery of each size, in bytes.
fn each_size(
    criterion: &mut Criterion,
    name: &str,
    sizes: &[usize],
    bench: impl Fn(&mut Bencher<'_>, &Delivery),
) {
    let mut group = criterion.benchmark_group(name);
    for &size in sizes {
        let delivery = Delivery::of(size);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_with_input(BenchmarkId::from_parameter(size), &delivery, &bench);
    }
    group.finish();
}

criterion_group! {
    name = core;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = verify, read_envelope, build_message, receive_delivery
}
criterion_main!(core);
