//! Builds the npm package: compiles the crate twice, writes the glue, and bundles `pkg/src` into the
//! builds that `pkg/package.json` exports. All that it writes is ignored by git.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use wasm_bindgen_cli_support::{Bindgen, EncodeInto};

use crate::files::{copy, copy_folder, create, read, read_text, write};
use crate::prune::without_unused_declarations;
use crate::wasm::{Compilation, project_root};
use crate::worker;

/// What wasm2js cannot translate is rewritten in terms of what it can.
const LOWERING: [&str; 3] = [
    "--llvm-memory-copy-fill-lowering",
    "--signext-lowering",
    "--llvm-nontrapping-fptoint-lowering",
];

/// Each bundle, its format and its source in `pkg/src`.
const BUNDLES: [(&str, &str, &str); 6] = [
    ("index.js", "esm", "index.js"),
    ("index.cjs", "cjs", "index.js"),
    ("edge.js", "esm", "edge.js"),
    ("no-wasm.js", "esm", "no-wasm.js"),
    ("no-wasm.cjs", "cjs", "no-wasm.js"),
    ("consumer.js", "esm", "consumer.js"),
];

/// When nobody catches an error, Node shows the line that threw it, so lines are short.
const BUNDLING: [&str; 8] = [
    "--bundle",
    "--legal-comments=none",
    "--minify",
    "--line-limit=160",
    "--alias:built=./build/npm",
    "--loader:.hex=text",
    "--external:*.wasm?module",
    // What verifies is left to the exports map.
    "--external:cronozen-edge",
];

/// Stands for the module's digits until esbuild has broken the lines: it would break these, too.
const PLACEHOLDER: &str = "THE MODULE";

/// What the glue does without: its objects are freed by their owner, or with the instance, and nobody but
/// `pkg/src` calls it.
const DROPPED: [&str; 4] =
    ["Finalization", "? { register: ", "if (Symbol.dispose)", "    _assertClass("];

const NOT_INSTALLED: &str = "cannot start a tool of npm's: install the packages with npm ci";

/// The module uses these features of WebAssembly and no others. Reference types and several results would
/// need other glue, and wasm2js has neither.
const SIMD: &[&str] = &[
    "-Ctarget-feature=+simd128,-reference-types,-multivalue",
    "-Clink-arg=--no-check-features",
    "-Clink-arg=--features=bulk-memory,mutable-globals,nontrapping-fptoint,sign-ext,simd128",
];

/// The same without SIMD, which wasm2js does not have.
const PLAIN: &[&str] = &[
    "-Ctarget-feature=-reference-types,-multivalue",
    "-Clink-arg=--no-check-features",
    "-Clink-arg=--features=bulk-memory,mutable-globals,nontrapping-fptoint,sign-ext",
];

/// Tells binaryen of the features.
const FEATURES: [&str; 5] = [
    "--enable-bulk-memory",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-simd",
];

/// Which builds are made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All that is packed.
    Package,
    /// What Workers import: a third of the time less.
    Workers,
}

/// The bundles that Workers import.
const WORKER_BUNDLES: [&str; 2] = ["edge.js", "consumer.js"];

