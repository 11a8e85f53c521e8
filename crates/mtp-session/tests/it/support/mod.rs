//! Vectors, scripted randomness and a fixed clock.

pub mod legacy_client;
pub mod transcripts;
pub mod world;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use mtp_crypto::CtrEntropy;
use mtp_crypto::exchange::{RsaPrivateKey, RsaPublicKey};
use mtp_env::{Entropy, Instant, Now, UnixTime};
use serde_json::Value;

/// Reads a file of `vectors/`.
pub fn vectors(name: &str) -> Value {
    let path = format!("{}/../../vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Returns the bytes of a hexadecimal field.
#[track_caller]
pub fn hex(value: &Value) -> Vec<u8> {
    unhex(value.as_str().expect("a string of hexadecimal digits"))
}

pub fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

#[track_caller]
pub fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

/// Returns the published private test key.
pub fn private_keys(crypto: &Value) -> Arc<[RsaPrivateKey]> {
    let pem = text(&crypto["rsa_test_key"]["private_pkcs1_pem"]);
    Arc::new([RsaPrivateKey::from_pem(pem).unwrap()])
}

pub fn public_keys(crypto: &Value) -> Arc<[RsaPublicKey]> {
    let pem = text(&crypto["rsa_test_key"]["public_pkcs1_pem"]);
    Arc::new([RsaPublicKey::from_pem(pem).unwrap()])
}

/// Returns a clock reading with an arbitrary monotonic time and the given wall time.
pub fn at(secs: u64, nanos: u64) -> Now {
    Now {
        mono: Instant::from_micros(5_000_000),
        unix: UnixTime::from_nanos(secs * 1_000_000_000 + nanos),
    }
}

/// A time to wait: one microsecond less than a limit, the limit, and one more; each with whether the limit is over.
pub fn around(limit: Duration) -> [(Duration, bool); 3] {
    let step = Duration::from_micros(1);
    [(limit.checked_sub(step).unwrap(), false), (limit, true), (limit + step, true)]
}

/// Randomness from a list; each draw must have the length of the next entry.
#[derive(Debug)]
pub struct Script {
    draws: VecDeque<Vec<u8>>,
    fallback: Option<CtrEntropy>,
}

impl Script {
    pub fn new(draws: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self { draws: draws.into_iter().collect(), fallback: None }
    }

    /// Serves draws that do not match the list from a seeded generator.
    pub fn or_any(self) -> Self {
        Self { fallback: Some(CtrEntropy::from_number(1)), ..self }
    }
}

impl Entropy for Script {
    fn fill(&mut self, out: &mut [u8]) {
        let matches = self.draws.front().is_some_and(|draw| draw.len() == out.len());
        match &mut self.fallback {
            _ if matches => out.copy_from_slice(&self.draws.pop_front().unwrap()),
            Some(fallback) => fallback.fill(out),
            None => panic!("unexpected draw of {} bytes", out.len()),
        }
    }
}
