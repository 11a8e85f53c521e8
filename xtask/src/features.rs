//! Checks the core crates with no feature, all features, and each feature alone.

use anyhow::Result;

use crate::tree::{cargo, core_crates, root};

pub(crate) fn run() -> Result<()> {
    for name in core_crates() {
        let manifest =
            std::fs::read_to_string(root().join("crates").join(name).join("Cargo.toml"))?;
        let mut sets = vec!["--no-default-features".to_owned(), "--all-features".to_owned()];
        sets.extend(features(&manifest).map(|f| format!("--no-default-features --features={f}")));
        for set in sets {
            println!("{name} {set}");
            let mut arguments = vec!["check", "--quiet", "-p", name];
            arguments.extend(set.split(' '));
            cargo(&arguments)?;
        }
    }
    Ok(())
}

/// Lists the features of a manifest except `default`.
fn features(manifest: &str) -> impl Iterator<Item = &str> {
    manifest
        .lines()
        .skip_while(|line| line.trim() != "[features]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once(" = ").map(|(name, _)| name.trim()))
        .filter(|name| *name != "default" && !name.starts_with('#'))
}

#[cfg(test)]
mod tests {
    #[test]
    fn features_are_read_from_their_table_only() {
        let manifest = "[package]\nname = \"x\"\n\n[features]\ndefault = []\n## Docs.\nos = []\n\n[dependencies]\na = \"1\"\n";
        assert_eq!(super::features(manifest).collect::<Vec<_>>(), ["os"]);
        assert_eq!(super::features("[dependencies]\na = \"1\"").count(), 0);
    }
}
