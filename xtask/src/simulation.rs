//! Runs the simulation.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::wasm::project_root;

/// Runs it on this crate.
pub fn run(arguments: &[&str]) -> Result<()> {
    let status = command(&project_root()?, "run")
        .arg("--")
        .args(arguments)
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "the simulation failed: see above");
    Ok(())
}

/// Cargo on the simulation of the crate in `root`.
pub fn command(root: &Path, subcommand: &str) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.current_dir(root).arg(subcommand).args([
        "--quiet",
        "--locked",
        "--profile",
        "simulation",
        "--package",
        "simulation",
    ]);
    command
}
