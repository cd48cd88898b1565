//! The limit that a verifier in JavaScript is measured against: the HMAC alone, natively, with the key's
//! state kept. A request a line on standard input, `<count> <signature> <body>`; a reply a line on standard
//! output, in JSON as of the other runtimes' loops.

use std::error::Error;
use std::hint::black_box;
use std::io::{BufRead, Write, stdin, stdout};
use std::time::Instant;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// As in `inside/secrets.mjs`.
const SECRET: &str = "whsec_Y3Jvbm96ZW4tZWRnZS1iZW5jaGVzLXNlY3JldA";

const CONTENDERS: &str = r#"[{"name":"Rust hmac","forms":["bytes"],"parses":false}]"#;

fn main() -> Result<(), Box<dyn Error>> {
    let key = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
    let mut replies = stdout().lock();
    writeln!(replies, "{CONTENDERS}")?;
    for line in stdin().lock().lines() {
        let reply = reply(&key, &line?).ok_or("expected a request")?;
        writeln!(replies, "{reply}")?;
    }
    Ok(())
}

fn reply(key: &Hmac<Sha256>, request: &str) -> Option<String> {
    let (count, rest) = request.split_once(' ')?;
    let (signature, body) = rest.split_once(' ')?;
    let count = count.parse().ok()?;
    let (signature, body) = (bytes(signature), body.as_bytes());
    // As in the other loops.
    accepted(key, body, &signature, count / 10);
    let started = now();
    let accepted = accepted(key, body, &signature, count);
    let milliseconds = started.elapsed().as_secs_f64() * 1000.0;
    Some(format!(r#"{{"accepted":{accepted},"milliseconds":{milliseconds}}}"#))
}

fn accepted(key: &Hmac<Sha256>, body: &[u8], signature: &[u8], count: u64) -> u64 {
    let mut accepted = 0;
    for _ in 0..count {
        let mut mac = black_box(key).clone();
        mac.update(black_box(body));
        accepted += u64::from(mac.verify_slice(black_box(signature)).is_ok());
    }
    accepted
}

#[allow(clippy::disallowed_methods, reason = "to measure the time is what this program is for")]
fn now() -> Instant {
    Instant::now()
}

/// What hexadecimal digits stand for, as far as they are such.
fn bytes(digits: &str) -> Vec<u8> {
    let (pairs, _) = digits.as_bytes().as_chunks::<2>();
    let byte = |pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    pairs.iter().map_while(|pair| byte(pair)).collect()
}
