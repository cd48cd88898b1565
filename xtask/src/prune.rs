//! Takes out of a Worker what nothing calls. A linker keeps whatever a crate exports to JavaScript, with all that it
//! calls, and the `worker` crate exports classes for Workers that use them.

use anyhow::{Context, Result, ensure};
use walrus::{ExportId, Module};

/// Leaves of the glue, and of the module, what the shim needs. Returns the glue.
pub fn prune(glue: &str, shim: &str, module: &mut Module) -> Result<String> {
    let glue = without_unused_declarations(glue, shim);
    let unused: Vec<ExportId> = module
        .exports
        .iter()
        .filter(|export| !names(&glue, &format!("wasm.{}", export.name)))
        .map(walrus::Export::id)
        .collect();
    ensure!(!unused.is_empty(), "the glue names the module's exports in another way");
    for export in unused {
        module.exports.delete(export);
    }
    walrus::passes::gc::run(module);
    without_unused_imports(&glue, module)
}

/// The glue without the classes and functions that neither the shim nor the rest of the glue names.
pub fn without_unused_declarations(glue: &str, shim: &str) -> String {
    let statements = statements(glue);
    let unused = |name: &str| {
        let elsewhere = statements.iter().filter(|statement| declared(statement) != Some(name));
        !names(shim, name) && !elsewhere.into_iter().any(|statement| names(statement, name))
    };
    statements
        .iter()
        .filter(|statement| !declared(statement).is_some_and(unused))
        .map(String::as_str)
        .collect()
}

/// The statements that stand at the left margin, each with the comment before it.
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

/// The class or function that a statement declares or belongs to.
fn declared(statement: &str) -> Option<&str> {
    let code = statement.split_once("\n */\n").map_or(statement, |(_, code)| code);
    let finalization = |rest: &'_ str| rest.split_once("Finalization = ").is_some();
    let rest = ["export class ", "class ", "export function ", "function ", "if (Symbol.dispose) "]
        .into_iter()
        .find_map(|beginning| code.strip_prefix(beginning))
        .or_else(|| code.strip_prefix("const ").filter(|rest| finalization(rest)))?;
    let name = rest.split([' ', '(', '.']).next()?;
    Some(name.strip_suffix("Finalization").unwrap_or(name))
}

/// The glue without the functions that the module does not import any more.
fn without_unused_imports(glue: &str, module: &Module) -> Result<String> {
    let (before, rest) = glue
        .split_once("const import0 = {\n        __proto__: null,\n")
        .context("the glue lists its imports in another way")?;
    let (imports, after) =
        rest.split_once("\n    };\n").context("the glue ends its imports in another way")?;
    let mut kept = String::new();
    let mut keeps = true;
    for line in imports.lines() {
        let entry = line.strip_prefix("        ").and_then(|line| line.split_once(": function("));
        if let Some((name, _)) = entry.filter(|(name, _)| !name.starts_with(' ')) {
            keeps = module.imports.iter().any(|import| import.name == name);
        }
        if keeps {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    Ok(format!("{before}const import0 = {{\n        __proto__: null,\n{kept}    }};\n{after}"))
}

/// Whether a text names this, and not only something longer.
fn names(text: &str, name: &str) -> bool {
    let continues = |character: char| character.is_alphanumeric() || "_$".contains(character);
    text.match_indices(name).any(|(start, found)| {
        let before = text.get(..start).and_then(|before| before.chars().next_back());
        let after = text.get(start + found.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(continues) && !after.is_some_and(continues)
    })
}
