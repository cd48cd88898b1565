//! Looks for what the time of a verification says of a signature, as dudect does (<https://eprint.iacr.org/2016/1123>):
//! two inputs in a random order, Welch's t-test of their times, and naive verifiers that must be caught by the same
//! test. It must be compiled with optimisations: `cargo run --release --package timing`.
//!
//! It claims nothing of the header's form, of a body's length or of the number of secrets: a sender knows these, and a
//! malformed header is refused before anything is compared. It measures this processor, not WebAssembly's compilers.

mod statistics;
mod subjects;

use std::process::ExitCode;
use std::time::Instant;

use statistics::Times;
use subjects::{Subject, subjects};

/// dudect's threshold for "definitely not constant in time".
const LEAK: f64 = 10.0;

/// Where the verdicts differ, a smaller difference in nanoseconds is no leak: it costs some to branch by the verdict, which
/// the answer shows anyway.
const VISIBLE: f64 = 2.0;

/// The batches of a round. The median of their t values counts, so that a burst of other work in some of them does not.
const BATCHES: usize = 25;

/// The samples of a batch, of each subject.
const SAMPLES: usize = 10_000;

/// A leak is there in each round; the noise of a busy machine is not.
const ROUNDS: usize = 3;

fn main() -> ExitCode {
    let subjects = match subjects() {
        Ok(subjects) => subjects,
        Err(error) => {
            println!("inputs not made: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut random = fastrand::Rng::new();
    for round in 1..=ROUNDS {
        println!("round {round} of at most {ROUNDS}; t is that of a leak from {LEAK} on");
        if measure(&subjects, &mut random) {
            return ExitCode::SUCCESS;
        }
    }
    println!("no round without a leak in which each naive verifier was caught");
    ExitCode::FAILURE
}

/// Measures all subjects. Returns true if exactly the naive ones leak.
fn measure(subjects: &[Subject], random: &mut fastrand::Rng) -> bool {
    let mut all_right = true;
    for subject in subjects {
        let batches: Vec<Times> = (0..BATCHES).map(|_| batch(subject, random)).collect();
        let (t, difference) = statistics::t_of_batches(&batches);
        let leaks = t.abs() >= LEAK && (!subject.other_verdict || difference.abs() >= VISIBLE);
        let right = leaks == subject.naive;
        let verdict = if right { "as expected" } else { "NOT as expected" };
        println!("{:>9.1}  {difference:>8.1} ns  {verdict}: {}", t, subject.name);
        all_right &= right;
    }
    all_right
}

/// Times both inputs in a random order.
fn batch(subject: &Subject, random: &mut fastrand::Rng) -> Times {
    let mut times = Times::default();
    for _ in 0..SAMPLES {
        let second = random.bool();
        let run = subject.prepare(second);
        let started = now();
        run();
        let nanoseconds = started.elapsed().as_secs_f64() * 1e9;
        times.add(second, nanoseconds);
    }
    times
}

#[allow(clippy::disallowed_methods, reason = "this program measures time")]
fn now() -> Instant {
    Instant::now()
}
