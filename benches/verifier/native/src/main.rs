//! The baseline for verifiers in JavaScript: only the HMAC, in native code, with a key state that is computed once.
//! Standard input has one request on each line: `<count> <signature> <body>`. Standard output gets one reply on each
//! line, in the same JSON as from the loops of the other runtimes.

use std::error::Error;
use std::hint::black_box;
use std::io::{BufRead, Write, stdin, stdout};
use std::time::Instant;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The same secret as in `inside/secrets.mjs`.
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
    // A warm-up, as in the other loops.
    count_accepted(key, body, &signature, count / 10);
    let started = now();
    let accepted = count_accepted(key, body, &signature, count);
    let milliseconds = started.elapsed().as_secs_f64() * 1000.0;
    Some(format!(r#"{{"accepted":{accepted},"milliseconds":{milliseconds}}}"#))
}

/// Verifies the signature `count` times. Returns the number of times that it was accepted.
fn count_accepted(key: &Hmac<Sha256>, body: &[u8], signature: &[u8], count: u64) -> u64 {
    let mut accepted = 0;
    for _ in 0..count {
        let mut mac = black_box(key).clone();
        mac.update(black_box(body));
        accepted += u64::from(mac.verify_slice(black_box(signature)).is_ok());
    }
    accepted
}

#[allow(clippy::disallowed_methods, reason = "this program measures time")]
fn now() -> Instant {
    Instant::now()
}

/// Decodes hexadecimal digits, up to the first pair that is not hexadecimal.
fn bytes(digits: &str) -> Vec<u8> {
    let (pairs, _) = digits.as_bytes().as_chunks::<2>();
    let byte = |pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    pairs.iter().map_while(|pair| byte(pair)).collect()
}
