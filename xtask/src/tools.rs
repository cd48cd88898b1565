//! The tools that npm has installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

const NOT_INSTALLED: &str = "cannot start an npm tool: install the packages with npm ci";

/// Runs esbuild on a source, with these options besides the shared ones.
pub fn esbuild(root: &Path, options: &[&str], source: &Path, output: &Path) -> Result<()> {
    let status = Command::new(tool_path(root, "esbuild"))
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

/// Generates the declarations of a TypeScript entry, all in one file. `source` has a `tsconfig.json` beside it.
pub fn declarations(root: &Path, source: &Path, output: &Path) -> Result<()> {
    let status = Command::new(tool_path(root, "dts-bundle-generator"))
        .current_dir(root)
        .args(["--silent", "--no-banner", "--export-referenced-types=false"])
        .arg(format!("--project={}", source.with_file_name("tsconfig.json").display()))
        .arg(format!("--out-file={}", output.display()))
        .arg(source)
        .status()
        .context(NOT_INSTALLED)?;
    ensure!(status.success(), "dts-bundle-generator failed: see its message above");
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
    let status = Command::new(tool_path(root, name))
        .args(arguments)
        .arg(input)
        .arg("-o")
        .arg(output)
        .status()
        .context(NOT_INSTALLED)?;
    ensure!(status.success(), "{name} failed: see its message above");
    Ok(())
}

fn tool_path(root: &Path, name: &str) -> PathBuf {
    root.join("node_modules/.bin").join(name)
}
