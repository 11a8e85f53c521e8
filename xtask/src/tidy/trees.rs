//! Dependency trees of the core crates: nothing in them touches the world.

use anyhow::Result;

use super::Fault;
use crate::tree::{cargo_output, core_crates};

/// Crates that do without an operating system but not without the standard library.
const STD_ONLY: [&str; 2] = ["flate2", "zlib-rs"];

/// Crates that must not stand in a core crate's dependency tree.
const WORLD: [&str; 8] =
    ["getrandom", "tokio", "mio", "socket2", "rustix", "async-std", "smol", "chrono"];

pub(super) fn check() -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    for name in core_crates() {
        let place = format!("crates/{name}/Cargo.toml");
        for dependency in dependencies(name, &[])? {
            if WORLD.contains(&&*dependency) {
                let what = format!("depends on {dependency}: core crates touch no world");
                faults.push(Fault::new(&place, what));
            }
        }
        for dependency in dependencies(name, &["--no-default-features"])? {
            if STD_ONLY.contains(&&*dependency) {
                let what = format!("depends on {dependency} without features, which needs std");
                faults.push(Fault::new(&place, what));
            }
        }
    }
    Ok(faults)
}

/// Names the crates in a crate's tree.
fn dependencies(name: &str, features: &[&str]) -> Result<Vec<String>> {
    let mut arguments =
        vec!["tree", "-p", name, "-e", "normal", "--prefix", "none", "--format", "{p}"];
    arguments.extend(features);
    Ok(names(&cargo_output(&arguments)?))
}

fn names(tree: &str) -> Vec<String> {
    tree.lines().filter_map(|line| Some(line.split(' ').next()?.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_tree_is_read_by_the_first_word_of_each_line() {
        let tree = "mtp-tl v0.1.0 (/here)\ngetrandom v0.4.0\nzeroize v1.9.0 (*)\n";
        assert_eq!(super::names(tree), ["mtp-tl", "getrandom", "zeroize"]);
    }
}
