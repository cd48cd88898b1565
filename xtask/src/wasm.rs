//! Compiles crates to WebAssembly, and makes Workers of them.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

const TARGET: &str = "wasm32-unknown-unknown";

/// What is compiled, and how.
pub struct Compilation {
    /// The crate.
    pub package: &'static str,
    /// A feature that it is compiled with.
    pub feature: Option<&'static str>,
    /// Cargo's profile.
    pub profile: &'static str,
    /// For the compiler, if its own choices will not do.
    pub flags: &'static [&'static str],
    /// Where cargo works, inside its target folder: flags of one's own need a folder of one's own.
    pub folder: &'static str,
}

/// The cargo that runs this, or the one on the path.
pub fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

impl Compilation {
    /// Compiles, and says where the module is.
    pub fn run(&self, root: &Path) -> Result<PathBuf> {
        let target = env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root.join("target"), |folder| root.join(folder))
            .join(self.folder);
        let mut command = cargo();
        command
            .current_dir(root)
            .args(["build", "--locked", "--lib", "--target", TARGET, "--target-dir"])
            .arg(&target)
            .args(["--profile", self.profile, "--package", self.package])
            .args(self.feature.map(|feature| format!("--features={feature}")));
        let remapping = without_local_paths();
        let flags = [&[&*remapping], self.flags].concat();
        command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
        let status = command.status().context("cannot start cargo")?;
        ensure!(status.success(), "{} does not compile: see cargo's message above", self.package);
        let module = format!("{}.wasm", self.package.replace('-', "_"));
        Ok(target.join(TARGET).join(self.profile).join(module))
    }
}

/// Panics name their source file: not by its path on this machine, which would differ on the next.
fn without_local_paths() -> String {
    let cargo = env::var_os("CARGO_HOME")
        .map_or_else(|| env::home_dir().unwrap_or_default().join(".cargo"), PathBuf::from);
    format!("--remap-path-prefix={}=", cargo.join("registry/src").display())
}

/// The project's root, wherever the command was started from.
pub fn project_root() -> Result<PathBuf> {
    let Some(root) = Path::new(env!("CARGO_MANIFEST_DIR")).parent() else {
        bail!("xtask must lie inside the project");
    };
    Ok(root.to_path_buf())
}
