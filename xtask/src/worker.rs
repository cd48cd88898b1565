//! Compiles the Worker to WebAssembly, writes its JavaScript glue, and lays the shim beside both.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use wasm_bindgen_cli_support::Bindgen;

const TARGET: &str = "wasm32-unknown-unknown";

/// Which Worker is built.
#[derive(Clone, Copy)]
pub enum Flavour {
    /// The one that is deployed.
    Shipped,
    /// The one that traps when a test asks for it.
    TestTrap,
}

impl Flavour {
    fn feature(self) -> &'static str {
        match self {
            Self::Shipped => "worker",
            Self::TestTrap => "test-trap",
        }
    }

    /// The profiles have folders of their own, so that the one Worker is never taken for the other.
    fn profile(self) -> &'static str {
        match self {
            Self::Shipped => "release",
            Self::TestTrap => "test-trap",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Shipped => "build/worker",
            Self::TestTrap => "build/worker-test-trap",
        }
    }
}

/// Builds into `build/worker` or `build/worker-test-trap`: `worker.mjs`, `index.js`, `index_bg.wasm`.
pub fn build(flavour: Flavour) -> Result<()> {
    let root = project_root()?;
    compile(&root, flavour)?;

    let compiled =
        target_folder(&root).join(TARGET).join(flavour.profile()).join("cronozen_edge.wasm");
    let out = root.join(flavour.folder());
    fs::create_dir_all(&out).with_context(|| format!("cannot create {}", out.display()))?;
    Bindgen::new()
        .input_path(&compiled)
        .web(true)?
        // The shim hands over the module: workerd has no URL to fetch it from.
        .omit_default_module_path(true)
        .typescript(false)
        // A fresh instance after a trap.
        .reset_state_function(true)
        // The names of functions are a third of the file, and nothing shows a stack.
        .remove_name_section(true)
        .out_name("index")
        .generate(&out)
        .context("wasm-bindgen failed")?;

    let shim = root.join("src/cloudflare/worker.mjs");
    fs::copy(&shim, out.join("worker.mjs"))
        .with_context(|| format!("cannot copy {}", shim.display()))?;
    Ok(())
}

fn compile(root: &Path, flavour: Flavour) -> Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(root)
        .args(["build", "--locked", "--lib", "--target", TARGET])
        .args(["--profile", flavour.profile(), "--features", flavour.feature()])
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "the Worker does not compile: see cargo's message above");
    Ok(())
}

/// The project's root, wherever the command was started from.
fn project_root() -> Result<PathBuf> {
    let Some(root) = Path::new(env!("CARGO_MANIFEST_DIR")).parent() else {
        bail!("xtask must lie inside the project");
    };
    Ok(root.to_path_buf())
}

fn target_folder(root: &Path) -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}
