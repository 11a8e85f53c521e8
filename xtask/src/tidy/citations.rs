//! Citations that name no section of `docs/spec`.

use anyhow::Result;

use super::{Fault, Tree};
use crate::sections::Sections;
use crate::spec_map::{citations, cites};

pub(super) fn check(tree: &Tree) -> Result<Vec<Fault>> {
    let sections = Sections::load()?;
    let mut faults = Vec::new();
    for source in tree.sources.iter().filter(|source| cites(source)) {
        for citation in citations(&source.text) {
            if let Err(why) = sections.resolve(&citation.section, citation.row.as_deref()) {
                faults.push(Fault::at(&source.path, citation.line, why.to_string()));
            }
        }
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use super::super::rig::{lines, tree};
    use super::check;

    #[test]
    fn citations_resolve_in_the_reference() {
        let bad = "// spec: crypto 99\n// spec: crypto 17#37\nfn a() {}\n";
        let found = check(&tree(&[("crates/x/src/lib.rs", bad)])).unwrap();
        assert_eq!(
            lines(&found),
            [
                "crates/x/src/lib.rs:1: `crypto 99` is no section of docs/spec",
                "crates/x/src/lib.rs:2: `crypto 17#37`: that section has 36 numbered rules",
            ]
        );
        let good =
            "// spec: crypto 17#36, 4.2; session 20 (4); account 1.3#2; proxy 2.1\nfn a() {}\n";
        assert!(check(&tree(&[("crates/x/src/lib.rs", good)])).unwrap().is_empty());
    }
}
