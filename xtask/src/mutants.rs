//! Shows that the tests can fail: breaks a copy of the project in one place after another, and checks that each mutant
//! is caught by the invariant of the simulation that it violates, or by the unit test that it fails.

use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail, ensure};

use crate::files;
use crate::simulation::{self, Profile};
use crate::wasm::{cargo, project_root};

/// The folder of the mutants.
const MUTANTS: &str = "tests/simulation/mutants";

/// The files and folders of the project from which the simulation and the unit tests are built.
const FILES: &[&str] = &["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "clippy.toml"];
const FOLDERS: &[&str] = &[
    ".cargo",
    "crates",
    "src",
    "benches/verifier/native",
    "examples/axum",
    "examples/consumer-rust",
    "pkg/diagnosis-wasm",
    "pkg/wasm",
    "tests/simulation",
    "tests/timing",
    "tests/support",
    "tests/vectors",
    "xtask",
];

/// The folders that mutants may change.
const SOURCES: [&str; 2] = ["crates", "src"];

/// The number of seeds. It is enough to catch each mutant, and to show that the unchanged project passes. Most mutants
/// are caught by the first few seeds.
const SEEDS: &str = "256";

/// A patch that breaks the project.
struct Mutant {
    name: String,
    patch: PathBuf,
    catcher: Catcher,
    /// The files that the patch changes.
    changes: Vec<String>,
}

/// The check that must catch a mutant.
#[derive(Debug, PartialEq, Eq)]
enum Catcher {
    /// An invariant of the simulation, by its number.
    Invariant(String),
    /// A unit test, by a part of its name. Used for rules whose violation the simulation cannot see.
    Test(String),
}

/// Checks that every mutant is caught.
pub fn run() -> Result<()> {
    let root = project_root()?;
    let mutants = read_mutants(&root)?;
    let copy = Copy::make(&root)?;
    let (passed, printed) = copy.simulate()?;
    ensure!(passed, "the simulation fails without any mutant:\n{printed}");
    for mutant in &mutants {
        if let Catcher::Test(name) = &mutant.catcher {
            let printed = copy.test(name)?;
            ensure!(find_test(&printed, name, "ok").is_some(), "{name} does not pass:\n{printed}");
        }
    }
    println!("passes    the unchanged project");
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
    ensure!(
        survivors.is_empty(),
        "not caught, or caught by another check: {}",
        survivors.join(", ")
    );
    println!("all {} mutants are caught", mutants.len());
    Ok(())
}

/// Returns all mutants, sorted by name. There is at least one.
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
            ensure!(allowed, "{name} must not change {file}");
        }
        Ok(Self { name, patch, catcher, changes })
    }
}

/// A copy of the project. The mutants break the copy, not the project.
struct Copy {
    /// The project's root.
    root: PathBuf,
    /// The copy's root.
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

    /// Replaces a folder of the copy by the project's.
    fn restore(&self, part: &str) -> Result<()> {
        let folder = self.folder.join(part);
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        files::copy_folder(&self.root.join(part), &folder)
    }

    /// Breaks the copy, and returns the invariant or the test that has caught the mutant.
    fn catch(&self, mutant: &Mutant) -> Result<String> {
        for folder in SOURCES {
            self.restore(folder)?;
        }
        self.apply(mutant)?;
        match &mutant.catcher {
            Catcher::Invariant(number) => {
                let (passed, printed) = self.simulate()?;
                ensure!(!passed, "every invariant holds");
                let marker = format!(": invariant {number}: ");
                let found = printed.lines().find_map(|line| line.split_once(&marker));
                let Some((seed, _)) = found else {
                    bail!("caught, but not by invariant {number}:\n{printed}");
                };
                Ok(format!("invariant {number}, {seed}"))
            }
            Catcher::Test(name) => {
                let printed = self.test(name)?;
                let failed = find_test(&printed, name, "FAILED");
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
            // Inside a repository, git resolves paths from its root, and skips files that it does not find there.
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
        ensure!(!unchanged, "does not apply: a file has not changed");
        Ok(())
    }

    /// Builds and runs the copy's simulation. Returns true if it passes, and its output.
    fn simulate(&self) -> Result<(bool, String)> {
        let mut build = simulation::command(&self.folder, "build", Profile::Dev);
        // Dependencies are built only once, so they may take longer to build: the simulation then runs faster.
        build.args(["--config", r#"profile.dev.package."*".opt-level=2"#]);
        self.build(build)?;
        let run = Command::new(self.target.join(format!("debug/simulation{EXE_SUFFIX}")))
            .args(["--seeds", SEEDS])
            .output()
            .context("cannot start the simulation")?;
        Ok((run.status.success(), String::from_utf8_lossy(&run.stdout).into_owned()))
    }

    /// Builds and runs the copy's unit tests that have `name` in their names. Returns their output.
    fn test(&self, name: &str) -> Result<String> {
        let command = || {
            let mut command = cargo();
            command.current_dir(&self.folder).args(["test", "--lib"]);
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

    /// Runs cargo with as little work for each build as possible, because there are many builds.
    fn cargo(&self, mut command: Command) -> Result<Output> {
        command
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_INCREMENTAL", "1")
            .env("CARGO_PROFILE_DEV_DEBUG", "none")
            .output()
            .context("cannot start cargo")
    }
}

/// Finds the first test that has `name` in its name and ended with `outcome`. Returns its full name.
fn find_test<'p>(printed: &'p str, name: &str, outcome: &str) -> Option<&'p str> {
    let tests = printed.lines().filter_map(|line| line.strip_prefix("test "));
    let mut tests = tests.filter_map(|line| line.split_once(" ... "));
    tests.find(|(test, result)| test.contains(name) && *result == outcome).map(|(test, _)| test)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "Invariant: 1\nWhy.\n\n--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n";

    /// Applies the patch to a crate of one file, below the project's target folder: ignored by git, but inside a
    /// repository.
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
        assert_eq!(find_test(printed, "b_c", "ok"), Some("a::b_c"));
        assert_eq!(find_test(printed, "b_c", "FAILED"), Some("d::b_c_d"));
        assert_eq!(find_test(printed, "a::b_c", "FAILED"), None);
    }
}
