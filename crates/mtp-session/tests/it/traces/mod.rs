//! The 18 traces of `vectors/session.json`.
//!
//! Goal: each trace, step by step, between a session under test and a puppet that plays the peer. Method: one test per
//! trace; a table checks that none is missing and that the number of steps is unchanged.

mod calls;
mod corrections;
mod keys;
mod losses;

use std::time::Duration;

use mtp_crypto::{MsgId, Salt, Side};
use mtp_session::client::{
    BindInputs, CallError, ClientInfo, ClientSession, ClientSessionConfig, ClientSessionEvent,
    InitParams, RequestError, RequestOptions, ResetCause,
};
use mtp_session::established::KeyKind;
use mtp_session::link::LinkId;
use mtp_session::server::{ServerSessionConfig, ServerSessionEvent};
use mtp_session::service::{
    DestroyAuthKeyOk, HttpWait, Message, MsgDetailedInfo, MsgIds, MsgsAck, MsgsStateInfo,
    NewSessionCreated, RpcAnswerDroppedRunning, RpcAnswerUnknown, Wrappers,
};
use mtp_session::session::{Discard, KeyOutcome, LinkKind};
use mtp_tl::Encode;

use crate::peers::{
    self, CALL, DrivenClient, DrivenServer, LINK, Observed, Packet, Puppet, Read, TRUE, bad_msg,
    bad_salt, call, established, key, quiet, result, start, update,
};

/// Every trace with its number of steps and its test.
const TRACES: [(&str, usize, fn()); 18] = [
    ("fresh session, first call", 4, calls::fresh_session),
    ("wrong salt", 4, corrections::wrong_salt),
    ("wrong salt for a container", 2, corrections::wrong_salt_for_a_container),
    ("bad_server_salt for an unknown id", 1, corrections::wrong_salt_for_an_unknown_id),
    ("clock far ahead", 2, corrections::clock_far_ahead),
    ("clock behind", 2, corrections::clock_behind),
    ("stale but resent properly", 2, corrections::stale_but_resent_properly),
    ("seqno mismatch", 1, corrections::seqno_mismatch),
    ("connection lost with two calls out", 4, losses::connection_lost),
    ("result lost, large answer", 3, losses::large_answer_lost),
    ("server forgot the session", 3, losses::server_forgot),
    ("late smaller id", 2, losses::late_smaller_id),
    ("duplicate packet", 1, losses::duplicate_packet),
    ("cancel", 3, calls::cancel),
    ("flood wait", 1, calls::flood_wait),
    ("temporary key binding", 3, keys::temporary_key_binding),
    ("http long poll", 2, keys::http_long_poll),
    ("destroy key", 2, keys::destroy_key),
];

#[test]
fn every_trace_of_the_vectors_has_a_test() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/session.json");
    let root: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let traces = root["traces"].as_array().unwrap();
    let found: Vec<(&str, usize)> = traces
        .iter()
        .map(|trace| (trace["name"].as_str().unwrap(), trace["steps"].as_array().unwrap().len()))
        .collect();
    let known: Vec<(&str, usize)> = TRACES.iter().map(|(name, steps, _)| (*name, *steps)).collect();
    assert_eq!(found, known);
}

fn acked(packet: &Packet) -> Vec<MsgId> {
    let ids = |_: &Read, message: Message<'_>| match message {
        Message::MsgsAck(acks) => Some(acks.msg_ids.iter().collect::<Vec<_>>()),
        _ => None,
    };
    packet.all(ids).concat()
}

fn failed(request: mtp_session::client::RequestId, error: CallError) -> Observed {
    Observed::Client(ClientSessionEvent::Failed { request, error })
}

fn replaced(events: &[Observed]) -> Option<ResetCause> {
    events.iter().find_map(|event| match event {
        Observed::Client(ClientSessionEvent::SessionReplaced { cause, .. }) => Some(*cause),
        _ => None,
    })
}

fn init() -> ClientSessionConfig {
    let mut config = quiet();
    let info = ClientInfo {
        api_id: 1,
        device_model: "device",
        system_version: "1",
        app_version: "1",
        system_lang_code: "en",
        lang_pack: "",
        lang_code: "en",
    };
    config.init = Some(InitParams::new(195, &info));
    config
}

/// Returns a client whose session the puppet has confirmed.
fn open_client(config: ClientSessionConfig) -> (DrivenClient, Puppet) {
    let (mut client, mut puppet) = DrivenClient::ready_client(config);
    let request = client.call(0);
    let packet = puppet.read(&client.packet());
    let (_, answer) = puppet.odd_message(client.now, 1, &result(packet.calls()[0].msg_id, &TRUE));
    client.take(&answer);
    assert!(client.events().contains(&Observed::Result(request, TRUE.to_vec())));
    client.pass_s(31);
    let acks = client.packet();
    assert_eq!(acked(&puppet.read(&acks)).len(), 1);
    (client, puppet)
}
