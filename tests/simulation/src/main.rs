//! Runs the gateway crate in a hostile world, in virtual time. A seed determines the faults. They include every known
//! fault of the gateway's platform, sender and attackers.
//!
//! Each seed makes one world, which runs once in each dedupe mode. Models of the world record what happens
//! ([`history`]), and the record is checked against the [`invariants`] of the design.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::pedantic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test program, whose result is its output"
)]

#[path = "../../support/body.rs"]
mod body;
#[path = "../../support/signing.rs"]
mod signing;

mod attacker;
mod causes;
mod clock;
mod connections;
mod delivery;
mod fate;
mod faults;
mod history;
mod host;
mod invariants;
mod kv;
mod lease_audit;
mod life;
mod limits;
mod location;
mod objects;
mod plan;
mod queue;
mod report;
mod sender;
mod session;
mod shards;
mod world;

use std::cell::Cell;
use std::num::NonZero;
use std::panic;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use invariants::{Violation, check};
use plan::{Mode, Plan};
use report::Report;

const USAGE: &str = "usage: simulation [--seeds N] [--first SEED] [--calm]

  --calm   faults in only one attempt in a hundred; no outages and no replays";

const HOSTILE: &str = "Every fault is far more frequent here than in production: the counts show that each duplicate has a cause, \
                       not how many to expect.";

const CALM: &str = "Only one attempt in a hundred meets the faults that every attempt meets in a hostile world. \
                    There are no outages and no replays.";

const DEFAULT_SEEDS: u64 = 2000;

/// The number of seeds in a batch. The program stops after a batch that has violations.
const BATCH: u64 = 32;

/// The most violations of one invariant that are printed.
const MAX_VIOLATIONS: usize = 3;

/// The fewest seeds with which every fault must strike. With fewer, chance may leave one out.
const ENOUGH_SEEDS: u64 = 100;

/// True after any panic.
static PANICKED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The seed that the thread runs.
    static SEED: Cell<u64> = const { Cell::new(0) };
}

/// The arguments of the command line.
struct Arguments {
    first: u64,
    seeds: u64,
    calm: bool,
}

impl Arguments {
    fn plan(&self, seed: u64) -> Rc<Plan> {
        let plan = Plan::draw(seed);
        Rc::new(if self.calm { plan.calm() } else { plan.hanging() })
    }

    /// Returns true if each fault must strike at least once.
    fn is_thorough(&self) -> bool {
        !self.calm && self.seeds >= ENOUGH_SEEDS
    }
}

fn main() -> ExitCode {
    let Some(arguments) = parse_arguments() else {
        println!("{USAGE}");
        return ExitCode::FAILURE;
    };
    print_seed_of_panics();
    let Arguments { first, seeds, calm } = arguments;
    if !is_deterministic(&arguments.plan(first)) {
        println!("two runs of seed {first} differ");
        return ExitCode::FAILURE;
    }
    let mut report = Report::default();
    let (mut next, end) = (first, first.saturating_add(seeds));
    while next < end {
        let batch = next..end.min(next.saturating_add(BATCH));
        next = batch.end;
        let (sums, violations) = run_batch(&arguments, batch.start, batch.end);
        report.add(&sums);
        if !violations.is_empty() || PANICKED.load(Ordering::Relaxed) {
            return print_violations(&violations, calm);
        }
    }
    println!("{}\n\n{report}", if calm { CALM } else { HOSTILE });
    let never_struck = if arguments.is_thorough() { report.never_struck() } else { Vec::new() };
    for (mode, fault) in &never_struck {
        println!("never struck in mode {}: {}", mode.name(), fault.text());
    }
    println!("seeds {first} to {}: every invariant holds", end - 1);
    if never_struck.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Installs a hook that records each panic and prints its seed. Without it, a panic in a task would end only that task.
fn print_seed_of_panics() {
    let default_hook = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        default_hook(panic);
        println!("seed {}: something panicked", SEED.get());
        PANICKED.store(true, Ordering::Relaxed);
    }));
}

fn parse_arguments() -> Option<Arguments> {
    let mut arguments = Arguments { first: 0, seeds: DEFAULT_SEEDS, calm: false };
    let mut words = std::env::args().skip(1);
    while let Some(name) = words.next() {
        let mut number = || words.next()?.parse().ok();
        match name.as_str() {
            "--calm" => arguments.calm = true,
            "--seeds" => arguments.seeds = number().filter(|seeds| *seeds > 0)?,
            "--first" => arguments.first = number()?,
            _ => return None,
        }
    }
    Some(arguments)
}

fn print_violations(violations: &[Violation], calm: bool) -> ExitCode {
    for invariant in 1..=6 {
        let all = violations.iter().filter(|violation| violation.invariant == invariant);
        all.take(MAX_VIOLATIONS).for_each(|violation| println!("{violation}"));
    }
    if let Some(Violation { seed, .. }) = violations.first() {
        let calm = if calm { " --calm" } else { "" };
        println!("\nto repeat it: cargo xtask simulate --seeds 1 --first {seed}{calm}");
    }
    ExitCode::FAILURE
}

/// Returns true if two runs of a world have the same trace, in each mode.
fn is_deterministic(plan: &Rc<Plan>) -> bool {
    Mode::ALL.iter().all(|mode| {
        let [first, second] = [(); 2].map(|()| world::run(plan, *mode).trace());
        first == second
    })
}

/// Runs seeds on all CPU cores. The result does not depend on the number of cores.
fn run_batch(arguments: &Arguments, start: u64, end: u64) -> (Report, Vec<Violation>) {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let next = AtomicU64::new(start);
    let work = || {
        let (mut report, mut violations) = (Report::default(), Vec::new());
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return (report, violations);
            }
            violations.extend(run_plan(&arguments.plan(seed), &mut report));
        }
    };
    let (mut report, mut violations) = (Report::default(), Vec::new());
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            let (sums, found) = worker.join().expect("a world panicked");
            report.add(&sums);
            violations.extend(found);
        }
    });
    violations.sort_by_key(|violation| (violation.seed, violation.mode as u8));
    (report, violations)
}

fn run_plan(plan: &Rc<Plan>, report: &mut Report) -> Vec<Violation> {
    SEED.set(plan.seed);
    let mut violations = Vec::new();
    for mode in Mode::ALL {
        let mut history = world::run(plan, mode);
        let findings = check(plan, mode, &mut history);
        report.sums(mode).count(plan, &history, &findings);
        violations.extend(findings.violations);
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(seed: u64) -> Rc<Plan> {
        Rc::new(Plan::draw(seed))
    }

    #[test]
    fn two_runs_of_a_seed_have_the_same_trace() {
        for seed in 0..4 {
            assert!(is_deterministic(&plan(seed)), "{seed}");
        }
        assert!(is_deterministic(&Rc::new(Plan::draw(10).hanging())));
    }

    #[test]
    fn seeds_and_modes_have_different_traces() {
        let trace = |seed, mode| world::run(&plan(seed), mode).trace();
        assert_ne!(trace(0, Mode::Kv), trace(1, Mode::Kv));
        assert_ne!(trace(0, Mode::Kv), trace(0, Mode::Strict));
    }

    #[test]
    fn a_report_does_not_depend_on_the_order_of_its_seeds() {
        let in_order = |seeds: &[u64]| {
            let mut report = Report::default();
            for seed in seeds {
                let mut single = Report::default();
                assert!(run_plan(&plan(*seed), &mut single).is_empty());
                report.add(&single);
            }
            report.to_string()
        };
        assert_eq!(in_order(&[0, 1, 2]), in_order(&[2, 0, 1]));
    }
}
