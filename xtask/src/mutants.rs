//! Shows that the tests can fail: breaks the crate in one place after another, and has each breakage caught by
//! the invariant of the simulation that it violates, or by the test of the library that it fails.

use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail, ensure};

use crate::files;
use crate::simulation::{self, Profile};
use crate::wasm::{cargo, project_root};

/// Where the mutants are.
const MUTANTS: &str = "tests/simulation/mutants";

/// What of the crate the simulation and the tests of the library are built from.
const FILES: &[&str] = &["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "clippy.toml"];
const FOLDERS: &[&str] = &[
    ".cargo",
    "crates",
    "src",
    "benches/verifier/native",
    "examples/axum",
    "examples/consumer-rust",
    "pkg/wasm",
    "tests/simulation",
    "tests/support",
    "tests/vectors",
    "xtask",
];

/// What mutants change.
const SOURCES: [&str; 2] = ["crates", "src"];

/// Enough for each mutant, and for the crate as it is to show that it passes. Most are caught by the first few.
const SEEDS: &str = "256";

/// A breakage of the crate.
struct Mutant {
    name: String,
    patch: PathBuf,
    catcher: Catcher,
    /// The files that it changes.
    changes: Vec<String>,
}

/// What has to catch a mutant.
#[derive(Debug, PartialEq, Eq)]
enum Catcher {
    /// An invariant of the simulation, by its number.
    Invariant(String),
    /// A test of the library, by a part of its name. For rules that the simulation cannot see broken.
    Test(String),
}

/// Has all mutants caught.
pub fn run() -> Result<()> {
    let root = project_root()?;
    let mutants = read_mutants(&root)?;
    let copy = Copy::make(&root)?;
    let (passed, printed) = copy.simulate()?;
    ensure!(passed, "the simulation fails without any mutant:\n{printed}");
    for mutant in &mutants {
        if let Catcher::Test(name) = &mutant.catcher {
            let printed = copy.test(name)?;
            ensure!(ended(&printed, name, "ok").is_some(), "{name} does not pass:\n{printed}");
        }
    }
    println!("passes    the crate as it is");
    let mut survivors = Vec::new();
    for mutant in &mutants {
        let (verdict, result) = match copy.catch(mutant) {
            Ok(caught) => ("caught", caught),
            Err(reason) => {
                survivors.push(mutant.name.as_str());
                ("SURVIVES", format!("{reason:#}"))
            }
        };
        println!("{verdict:9} {:42} {result}", mutant.name);
    }
    ensure!(survivors.is_empty(), "not caught as they should be: {}", survivors.join(", "));
    println!("all {} mutants are caught", mutants.len());
    Ok(())
}

/// All mutants, by name; at least one.
fn read_mutants(root: &Path) -> Result<Vec<Mutant>> {
    let folder = root.join(MUTANTS);
    let mut mutants = Vec::new();
    for entry in
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        mutants.push(Mutant::read(entry?.path())?);
    }
    ensure!(!mutants.is_empty(), "there are no mutants in {MUTANTS}");
    mutants.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(mutants)
}

impl Mutant {
    fn read(patch: PathBuf) -> Result<Self> {
        let text = files::read_text(&patch)?;
        let name = patch.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let catcher = match text.lines().next().and_then(|line| line.split_once(": ")) {
            Some(("Invariant", number)) => Catcher::Invariant(number.to_owned()),
            Some(("Test", test)) => Catcher::Test(test.to_owned()),
            _ => bail!("{name} must begin with `Invariant: <number>` or `Test: <part of a name>`"),
        };
        let changed = text.lines().filter_map(|line| line.strip_prefix("+++ b/"));
        let changes: Vec<String> = changed.map(str::to_owned).collect();
        ensure!(!changes.is_empty(), "{name} changes nothing");
        for file in &changes {
            let allowed = SOURCES.iter().any(|folder| Path::new(file).starts_with(folder));
            ensure!(allowed, "{name} may not change {file}");
        }
        Ok(Self { name, patch, catcher, changes })
    }
}

/// The copy of the crate that is broken, so that the crate is not.
struct Copy {
    root: PathBuf,
    /// The copy's.
    folder: PathBuf,
    target: PathBuf,
}

impl Copy {
    fn make(root: &Path) -> Result<Self> {
        let work = root.join("target/mutants");
        let (folder, target) = (work.join("crate"), work.join("target"));
        let copy = Self { root: root.to_path_buf(), folder, target };
        for part in FOLDERS {
            copy.restore(part)?;
        }
        for file in FILES {
            files::copy(&root.join(file), &copy.folder.join(file))?;
        }
        Ok(copy)
    }

    /// Makes a folder what it is in the crate.
    fn restore(&self, part: &str) -> Result<()> {
        let folder = self.folder.join(part);
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        files::copy_folder(&self.root.join(part), &folder)
    }

    /// Breaks the copy, and says what has caught that.
    fn catch(&self, mutant: &Mutant) -> Result<String> {
        for folder in SOURCES {
            self.restore(folder)?;
        }
        self.apply(mutant)?;
        match &mutant.catcher {
            Catcher::Invariant(number) => {
                let (passed, printed) = self.simulate()?;
                ensure!(!passed, "every invariant holds");
                let wanted = format!(": invariant {number}: ");
                let found = printed.lines().find_map(|line| line.split_once(&wanted));
                let Some((seed, _)) = found else {
                    bail!("caught, but not by invariant {number}:\n{printed}");
                };
                Ok(format!("invariant {number}, {seed}"))
            }
            Catcher::Test(name) => {
                let printed = self.test(name)?;
                let failed = ended(&printed, name, "FAILED");
                failed
                    .map(str::to_owned)
                    .with_context(|| format!("{name} does not fail:\n{printed}"))
            }
        }
    }

