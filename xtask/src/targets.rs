//! Other machines: bare metal, wasm, 32 bits, another instruction set, big endian.
//!
//! Rustup's other targets are not needed: Debian's `rustc-web`, a stable compiler newer than our MSRV, is unpacked into
//! a private folder with its source, and cargo builds the standard library for each target from it. Foreign binaries run
//! under qemu.

use core::fmt::Write as _;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::tree::{core_crates, leaf_crates, root};

/// The work for a target.
#[derive(Clone, Copy, PartialEq)]
enum Work {
    /// Builds the crates without features on `core` and `alloc`.
    Build,
    /// Builds the crates and runs their tests.
    Test,
}

struct Target {
    triple: &'static str,
    what: &'static str,
    work: Work,
    /// Debian packages with the linker and the C library for the target.
    packages: &'static [&'static str],
    linker: Option<&'static str>,
    runner: Option<&'static str>,
}

const TARGETS: [Target; 5] = [
    Target {
        triple: "thumbv7em-none-eabihf",
        what: "bare metal",
        work: Work::Build,
        packages: &[],
        linker: None,
        runner: None,
    },
    Target {
        triple: "wasm32-unknown-unknown",
        what: "browser",
        work: Work::Build,
        packages: &[],
        linker: None,
        runner: None,
    },
    Target {
        triple: "i686-unknown-linux-gnu",
        what: "32 bits",
        work: Work::Test,
        packages: &["gcc-12-multilib"],
        linker: None,
        runner: None,
    },
    Target {
        triple: "aarch64-unknown-linux-gnu",
        what: "another instruction set",
        work: Work::Test,
        packages: &["gcc-12-aarch64-linux-gnu", "libc6-dev-arm64-cross", "qemu-user"],
        linker: Some("aarch64-linux-gnu-gcc-12"),
        runner: Some("qemu-aarch64 -L /usr/aarch64-linux-gnu"),
    },
    Target {
        triple: "s390x-unknown-linux-gnu",
        what: "big endian",
        work: Work::Test,
        packages: &["gcc-12-s390x-linux-gnu", "libc6-dev-s390x-cross", "qemu-user"],
        linker: Some("s390x-linux-gnu-gcc-12"),
        runner: Some("qemu-s390x -L /usr/s390x-linux-gnu"),
    },
];

/// Which targets to build and test.
#[derive(Args)]
pub(crate) struct Options {
    /// Only these targets (default: all)
    targets: Vec<String>,
    /// For this target only the leaf crates: arithmetic and encodings, where processors differ
    #[arg(long, value_name = "TARGET")]
    leaves: Vec<String>,
}

/// Builds or tests the core crates for the named targets, all when none is named.
///
/// A target is skipped with a reason if a package or mirror is missing; a failure after that is an error.
pub(crate) fn run(Options { targets: named, leaves }: &Options) -> Result<()> {
    let is_known = |name: &&String| TARGETS.iter().any(|target| target.triple == **name);
    if let Some(unknown) = named.iter().chain(leaves).find(|name| !is_known(name)) {
        let known: Vec<_> = TARGETS.iter().map(|target| target.triple).collect();
        bail!("unknown target `{unknown}`; known: {}", known.join(", "));
    }
    let toolchain = Toolchain::get();
    let jobs: Vec<_> = TARGETS
        .iter()
        .filter(|target| named.is_empty() || named.iter().any(|name| name == target.triple))
        .map(|target| {
            let is_cut = leaves.iter().any(|name| name == target.triple);
            let crates = if is_cut { leaf_crates() } else { core_crates() };
            // Sequential, because apt-get locks.
            let tools = toolchain.as_ref().map_err(|why| format!("{why:#}"));
            let ready = tools.and_then(|tools| {
                install(target).map_err(|why| format!("{why:#}"))?;
                Ok(tools)
            });
            Job { target, crates, ready, result: OnceLock::new() }
        })
        .collect();
    // Two at a time: building a standard library and slow tests do not use all processors. The last targets take
    // longest, so they start first.
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(job) = jobs.iter().rev().nth(next.fetch_add(1, Ordering::Relaxed)) {
                    job.run();
                }
            });
        }
    });
    let mut table = String::from("| target | what | result |\n|---|---|---|\n");
    for Job { target, result, .. } in &jobs {
        let result = match result.get() {
            Some(Ok(result) | Err(result)) => result.as_str(),
            None => "FAILED: did not run",
        };
        writeln!(table, "| {} | {} | {result} |", target.triple, target.what)?;
    }
    println!("\n{table}");
    if !jobs.iter().all(|job| matches!(job.result.get(), Some(Ok(_)))) {
        bail!("a target failed");
    }
    Ok(())
}

