//! MTProto 1.0: served where allowed, rejected by name elsewhere.
//!
//! Goal: a version 1 client works end to end, and a server without version 1 reports it. Method: clients and a server in
//! memory, with the envelope of either version.

use std::time::Duration;

use mtp_session::client::RequestOptions;
use mtp_session::client::{ClientConfig, Secrecy};
use mtp_session::link::{AfterSend, BatchLimits, LinkId, Outgoing, QuickAck};
use mtp_session::server::{ServerConfig, ServerPacketError};
use mtp_session::session::LinkKind;
use mtp_session::version::{Version, Versions};

use crate::support::world::{CALL, World, client_config, server_config};

fn v1_client(secrecy: Secrecy) -> ClientConfig {
    let mut config = client_config();
    config.secrecy = secrecy;
    config.session.version = Version::One;
    config
}

fn server(allow_v1: bool) -> ServerConfig {
    let mut config = server_config();
    config.versions = if allow_v1 { Versions::CurrentAndOld } else { Versions::Current };
    config
}

// spec: session 16
#[test]
fn version_1_client_is_served_from_key_exchange_to_answers() {
    for secrecy in [Secrecy::Off, Secrecy::Forward { life_s: 86_400 }] {
        let mut world = World::with(v1_client(secrecy), server(true), None);
        world.connect();
        for _ in 0..20 {
            let request = world.call();
            world.assert_answered(request);
        }
        world.connect();
        // Rejections without a session use version 1 as well.
        world.skew_s = 4000;
        let request = world.call();
        world.wait(Duration::from_secs(60));
        world.assert_answered(request);
    }
}

#[test]
fn version_2_client_is_served_where_version_1_is_allowed() {
    let mut world = World::with(client_config(), server(true), None);
    world.connect();
    let request = world.call();
    world.assert_answered(request);
}

/// Returns the first packet of a client with a key and the server that knows the key.
fn first_packet(version: Version, allow_v1: bool) -> (World, LinkId, Vec<u8>) {
    let mut made = World::with(v1_client(Secrecy::Off), server(true), None);
    made.connect();
    let key = made.client.permanent_key().unwrap().clone();
    let mut config = v1_client(Secrecy::Off);
    config.session.version = version;
    let mut world = World::with(config, server(allow_v1), Some(key.clone()));
    assert!(world.server.insert_key(world.now, &key, None));
    let link = LinkId::new(9);
    world.client.link_up(world.now, link, LinkKind::Stream);
    world.server.link_up(world.now, link, LinkKind::Stream);
    world.client.request(world.now, &CALL, RequestOptions::new()).unwrap();
    let (mut out, mut packets) = (Vec::new(), Vec::new());
    let limits = BatchLimits { packets: 8, bytes: usize::MAX };
    world.client.poll_transmit_batch(world.now, link, limits, &mut out, &mut packets);
    assert_eq!(packets.len(), 1);
    assert!(matches!(packets[0].1.what, Outgoing::Packet { .. }));
    (world, link, out)
}

/// Returns `true` if the packet was decrypted. Its salt may be wrong: a stored key comes without one.
fn is_opened(taken: &Result<(), ServerPacketError>) -> bool {
    matches!(taken, Ok(()) | Err(ServerPacketError::Rejected(_)))
}

// spec: session 16
#[test]
fn version_1_packet_is_rejected_by_name_where_not_allowed() {
    let (mut world, link, mut packet) = first_packet(Version::One, false);
    let taken = world.server.handle_packet(world.now, link, &mut packet, QuickAck::NotWanted);
    assert_eq!(taken, Err(ServerPacketError::OldVersion));
    let transmit = world.server.poll_transmit(world.now, link, &mut Vec::new()).unwrap();
    assert_eq!((transmit.what, transmit.then), (Outgoing::Nothing, AfterSend::Close));
    let (mut world, link, mut packet) = first_packet(Version::Two, false);
    let taken = world.server.handle_packet(world.now, link, &mut packet, QuickAck::NotWanted);
    assert!(is_opened(&taken), "{taken:?}");
}

// spec: session 16
#[test]
fn packet_of_the_other_version_on_the_same_link_is_rejected() {
    for (first, second) in [(Version::One, Version::Two), (Version::Two, Version::One)] {
        let (mut world, link, mut packet) = first_packet(first, true);
        let quick_ack = QuickAck::NotWanted;
        let taken = world.server.handle_packet(world.now, link, &mut packet, quick_ack);
        assert!(is_opened(&taken), "{taken:?}");
        let (_, _, mut other) = first_packet(second, true);
        let mixed = world.server.handle_packet(world.now, link, &mut other, quick_ack);
        assert_eq!(mixed, Err(ServerPacketError::Envelope), "{second:?} after {first:?}");
    }
}
