//! Runs the simulation.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::wasm::{cargo, project_root};

/// Runs the simulation of this project.
pub fn run(arguments: &[&str]) -> Result<()> {
    let status = command(&project_root()?, "run", Profile::Simulation)
        .arg("--")
        .args(arguments)
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "the simulation failed: see above");
    Ok(())
}

/// The cargo profile that the simulation is compiled with.
#[derive(Clone, Copy)]
pub enum Profile {
    /// For long runs: slow to compile, fast to run.
    Simulation,
    /// For short runs: fast to compile.
    Dev,
}

/// Returns the cargo command for the simulation of the project in `root`.
pub fn command(root: &Path, subcommand: &str, profile: Profile) -> Command {
    let profile = match profile {
        Profile::Simulation => "simulation",
        Profile::Dev => "dev",
    };
    let mut command = cargo();
    command.current_dir(root).arg(subcommand).args([
        "--quiet",
        "--package",
        "simulation",
        "--profile",
        profile,
    ]);
    command
}