/// One target's work and its result.
struct Job<'a> {
    target: &'static Target,
    crates: Vec<&'static str>,
    /// The tools, or why they are missing.
    ready: Result<&'a Toolchain, String>,
    result: OnceLock<Result<String, String>>,
}

impl Job<'_> {
    fn run(&self) {
        println!("== {} ({})", self.target.triple, self.target.what);
        let start = Instant::now();
        let result = match &self.ready {
            Err(why) => Ok(format!("skipped: {}", why.replace('\n', " "))),
            Ok(tools) => match tools.check(self.target, &self.crates) {
                Ok(done) => Ok(format!("{done}, {} s", start.elapsed().as_secs())),
                Err(why) => Err(format!("FAILED: {why:#}")),
            },
        };
        let (Ok(text) | Err(text)) = &result;
        println!("== {}: {text}", self.target.triple);
        self.result.get_or_init(|| result);
    }
}

struct Toolchain {
    /// The folder of downloaded and unpacked packages.
    folder: PathBuf,
    /// The standard library's source.
    library: PathBuf,
}

impl Toolchain {
    /// Unpacks the compiler and the library's source unless an earlier run did.
    fn get() -> Result<Self> {
        let folder = cache()?.join("mtp-targets");
        if let Ok(tools) = Self::unpacked(&folder) {
            return Ok(tools);
        }
        println!("== unpacking a compiler into {}", folder.display());
        std::fs::create_dir_all(folder.join("packages"))?;
        update();
        let runtime = dependency("libstd-rust-web-dev", "libstd-rust-web-")?;
        let llvm = dependency(&runtime, "libllvm")?;
        for package in ["rustc-web", "libstd-rust-web-dev", &runtime, &llvm] {
            let file = download(&folder, package)?;
            run_quietly("dpkg-deb", &["-x", &file.to_string_lossy(), &folder.to_string_lossy()])?;
        }
        let source = download(&folder, "rust-web-src")?;
        // Only the library: the rest of the source is a gigabyte.
        let unpack =
            "dpkg-deb --fsys-tarfile \"$0\" | tar -x -C \"$1\" --wildcards './usr/src/*/library/*'";
        run_quietly("sh", &["-c", unpack, &source.to_string_lossy(), &folder.to_string_lossy()])?;
        let wrapper = format!(
            "#!/bin/sh\nLD_LIBRARY_PATH={0}/usr/lib/x86_64-linux-gnu exec {0}/usr/bin/rustc \"$@\"\n",
            folder.display(),
        );
        std::fs::write(folder.join("rustc"), wrapper)?;
        run_quietly("chmod", &["+x", &folder.join("rustc").to_string_lossy()])?;
        Self::unpacked(&folder)
    }

    /// Finds the toolchain that an earlier run unpacked.
    fn unpacked(folder: &Path) -> Result<Self> {
        let said = output(&folder.join("rustc").to_string_lossy(), &["--version"])?;
        let minor = said.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
        if minor.is_none_or(|minor| minor < RUST_MINOR_MIN) {
            bail!("Debian's {} is older than our MSRV", said.trim());
        }
        let sources = std::fs::read_dir(folder.join("usr/src"))?;
        let library = sources
            .filter_map(|entry| Some(entry.ok()?.path().join("library")))
            .find(|path| path.join("std/Cargo.toml").exists())
            .context("the library's source is missing")?;
        Ok(Self { folder: folder.to_owned(), library })
    }

