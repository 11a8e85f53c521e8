//! Pings requested by the application.
//!
//! Goal: every accepted ping is eventually answered. Method: links of every kind, lost before and after the ping is sent.

use mtp_session::client::ClientSessionEvent;
use mtp_session::link::LinkId;
use mtp_session::service::{Message, Pong};
use mtp_session::session::LinkKind;

use crate::peers::{DrivenClient, LINK, Observed, Packet, Puppet, quiet};

const SECOND: LinkId = LinkId::new(2);

/// A client without links that sends no pings of its own.
fn client() -> (DrivenClient, Puppet) {
    let (mut client, puppet) = DrivenClient::ready_client(quiet());
    client.session.link_down(client.now, LINK);
    (client, puppet)
}

/// Returns the only packet that the client sends on a link.
#[track_caller]
fn packet(client: &mut DrivenClient, puppet: &mut Puppet, link: LinkId) -> Packet {
    let packets = client.transmit(link).expect("the link stays open");
    assert_eq!(packets.len(), 1, "packets");
    puppet.read(&packets[0])
}

/// Answers the only ping of a packet; returns the links of the resulting pong events.
#[track_caller]
fn answer(
    client: &mut DrivenClient,
    puppet: &mut Puppet,
    link: LinkId,
    packet: &Packet,
) -> Vec<LinkId> {
    let (msg_id, ping_id) = packet.only(|read, message| match message {
        Message::Ping(ping) => Some((read.msg_id, ping.ping_id)),
        Message::PingDelayDisconnect(ping) => Some((read.msg_id, ping.ping_id)),
        _ => None,
    });
    let mut pong = puppet.even_message(client.now, &Pong { msg_id, ping_id });
    client.session.handle_packet(client.now, link, &mut pong).unwrap();
    let pongs = client.events().into_iter().filter_map(|event| match event {
        Observed::Client(ClientSessionEvent::Pong { link, .. }) => Some(link),
        _ => None,
    });
    pongs.collect()
}

// spec: session 8.5
#[test]
fn stream_ping_carries_a_disconnect_delay_and_http_ping_does_not() {
    for (kind, delays) in [(LinkKind::Stream, true), (LinkKind::Http, false)] {
        let (mut client, mut puppet) = client();
        client.session.link_up(client.now, SECOND, kind);
        assert!(client.session.ping(SECOND), "{kind:?}");
        let packet = packet(&mut client, &mut puppet, SECOND);
        let with_delay = packet.all(|_, message| match message {
            Message::PingDelayDisconnect(_) => Some(true),
            Message::Ping(_) => Some(false),
            _ => None,
        });
        assert_eq!(with_delay, [delays], "{kind:?}");
        assert_eq!(answer(&mut client, &mut puppet, SECOND, &packet), [SECOND], "{kind:?}");
    }
}

#[test]
fn ping_returns_false_where_no_ping_can_be_sent() {
    let (mut client, _) = client();
    assert!(!client.session.ping(SECOND), "an unknown link");
    client.session.link_up(client.now, SECOND, LinkKind::HttpPoll);
    assert!(!client.session.ping(SECOND), "a long-poll link");
    let (mut client, _) = DrivenClient::ready_client(quiet());
    client.session.close();
    assert!(!client.session.ping(LINK), "a closed session");
}

#[test]
fn ping_of_a_lost_link_is_resent_on_another() {
    for (kind, written) in
        [(LinkKind::Http, false), (LinkKind::Http, true), (LinkKind::Stream, true)]
    {
        let (mut client, mut puppet) = client();
        client.session.link_up(client.now, LINK, kind);
        assert!(client.session.ping(LINK));
        if written {
            packet(&mut client, &mut puppet, LINK);
        }
        client.session.link_down(client.now, LINK);
        client.session.link_up(client.now, SECOND, kind);
        let again = packet(&mut client, &mut puppet, SECOND);
        assert_eq!(answer(&mut client, &mut puppet, SECOND, &again), [SECOND], "{kind:?}");
        // The ping is not sent a second time.
        client.session.link_down(client.now, SECOND);
        client.session.link_up(client.now, LINK, kind);
        assert_eq!(client.transmit(LINK), Ok(Vec::new()), "{kind:?}");
    }
}

#[test]
fn pending_ping_survives_session_replacement() {
    let (mut client, mut puppet) = client();
    client.session.link_up(client.now, LINK, LinkKind::Stream);
    assert!(client.session.ping(LINK));
    packet(&mut client, &mut puppet, LINK);
    client.session.replace(client.now);
    let again = packet(&mut client, &mut puppet, LINK);
    assert_eq!(answer(&mut client, &mut puppet, LINK, &again), [LINK]);
}
