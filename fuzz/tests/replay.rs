//! Replays the corpora on stable, without a fuzzer: every committed input, then a few hundred mutations from a fixed seed.
#![allow(
    clippy::format_collect,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failing test panics"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use mtp_fuzz::{TARGETS, Target};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Returns the committed inputs of a target in the order of their names.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = folder("corpus").join(name);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|_| panic!("no corpus: {}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_target_has_a_binary_and_a_corpus() {
    let targets: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(targets.len(), TARGETS.len(), "target names are unique");
    assert_eq!(names(&folder("fuzz_targets")), targets);
    assert_eq!(names(&folder("corpus")), targets);
    let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        let body = fs::read_to_string(folder("fuzz_targets").join(format!("{name}.rs"))).unwrap();
        assert!(
            body.contains(&format!("::{name}(data)")),
            "the binary {name} calls another target"
        );
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
        assert!(!corpus(name).is_empty(), "{name} has no inputs");
    }
}

#[test]
fn committed_inputs_pass() {
    let (mut files, mut bytes) = (0, 0);
    for (name, target) in TARGETS {
        for input in corpus(name) {
            run(name, *target, &input);
            files += 1;
            bytes += input.len();
        }
    }
    println!("{files} inputs, {bytes} bytes, {} targets", TARGETS.len());
    assert!(files >= TARGETS.len());
    assert!(bytes < CORPUS_BYTES_MAX, "corpora are too large, minimize them: {bytes} bytes");
}

#[test]
fn mutations_pass() {
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        let mut dice = Dice(0x5eed);
        let count = if SLOW.contains(name) { MUTATIONS / 20 } else { MUTATIONS };
        for _ in 0..count {
            let mut input = corpus[dice.roll(corpus.len())].clone();
            dice.mutate(&mut input);
            run(name, *target, &input);
        }
    }
}

/// Runs a target. If it panics, the input is printed.
fn run(name: &str, target: Target, input: &[u8]) {
    let finding = Finding { name, input };
    target(input);
    core::mem::forget(finding);
}

/// Prints the input when it is dropped, which happens only if the target panics.
struct Finding<'a> {
    name: &'a str,
    input: &'a [u8],
}

impl Drop for Finding<'_> {
    fn drop(&mut self) {
        let hex: String = self.input.iter().map(|byte| format!("{byte:02x}")).collect();
        eprintln!("finding of {}: {hex}", self.name);
    }
}

/// A fast random number generator for mutations.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) >> 8).unwrap() % sides.max(1)
    }

    /// Changes, removes, inserts or repeats some bytes, or truncates the input.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.roll(3) {
            let at = self.roll(bytes.len());
            let random = u8::try_from(self.roll(256)).unwrap();
            match self.roll(6) {
                _ if bytes.is_empty() => bytes.push(random),
                0 => bytes[at] ^= 1 << self.roll(8),
                1 => bytes[at] = random,
                2 => drop(bytes.remove(at)),
                3 => bytes.insert(at, random),
                4 => bytes.truncate(at),
                _ => bytes.extend_from_within(at..),
            }
            bytes.truncate(INPUT_LEN_MAX);
        }
    }
}

const MUTATIONS: usize = 400;
/// Slow targets, which compute powers or simulate hours.
const SLOW: [&str; 8] = [
    "chat_keys",
    "client_handshake",
    "connection_pair",
    "dh_values",
    "rsa_inner",
    "server_handshake",
    "session_pair",
    "srp",
];
const INPUT_LEN_MAX: usize = 8192;
const CORPUS_BYTES_MAX: usize = 3 << 20;
