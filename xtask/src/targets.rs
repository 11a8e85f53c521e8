//! Other machines: bare metal, wasm, 32 bits, another vendor, big endian.
//!
//! Only the host's toolchain is installed where this runs, so Debian's `rustc-web` (a newer stable
//! compiler) is unpacked into a private folder, with its prebuilt standard libraries where Debian
//! has them and its source, for `-Zbuild-std`, where not. Foreign binaries run under qemu.

use core::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::tree::{CORE, root};

/// How the standard library for a target is had.
#[derive(Clone, Copy, PartialEq)]
enum Library {
    /// Debian's package for this architecture.
    Prebuilt(&'static str),
    /// Built from source: `core` and `alloc` only.
    NoStd,
    /// Built from source, all of it.
    Std,
}

struct Target {
    triple: &'static str,
    what: &'static str,
    library: Library,
    /// Debian packages of the linker and of the C library for the target.
    packages: &'static [&'static str],
    linker: Option<&'static str>,
    runner: Option<&'static str>,
}

const TARGETS: [Target; 5] = [
    Target {
        triple: "thumbv7em-none-eabihf",
        what: "bare metal",
        library: Library::NoStd,
        packages: &[],
        linker: None,
        runner: None,
    },
    Target {
        triple: "wasm32-unknown-unknown",
        what: "browser",
        library: Library::NoStd,
        packages: &[],
        linker: None,
        runner: None,
    },
    Target {
        triple: "i686-unknown-linux-gnu",
        what: "32 bits",
        library: Library::Prebuilt("i386"),
        packages: &["gcc-12-multilib"],
        linker: None,
        runner: None,
    },
    Target {
        triple: "aarch64-unknown-linux-gnu",
        what: "another instruction set",
        library: Library::Prebuilt("arm64"),
        packages: &["gcc-12-aarch64-linux-gnu", "libc6-dev-arm64-cross", "qemu-user"],
        linker: Some("aarch64-linux-gnu-gcc-12"),
        runner: Some("qemu-aarch64 -L /usr/aarch64-linux-gnu"),
    },
    Target {
        triple: "s390x-unknown-linux-gnu",
        what: "big endian",
        library: Library::Std,
        packages: &["gcc-12-s390x-linux-gnu", "libc6-dev-s390x-cross", "qemu-user"],
        linker: Some("s390x-linux-gnu-gcc-12"),
        runner: Some("qemu-s390x -L /usr/s390x-linux-gnu"),
    },
];

/// Builds or tests the core crates for the named targets, all when none is named.
///
/// What cannot be had here (a package, a mirror) skips a target with the reason; what fails once
/// it could be tried is an error.
pub(crate) fn run(named: &[String]) -> Result<()> {
    if let Some(unknown) = named.iter().find(|name| !TARGETS.iter().any(|t| t.triple == **name)) {
        let known: Vec<_> = TARGETS.iter().map(|target| target.triple).collect();
        bail!("unknown target `{unknown}`; known: {}", known.join(", "));
    }
    let mut table = String::from("| target | what | result |\n|---|---|---|\n");
    let mut failed = false;
    let toolchain = Toolchain::get();
    for target in &TARGETS {
        if !named.is_empty() && !named.iter().any(|name| name == target.triple) {
            continue;
        }
        println!("== {} ({})", target.triple, target.what);
        let result = match toolchain.as_ref().map_err(|why| format!("{why:#}")).and_then(|tools| {
            tools.prepare(target).map_err(|why| format!("{why:#}"))?;
            Ok(tools)
        }) {
            Err(why) => format!("skipped: {}", why.replace('\n', " ")),
            Ok(tools) => match tools.check(target) {
                Ok(done) => done,
                Err(why) => {
                    failed = true;
                    format!("FAILED: {why:#}")
                }
            },
        };
        println!("{result}");
        writeln!(table, "| {} | {} | {result} |", target.triple, target.what)?;
    }
    println!("\n{table}");
    if failed {
        bail!("a target failed");
    }
    Ok(())
}

struct Toolchain {
    folder: PathBuf,
}

