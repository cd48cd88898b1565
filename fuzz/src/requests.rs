//! The deliveries of the target `receive`: right ones, and ones with every kind of mistake.

use arbitrary::Arbitrary;
use cronozen_gateway::receive::Request;

use crate::body::FakeBody;
use crate::signing::sign;
use crate::world::{PATH, SECRET};

/// The second secret of the gateway.
pub const OLDER_SECRET: &str = "whsec_older";

/// A text in every body, which no log line and no answer may contain.
pub const CONFIDENTIAL: &str = "of confidential content";

/// A delivery, as the input describes it.
#[derive(Debug, Default, Arbitrary)]
pub struct Delivery {
    /// Steps of 50 ms until it is sent.
    pub starts: u8,
    pub body: u8,
    pub signature: u8,
    /// Most values are a right request.
    pub route: u8,
    pub declared: u8,
    pub piece_delay: u8,
    pub pieces: u8,
    /// The end of its Worker, in steps of 40 ms, if that is less than 200.
    pub ends: u8,
}

/// A request, and what is right about it.
#[allow(clippy::struct_excessive_bools, reason = "each is right or wrong by itself")]
pub struct Sent {
    pub request: Request<FakeBody>,
    pub body: Vec<u8>,
    /// True if the method and the path are right.
    pub is_routed: bool,
    /// True if the whole body arrives.
    pub is_whole: bool,
    /// True if it arrives at once.
    pub is_prompt: bool,
    /// True if the header is the signature of the body with an active secret.
    pub is_signed: bool,
}

/// Makes the request of a delivery.
pub fn make_request(delivery: &Delivery, own_body: &[u8]) -> Sent {
    let body = make_body(delivery.body, own_body);
    let signature = match delivery.signature % 16 {
        0..=8 => Some(sign(&body, SECRET)),
        9 => Some(sign(&body, OLDER_SECRET)),
        10 => None,
        11 => Some(sign(&body, SECRET).to_uppercase()),
        12 => Some(sign(&body, SECRET).replace(['0', '1'], "2")),
        13 => Some(sign(&body, "whsec_other")),
        14 => Some(sign(b"{}", SECRET)),
        _ => Some(sign(&body, SECRET) + ","),
    };
    let is_signed = [SECRET, OLDER_SECRET]
        .iter()
        .any(|secret| signature.as_deref() == Some(&sign(&body, secret)));
    let (method, path) = match delivery.route {
        200..210 => ("GET", Some(PATH)),
        210..220 => ("POST", Some("/webhooks/cronozen/")),
        220..230 => ("POST", None),
        _ => ("POST", Some(PATH)),
    };
    let declared = match delivery.declared {
        0..100 => None,
        100..120 => Some("1".to_owned()),
        120..130 => Some("1e3".to_owned()),
        130..140 => Some("99999999999999999999999".to_owned()),
        _ => Some(body.len().to_string()),
    };
    let ms = 10 * u64::from(delivery.piece_delay);
    let count = 1 + usize::from(delivery.pieces) % 4;
    let chunks = body.chunks(body.len().div_ceil(count).max(1));
    let mut pieces: Vec<_> = chunks.map(|piece| (ms, Ok(piece.to_vec()))).collect();
    if delivery.pieces >= 250 {
        pieces.push((ms, Err("the connection was lost")));
    }
    let ends = !(240..250).contains(&delivery.pieces);
    let is_whole = ends && delivery.pieces < 250;
    let is_prompt = is_whole && ms <= 70;
    let is_routed = (method, path) == ("POST", Some(PATH));
    let request = Request {
        method: method.to_owned(),
        path: path.map(str::to_owned),
        content_length: declared,
        signature,
        address: Some("192.0.2.1".to_owned()),
        ray: Some("ray".to_owned()),
        body: FakeBody { pieces, ends, ..FakeBody::default() },
    };
    Sent { request, body, is_routed, is_whole, is_prompt, is_signed }
}

fn make_body(body: u8, own_body: &[u8]) -> Vec<u8> {
    let event =
        |id: &str, more: &str| format!(r#"{{"eventId":"{id}","data":"{CONFIDENTIAL}"{more}}}"#);
    match body {
        0..60 => event("evt_1", "").into_bytes(),
        60..100 => event("evt_2", "").into_bytes(),
        100..120 => format!("\n {} \r\n", event("evt_1", r#","eventId":"evt_2""#)).into_bytes(),
        120..140 => {
            event("evt_1", r#","type":"a.b","createdAt":"2026-11-24T06:59:00Z""#).into_bytes()
        }
        140..150 => event("evt_2", r#","createdAt":"2020-01-01T00:00:00Z""#).into_bytes(),
        150..160 => event("", "").into_bytes(),
        160..170 => event("evt_1", ",").into_bytes(),
        170..180 => event("evt_1", &format!(r#","more":"{}""#, "x".repeat(130_000))).into_bytes(),
        // Within the cap, but its message does not fit the queue.
        180..185 => {
            let long = event("evt_1", &format!(r#","type":"{}""#, "t".repeat(1000)));
            let fill = " ".repeat(127_000 - long.len());
            (long + &fill).into_bytes()
        }
        _ => own_body.to_vec(),
    }
}
