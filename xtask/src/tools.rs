//! The tools that npm has installed.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::files::create;

/// Runs esbuild on a source, with these options besides the shared ones.
pub fn esbuild(root: &Path, options: &[&str], source: &Path, output: &Path) -> Result<()> {
    run(root, "esbuild", |tool| {
        tool.arg(source)
            .args(["--log-level=warning", "--target=es2022", "--charset=ascii"])
            .args(options)
            .arg(format!("--outfile={}", output.display()))
    })
}

/// The last line of a file that contains code of others. Their licences ask for a notice in every copy, and files are
/// deployed and served to browsers without the package. Bundlers keep such a comment.
pub const NOTICE: &str =
    "/*! third-party notices: THIRD-PARTY-NOTICES in the npm package cronozen-edge */";

/// Runs esbuild on a source whose bundle is shipped, adds the notice, and lists what it contains in `build/npm/bundles`.
pub fn bundle(root: &Path, options: &[&str], source: &Path, output: &Path) -> Result<()> {
    let folder = root.join("build/npm/bundles");
    create(&folder)?;
    let name = output.file_name().unwrap_or_default().to_string_lossy();
    let list = format!("--metafile={}", folder.join(format!("{name}.json")).display());
    let notices = ["js", "css"].map(|language| format!("--footer:{language}={NOTICE}"));
    let [script, style] = &notices;
    esbuild(root, &[options, &[script, style, &list]].concat(), source, output)
}

/// Generates the declarations of a TypeScript entry, all in one file. `source` has a `tsconfig.json` beside it.
pub fn declarations(root: &Path, source: &Path, output: &Path) -> Result<()> {
    run(root, "dts-bundle-generator", |tool| {
        tool.args(["--silent", "--no-banner", "--export-referenced-types=false"])
            .arg(format!("--project={}", source.with_file_name("tsconfig.json").display()))
            .arg(format!("--out-file={}", output.display()))
            .arg(source)
    })
}

/// Writes TypeScript without its types, which must be erasable. Node has done this since 22.13.
pub fn javascript(root: &Path, source: &Path, output: &Path) -> Result<()> {
    node(root, "scripts/javascript.mjs", &[source, output])
}

/// Writes the bill of materials and the notices of the npm package, from the lists that esbuild has written.
pub fn third_party(root: &Path) -> Result<()> {
    node(root, "scripts/third-party.mjs", &[])
}

/// Runs one of our scripts.
fn node(root: &Path, script: &str, arguments: &[&Path]) -> Result<()> {
    // Linux has a newer Node beside wrangler.
    let installed = root.join("node_modules/.bin/node");
    let node = if installed.exists() { installed } else { "node".into() };
    let status = Command::new(node).arg(root.join(script)).args(arguments).status()?;
    ensure!(status.success(), "{script} failed: see its message above");
    Ok(())
}

/// Runs a tool of binaryen.
pub fn binaryen(
    root: &Path,
    name: &str,
    arguments: &[&str],
    input: &Path,
    output: &Path,
) -> Result<()> {
    run(root, name, |tool| tool.args(arguments).arg(input).arg("-o").arg(output))
}

/// Runs a tool in the project's root, with the arguments that `configure` adds.
fn run(
    root: &Path,
    name: &str,
    configure: impl FnOnce(&mut Command) -> &mut Command,
) -> Result<()> {
    let mut tool = Command::new(root.join("node_modules/.bin").join(name));
    let status = configure(tool.current_dir(root))
        .status()
        .context("cannot start an npm tool: install the packages with npm ci")?;
    ensure!(status.success(), "{name} failed: see its message above");
    Ok(())
}
