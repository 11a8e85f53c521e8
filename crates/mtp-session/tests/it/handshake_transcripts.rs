//! Complete key exchanges with fixed randomness, compared byte for byte on both sides.
//!
//! Method: each side draws its randomness from a script taken from `auth_key_transcripts`; packets must equal the
//! recorded ones. The runs are counted so that none is skipped silently.

use std::sync::Arc;

use mtp_session::client::ClientHandshake;
use mtp_session::established::KeyKind;
use mtp_session::exchange::HandshakeError;
use mtp_session::link::Outgoing;
use mtp_session::server::{ServerHandshake, Verdict};
use serde_json::Value;

use crate::support::transcripts::{
    client_config, client_now, client_script, server_config, server_now, server_script, steps,
};
use crate::support::{hex, text, vectors};

// spec: crypto 8
#[test]
fn five_transcripts_are_reproduced_byte_for_byte() {
    let crypto = vectors("crypto");
    let runs = crypto["auth_key_transcripts"].as_array().unwrap();
    for run in runs {
        check_client(&crypto, run);
        check_server(&crypto, run);
    }
    assert_eq!(runs.len(), 5);
}

fn check_client(crypto: &Value, run: &Value) {
    let mut client = ClientHandshake::new(client_config(crypto, run), Box::new(client_script(run)));
    let now = client_now();
    for (step, packet) in steps(run) {
        if text(&step["direction"]) == "server" {
            let result = client.handle_packet(now, &packet);
            let refused = text(&step["object"]) == "dh_gen_fail";
            assert_eq!(result, if refused { Err(HandshakeError::Refused) } else { Ok(()) });
            continue;
        }
        let mut out = Vec::new();
        let _ = client.poll_transmit(now, &mut out).expect("a query");
        assert_eq!(out, packet, "{}: {}", run["name"], step["object"]);
    }
    assert_eq!(client.is_done(), run["established"].as_bool().unwrap());
    let Ok(established) = client.finish() else { return };
    assert_eq!(established.key.as_bytes()[..], hex(&run["auth_key"])[..]);
    assert_eq!(established.key.id().to_le_bytes()[..], hex(&run["auth_key_id"])[..]);
    assert_eq!(established.salt.to_le_bytes()[..], hex(&run["server_salt"])[..]);
    // The client clock of the vectors is 62.5 ms past the second that the server reports.
    assert_eq!(established.time_offset_ns, -62_500_000);
    check_kind(run, established.kind);
}

fn check_server(crypto: &Value, run: &Value) {
    let config = Arc::new(server_config(crypto, run));
    let mut server = ServerHandshake::new(config, Box::new(server_script(run)));
    let now = server_now();
    for (at, (step, packet)) in steps(run).iter().enumerate() {
        if text(&step["direction"]) == "client" {
            server.handle_packet(now, packet).unwrap();
            continue;
        }
        if let Some(new) = server.poll_key() {
            let query = &run["steps"][at - 1];
            assert_eq!(new.established.key.as_bytes()[..], hex(&query["auth_key"])[..]);
            assert_eq!(new.established.salt.to_le_bytes()[..], hex(&run["server_salt"])[..]);
            assert_eq!(new.established.time_offset_ns, 0);
            check_kind(run, new.established.kind);
            server.decide(new.run, verdict(step));
        }
        let mut out = Vec::new();
        let transmit = server.poll_transmit(now, &mut out).expect("an answer");
        assert_eq!(transmit.what, Outgoing::Packet { quick_ack: None });
        assert_eq!(out, *packet, "{}: {}", run["name"], step["object"]);
    }
    assert!(server.poll_key().is_none());
}

fn verdict(step: &Value) -> Verdict {
    match text(&step["object"]) {
        "dh_gen_ok" => Verdict::Unique,
        "dh_gen_retry" => Verdict::Collides,
        "dh_gen_fail" => Verdict::Refuse,
        other => panic!("{other} is not a verdict"),
    }
}

fn check_kind(run: &Value, kind: KeyKind) {
    match (run["expires_in"].as_u64(), kind) {
        (None, KeyKind::Permanent) => {}
        (Some(life), KeyKind::Temporary { expires_at, media }) => {
            assert_eq!(expires_at.as_secs(), server_now().unix.as_secs() + life);
            assert_eq!(media, run["dc"].as_i64().unwrap() < 0);
        }
        other => panic!("{other:?}"),
    }
}
