//! Compiles a Worker to WebAssembly, writes its JavaScript glue, and compiles the scripts beside both.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::files::{create, keep_only, read_text, write};
use crate::prune::prune;
use crate::tools::{NOTICE, esbuild};
use crate::wasm::{Compilation, project_root};

/// SHA-256 is a third faster with SIMD. All Workers have the same flags, so they can share a target folder.
const SIMD: &[&str] = &["-Ctarget-feature=+simd128"];

/// The glue and the module, as wasm-bindgen names them.
const GLUE: &str = "index.js";
const MODULE: &str = "index_bg.wasm";

/// The Worker that is built.
#[derive(Clone, Copy)]
pub enum Flavour {
    /// The Worker that is deployed.
    Shipped,
    /// The same, hardly optimised and built in its place: quick to rebuild during development.
    Unoptimised,
    /// The Worker that traps when a test asks for it.
    TestTrap,
}

impl Flavour {
    fn feature(self) -> Option<&'static str> {
        match self {
            Self::Shipped | Self::Unoptimised => None,
            Self::TestTrap => Some("test-trap"),
        }
    }

    /// Returns the cargo profile. Each profile has its own folder, so that one Worker is never mistaken for the other.
    fn profile(self) -> &'static str {
        match self {
            Self::Shipped => "release",
            Self::Unoptimised | Self::TestTrap => "unoptimised",
        }
    }

    /// Returns the folder in `build`.
    fn folder(self) -> &'static str {
        match self {
            Self::Shipped | Self::Unoptimised => "worker",
            Self::TestTrap => "worker-test-trap",
        }
    }
}

/// The scripts of the Worker.
const SCRIPTS: [&str; 12] = [
    "src/js/worker.ts",
    "src/js/guard.ts",
    "src/js/calls.ts",
    "src/js/log.ts",
    "src/js/activity-buffer.ts",
    "src/js/activity.ts",
    "src/js/activity-store.ts",
    "src/js/activity-counts.ts",
    "src/js/activity-hours.ts",
    "src/js/activity-pages.ts",
    "src/js/activity-records.ts",
    "src/js/activity-sources.ts",
];

/// The scripts of the example consumer.
const CONSUMER_SCRIPTS: [&str; 3] =
    ["examples/consumer-rust/src/worker.ts", "src/js/guard.ts", "src/js/log.ts"];

/// Builds the Worker into `build/worker` or `build/worker-test-trap`. Writes its scripts, the glue `index.js` and the
/// module `index_bg.wasm`.
pub fn build(flavour: Flavour) -> Result<()> {
    let compilation = Compilation {
        package: "cronozen-edge",
        feature: flavour.feature(),
        profile: flavour.profile(),
        flags: SIMD,
        folder: "",
    };
    // The glue contains code of others, too.
    assemble(&compilation, &SCRIPTS, flavour.folder(), NOTICE)
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
    assemble(&compilation, &CONSUMER_SCRIPTS, "consumer-rust", "")
}

/// `notice` is the last line of the glue.
fn assemble(compilation: &Compilation, scripts: &[&str], folder: &str, notice: &str) -> Result<()> {
    let root = project_root()?;
    let module = compilation.run(&root)?;
    let out = root.join("build").join(folder);
    create(&out)?;
    let mut shim = String::new();
    let mut names = vec![OsString::from(GLUE), OsString::from(MODULE)];
    for script in scripts {
        let source = root.join(script);
        let name =
            source.with_extension("js").file_name().context("a script has no name")?.to_owned();
        let compiled = out.join(&name);
        // Without the option, esbuild reads the nearest tsconfig.json.
        esbuild(&root, &["--tsconfig-raw={}"], &source, &compiled)?;
        shim += &read_text(&compiled)?;
        names.push(name);
    }
    let glue = bind(&module, &shim, &root.join("build/unpruned").join(folder), &out)?;
    write(&out.join(GLUE), glue + notice)?;
    // A file that an earlier build has left must not be packed.
    keep_only(&out, &names)
}

/// Writes the module, and returns the glue. wasm-bindgen writes its own into another folder, because `out` may be in use.
fn bind(module: &Path, shim: &str, unpruned: &Path, out: &Path) -> Result<String> {
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
    output.emit(unpruned).context("wasm-bindgen cannot write")?;
    let pruned = prune(&read_text(&unpruned.join(GLUE))?, shim, output.wasm_mut())?;
    write(&out.join(MODULE), output.wasm_mut().emit_wasm())?;
    let glue = inline_snippets(pruned, output.snippets())?;
    Ok(without_repeated_imports(&glue))
}

/// Returns the glue with one namespace for each module. wasm-bindgen may import a module several times, and wrangler warns
/// of the repeated keys in the list of imports.
fn without_repeated_imports(glue: &str) -> String {
    let mut modules = Vec::new();
    let mut repeated = Vec::new();
    let mut kept = String::new();
    for line in glue.split_inclusive('\n') {
        let import = line.trim().strip_prefix("import * as ");
        if let Some((namespace, module)) = import.and_then(|import| import.split_once(" from ")) {
            if modules.contains(&module) {
                repeated.push(namespace);
                continue;
            }
            modules.push(module);
        }
        let entry = line.trim().strip_suffix(',').and_then(|entry| entry.split_once(": "));
        if !entry.is_some_and(|(_, value)| repeated.contains(&value)) {
            kept.push_str(line);
        }
    }
    kept
}

/// Replaces the glue's imports of snippets, the scripts that crates contain, by their text. The paths of the imports
/// would contain a hash.
fn inline_snippets(mut glue: String, snippets: &BTreeMap<String, Vec<String>>) -> Result<String> {
    for (folder, scripts) in snippets {
        for (number, script) in scripts.iter().enumerate() {
            let end = format!(" }} from './snippets/{folder}/inline{number}.js';");
            let import = glue.lines().find(|line| line.ends_with(&end) && !line.contains(" as "));
            if let Some(import) = import.map(str::to_owned) {
                glue = glue.replace(&import, &script.trim().replace("export ", ""));
            }
        }
    }
    ensure!(!glue.contains("./snippets/"), "the glue imports a snippet in an unexpected way");
    Ok(glue)
}
