//! Builds the npm package: compiles `pkg/wasm` twice and `pkg/diagnosis-wasm` once, writes the glue, and bundles
//! `pkg/src` into the builds that `pkg/package.json` exports. Git ignores all files that it writes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use wasm_bindgen_cli_support::{Bindgen, EncodeInto};

use crate::files::{copy, copy_folder, create, hex, read, read_text, write};
use crate::glue::{make_instantiable, split_enums, wrap_in_factory};
use crate::page;
use crate::starter;
use crate::tools::{binaryen, bundle, declarations, esbuild, third_party};
use crate::wasm::{Compilation, project_root};
use crate::worker::{self, Flavour};

/// The options of wasm-opt that replace instructions that wasm2js cannot translate.
const LOWERING: [&str; 3] = [
    "--llvm-memory-copy-fill-lowering",
    "--signext-lowering",
    "--llvm-nontrapping-fptoint-lowering",
];

/// Each bundle, its format and its source in `pkg/src`.
const BUNDLES: [(&str, &str, &str); 9] = [
    ("index.js", "esm", "index.ts"),
    ("index.cjs", "cjs", "index.ts"),
    ("edge.js", "esm", "edge.ts"),
    ("no-wasm.js", "esm", "no-wasm.ts"),
    ("no-wasm.cjs", "cjs", "no-wasm.ts"),
    ("consumer.js", "esm", "consumer.ts"),
    ("console.js", "esm", "console.ts"),
    ("alerts.js", "esm", "alerts.ts"),
    ("diagnosis.js", "esm", "diagnosis.ts"),
];

/// The options of esbuild. Lines are short, because Node prints the line that threw an uncaught error.
const BUNDLING: [&str; 9] = [
    "--bundle",
    "--legal-comments=inline",
    "--minify",
    "--line-limit=160",
    "--sourcemap=linked",
    "--alias:built=./build/npm",
    "--external:*.wasm?module",
    // The console's page, a module of texts.
    "--external:./console-assets.js",
    // The consumer imports the verifier through the package's exports map.
    "--external:cronozen-edge",
];

/// The further options of esbuild for the command line. Its parser of arguments is a CommonJS module, which calls
/// `require` for Node's own modules.
const COMMAND_LINE: [&str; 4] = [
    "--format=esm",
    "--platform=node",
    // Also loaded by wrangler, as a file of its own.
    "--external:./ancestors.js",
    "--banner:js=#!/usr/bin/env node\nimport { createRequire as makeRequire } from \"node:module\";\nconst require = makeRequire(import.meta.url);",
];

/// The entries whose declarations are generated, and the files in `pkg/dist`.
const DECLARATIONS: [(&str, &str); 6] = [
    ("pkg/src/index.ts", "index.d.ts"),
    ("pkg/src/consumer.ts", "consumer.d.ts"),
    ("pkg/src/console.ts", "console.d.ts"),
    ("pkg/src/alerts.ts", "alerts.d.ts"),
    ("pkg/src/diagnosis.ts", "diagnosis.d.ts"),
    ("src/js/worker.ts", "worker/worker.d.ts"),
];

/// The compiler's flags. The module uses these features of WebAssembly and no others. Reference types and multiple
/// results would need other glue, and wasm2js supports neither.
const SIMD: &[&str] = &[
    "-Ctarget-feature=+simd128,-reference-types,-multivalue",
    "-Clink-arg=--no-check-features",
    "-Clink-arg=--features=bulk-memory,mutable-globals,nontrapping-fptoint,sign-ext,simd128",
];

/// The compiler's flags without SIMD, which wasm2js does not support.
const PLAIN: &[&str] = &[
    "-Ctarget-feature=-reference-types,-multivalue",
    "-Clink-arg=--no-check-features",
    "-Clink-arg=--features=bulk-memory,mutable-globals,nontrapping-fptoint,sign-ext",
];

/// The options that enable these features in binaryen.
const FEATURES: [&str; 5] = [
    "--enable-bulk-memory",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-simd",
];

/// A crate that is compiled to WebAssembly, and the name of its module.
#[derive(Clone, Copy)]
struct Source {
    package: &'static str,
    name: &'static str,
    profile: &'static str,
}

const VERIFIER: Source =
    Source { package: "cronozen-webhook-wasm", name: "verifier", profile: "npm" };

/// The level of `release` makes it a fifth smaller, and in JavaScript also faster.
const DIAGNOSIS: Source =
    Source { package: "cronozen-diagnosis-wasm", name: "diagnosis", profile: "release" };

/// The set of builds that are made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Everything in the package.
    Package,
    /// The bundles that Workers import. They take a third less time.
    Workers,
}

/// The bundles that Workers import.
const WORKER_BUNDLES: [&str; 4] = ["edge.js", "consumer.js", "console.js", "alerts.js"];