/// Builds into `pkg/dist`, with `build/npm` for what lies between.
pub fn build(extent: Extent) -> Result<()> {
    let root = project_root()?;
    let (build, dist) = (root.join("build/npm"), root.join("pkg/dist"));
    // A file that an earlier version has left behind must not be packed.
    if extent == Extent::Package && dist.exists() {
        fs::remove_dir_all(&dist).context("cannot empty pkg/dist")?;
    }
    create(&build)?;
    create(&dist)?;

    let compiled = bindgen(&root, SIMD, "simd128", &build)?;
    let optimised = dist.join("verifier.wasm");
    tool(&root, "wasm-opt", &[&["-O3"], &FEATURES[..]].concat(), &compiled.module, &optimised)?;
    write(&build.join("verifier.hex"), PLACEHOLDER)?;
    let digits = hex(&read(&optimised)?);
    let (enums, glue) = split_enums(&compiled.glue)?;
    write(&build.join("enums.ts"), enums)?;
    minify(&root, &factory(&glue)?, &build.join("glue.js"))?;
    if extent == Extent::Package {
        without_wasm(&root, &compiled.glue, &build)?;
    }

    for (bundle, format, source) in BUNDLES {
        if extent == Extent::Workers && !WORKER_BUNDLES.contains(&bundle) {
            continue;
        }
        let format = format!("--format={format}");
        let options = [&BUNDLING[..], &[&format]].concat();
        let output = dist.join(bundle);
        esbuild(&root, &options, &root.join("pkg/src").join(source), &output)?;
        write(&output, read_text(&output)?.replace(PLACEHOLDER, &digits))?;
    }
    copy(&root.join("pkg/index.d.ts"), &dist.join("index.d.cts"))?;

    worker::build(worker::Flavour::Shipped)?;
    copy_folder(&root.join("build/worker"), &dist.join("worker"))?;
    for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
        copy(&root.join(licence), &root.join("pkg").join(licence))?;
    }
    Ok(())
}

/// Compiles the crate once more, and turns the module into JavaScript.
fn without_wasm(root: &Path, glue: &str, build: &Path) -> Result<()> {
    let plain = bindgen(root, PLAIN, "plain", build)?;
    ensure!(glue == plain.glue, "the glue must be the same with and without SIMD");
    let lowered = build.join("lowered.wasm");
    let arguments = [&["-O3"], &FEATURES[..], &LOWERING[..]].concat();
    tool(root, "wasm-opt", &arguments, &plain.module, &lowered)?;
    let script = build.join("wasm2js.js");
    tool(root, "wasm2js", &["-O3"], &lowered, &script)?;
    minify(root, &instantiable(&read_text(&script)?)?, &build.join("verifier.js"))
}

struct Compiled {
    module: PathBuf,
    glue: String,
}

fn bindgen(
    root: &Path,
    flags: &'static [&str],
    folder: &'static str,
    build: &Path,
) -> Result<Compiled> {
    let compiled = Compilation {
        package: "cronozen-webhook-wasm",
        feature: None,
        profile: "npm",
        flags,
        folder,
    }
    .run(root)?;
    let out = build.join(folder);
    create(&out)?;
    Bindgen::new()
        .input_path(&compiled)
        .bundler(true)?
        .typescript(false)
        .remove_name_section(true)
        .encode_into(EncodeInto::Always)
        .remove_producers_section(true)
        .out_name("verifier")
        .generate(&out)
        .context("wasm-bindgen failed")?;
    let glue = read_text(&out.join("verifier_bg.js"))?;
    Ok(Compiled { module: out.join("verifier_bg.wasm"), glue })
}

/// Puts the glue into a function, so that an instance that has failed can be replaced with all that
/// belongs to it, and lets it see that memory has grown where the old one is not detached, as in wasm2js.
fn factory(glue: &str) -> Result<String> {
    let mut names = Vec::new();
    let mut body = String::new();
    for line in glue.lines() {
        let line = match line.strip_prefix("export ") {
            Some(declaration) => {
                names.extend(declared(declaration));
                declaration
            }
            None => line,
        };
        body.push_str(line);
        body.push('\n');
    }
    ensure!(names.len() > 4 && !body.contains("\nexport "), "the glue has exports of another form");
    let detached = "cachedUint8ArrayMemory0.byteLength === 0";
    ensure!(body.contains(detached), "the glue caches its Uint8Array in another way");
    body = body.replace(detached, "cachedUint8ArrayMemory0.buffer !== wasm.memory.buffer");
    let detached = "cachedDataViewMemory0.buffer.detached === undefined && ";
    ensure!(body.contains(detached), "the glue caches its DataView in another way");
    body = body.replace(detached, "");
    // The glue's decoder has a cure for Safari, whose own fails after 2 GiB.
    ensure!(body.contains("function getStringFromWasm0("), "the glue reads texts in another way");
    names.push("getStringFromWasm0");
    let kept =
        body.split_inclusive('\n').filter(|line| !DROPPED.iter().any(|part| line.contains(part)));
    body = without_unused_declarations(&kept.collect::<String>(), &names.join(" "));
    Ok(format!(
        "export default function makeGlue() {{\n{body}return {{ {} }};\n}}\n",
        names.join(", ")
    ))
}

