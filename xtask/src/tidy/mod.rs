//! What the compiler does not check: lengths, words, citations, dependency trees.

use anyhow::{Result, bail};

use crate::spec_map::{Sections, citations, cites};
use crate::tree::{CORE, Source, cargo_output, sources};

/// The longest source file; beyond it a module holds more than one idea.
const LINES_MAX: usize = 800;

/// Words that must not stand in code, with the reason printed beside a find.
const FORBIDDEN: [(&str, &str); 5] = [
    (concat!("todo", "!("), "unfinished code is not committed"),
    (concat!("unimplemented", "!("), "unfinished code is not committed"),
    (concat!("dbg", "!("), "a debugging aid was left in"),
    (concat!("#[ign", "ore"), "a test runs or is not there"),
    (concat!("FIX", "ME"), "mend it or write an issue"),
];

/// The only folder that may hold unsafe code: decision 0004.
const UNSAFE_ALLOWED: &str = "crates/mtp-kernels/";

/// Crates that do without an operating system but not without the standard library.
const STD_ONLY: [&str; 2] = ["flate2", "zlib-rs"];

/// Crates that must not stand in a core crate's dependency tree.
const WORLD: [&str; 8] =
    ["getrandom", "tokio", "mio", "socket2", "rustix", "async-std", "smol", "chrono"];

pub(crate) fn run() -> Result<()> {
    let sources = sources(".rs")?;
    let sections = Sections::load()?;
    let mut faults = Vec::new();
    for source in &sources {
        check_file(source, &sections, &mut faults);
    }
    for name in CORE {
        check_tree(name, &mut faults)?;
    }
    if !faults.is_empty() {
        bail!("{} faults:\n  {}", faults.len(), faults.join("\n  "));
    }
    println!("tidy: {} files, {} core crates, no fault", sources.len(), CORE.len());
    Ok(())
}

fn check_file(source: &Source, sections: &Sections, faults: &mut Vec<String>) {
    let Source { path, text } = source;
    let generated = path.contains("/generated/") || path.ends_with("/src/service/generated.rs");
    let lines = text.lines().count();
    if lines > LINES_MAX && !generated {
        faults.push(format!("{path}: {lines} lines, at most {LINES_MAX}"));
    }
    for (number, line) in text.lines().enumerate() {
        for (word, why) in FORBIDDEN {
            if line.contains(word) {
                faults.push(format!("{path}:{}: {word}: {why}", number + 1));
            }
        }
        if line.contains(concat!("uns", "afe {")) && !path.starts_with(UNSAFE_ALLOWED) {
            faults.push(format!("{path}:{}: unsafe code lives in {UNSAFE_ALLOWED}", number + 1));
        }
        if path.contains("/tests/") && line.contains(concat!("sle", "ep(")) {
            faults.push(format!("{path}:{}: no test waits for a clock", number + 1));
        }
    }
    for citation in citations(text).iter().filter(|_| cites(source)) {
        if let Err(why) = sections.resolve(citation) {
            faults.push(format!("{path}:{}: {why}", citation.line));
        }
    }
    let core = CORE.iter().any(|name| path == &format!("crates/{name}/src/lib.rs"));
    if core && !text.contains("#![no_std]") {
        faults.push(format!("{path}: a core crate is no_std"));
    }
}

fn check_tree(name: &str, faults: &mut Vec<String>) -> Result<()> {
    for dependency in dependencies(name, &[])? {
        if WORLD.contains(&&*dependency) {
            faults.push(format!("{name} depends on {dependency}: core crates touch no world"));
        }
    }
    for dependency in dependencies(name, &["--no-default-features"])? {
        if STD_ONLY.contains(&&*dependency) {
            faults
                .push(format!("{name} without features depends on {dependency}, which needs std"));
        }
    }
    Ok(())
}

fn dependencies(name: &str, features: &[&str]) -> Result<Vec<String>> {
    let mut arguments =
        vec!["tree", "-p", name, "-e", "normal", "--prefix", "none", "--format", "{p}"];
    arguments.extend(features);
    let tree = cargo_output(&arguments)?;
    Ok(tree.lines().filter_map(|line| Some(line.split(' ').next()?.to_owned())).collect())
}
