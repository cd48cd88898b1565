//! Runs the fuzz targets, each for a while from its kept corpus.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::files;
use crate::wasm::{cargo, project_root};

/// The version of cargo-fuzz, which is installed if it is not there.
const CARGO_FUZZ: &str = "0.13.2";

/// The seconds for each target, if none are given.
const SECONDS: u32 = 20;

/// The longest that one input may take, in seconds. It is long because machines are busy.
const INPUT_SECONDS: u32 = 30;

/// The targets' folder for what cargo compiles. Finds are beside it, so that a run changes no file of the project.
const TARGET: &str = "target/fuzz";

/// Builds all targets, then runs those with the names in `arguments`, or all.
pub fn run(arguments: &[&str]) -> Result<()> {
    let root = project_root()?;
    let all = read_targets(&root)?;
    let (seconds, names) = read_arguments(arguments)?;
    for name in &names {
        ensure!(all.iter().any(|target| target == name), "no target has the name {name}");
    }
    let tool = install(&root)?;
    let read_lock =
        || fs::read(root.join("fuzz/Cargo.lock")).context("cannot read fuzz/Cargo.lock");
    let locked = read_lock()?;
    let mut build = tool_command(&root, &tool, "build");
    ensure!(build.status()?.success(), "the fuzz targets do not compile: see above");
    // cargo-fuzz does not know --locked.
    ensure!(read_lock()? == locked, "fuzz/Cargo.lock was not up to date: commit its changes");
    let mut failed = 0;
    let chosen: Vec<&String> =
        all.iter().filter(|target| names.is_empty() || names.contains(&target.as_str())).collect();
    for target in &chosen {
        match fuzz(&root, &tool, target, seconds) {
            Ok(result) => println!("passed  {target:10} {result}"),
            Err(reason) => {
                failed += 1;
                println!("FAILED  {target:10} {reason:#}");
            }
        }
    }
    println!("{} passed, {failed} failed", chosen.len() - failed);
    ensure!(failed == 0, "fuzzing found failures: see above");
    Ok(())
}

/// Returns the names of all targets, sorted. There is at least one.
fn read_targets(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("fuzz/fuzz_targets");
    let entries =
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut targets = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_stem().context("a target has a name")?;
        targets.push(name.to_string_lossy().into_owned());
    }
    ensure!(!targets.is_empty(), "there are no fuzz targets in {}", folder.display());
    targets.sort();
    Ok(targets)
}

/// Splits the arguments into the seconds for each target and the names of targets.
fn read_arguments<'a>(arguments: &[&'a str]) -> Result<(u32, Vec<&'a str>)> {
    let (mut seconds, mut names) = (SECONDS, Vec::new());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            "--seconds" => {
                let value = rest.next().and_then(|value| value.parse().ok());
                // For libFuzzer, 0 means no limit.
                seconds = value.filter(|value| *value > 0).context("--seconds needs a number")?;
            }
            option if option.starts_with('-') => bail!("unknown option {option}"),
            name => names.push(name),
        }
    }
    Ok((seconds, names))
}

/// Returns the path of cargo-fuzz, which is compiled unless an earlier run has done that.
fn install(root: &Path) -> Result<PathBuf> {
    let tools = root.join("target/tools");
    let tool = tools.join("bin/cargo-fuzz").with_extension(env::consts::EXE_EXTENSION);
    let printed = Command::new(&tool).arg("--version").output();
    let version = format!("cargo-fuzz {CARGO_FUZZ}");
    let is_right = |printed: &[u8]| String::from_utf8_lossy(printed).trim() == version;
    if printed.is_ok_and(|printed| is_right(&printed.stdout)) {
        return Ok(tool);
    }
    let mut install = cargo();
    install.args(["install", "--quiet", "--locked", "--version", CARGO_FUZZ, "--root"]);
    install.arg(&tools).arg("cargo-fuzz");
    let status = install.status().context("cannot start cargo")?;
    ensure!(status.success(), "{version} was not installed: see cargo's message above");
    Ok(tool)
}

/// Returns the command that builds or runs targets: without a sanitizer, as these need a nightly compiler.
fn tool_command(root: &Path, tool: &Path, task: &str) -> Command {
    let mut command = Command::new(tool);
    command.current_dir(root).args([task, "--sanitizer", "none", "--target-dir", TARGET]);
    // The flags of the caller would replace those of cargo-fuzz.
    command.env_remove("CARGO_ENCODED_RUSTFLAGS");
    command
}