/// Builds into `pkg/dist`, with the Worker in this flavour. Intermediate files are in `build/npm`.
pub fn build(extent: Extent, flavour: Flavour) -> Result<()> {
    let root = project_root()?;
    let (build, dist) = (root.join("build/npm"), root.join("pkg/dist"));
    // A file that an earlier build has left must not be packed.
    if extent == Extent::Package && dist.exists() {
        fs::remove_dir_all(&dist).context("cannot empty pkg/dist")?;
    }
    create(&build)?;
    create(&dist)?;

    let verifier = bindgen(&root, VERIFIER, SIMD, "simd128", &build)?;
    let optimised = dist.join("verifier.wasm");
    binaryen(&root, "wasm-opt", &[&["-O3"], &FEATURES[..]].concat(), &verifier.module, &optimised)?;
    // Base64 is shorter, but longer after gzip: its characters are not aligned with the bytes, so nothing repeats. As a
    // banner, because esbuild would break a long string, and so that the source maps do not count it.
    let digits = format!("--banner:js=var verifierHex=\"{}\";", hex(&read(&optimised)?));
    let (enums, glue) = split_enums(&verifier.glue)?;
    write(&build.join("enums.ts"), enums)?;
    minify(&root, &wrap_in_factory(&glue)?, &build.join("glue.js"))?;
    if extent == Extent::Package {
        let plain = bindgen(&root, VERIFIER, PLAIN, "plain", &build)?;
        let same = verifier.glue == plain.glue;
        ensure!(same, "the glue must be the same with and without SIMD");
        translate(&root, VERIFIER, &plain.module, &build)?;
    }
    let diagnosis = bindgen(&root, DIAGNOSIS, PLAIN, "plain", &build)?;
    // The translation takes more than half of the time of a quick build, and its module seldom changes.
    let translated = build.join("diagnosis.translated.wasm");
    let is_translated = translated.exists() && read(&translated)? == read(&diagnosis.module)?;
    if extent == Extent::Package || !is_translated {
        translate(&root, DIAGNOSIS, &diagnosis.module, &build)?;
        let glue = wrap_in_factory(&diagnosis.glue)?;
        minify(&root, &glue, &build.join("diagnosis-glue.js"))?;
        copy(&diagnosis.module, &translated)?;
    }
    page::build(&root, &build, &dist.join("console-assets.js"))?;

    for (name, format, source) in BUNDLES {
        if extent == Extent::Workers && !WORKER_BUNDLES.contains(&name) {
            continue;
        }
        let format = format!("--format={format}");
        let mut options = [&BUNDLING[..], &[&format]].concat();
        if source == "index.ts" {
            options.push(&digits);
        }
        bundle(&root, &options, &root.join("pkg/src").join(source), &dist.join(name))?;
    }
    if extent == Extent::Package {
        let options = [&BUNDLING[..], &COMMAND_LINE].concat();
        bundle(&root, &options, &root.join("pkg/src/cli/main.ts"), &dist.join("cli.js"))?;
        copy(&root.join("pkg/src/cli/ancestors.js"), &dist.join("ancestors.js"))?;
        starter::build(&root, &dist.join("starter"))?;
    }
    worker::build(flavour)?;
    copy_folder(&root.join("build/worker"), &dist.join("worker"))?;
    if extent == Extent::Package {
        for (source, output) in DECLARATIONS {
            declarations(&root, &root.join(source), &dist.join(output))?;
        }
        // With `require`, the package is a CommonJS module, and needs the types of one.
        copy(&dist.join("index.d.ts"), &dist.join("index.d.cts"))?;
        third_party(&root)?;
    }
    for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
        copy(&root.join(licence), &root.join("pkg").join(licence))?;
    }
    Ok(())
}

/// Translates a module that was compiled without SIMD into JavaScript.
fn translate(root: &Path, source: Source, module: &Path, build: &Path) -> Result<()> {
    let lowered = build.join(format!("{}.lowered.wasm", source.name));
    let arguments = [&["-O3"], &FEATURES[..], &LOWERING[..]].concat();
    binaryen(root, "wasm-opt", &arguments, module, &lowered)?;
    let script = build.join(format!("{}.wasm2js.js", source.name));
    binaryen(root, "wasm2js", &["-O3"], &lowered, &script)?;
    let instantiable = make_instantiable(&read_text(&script)?, source.name)?;
    minify(root, &instantiable, &build.join(format!("{}.js", source.name)))
}

/// The output of wasm-bindgen.
struct BindgenOutput {
    module: PathBuf,
    glue: String,
}

fn bindgen(
    root: &Path,
    source: Source,
    flags: &'static [&str],
    folder: &'static str,
    build: &Path,
) -> Result<BindgenOutput> {
    let Source { package, profile, .. } = source;
    let input = Compilation { package, feature: None, profile, flags, folder }.run(root)?;
    let out = build.join(folder);
    create(&out)?;
    Bindgen::new()
        .input_path(&input)
        .bundler(true)?
        .typescript(false)
        .remove_name_section(true)
        .encode_into(EncodeInto::Always)
        .remove_producers_section(true)
        .out_name(source.name)
        .generate(&out)
        .context("wasm-bindgen failed")?;
    let glue = read_text(&out.join(format!("{}_bg.js", source.name)))?;
    Ok(BindgenOutput { module: out.join(format!("{}_bg.wasm", source.name)), glue })
}

/// Minifies a generated script, its names included.
fn minify(root: &Path, script: &str, output: &Path) -> Result<()> {
    let source = output.with_extension("unminified.js");
    write(&source, script)?;
    esbuild(root, &["--minify"], &source, output)
}
