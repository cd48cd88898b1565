//! Compiles a Worker to WebAssembly, writes its JavaScript glue, and copies the shim beside both.

use std::path::Path;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::files::{create, read_text, write};
use crate::prune::prune;
use crate::wasm::{Compilation, project_root};

/// SHA-256 is a third faster with SIMD. All Workers have the same flags, so they can share a target folder.
const SIMD: &[&str] = &["-Ctarget-feature=+simd128"];

/// The Worker that is built.
#[derive(Clone, Copy)]
pub enum Flavour {
    /// The Worker that is deployed.
    Shipped,
    /// The Worker that traps when a test asks for it.
    TestTrap,
}

impl Flavour {
    fn feature(self) -> Option<&'static str> {
        match self {
            Self::Shipped => None,
            Self::TestTrap => Some("test-trap"),
        }
    }

    /// Returns the cargo profile. Each profile has its own folder, so that one Worker is never mistaken for the other.
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

/// The script that every Worker's shim imports.
const GUARD: &str = "src/js/guard.js";

/// Builds the Worker into `build/worker` or `build/worker-test-trap`. Writes `worker.js`, `guard.js`, `index.js` and
/// `index_bg.wasm`.
pub fn build(flavour: Flavour) -> Result<()> {
    let compilation = Compilation {
        package: "cronozen-edge",
        feature: flavour.feature(),
        profile: flavour.profile(),
        flags: SIMD,
        folder: "",
    };
    assemble(&compilation, "src/js/worker.js", flavour.folder())
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
    assemble(&compilation, "examples/consumer-rust/src/worker.js", "build/consumer-rust")
}

fn assemble(compilation: &Compilation, shim: &str, folder: &str) -> Result<()> {
    let root = project_root()?;
    let module = compilation.run(&root)?;
    let out = root.join(folder);
    create(&out)?;
    let [shim, guard] = [read_text(&root.join(shim))?, read_text(&root.join(GUARD))?];
    bind(&module, &format!("{guard}{shim}"), &out)?;
    write(&out.join("guard.js"), &guard)?;
    write(&out.join("worker.js"), &shim)
}

fn bind(module: &Path, shim: &str, out: &Path) -> Result<()> {
    let mut output = Bindgen::new()
        .input_path(module)
        .web(true)?
        // The shim passes the module: workerd has no URL to fetch it from.
        .omit_default_module_path(true)
        .typescript(false)
        // Lets the guard create a new instance after a trap.
        .reset_state_function(true)
        // The names of functions are a third of the file, and nothing prints a stack.
        .remove_name_section(true)
        .out_name("index")
        .generate_output()
        .context("wasm-bindgen failed")?;
    output.emit(out).context("wasm-bindgen cannot write")?;
    let glue = out.join("index.js");
    let pruned = prune(&read_text(&glue)?, shim, output.wasm_mut())?;
    write(&out.join("index_bg.wasm"), output.wasm_mut().emit_wasm())?;
    write(&glue, &pruned)
}
