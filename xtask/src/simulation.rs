//! Runs the simulation.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::wasm::{cargo, project_root};

/// Runs it on this crate.
pub fn run(arguments: &[&str]) -> Result<()> {
    let status = command(&project_root()?, "run", Profile::Simulation)
        .arg("--")
        .args(arguments)
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "the simulation failed: see above");
    Ok(())
}

/// How the simulation is compiled.
#[derive(Clone, Copy)]
pub enum Profile {
    /// To run long.
    Simulation,
    /// To be compiled soon.
    Dev,
}

/// Cargo on the simulation of the crate in `root`.
pub fn command(root: &Path, subcommand: &str, profile: Profile) -> Command {
    let profile = match profile {
        Profile::Simulation => "simulation",
        Profile::Dev => "dev",
    };
    let mut command = cargo();
    command.current_dir(root).arg(subcommand).args([
        "--quiet",
        "--locked",
        "--package",
        "simulation",
        "--profile",
        profile,
    ]);
    command
}
