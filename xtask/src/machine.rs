//! The machine and the compiler that figures depend on.

use std::process::Command;

use anyhow::{Context, Result};

/// Describes the processors.
pub(crate) fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    format!("{} processors ({})", processors(), model.map_or("unknown", |(_, model)| model))
}

/// Returns the number of processors.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Returns the compiler's version, such as `rustc 1.95.0`.
pub(crate) fn rustc() -> Result<String> {
    let output = Command::new("rustc").arg("--version").output().context("rustc --version")?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text.split(" (").next().unwrap_or_default().trim().to_owned())
}