    /// Builds the crates, and runs their tests if the target can.
    fn check(&self, target: &Target, crates: &[&str]) -> Result<String> {
        let target_dir = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root().join("target"), PathBuf::from);
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .current_dir(root())
            .env("RUSTC", self.folder.join("rustc"))
            // A stable compiler, but cargo builds a library for it.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("__CARGO_TESTS_ONLY_SRC_ROOT", &self.library)
            .env("CARGO_TARGET_DIR", target_dir.join("cross").join(target.triple))
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_INCREMENTAL", "0");
        let name = target.triple.to_uppercase().replace('-', "_");
        if let Some(linker) = target.linker {
            command.env(format!("CARGO_TARGET_{name}_LINKER"), linker);
        }
        if let Some(runner) = target.runner {
            command.env(format!("CARGO_TARGET_{name}_RUNNER"), runner);
        }
        // Doc tests would need a rustdoc of the same version.
        let what: &[&str] = match target.work {
            Work::Build => &["build", "--no-default-features", "-Zbuild-std=core,alloc"],
            Work::Test => &["test", "--no-fail-fast", "--lib", "--tests", "-Zbuild-std"],
        };
        command.args(what).args(["--quiet", "--target", target.triple]);
        for package in crates {
            command.args(["-p", package]);
        }
        let output = command.output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            println!("== {}\n{text}\n{said}", target.triple);
            bail!("see above");
        }
        if target.work == Work::Build {
            return Ok("builds".to_owned());
        }
        let passed: u64 = text
            .lines()
            .filter_map(|line| {
                line.strip_prefix("test result: ok. ")?.split(' ').next()?.parse::<u64>().ok()
            })
            .sum();
        if passed == 0 {
            bail!("no test ran");
        }
        Ok(format!("{passed} tests pass"))
    }
}

/// Installs what one target needs beyond the compiler.
fn install(target: &Target) -> Result<()> {
    // A package that is only known, for example as another's suggestion, has a status too.
    let is_missing = |package: &&&str| {
        let status = output("dpkg-query", &["--show", "--showformat=${Status}", package]);
        !status.is_ok_and(|status| status == "install ok installed")
    };
    let missing: Vec<_> = target.packages.iter().filter(is_missing).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("== installing {missing:?}");
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend(missing);
    run_quietly("apt-get", &arguments).or_else(|_| {
        update();
        run_quietly("apt-get", &arguments)
    })
}

/// Updates apt's package lists.
fn update() {
    // A single unreachable list fails the update; a missing package shows later.
    drop(run_quietly("apt-get", &["update", "-qq"]));
}

/// The minor version of the MSRV, `rust-version`: 1.89.
const RUST_MINOR_MIN: u32 = 89;

/// Returns the user's cache folder.
fn cache() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("XDG_CACHE_HOME") {
        return Ok(folder.into());
    }
    let home = std::env::var_os("HOME").context("neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(Path::new(&home).join(".cache"))
}

/// Returns the dependency of a package with this prefix.
fn dependency(package: &str, prefix: &str) -> Result<String> {
    let listing = output("apt-cache", &["depends", package])?;
    let mut needed = listing.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
    let found = needed.find(|name| name.starts_with(prefix));
    Ok(found.with_context(|| format!("Debian's {package} has no dependency {prefix}"))?.to_owned())
}

/// Downloads a package unless it is there already.
fn download(folder: &Path, package: &str) -> Result<PathBuf> {
    let packages = folder.join("packages");
    let prefix = format!("{package}_");
    let find = || -> Result<Option<PathBuf>> {
        let mut files = std::fs::read_dir(&packages)?.filter_map(Result::ok);
        let found = files.find(|file| file.file_name().to_string_lossy().starts_with(&prefix));
        Ok(found.map(|file| file.path()))
    };
    if let Some(file) = find()? {
        return Ok(file);
    }
    output_in(&packages, "apt-get", &["download", "-qq", package])?;
    find()?.with_context(|| format!("apt downloaded no {package}"))
}

fn output(program: &str, arguments: &[&str]) -> Result<String> {
    output_in(Path::new("/"), program, arguments)
}

fn output_in(folder: &Path, program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .with_context(|| format!("cannot start {program}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{program} {}: {}", arguments.join(" "), said.lines().last().unwrap_or("failed"));
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn run_quietly(program: &str, arguments: &[&str]) -> Result<()> {
    output(program, arguments).map(drop)
}
