//! Compiles a Worker to WebAssembly, writes its JavaScript glue, and lays the shim beside both.

use std::path::Path;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::files::{create, read_text, write};
use crate::prune::prune;
use crate::wasm::{Compilation, project_root};

/// SHA-256 is a third faster with it. All have the same flags, so they can have the same folder.
const SIMD: &[&str] = &["-Ctarget-feature=+simd128"];

/// Which Worker is built.
#[derive(Clone, Copy)]
pub enum Flavour {
    /// The one that is deployed.
    Shipped,
    /// The one that traps when a test asks for it.
    TestTrap,
}

impl Flavour {
    fn feature(self) -> Option<&'static str> {
        match self {
            Self::Shipped => None,
            Self::TestTrap => Some("test-trap"),
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

/// What every Worker's shim imports.
const GUARD: &str = "src/js/guard.mjs";

/// Builds into `build/worker` or `build/worker-test-trap`: `worker.mjs`, `guard.mjs`, `index.js`, `index_bg.wasm`.
pub fn build(flavour: Flavour) -> Result<()> {
    let compilation = Compilation {
        package: "cronozen-edge",
        feature: flavour.feature(),
        profile: flavour.profile(),
        flags: SIMD,
        folder: "",
    };
    assemble(&compilation, "src/js/worker.mjs", flavour.folder())
}

/// Builds the example consumer into `build/consumer-rust`, with files of the same names.
pub fn build_consumer() -> Result<()> {
    let compilation = Compilation {
        package: "consumer-rust",
        feature: None,
        profile: "release",
        flags: SIMD,
        folder: "",
    };
    assemble(&compilation, "examples/consumer-rust/src/worker.mjs", "build/consumer-rust")
}

fn assemble(compilation: &Compilation, shim: &str, folder: &str) -> Result<()> {
    let root = project_root()?;
    let compiled = compilation.run(&root)?;
    let out = root.join(folder);
    create(&out)?;
    let [shim, guard] = [read_text(&root.join(shim))?, read_text(&root.join(GUARD))?];
    bind(&compiled, &format!("{guard}{shim}"), &out)?;
    write(&out.join("guard.mjs"), &guard)?;
    write(&out.join("worker.mjs"), &shim)
}

fn bind(compiled: &Path, shim: &str, out: &Path) -> Result<()> {
    let mut bound = Bindgen::new()
        .input_path(compiled)
        .web(true)?
        // The shim hands over the module: workerd has no URL to fetch it from.
        .omit_default_module_path(true)
        .typescript(false)
        // A fresh instance after a trap.
        .reset_state_function(true)
        // The names of functions are a third of the file, and nothing shows a stack.
        .remove_name_section(true)
        .out_name("index")
        .generate_output()
        .context("wasm-bindgen failed")?;
    bound.emit(out).context("wasm-bindgen cannot write")?;
    let glue = out.join("index.js");
    let pruned = prune(&read_text(&glue)?, shim, bound.wasm_mut())?;
    write(&out.join("index_bg.wasm"), bound.wasm_mut().emit_wasm())?;
    write(&glue, &pruned)
}