impl Toolchain {
    /// Unpacks the compiler and the library's source, unless an earlier run did.
    fn get() -> Result<Self> {
        let target_dir = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root().join("target"), PathBuf::from);
        let tools = Self { folder: target_dir.join("cross") };
        std::fs::create_dir_all(tools.folder.join("packages"))?;
        if tools.rustc_works() {
            return Ok(tools);
        }
        run_quietly("apt-get", &["update", "-qq"])?;
        let listing = output("apt-cache", &["depends", "libstd-rust-web-dev"])?;
        let runtime = listing
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Depends: "))
            .find(|name| name.starts_with("libstd-rust-web-"))
            .context("Debian has no libstd-rust-web runtime")?;
        let listing = output("apt-cache", &["depends", runtime])?;
        let llvm = listing
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Depends: "))
            .find(|name| name.starts_with("libllvm"))
            .context("Debian's rustc-web names no libllvm")?;
        for package in ["rustc-web", "rust-web-src", "libstd-rust-web-dev", runtime, llvm] {
            tools.unpack(&tools.download(package)?)?;
        }
        let (library, compiler) =
            (tools.folder.join("usr/lib/x86_64-linux-gnu"), tools.folder.join("usr/bin/rustc"));
        let wrapper = format!(
            "#!/bin/sh\nLD_LIBRARY_PATH={} exec {} \"$@\"\n",
            library.display(),
            compiler.display()
        );
        std::fs::write(tools.rustc(), wrapper)?;
        run_quietly("chmod", &["+x", &tools.rustc().to_string_lossy()])?;
        if !tools.rustc_works() {
            bail!("the unpacked rustc does not run");
        }
        Ok(tools)
    }

    fn rustc(&self) -> PathBuf {
        self.folder.join("rustc")
    }

    fn rustc_works(&self) -> bool {
        Command::new(self.rustc()).arg("--version").output().is_ok_and(|out| out.status.success())
    }

    /// Has apt fetch a package of this machine's architecture.
    fn download(&self, package: &str) -> Result<PathBuf> {
        let packages = self.folder.join("packages");
        run_quietly_in(&packages, "apt-get", &["download", "-qq", package])?;
        let prefix = format!("{package}_");
        for entry in std::fs::read_dir(&packages)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                return Ok(entry.path());
            }
        }
        bail!("apt downloaded no {package}")
    }

    /// Fetches a package of another architecture, which apt does not list, by address.
    fn fetch(&self, url: &str) -> Result<PathBuf> {
        let name = url.rsplit('/').next().unwrap_or(url);
        let file = self.folder.join("packages").join(name);
        if !file.exists() {
            run_quietly("curl", &["-sSf", "--retry", "2", "-o", &file.to_string_lossy(), url])
                .with_context(|| format!("cannot fetch {name}"))?;
        }
        Ok(file)
    }

    /// Unpacks a package into the private folder.
    fn unpack(&self, file: &Path) -> Result<()> {
        run_quietly("dpkg", &["-x", &file.to_string_lossy(), &self.folder.to_string_lossy()])
    }

    /// Gets what one target needs beyond the compiler.
    fn prepare(&self, target: &Target) -> Result<()> {
        if let Library::Prebuilt(architecture) = target.library {
            let present = self.folder.join("usr/lib/rustlib").join(target.triple).exists();
            if !present {
                let url = package_url("libstd-rust-web-dev")?;
                self.unpack(&self.fetch(&url.replace("_amd64", &format!("_{architecture}")))?)?;
            }
        }
        if !target.packages.is_empty() {
            let missing = target
                .packages
                .iter()
                .any(|package| run_quietly("dpkg-query", &["--show", package]).is_err());
            if missing {
                let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
                arguments.extend(target.packages);
                run_quietly("apt-get", &arguments)?;
            }
        }
        Ok(())
    }

    /// Builds the core crates, and runs their tests where the target can run them.
    fn check(&self, target: &Target) -> Result<String> {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .current_dir(root())
            .env("RUSTC", self.rustc())
            .env("CARGO_TARGET_DIR", self.folder.join("build"));
        let name = target.triple.to_uppercase().replace('-', "_");
        if let Some(linker) = target.linker {
            command.env(format!("CARGO_TARGET_{name}_LINKER"), linker);
        }
        if let Some(runner) = target.runner {
            command.env(format!("CARGO_TARGET_{name}_RUNNER"), runner);
        }
        let runs = target.library != Library::NoStd;
        command.args([if runs { "test" } else { "build" }, "--quiet", "--target", target.triple]);
        if runs {
            // Documentation tests would need a rustdoc of the same version.
            command.args(["--lib", "--tests"]);
        }
        for package in CORE {
            command.args(["-p", package]);
        }
        if !matches!(target.library, Library::Prebuilt(_)) {
            let source = output(
                "find",
                &[
                    &self.folder.join("usr/src").to_string_lossy(),
                    "-maxdepth",
                    "2",
                    "-name",
                    "library",
                ],
            )?;
            command.arg(if runs { "-Zbuild-std" } else { "-Zbuild-std=core,alloc" });
            command.env("RUSTC_BOOTSTRAP", "1").env("__CARGO_TESTS_ONLY_SRC_ROOT", source.trim());
        }
        let output = command.output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            println!("{text}\n{}", String::from_utf8_lossy(&output.stderr));
            bail!("the {} failed", if runs { "tests" } else { "build" });
        }
        if !runs {
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

/// Asks apt where a package's file lies.
fn package_url(package: &str) -> Result<String> {
    let printed = output("apt-get", &["--print-uris", "download", package])?;
    let url =
        printed.split('\'').nth(1).with_context(|| format!("Debian has no package {package}"))?;
    Ok(url.to_owned())
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

fn run_quietly_in(folder: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    output_in(folder, program, arguments).map(drop)
}
