//! One path for each public type, and each public type name in one library crate only.
//!
//! Read from `docs/api`, which `cargo xtask api` keeps equal to the code. A crate that re-exports another crate as a
//! module defines nothing and is fine; a single type that it re-exports has two paths.

use std::collections::BTreeMap;
use std::fs;

use anyhow::Result;

use super::{Fault, Tree};
use crate::tree::root;

/// A crate's API by the crate's name.
type Texts = BTreeMap<String, String>;

pub(super) fn check(tree: &Tree) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    let texts = read()?;
    for name in tree.libraries.iter().filter(|name| !texts.contains_key(*name)) {
        let path = format!("docs/api/{name}.txt");
        faults.push(Fault::new(path, "does not exist: cargo xtask api --bless"));
    }
    for name in texts.keys().filter(|name| !tree.libraries.contains(name)) {
        faults.push(Fault::new(format!("docs/api/{name}.txt"), "is of no library crate"));
    }
    faults.extend(duplicates(&texts));
    Ok(faults)
}

/// Reads `docs/api`.
pub(super) fn read() -> Result<Texts> {
    let mut texts = Texts::new();
    for entry in fs::read_dir(root().join("docs/api"))? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        texts.insert(name, fs::read_to_string(&path)?);
    }
    Ok(texts)
}

/// Finds type names with two paths.
fn duplicates(texts: &Texts) -> Vec<Fault> {
    let mut faults = Vec::new();
    // The first path of each name.
    let mut first: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for (name, text) in texts {
        let mut paths: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for path in text.lines().filter_map(public_type) {
            let last = path.rsplit("::").next().unwrap_or(path);
            let known = paths.entry(last).or_default();
            if !known.contains(&path) {
                known.push(path);
            }
        }
        let place = format!("docs/api/{name}.txt");
        for (last, list) in paths {
            if list.len() > 1 {
                let what = format!("`{last}` has {} paths: {}", list.len(), list.join(", "));
                faults.push(Fault::new(&place, what));
            }
            let path = list.first().copied().unwrap_or_default();
            if let Some((other, other_path)) = first.get(last).filter(|(other, _)| other != name) {
                let what =
                    format!("`{last}` is public in two crates: {path} and {other_path} of {other}");
                faults.push(Fault::new(&place, what));
            } else {
                first.insert(last, (name, path));
            }
        }
    }
    faults
}

/// Returns the path of the type that a line of an API text defines or re-exports.
fn public_type(line: &str) -> Option<&str> {
    const WORDS: [&str; 6] = ["struct ", "enum ", "union ", "trait ", "type ", "use "];
    let (_, rest) = line.split_once("pub ")?;
    if !line.starts_with("pub ") && !line.starts_with("#[") {
        return None;
    }
    let path = WORDS.iter().find_map(|word| rest.strip_prefix(word))?;
    let is_path = |mark: char| mark.is_alphanumeric() || matches!(mark, '_' | ':');
    let end = path.find(|mark| !is_path(mark)).unwrap_or(path.len());
    let path = path.get(..end)?.trim_end_matches(':');
    let mut segments = path.rsplit("::");
    let starts_upper =
        |name: Option<&str>| name.is_some_and(|name| name.starts_with(char::is_uppercase));
    let (is_type, is_associated) = (starts_upper(segments.next()), starts_upper(segments.next()));
    (is_type && !is_associated).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::super::rig::lines;
    use super::*;

    fn find(texts: &[(&str, &str)]) -> Vec<String> {
        let own = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        lines(&duplicates(&texts.iter().map(own).collect()))
    }

    #[test]
    fn types_are_told_from_everything_else() {
        let check = |line: &str, expected: Option<&str>| assert_eq!(public_type(line), expected);
        check("pub struct a::b::Type<'a>", Some("a::b::Type"));
        check("#[non_exhaustive] pub enum a::Kind", Some("a::Kind"));
        check("pub trait a::Does: core::fmt::Debug", Some("a::Does"));
        check("pub use a::Entropy", Some("a::Entropy"));
        check("pub type a::Alias = u8", Some("a::Alias"));
        check("pub type a::Type::Output = u8", None);
        check("pub use a::env", None);
        check("pub fn a::Type::new() -> Self", None);
        check("pub a::Kind::Variant", None);
        check("pub mod a::b", None);
    }

    #[test]
    fn a_type_with_two_paths_is_found() {
        let two = "pub struct a::Type\npub struct a::b::Type\npub use a::Other\n";
        assert_eq!(
            find(&[("a", two)]),
            ["docs/api/a.txt: `Type` has 2 paths: a::Type, a::b::Type"]
        );
        assert!(find(&[("a", "pub struct a::Type\npub fn a::Type::new()\n")]).is_empty());
    }

    #[test]
    fn a_name_in_two_crates_is_found_but_not_a_crate_as_a_module() {
        let found = find(&[("a", "pub struct a::Type\n"), ("b", "pub enum b::c::Type\n")]);
        let what = "`Type` is public in two crates: b::c::Type and a::Type of a";
        assert_eq!(found, [format!("docs/api/b.txt: {what}")]);
        assert!(find(&[("a", "pub struct a::Type\n"), ("b", "pub use b::a\n")]).is_empty());
    }
}