    fn apply(&self, mutant: &Mutant) -> Result<()> {
        let read = || -> Result<Vec<String>> {
            mutant.changes.iter().map(|file| files::read_text(&self.folder.join(file))).collect()
        };
        let before = read()?;
        let output = Command::new("git")
            .current_dir(&self.folder)
            // Inside a repository git takes paths from its root, and leaves out what it does not find there.
            .env("GIT_CEILING_DIRECTORIES", self.folder.parent().unwrap_or(&self.folder))
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .arg("apply")
            .arg(&mutant.patch)
            .output()
            .context("cannot start git")?;
        let printed = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "does not apply: {}", printed.trim());
        let unchanged = before.iter().zip(read()?).any(|(before, after)| *before == after);
        ensure!(!unchanged, "does not apply: a file is as it was");
        Ok(())
    }

    /// Builds and runs the copy's simulation: whether it passes, and what it prints.
    fn simulate(&self) -> Result<(bool, String)> {
        let mut build = simulation::command(&self.folder, "build", Profile::Dev);
        // What is built only once may take longer, so that the simulation runs faster.
        build.args(["--config", r#"profile.dev.package."*".opt-level=2"#]);
        self.build(build)?;
        let run = Command::new(self.target.join(format!("debug/simulation{EXE_SUFFIX}")))
            .args(["--seeds", SEEDS])
            .output()
            .context("cannot start the simulation")?;
        Ok((run.status.success(), String::from_utf8_lossy(&run.stdout).into_owned()))
    }

    /// Builds and runs the tests of the copy's library that have `name` in their names. Returns what they print.
    fn test(&self, name: &str) -> Result<String> {
        let command = || {
            let mut command = cargo();
            command.current_dir(&self.folder).args(["test", "--locked", "--lib"]);
            command
        };
        let mut build = command();
        build.arg("--no-run");
        self.build(build)?;
        let mut run = command();
        run.args(["--", name]);
        let printed = self.cargo(run)?.stdout;
        Ok(String::from_utf8_lossy(&printed).into_owned())
    }

    fn build(&self, command: Command) -> Result<()> {
        let output = self.cargo(command)?;
        let printed = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "does not compile:\n{printed}");
        Ok(())
    }

    /// Runs cargo so that it builds with as little work as possible: it builds again and again.
    fn cargo(&self, mut command: Command) -> Result<Output> {
        command
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_INCREMENTAL", "1")
            .env("CARGO_PROFILE_DEV_DEBUG", "none")
            .output()
            .context("cannot start cargo")
    }
}

/// Finds the line of the first test with `name` in its name that ended in this way.
fn ended<'p>(printed: &'p str, name: &str, way: &str) -> Option<&'p str> {
    let tests = printed.lines().filter_map(|line| line.strip_prefix("test "));
    let mut tests = tests.filter_map(|line| line.split_once(" ... "));
    tests.find(|(test, result)| test.contains(name) && *result == way).map(|(test, _)| test)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "Invariant: 1\nWhy.\n\n--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n";

    /// A crate of one file, below the project's target folder: ignored there, and inside a repository.
    fn apply(name: &str, source: &str) -> (Result<()>, String) {
        let root = project_root().unwrap().join("target/mutants/tests").join(name);
        files::create(&root.join("src")).unwrap();
        let (source_file, patch) = (root.join("src/lib.rs"), root.join("broken.patch"));
        files::write(&source_file, source).unwrap();
        files::write(&patch, PATCH).unwrap();
        let mutant = Mutant::read(patch).unwrap();
        assert_eq!(
            (&*mutant.name, &mutant.catcher),
            ("broken", &Catcher::Invariant("1".to_owned()))
        );
        let copy = Copy { folder: root.clone(), target: root.join("target"), root };
        (copy.apply(&mutant), files::read_text(&source_file).unwrap())
    }

    #[test]
    fn a_patch_applies_inside_an_ignored_folder() {
        let (applied, source) = apply("applies", "one\ntwo\nthree\n");
        applied.unwrap();
        assert_eq!(source, "one\n2\nthree\n");
    }

    #[test]
    fn a_patch_that_does_not_apply_is_an_error() {
        let (applied, source) = apply("does-not-apply", "one\n2\nthree\n");
        assert!(applied.unwrap_err().to_string().starts_with("does not apply"));
        assert_eq!(source, "one\n2\nthree\n");
    }

    #[test]
    fn a_test_is_found_by_a_part_of_its_name() {
        let printed =
            "\nrunning 2 tests\ntest a::b_c ... ok\ntest d::b_c_d ... FAILED\n\nfailures:\n";
        assert_eq!(ended(printed, "b_c", "ok"), Some("a::b_c"));
        assert_eq!(ended(printed, "b_c", "FAILED"), Some("d::b_c_d"));
        assert_eq!(ended(printed, "a::b_c", "FAILED"), None);
    }
}
