//! The cost of a cold build of our core crates, beside grammers.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use super::measured::Measured;
use crate::tree::{root, target_dir};

/// Builds a crate with our core crates as dependencies, and one with grammers' comparable crates.
pub(crate) fn measure(measured: &mut Measured) -> Result<()> {
    let crates = root().join("crates");
    let ours = ["mtp-env", "mtp-tl", "mtp-crypto", "mtp-transport", "mtp-session"]
        .map(|name| format!("{name} = {{ path = \"{}\" }}\n", crates.join(name).display()))
        .concat();
    let grammers = "grammers-crypto = \"0.11\"\ngrammers-mtproto = \"0.11\"\n\
                    grammers-tl-types = \"0.11\"\ngrammers-mtsender = \"0.11\"\n";
    for (name, dependencies) in [("ours", ours.as_str()), ("grammers", grammers)] {
        let (seconds, crates) = build(name, dependencies)?;
        println!("{name}: {seconds:.1} CPU seconds, {crates} crates");
        measured.set_figure(&format!("build/seconds/{name}"), seconds);
        measured.set_figure(&format!("build/crates/{name}"), crates);
    }
    Ok(())
}

/// Returns the CPU seconds of a cold release build and the number of crates in it.
fn build(name: &str, dependencies: &str) -> Result<(f64, f64)> {
    let folder = target_dir().join("cold-build").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("src/lib.rs"), "")?;
    let manifest = format!(
        "[package]\nname = \"cold\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\n{dependencies}"
    );
    fs::write(folder.join("Cargo.toml"), manifest)?;
    let cargo = |command: &str| {
        let output = Command::new("bash")
            .args(["-c", command])
            .current_dir(&folder)
            .env("CARGO_TARGET_DIR", folder.join("target"))
            .output()
            .with_context(|| command.to_owned())?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        anyhow::ensure!(output.status.success(), "{command}: {said}");
        Ok((String::from_utf8_lossy(&output.stdout).into_owned(), said))
    };
    // Downloading and resolving are not part of the build.
    cargo("cargo fetch --quiet")?;
    let (tree, _) = cargo("cargo tree --prefix none --edges normal,build --format '{p}'")?;
    let crates: std::collections::BTreeSet<_> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| *name != "cold")
        .collect();
    let (_, said) = cargo("TIMEFORMAT='seconds %U %S'; time cargo build --quiet --release")?;
    let seconds = said.lines().find_map(|line| line.strip_prefix("seconds "));
    let seconds = seconds.context("no time was printed")?.split(' ');
    let seconds = seconds.filter_map(|part| part.parse::<f64>().ok()).sum();
    let count = u32::try_from(crates.len()).context("too many crates")?;
    fs::remove_dir_all(folder.join("target"))?;
    Ok((seconds, f64::from(count)))
}
