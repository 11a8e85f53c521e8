//! Replays every committed corpus on stable, so that what a fuzzer once found stays fixed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test panics to fail")]

use std::fs;
use std::path::Path;

use mtp_fuzz::TARGETS;

#[test]
fn every_target_survives_its_corpus() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (name, target) in TARGETS {
        let corpus = corpora.join(name);
        let mut inputs = 0;
        for entry in fs::read_dir(&corpus).unwrap_or_else(|error| panic!("{name}: {error}")) {
            target(&fs::read(entry.unwrap().path()).unwrap());
            inputs += 1;
        }
        assert!(inputs > 0, "{name} has no corpus");
    }
}

#[test]
fn every_corpus_and_every_binary_has_a_target() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["corpus", "fuzz_targets"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            assert!(TARGETS.iter().any(|(target, _)| *target == name), "{folder}/{name}");
        }
    }
}
