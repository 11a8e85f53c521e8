//! Randomly damaged packets of a key exchange.
//!
//! Goal: neither side panics and no damaged packet is accepted. Method: a seeded generator truncates packets of a
//! recorded run, flips bits and replaces bytes.

use std::sync::Arc;

use mtp_crypto::CtrEntropy;
use mtp_env::Entropy;
use mtp_session::client::ClientHandshake;
use mtp_session::server::ServerHandshake;
use serde_json::Value;

use crate::support::transcripts::{
    client_config, client_now, client_script, server_config, server_now, server_script, steps,
};
use crate::support::{text, vectors};

/// Damaged packets per step.
const ROUNDS: u64 = 60;

// spec: crypto 17
#[test]
fn damaged_packets_are_rejected_by_the_client() {
    let crypto = vectors("crypto");
    let run = &crypto["auth_key_transcripts"][0];
    for step in [1, 3, 5] {
        for round in 0..ROUNDS {
            let script = client_script(run).or_any();
            let mut client = ClientHandshake::new(client_config(&crypto, run), Box::new(script));
            for (before, packet) in steps(run).into_iter().take(step) {
                if text(&before["direction"]) == "server" {
                    client.handle_packet(client_now(), &packet).unwrap();
                }
                let _ = client.poll_transmit(client_now(), &mut Vec::new());
            }
            let (good, bad) = damaged(run, step, round);
            let result = client.handle_packet(client_now(), &bad);
            // `resPQ` is not authenticated yet: another `server_nonce` is simply another run.
            let may_pass = step == 1 || same_message(&good, &bad);
            assert!(result.is_err() || may_pass, "step {step}, round {round}");
            assert_eq!(client.failure(), result.err());
        }
    }
}

// spec: crypto 17
#[test]
fn damaged_packets_are_rejected_by_the_server() {
    let crypto = vectors("crypto");
    let run = &crypto["auth_key_transcripts"][0];
    for step in [0, 2, 4] {
        for round in 0..ROUNDS {
            let config = Arc::new(server_config(&crypto, run));
            let script = server_script(run).or_any();
            let mut server = ServerHandshake::new(config, Box::new(script));
            for (before, packet) in steps(run).into_iter().take(step) {
                if text(&before["direction"]) == "client" {
                    server.handle_packet(server_now(), &packet).unwrap();
                }
                let _ = server.poll_transmit(server_now(), &mut Vec::new());
            }
            let (good, bad) = damaged(run, step, round);
            let result = server.handle_packet(server_now(), &bad);
            let may_pass = step == 0 || same_message(&good, &bad);
            assert!(result.is_err() || may_pass, "step {step}, round {round}");
            assert!(server.poll_key().is_none() || may_pass);
        }
    }
}

/// Returns the packet of a step and a damaged copy.
fn damaged(run: &Value, step: usize, round: u64) -> (Vec<u8>, Vec<u8>) {
    let good = steps(run)[step].1.clone();
    let mut entropy = CtrEntropy::from_number(1000 * step as u64 + round);
    let mut draw = |below: usize| {
        let mut bytes = [0; 4];
        entropy.fill(&mut bytes);
        u32::from_le_bytes(bytes) as usize % below
    };
    let mut bad = good.clone();
    match draw(5) {
        0 => bad.truncate(draw(good.len())),
        1 => bad[16] ^= 4,
        2 => (0..8).for_each(|_| bad[20 + draw(good.len() - 20)] = draw(256).to_le_bytes()[0]),
        _ => bad[draw(good.len())] ^= 1 << draw(8),
    }
    (good, bad)
}

/// Returns `true` if both packets hold the same body; message ids and trailing bytes do not count.
fn same_message(good: &[u8], bad: &[u8]) -> bool {
    let body = |packet: &[u8]| packet.get(20..).map(<[u8]>::to_vec);
    bad.get(..8) == Some(&[0; 8]) && body(good) == body(bad)
}
