//! The limit that a verifier in JavaScript is measured against: the HMAC alone, natively, with the key's
//! state kept. A request a line on standard input, a reply a line on standard output, as in the other
//! runtimes' loops.

use std::hint::black_box;
use std::io::{BufRead, Error, Write, stdin, stdout};
use std::time::Instant;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// As in `inside/secrets.mjs`.
const SECRET: &str = "whsec_Y3Jvbm96ZW4tZWRnZS1iZW5jaGVzLXNlY3JldA";

const CONTENDERS: &str = r#"[{"name":"Rust hmac","forms":["bytes"],"parses":false}]"#;

#[derive(Deserialize)]
struct Request {
    text: String,
    headers: Headers,
    count: u32,
}

#[derive(Deserialize)]
struct Headers {
    cronozen: String,
}

#[derive(Serialize)]
struct Reply {
    accepted: u32,
    milliseconds: f64,
}

fn main() -> Result<(), Error> {
    let key = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).map_err(Error::other)?;
    let mut replies = stdout().lock();
    writeln!(replies, "{CONTENDERS}")?;
    for line in stdin().lock().lines() {
        let reply = reply(&key, &serde_json::from_str(&line?)?);
        writeln!(replies, "{}", serde_json::to_string(&reply)?)?;
    }
    Ok(())
}

fn reply(key: &Hmac<Sha256>, request: &Request) -> Reply {
    let Some(signature) = bytes(&request.headers.cronozen) else {
        return Reply { accepted: 0, milliseconds: 0.0 };
    };
    let body = request.text.as_bytes();
    // As in the other loops.
    accepted(key, body, &signature, request.count / 10);
    let started = now();
    let accepted = accepted(key, body, &signature, request.count);
    Reply { accepted, milliseconds: started.elapsed().as_secs_f64() * 1000.0 }
}

fn accepted(key: &Hmac<Sha256>, body: &[u8], signature: &[u8], count: u32) -> u32 {
    let mut accepted = 0;
    for _ in 0..count {
        let mut mac = black_box(key).clone();
        mac.update(black_box(body));
        accepted += u32::from(mac.verify_slice(black_box(signature)).is_ok());
    }
    accepted
}

#[allow(clippy::disallowed_methods, reason = "to measure the time is what this program is for")]
fn now() -> Instant {
    Instant::now()
}

/// What hexadecimal digits stand for.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else {
        return None;
    };
    pairs.iter().map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()).collect()
}
