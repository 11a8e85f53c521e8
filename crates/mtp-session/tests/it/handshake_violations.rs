//! Altered packets of a key exchange, for both sides, with the reaction each must provoke.
//!
//! Method: the victim is driven, with the randomness of the first transcript, to the state before the replaced step and
//! then receives the altered packet. The cases are counted so that none is skipped.

use std::sync::Arc;

use mtp_session::client::ClientHandshake;
use mtp_session::exchange::HandshakeError;
use mtp_session::link::{AfterSend, Outgoing};
use mtp_session::server::{ServerHandshake, Verdict};
use serde_json::Value;

use crate::support::transcripts::{
    client_config, client_now, client_script, server_config, server_now, server_script, steps,
};
use crate::support::{hex, text, vectors};

// spec: crypto 17#1, 17#2, 17#3, 17#5, 17#6, 17#7, 17#8
#[test]
fn forty_one_altered_packets_are_handled_by_the_client() {
    let crypto = vectors("crypto");
    let mut count = 0;
    for case in cases(&crypto, "client") {
        let name = text(&case["name"]);
        let mut client = client_before(&crypto, &case);
        let result = client.handle_packet(client_now(), &hex(&case["packet"]));
        match text(&case["expect"]) {
            "accept" => {
                assert_eq!(result, Ok(()), "{name}");
                let mut out = Vec::new();
                let continues = client.poll_transmit(client_now(), &mut out).is_some();
                assert!(continues || client.is_done(), "{name}");
            }
            "abort" | "abort (answer not authentic)" => {
                assert_eq!(client.failure(), Some(result.unwrap_err()), "{name}");
                assert!(client.poll_transmit(client_now(), &mut Vec::new()).is_none(), "{name}");
                assert!(!client.is_done(), "{name}");
            }
            // Our client takes the slow path.
            "accept (slow primality path) or abort by policy" => {
                assert_eq!(result, Ok(()), "{name}");
            }
            other => panic!("unknown expectation {other}"),
        }
        count += 1;
    }
    assert_eq!(count, 41);
}

// spec: crypto 17#7, 17#10, 17#11, 17#12, 17#13, 17#14, 17#15
#[test]
fn twenty_seven_altered_packets_are_handled_by_the_server() {
    let crypto = vectors("crypto");
    let mut count = 0;
    for case in cases(&crypto, "server") {
        let name = text(&case["name"]);
        let mut server = server_before(&crypto, &case);
        let result = server.handle_packet(server_now(), &hex(&case["packet"]));
        let key = server.poll_key();
        if let Some(key) = &key {
            server.decide(key.run, Verdict::Unique);
        }
        let mut out = Vec::new();
        let transmit = server.poll_transmit(server_now(), &mut out).expect("a reaction");
        match text(&case["expect"]) {
            "accept" => {
                assert_eq!(result, Ok(()), "{name}");
                assert_eq!(transmit.what, Outgoing::Packet { quick_ack: None }, "{name}");
            }
            "-404" | "-404 or dh_gen_fail" | "dh_gen_fail or -404, never dh_gen_ok" => {
                assert!(result.is_err() && key.is_none(), "{name}");
                assert_eq!(transmit.what, Outgoing::Error(-404), "{name}");
                assert_eq!(transmit.then, AfterSend::Close, "{name}");
            }
            "-444" => {
                assert!(matches!(result, Err(HandshakeError::WrongDc(_))), "{name}");
                assert_eq!(transmit.what, Outgoing::Error(-444), "{name}");
            }
            other => panic!("unknown expectation {other}"),
        }
        assert!(server.poll_transmit(server_now(), &mut out).is_none(), "{name}");
        count += 1;
    }
    assert_eq!(count, 27);
}

fn cases<'a>(crypto: &'a Value, victim: &str) -> impl Iterator<Item = Value> + 'a {
    let victim = victim.to_owned();
    let cases = crypto["handshake_negative"]["cases"].as_array().unwrap();
    cases.iter().filter(move |case| text(&case["victim"]) == victim).cloned()
}

fn client_before(crypto: &Value, case: &Value) -> ClientHandshake {
    let run = &crypto["auth_key_transcripts"][0];
    let script = client_script(run).or_any();
    let mut client = ClientHandshake::new(client_config(crypto, run), Box::new(script));
    for (step, packet) in before(run, case) {
        if text(&step["direction"]) == "server" {
            client.handle_packet(client_now(), &packet).unwrap();
        }
        let _ = client.poll_transmit(client_now(), &mut Vec::new());
    }
    client
}

fn server_before(crypto: &Value, case: &Value) -> ServerHandshake {
    let run = &crypto["auth_key_transcripts"][0];
    let config = Arc::new(server_config(crypto, run));
    let mut server = ServerHandshake::new(config, Box::new(server_script(run).or_any()));
    for (step, packet) in before(run, case) {
        if text(&step["direction"]) == "client" {
            server.handle_packet(server_now(), &packet).unwrap();
        }
        let _ = server.poll_transmit(server_now(), &mut Vec::new());
    }
    server
}

/// Returns the steps of the run before the replaced one.
fn before<'a>(run: &'a Value, case: &Value) -> Vec<(&'a Value, Vec<u8>)> {
    let count = usize::try_from(case["replaces_step"].as_u64().unwrap()).unwrap();
    steps(run).into_iter().take(count).collect()
}
