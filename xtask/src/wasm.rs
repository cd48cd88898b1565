//! Compiles crates to WebAssembly.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

const TARGET: &str = "wasm32-unknown-unknown";

/// A crate to compile, and its options.
pub struct Compilation {
    /// The crate.
    pub package: &'static str,
    /// The feature to enable, if any.
    pub feature: Option<&'static str>,
    /// The cargo profile.
    pub profile: &'static str,
    /// Additional flags for the compiler.
    pub flags: &'static [&'static str],
    /// The folder that cargo uses inside its target folder. Compilations with different flags need different folders.
    pub folder: &'static str,
}

/// Returns the cargo that runs this program, or the one on the path. It builds what Cargo.lock says, or fails.
pub fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg("--locked");
    command
}

impl Compilation {
    /// Compiles the crate, and returns the path of the module.
    pub fn run(&self, root: &Path) -> Result<PathBuf> {
        let target = env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root.join("target"), |folder| root.join(folder))
            .join(self.folder);
        let mut command = cargo();
        command
            .current_dir(root)
            .args(["build", "--lib", "--target", TARGET, "--target-dir"])
            .arg(&target)
            .args(["--profile", self.profile, "--package", self.package])
            .args(self.feature.map(|feature| format!("--features={feature}")));
        let remapping = path_remapping_flag();
        let flags = [&[&*remapping], self.flags].concat();
        command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
        let status = command.status().context("cannot start cargo")?;
        ensure!(status.success(), "{} does not compile: see cargo's message above", self.package);
        let module = format!("{}.wasm", self.package.replace('-', "_"));
        Ok(target.join(TARGET).join(self.profile).join(module))
    }
}

/// Returns the flag that removes local paths from panic messages. They contain the path of the source file, which would
/// differ between machines.
fn path_remapping_flag() -> String {
    let cargo = env::var_os("CARGO_HOME")
        .map_or_else(|| env::home_dir().unwrap_or_default().join(".cargo"), PathBuf::from);
    format!("--remap-path-prefix={}=", cargo.join("registry/src").display())
}

/// Returns the project's root, wherever the command was started. `npm run reproduce` sets another one than cargo does.
pub fn project_root() -> Result<PathBuf> {
    let manifest = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let Some(root) = manifest.parent() else {
        bail!("xtask must be inside the project");
    };
    Ok(root.to_path_buf())
}
