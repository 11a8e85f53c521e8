//! Writes the initial inputs of all corpora, made from the vectors of the repository.
//!
//! `cargo xtask fuzz --seed` runs it. File names are hashes of the contents, so a run adds missing inputs only.
#![allow(
    clippy::format_collect,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a chore"
)]

mod cost;
mod crypto;
mod session;
mod tl;
mod transport;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use mtp_crypto::hash::sha1;
use serde_json::Value;

/// Inputs by target.
#[derive(Default)]
pub(crate) struct Seeds(BTreeMap<&'static str, Vec<Vec<u8>>>);

impl Seeds {
    /// Adds an input made of parts.
    pub(crate) fn add(&mut self, target: &'static str, parts: &[&[u8]]) {
        self.0.entry(target).or_default().push(parts.concat());
    }
}

fn main() {
    let mut seeds = Seeds::default();
    tl::add(&mut seeds);
    crypto::add(&mut seeds);
    transport::add(&mut seeds);
    session::add(&mut seeds);
    cost::add(&mut seeds);
    for (target, inputs) in &seeds.0 {
        assert!(mtp_fuzz::TARGETS.iter().any(|(name, _)| name == target), "{target}");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
        fs::create_dir_all(&folder).unwrap();
        for input in inputs {
            let name: String =
                sha1(&[input])[..8].iter().map(|byte| format!("{byte:02x}")).collect();
            fs::write(folder.join(name), input).unwrap();
        }
        println!("{target}: {} seeds", inputs.len());
    }
}

/// Reads a file of `vectors/`.
pub(crate) fn vectors(name: &str) -> Value {
    let path = format!("{}/../vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Returns the entries of a section.
pub(crate) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().expect("a list").iter()
}

/// Returns the bytes of a hexadecimal field, or no bytes if there is no such field.
pub(crate) fn hex(value: &Value) -> Vec<u8> {
    let digits = value.as_str().unwrap_or_default().as_bytes();
    let pair = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}
