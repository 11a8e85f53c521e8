//! Messages that no honest peer sends.
//!
//! Goal: a typed error or event, and no change of state. Method: one fault at a time from a peer that holds the key.
//! Key exchanges are covered by `handshake_violations`, limits by `limits`.

use mtp_crypto::{MsgId, SeqNo, SessionId};
use mtp_session::client::ClientSessionEvent;
use mtp_session::server::ServerSessionConfig;
use mtp_session::service::{BadMsgNotification, GzipPacked, Message};
use mtp_session::session::{Discard, PacketError};
use mtp_tl::Encode;

use crate::peers::{
    self, Driven, DrivenClient, DrivenServer, LINK, Observed, Session, TRUE, call, quiet, result,
    update,
};

const FIRST: SeqNo = SeqNo::from_raw(1);

fn take<S: Session>(driven: &mut Driven<S>, packet: &[u8]) -> Result<(), PacketError> {
    driven.session.handle_packet(driven.now, LINK, &mut packet.to_vec())
}

// spec: session 5.1
// spec: session 5.1#2; crypto 5#7, 17#21
#[test]
fn message_of_another_session_is_rejected() {
    let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
    puppet.session_id = SessionId::from_raw(puppet.session_id.as_raw() ^ 1);
    let (_, packet) = puppet.odd_message(client.now, 3, &update(1));
    let rejected = take(&mut client, &packet);
    assert_eq!(rejected, Err(PacketError::WrongSession));
    assert!(rejected.unwrap_err().closes_link() && client.events().is_empty());

    let (mut server, mut puppet) = DrivenServer::ready_server(ServerSessionConfig::default());
    puppet.session_id = SessionId::from_raw(7);
    let (_, packet) = puppet.odd_message(server.now, 0, &call(1));
    assert_eq!(take(&mut server, &packet), Err(PacketError::WrongSession));
    assert!(server.events().is_empty());
}

// spec: session 3.1
// spec: session 5.1#3
#[test]
fn msg_ids_of_the_wrong_parity_are_rejected() {
    for kind in [0, 2] {
        let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
        let (msg_id, packet) = puppet.odd_message(client.now, kind, &update(1));
        assert_eq!(take(&mut client, &packet), Err(PacketError::WrongParity { msg_id }));
        assert!(client.events().is_empty());
    }
    for kind in [1, 2, 3] {
        let (mut server, mut puppet) = DrivenServer::ready_server(ServerSessionConfig::default());
        let (msg_id, packet) = puppet.odd_message(server.now, kind, &call(1));
        assert_eq!(take(&mut server, &packet), Ok(()));
        assert_eq!(rejection(&mut server, &mut puppet), Some((msg_id, 18)));
    }
}

// spec: session 3.3
// spec: session 20#22
#[test]
fn msg_ids_far_from_the_current_time_are_rejected() {
    for (raw, code) in [(0, 16), (4, 16), (1 << 32, 16), (!3, 17), (1 << 63, 17)] {
        let (mut server, mut puppet) = DrivenServer::ready_server(ServerSessionConfig::default());
        let packet = puppet.seal((MsgId::from_raw(raw), FIRST), &call(1));
        assert_eq!(take(&mut server, &packet), Ok(()));
        assert!(server.events().is_empty(), "{raw:x}");
        assert_eq!(rejection(&mut server, &mut puppet), Some((MsgId::from_raw(raw), code)));
    }
    for raw in [1, (1 << 32) | 1, u64::MAX, (1 << 63) | 1] {
        let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
        // The client judges times only once it knows the server's clock.
        let request = client.call(1);
        let id = puppet.read(&client.packet()).calls()[0].msg_id;
        let (_, answer) = puppet.odd_message(client.now, 1, &result(id, &TRUE));
        client.take(&answer);
        assert!(client.events().contains(&Observed::Result(request, TRUE.to_vec())));
        let msg_id = MsgId::from_raw(raw);
        let packet = puppet.seal((msg_id, SeqNo::from_raw(9)), &update(1));
        assert_eq!(take(&mut client, &packet), Ok(()), "{raw:x}");
        let discarded = ClientSessionEvent::Discarded { msg_id, reason: Discard::OutOfTime };
        assert_eq!(client.events(), [Observed::Client(discarded)], "{raw:x}");
    }
}

// spec: session 8.13
// spec: session 20#17
#[test]
fn gzip_bomb_from_the_server_is_discarded_within_the_limit() {
    let mut config = quiet();
    config.unpacked_bytes_max = 1 << 16;
    let (mut client, mut puppet) = DrivenClient::ready_client(config);
    let bomb = bomb();
    assert!(bomb.len() < 1 << 15);
    let body = GzipPacked { packed_data: &bomb }.to_bytes();
    let (msg_id, packet) = puppet.odd_message(client.now, 3, &body);
    let before = allocation_counter::measure(|| assert_eq!(take(&mut client, &packet), Ok(())));
    assert!(before.bytes_max < 1 << 20, "{} bytes", before.bytes_max);
    let discarded = ClientSessionEvent::Discarded { msg_id, reason: Discard::Unpackable };
    assert_eq!(client.events(), [Observed::Client(discarded)]);
}

/// Sixteen mebibytes of zeros as a gzip member.
fn bomb() -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..16 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    encoder.finish().unwrap()
}

/// Returns the id and code of the last rejection.
fn rejection(server: &mut DrivenServer, puppet: &mut peers::Puppet) -> Option<(MsgId, i32)> {
    let packets = server.transmit(LINK).unwrap();
    let messages = packets.iter().flat_map(|packet| puppet.read(packet).messages);
    messages
        .filter_map(|read| match read.message() {
            Message::BadMsgNotification(BadMsgNotification { bad_msg_id, error_code, .. }) => {
                Some((bad_msg_id, error_code))
            }
            _ => None,
        })
        .last()
}