/// Runs a target, and returns a description of the run.
fn fuzz(root: &Path, tool: &Path, target: &str, seconds: u32) -> Result<String> {
    let corpus = root.join("fuzz/corpus").join(target);
    let inputs = fs::read_dir(&corpus).map_or(0, Iterator::count);
    ensure!(inputs > 0, "no corpus in {}", corpus.display());
    // libFuzzer adds to the first folder what it finds.
    let found = root.join(TARGET).join("found").join(target);
    fs::create_dir_all(&found).with_context(|| format!("cannot create {}", found.display()))?;
    let output = tool_command(root, tool, "run")
        .arg(target)
        .args([&found, &corpus])
        .arg("--")
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={INPUT_SECONDS}"))
        .arg("-print_final_stats=1")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", tool.display()))?;
    let printed = String::from_utf8_lossy(&output.stderr);
    files::write(&root.join(TARGET).join(format!("{target}.log")), printed.as_bytes())?;
    if !output.status.success() {
        bail!("{}", describe_crash(target, &printed));
    }
    let runs = number_after(&printed, "stat::number_of_executed_units:").unwrap_or(0);
    ensure!(runs > inputs, "{runs} runs are fewer than the corpus has inputs ({inputs})");
    let coverage = |line: &str| {
        let line = printed.lines().find(|printed| printed.contains(line))?;
        number_after(line, "cov:")
    };
    let (Some(before), Some(after)) = (coverage("\tINITED"), coverage("\tDONE")) else {
        bail!("libFuzzer reported no coverage");
    };
    let seconds = number_after(&printed, " runs in ").context("libFuzzer reported no time")?;
    Ok(format!("{runs} runs, {seconds} s, coverage {before} + {}", after.saturating_sub(before)))
}

/// Returns the number that follows a label.
fn number_after(text: &str, label: &str) -> Option<usize> {
    let rest = text.split_once(label)?.1.trim_start();
    let digits = rest.split(|character: char| !character.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// Returns the panic of a crash, the input, and the command that repeats it.
fn describe_crash(target: &str, printed: &str) -> String {
    let lines = || printed.lines();
    let mut text = format!("crashed: see {TARGET}/{target}.log");
    let panic = lines().skip_while(|line| !line.contains(" panicked at "));
    let no_stack = |line: &&str| !line.starts_with("stack backtrace") && !line.starts_with("note:");
    let other = lines().filter(|line| line.contains("ERROR: libFuzzer"));
    for line in panic.take_while(no_stack).take(6).chain(other) {
        text += &format!("\n    {line}");
    }
    if let Some(input) = lines().find_map(|line| line.split_once("Test unit written to ")) {
        let input = input.1;
        text += &format!(
            "\n    repeat: target/tools/bin/cargo-fuzz run --sanitizer none --target-dir {TARGET} {target} {input}"
        );
    }
    // libFuzzer prints it for inputs of up to 256 bytes.
    if let Some(base64) = lines().find(|line| line.starts_with("Base64: ")) {
        text += &format!("\n    {base64}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_names_are_read() {
        assert_eq!(read_arguments(&[]).unwrap(), (SECONDS, vec![]));
        let both = read_arguments(&["lease", "--seconds", "600", "header"]).unwrap();
        assert_eq!(both, (600, vec!["lease", "header"]));
        for wrong in [&["--seconds"][..], &["--seconds", "0"], &["--seconds", "x"], &["--other"]] {
            assert!(read_arguments(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_crash_is_described_with_its_panic_and_its_input() {
        let printed = "#1\tINITED cov: 3\nthread 'a' panicked at b.rs:1:2:\nnot equal\nstack backtrace:\n 0: c\n\
                       Test unit written to /d/crash-1\nBase64: AAA=\n";
        let text = describe_crash("header", printed);
        for part in
            ["panicked at b.rs:1:2:\n    not equal\n", "header /d/crash-1\n", "Base64: AAA="]
        {
            assert!(text.contains(part), "{text}");
        }
        assert!(!text.contains("0: c"), "{text}");
        assert_eq!(number_after(printed, "cov:"), Some(3));
    }
}
