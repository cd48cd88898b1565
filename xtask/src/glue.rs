//! Rewrites what wasm-bindgen and wasm2js generate for the npm package: the glue, which is the JavaScript around the module,
//! and the module as JavaScript.

use anyhow::{Context, Result, ensure};

use crate::prune::without_unused_declarations;

/// Text that marks a line of the glue as unneeded: such lines are removed. The glue's objects are freed by their owner
/// or with the instance, and only `pkg/src` calls it.
const DROPPED: [&str; 4] =
    ["Finalization", "? { register: ", "if (Symbol.dispose)", "    _assertClass("];

/// Puts the glue into a function, so that a failed instance can be replaced with everything that belongs to it. Also
/// makes the glue notice grown memory if the old buffer is not detached, as in wasm2js.
pub fn wrap_in_factory(glue: &str) -> Result<String> {
    let mut names = Vec::new();
    let mut body = String::new();
    for line in glue.lines() {
        let line = match line.strip_prefix("export ") {
            Some(declaration) => {
                names.extend(declared_name(declaration));
                declaration
            }
            None => line,
        };
        body.push_str(line);
        body.push('\n');
    }
    ensure!(names.len() > 4 && !body.contains("\nexport "), "the glue has unexpected exports");
    ensure!(
        body.contains("cachedUint8ArrayMemory0.byteLength === 0"),
        "the glue caches its Uint8Array in an unexpected way"
    );
    for cache in ["cachedUint8ArrayMemory0", "cachedUint32ArrayMemory0"] {
        let check = format!("{cache}.byteLength === 0");
        body = body.replace(&check, &format!("{cache}.buffer !== wasm.memory.buffer"));
    }
    ensure!(!body.contains(".byteLength === 0"), "the glue has an unexpected cache");
    // Only glue that writes numbers has a DataView.
    let check = "cachedDataViewMemory0.buffer.detached === undefined && ";
    let is_expected = body.contains(check) || !body.contains("cachedDataViewMemory0");
    ensure!(is_expected, "the glue caches its DataView in an unexpected way");
    body = body.replace(check, "");
    // The glue works around Safari's decoder, which fails after 2 GiB.
    ensure!(
        body.contains("function getStringFromWasm0("),
        "the glue reads strings in an unexpected way"
    );
    names.push("getStringFromWasm0");
    let kept =
        body.split_inclusive('\n').filter(|line| !DROPPED.iter().any(|part| line.contains(part)));
    body = without_unused_declarations(&kept.collect::<String>(), &names.join(" "));
    Ok(format!(
        "export default function makeGlue() {{\n{body}return {{ {} }};\n}}\n",
        names.join(", ")
    ))
}

/// Splits Rust's enums from the rest of the glue, and turns them into TypeScript enums, whose values esbuild inlines.
pub fn split_enums(glue: &str) -> Result<(String, String)> {
    let (mut enums, mut rest) = (String::new(), String::new());
    let mut in_enum = false;
    for line in glue.lines() {
        if let Some(declaration) = line.strip_prefix("export const ") {
            let name = declaration.strip_suffix(" = Object.freeze({");
            enums += &format!(
                "export enum {} {{\n",
                name.context("the glue has an unexpected constant")?
            );
            in_enum = true;
        } else if !in_enum {
            rest += &format!("{line}\n");
        } else if line == "});" {
            enums += "}\n";
            in_enum = false;
        } else if let Some((name, value)) = line.trim().split_once(": ") {
            // The reverse mapping, from the value to the name, follows on the same line.
            let value =
                value.split(',').next().context("the glue has a constant without a value")?;
            enums += &format!("{name} = {value},\n");
        }
    }
    Ok((enums, rest))
}

/// Returns the name that a declaration of a function or a class declares.
fn declared_name(declaration: &str) -> Option<&str> {
    let rest =
        declaration.strip_prefix("function ").or_else(|| declaration.strip_prefix("class "))?;
    rest.split(['(', ' ']).next()
}

/// Makes the script of the module `name` export the function that instantiates it, because its importer has the imports.
pub fn make_instantiable(script: &str, name: &str) -> Result<String> {
    let import = format!("import * as $_{name}_bg_js from './{name}_bg.js';\n");
    let script =
        script.strip_prefix(&import).context("wasm2js imports the glue in an unexpected way")?;
    let (functions, _) = script
        .split_once("var retasmFunc = asmFunc({")
        .context("wasm2js instantiates the module in an unexpected way")?;
    ensure!(!functions.contains("\nimport "), "wasm2js imports more than the glue");
    Ok(format!("{functions}export default asmFunc;\n"))
}
