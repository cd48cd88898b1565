//! The build steps that cargo cannot do alone: `cargo xtask <task>`.

mod files;
mod fuzz;
mod glue;
mod mutants;
mod npm;
mod page;
mod prune;
mod simulation;
mod starter;
mod tools;
mod wasm;
mod worker;

use std::env;

use anyhow::{Result, bail};

use worker::Flavour;

const USAGE: &str = "usage: cargo xtask <worker [--test-trap] | consumer-rust | npm [--workers [--unoptimised]] |
                    simulate [--seeds N] [--first SEED] [--calm] | mutants | fuzz [--seconds N] [TARGET ...]>

  worker               build the Worker into build/worker
  worker --test-trap   build the Worker that traps when a test asks for it into build/worker-test-trap
  consumer-rust        build the example consumer in Rust into build/consumer-rust
  npm                  build the npm package into pkg/dist, with the Worker
  npm --workers        build only the bundles that Workers import, which is quicker; with --unoptimised, quicker still
  simulate             run the gateway through many hostile worlds in virtual time, 2000 by default
  mutants              break a copy of the project in many ways, and check that the simulation or a test catches each
  fuzz                 run each fuzz target, or only those named, for 20 s from its corpus in fuzz/corpus";

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["worker"] => worker::build(Flavour::Shipped),
        ["worker", "--test-trap"] => worker::build(Flavour::TestTrap),
        ["consumer-rust"] => worker::build_consumer(),
        ["npm"] => npm::build(npm::Extent::Package, Flavour::Shipped),
        ["npm", "--workers"] => npm::build(npm::Extent::Workers, Flavour::Shipped),
        ["npm", "--workers", "--unoptimised"] => {
            npm::build(npm::Extent::Workers, Flavour::Unoptimised)
        }
        ["simulate", arguments @ ..] => simulation::run(arguments),
        ["mutants"] => mutants::run(),
        ["fuzz", arguments @ ..] => fuzz::run(arguments),
        _ => bail!("{USAGE}"),
    }
}
