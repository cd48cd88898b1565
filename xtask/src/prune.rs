//! Removes unused code from a WebAssembly module and from its glue, the JavaScript that wasm-bindgen generates. The
//! linker keeps everything that a crate exports to JavaScript, and everything that the exports call. The `worker` crate
//! exports classes that not every Worker uses.

use anyhow::{Context, Result, ensure};
use walrus::{ExportId, Module};

/// Removes everything that the shim does not need from the glue and the module. The shim is the hand-written JavaScript
/// that imports the glue. Returns the new glue.
pub fn prune(glue: &str, shim: &str, module: &mut Module) -> Result<String> {
    let glue = without_unused_declarations(glue, shim);
    let unused: Vec<ExportId> = module
        .exports
        .iter()
        .filter(|export| !contains_name(&glue, &format!("wasm.{}", export.name)))
        .map(walrus::Export::id)
        .collect();
    ensure!(!unused.is_empty(), "the glue names the module's exports in an unexpected way");
    for export in unused {
        module.exports.delete(export);
    }
    walrus::passes::gc::run(module);
    without_unused_imports(&glue, module)
}

/// Returns the glue without the classes and functions that neither the shim nor the rest of the glue names.
pub fn without_unused_declarations(glue: &str, shim: &str) -> String {
    let statements = statements(glue);
    let unused = |name: &str| {
        let others = statements.iter().filter(|statement| declared_name(statement) != Some(name));
        !contains_name(shim, name)
            && !others.into_iter().any(|statement| contains_name(statement, name))
    };
    statements
        .iter()
        .filter(|statement| !declared_name(statement).is_some_and(unused))
        .map(String::as_str)
        .collect()
}

/// Returns the statements that begin at the left margin, each with the comment before it.
fn statements(glue: &str) -> Vec<String> {
    let mut statements: Vec<String> = Vec::new();
    let mut in_comment = false;
    for line in glue.split_inclusive('\n') {
        let begins = !line.starts_with([' ', '}', '\n']) && !in_comment;
        match statements.last_mut() {
            Some(statement) if !begins => statement.push_str(line),
            _ => statements.push(line.to_owned()),
        }
        in_comment = line.starts_with("/**") || (in_comment && line.starts_with(' '));
    }
    statements
}

/// Returns the class or function that a statement declares or belongs to.
fn declared_name(statement: &str) -> Option<&str> {
    let code = statement.split_once("\n */\n").map_or(statement, |(_, code)| code);
    let is_finalization = |rest: &'_ str| rest.split_once("Finalization = ").is_some();
    let rest = ["export class ", "class ", "export function ", "function ", "if (Symbol.dispose) "]
        .into_iter()
        .find_map(|beginning| code.strip_prefix(beginning))
        .or_else(|| code.strip_prefix("const ").filter(|rest| is_finalization(rest)))?;
    let name = rest.split([' ', '(', '.']).next()?;
    Some(name.strip_suffix("Finalization").unwrap_or(name))
}

/// Returns the glue without the functions that the module no longer imports.
fn without_unused_imports(glue: &str, module: &Module) -> Result<String> {
    let (before, rest) = glue
        .split_once("const import0 = {\n        __proto__: null,\n")
        .context("the glue lists its imports in an unexpected way")?;
    let (imports, after) =
        rest.split_once("\n    };\n").context("the glue ends its imports in an unexpected way")?;
    let mut kept_lines = String::new();
    let mut is_kept = true;
    for line in imports.lines() {
        // A line that is indented further belongs to the entry before it.
        let entry = line.strip_prefix("        ").and_then(|line| line.split_once(": function("));
        if let Some((name, _)) = entry.filter(|(name, _)| !name.starts_with(' ')) {
            is_kept = module.imports.iter().any(|import| import.name == name);
        }
        if is_kept {
            kept_lines.push_str(line);
            kept_lines.push('\n');
        }
    }
    Ok(format!(
        "{before}const import0 = {{\n        __proto__: null,\n{kept_lines}    }};\n{after}"
    ))
}

/// Returns true if the text contains this name, and not only as a part of a longer name.
fn contains_name(text: &str, name: &str) -> bool {
    let is_name_part = |character: char| character.is_alphanumeric() || "_$".contains(character);
    text.match_indices(name).any(|(start, found)| {
        let before = text.get(..start).and_then(|before| before.chars().next_back());
        let after = text.get(start + found.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(is_name_part) && !after.is_some_and(is_name_part)
    })
}
