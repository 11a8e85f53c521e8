//! The public API of the library crates as text, so that a review sees every change of it.
//!
//! rustdoc's JSON is unstable: the pinned `public-api` must know its format version. The stable compiler writes it too,
//! with unstable options enabled.

use core::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::tree::{libraries, root, target_dir};

/// Compares `docs/api/<crate>.txt` with the crates, or rewrites them.
pub(crate) fn run(bless: bool) -> Result<()> {
    let folder = root().join("docs/api");
    fs::create_dir_all(&folder)?;
    let mut changed = Vec::new();
    let libraries = libraries()?;
    for name in &libraries {
        let current = public_api(name)?;
        let path = folder.join(format!("{name}.txt"));
        let committed = fs::read_to_string(&path).unwrap_or_default();
        if current == committed {
            continue;
        }
        changed.push(name.as_str());
        if bless {
            fs::write(&path, current)?;
        } else {
            println!("{name}:");
            print_changes(&committed, &current);
        }
    }
    match (changed.is_empty(), bless) {
        (true, _) => println!("api: {} library crates as in docs/api", libraries.len()),
        (false, true) => println!("api: wrote docs/api of {}", changed.join(", ")),
        (false, false) => bail!(
            "the public API of {} differs from docs/api; if it should: `cargo xtask api --bless`",
            changed.join(", ")
        ),
    }
    Ok(())
}

/// Returns a crate's public items, sorted, one per line.
fn public_api(name: &str) -> Result<String> {
    let json = rustdoc_json(name)?;
    let api = public_api::Builder::from_rustdoc_json(&json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .sorted(true)
        .build()
        .with_context(|| {
            format!("{}: is the compiler older or newer than 1.95?", json.display())
        })?;
    let mut text = String::new();
    for item in api.items() {
        writeln!(text, "{item}")?;
    }
    Ok(text)
}

fn rustdoc_json(name: &str) -> Result<PathBuf> {
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["rustdoc", "--quiet", "--lib", "--all-features", "-p", name, "--"])
        .args(["-Zunstable-options", "--output-format", "json", "--cap-lints", "allow"])
        .env("RUSTC_BOOTSTRAP", "1")
        .current_dir(root())
        .status()
        .context("cannot start cargo")?;
    if !status.success() {
        bail!("rustdoc failed for {name}");
    }
    Ok(target_dir().join("doc").join(format!("{}.json", name.replace('-', "_"))))
}

/// Prints the lines that only one of two sorted texts has.
fn print_changes(before: &str, after: &str) {
    for line in before.lines().filter(|line| !after.lines().any(|other| other == *line)) {
        println!("  - {line}");
    }
    for line in after.lines().filter(|line| !before.lines().any(|other| other == *line)) {
        println!("  + {line}");
    }
}