/// Splits the enums of Rust from the rest of the glue, and turns them into enums of TypeScript, whose values esbuild
/// writes where they are used.
fn split_enums(glue: &str) -> Result<(String, String)> {
    let (mut enums, mut rest) = (String::new(), String::new());
    let mut in_enum = false;
    for line in glue.lines() {
        if let Some(declaration) = line.strip_prefix("export const ") {
            let name = declaration.strip_suffix(" = Object.freeze({");
            enums += &format!("export enum {} {{\n", name.context("the glue has other constants")?);
            in_enum = true;
        } else if !in_enum {
            rest += &format!("{line}\n");
        } else if line == "});" {
            enums += "}\n";
            in_enum = false;
        } else if let Some((name, value)) = line.trim().split_once(": ") {
            // The name of each value follows it.
            let value =
                value.split(',').next().context("the glue has a constant without a value")?;
            enums += &format!("{name} = {value},\n");
        }
    }
    Ok((enums, rest))
}

/// The name that a declaration of a function or a class declares.
fn declared(declaration: &str) -> Option<&str> {
    let rest =
        declaration.strip_prefix("function ").or_else(|| declaration.strip_prefix("class "))?;
    rest.split(['(', ' ']).next()
}

/// Leaves the instantiation to whoever has the imports.
fn instantiable(script: &str) -> Result<String> {
    let import = "import * as $_verifier_bg_js from './verifier_bg.js';\n";
    let script = script.strip_prefix(import).context("wasm2js imports the glue in another way")?;
    let (functions, _) = script
        .split_once("var retasmFunc = asmFunc({")
        .context("wasm2js instantiates in another way")?;
    ensure!(!functions.contains("\nimport "), "wasm2js imports more than the glue");
    Ok(format!("{functions}export default asmFunc;\n"))
}

/// Only what is generated loses its names.
fn minify(root: &Path, script: &str, output: &Path) -> Result<()> {
    let source = output.with_extension("unminified.js");
    write(&source, script)?;
    esbuild(root, &["--minify"], &source, output)
}

fn esbuild(root: &Path, options: &[&str], source: &Path, output: &Path) -> Result<()> {
    let status = Command::new(installed(root, "esbuild"))
        .current_dir(root)
        .arg(source)
        .args(["--log-level=warning", "--target=es2022", "--charset=ascii"])
        .args(options)
        .arg(format!("--outfile={}", output.display()))
        .status()
        .context(NOT_INSTALLED)?;
    ensure!(status.success(), "esbuild failed: see its message above");
    Ok(())
}

/// Hexadecimal digits. Base64 is shorter, but after gzip it is longer: as its characters are not aligned with
/// the bytes, nothing repeats.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Runs a tool that npm has installed.
fn tool(root: &Path, name: &str, arguments: &[&str], input: &Path, output: &Path) -> Result<()> {
    let status = Command::new(installed(root, name))
        .args(arguments)
        .arg(input)
        .arg("-o")
        .arg(output)
        .status()
        .context(NOT_INSTALLED)?;
    ensure!(status.success(), "{name} failed: see its message above");
    Ok(())
}

fn installed(root: &Path, name: &str) -> PathBuf {
    root.join("node_modules/.bin").join(name)
}
