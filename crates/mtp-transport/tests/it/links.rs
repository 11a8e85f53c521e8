//! Links of every stack: framing for every split, detection, deadlines, replays, limits.

use std::time::Duration;

use mtp_crypto::{DcId, QuickAckToken};
use mtp_transport::code::TransportCode;
use mtp_transport::detect::Protocol;
use mtp_transport::faketls::{FakeTlsError, HelloError};
use mtp_transport::framing::{FrameError, PACKET_LEN_MAX};
use mtp_transport::framing::{FrameFlags, Framing};
use mtp_transport::http::{ApiPath, HttpClientConfig};
use mtp_transport::link::{LinkError, LinkSendError, ServerLinkConfig, Stack};
use mtp_transport::obfuscation::HEADER_LEN;
use mtp_transport::replay::{self, ReplayStore};
use mtp_transport::secret::ProxySecret;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::pair::{
    Seen, client, client_receive, client_send, connect, now, server, server_receive, server_send,
    stacks, streams,
};

/// Valid packets: encrypted ones with whole cipher blocks, and unencrypted ones.
fn packets() -> impl Strategy<Value = Vec<(Vec<u8>, bool)>> {
    let encrypted = (1..80_usize, any::<u8>()).prop_map(|(blocks, fill)| {
        let mut packet = vec![fill; 24 + 16 * blocks];
        packet[0] = fill | 1;
        packet
    });
    let plain = (0..200_u32, any::<u8>()).prop_map(|(words, fill)| {
        let mut packet = vec![0; 16];
        packet.extend_from_slice(&(4 * words).to_le_bytes());
        packet.resize(20 + 4 * words as usize, fill);
        packet
    });
    vec((prop_oneof![encrypted, plain], any::<bool>()), 1..6)
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        Just(vec![1]),
        Just(vec![usize::MAX]),
        vec(1..200_usize, 1..20),
        vec(1..9_usize, 1..9)
    ]
}

/// The packets as the receiver sees them.
fn expected(packets: &[(Vec<u8>, bool)], acks: bool) -> Vec<Seen> {
    packets.iter().map(|(packet, ack)| Seen::Packet(packet.clone(), *ack && acks)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

    // spec: transport 13.1
    #[test]
    fn frames_are_the_same_for_every_split(
        up in packets(), down in packets(), cut in cuts(), seed in any::<u64>()
    ) {
        for (stack, config) in streams() {
            let framing = framing_of(&stack);
            let (mut client, mut server) = connect((stack, config), seed, &cut);
            let mut stream = Vec::new();
            for (packet, ack) in &up {
                stream.extend(client_send(&mut client, packet, *ack));
            }
            let seen = server_receive(&mut server, &stream, &cut).unwrap();
            prop_assert_eq!(seen, expected(&up, framing.has_quick_ack()), "{:?}", framing);

            let mut stream = Vec::new();
            let mut sent = Vec::new();
            for (packet, ack) in &down {
                let token = QuickAckToken::from_raw(0x8000_0000 | u32::try_from(seed >> 33).unwrap());
                if *ack && server.quick_ack(now(), token, &mut stream).is_ok() {
                    sent.push(Seen::QuickAck(token));
                }
                stream.extend(server_send(&mut server, packet, *ack));
                sent.push(Seen::Packet(packet.clone(), false));
            }
            server.error(now(), TransportCode::FLOOD, &mut stream).unwrap();
            let _ = server.poll_transmit(now(), &mut stream);
            sent.push(Seen::Error(TransportCode::FLOOD));
            let seen = client_receive(&mut client, &stream, &cut).unwrap();
            prop_assert_eq!(seen, sent, "{:?}", framing);
            prop_assert!(client.is_closed() && server.is_closed());
            prop_assert_eq!((client.handle_eof(), server.handle_eof()), (Ok(()), Ok(())));
        }
    }
}

fn framing_of(stack: &Stack) -> Framing {
    match stack {
        Stack::Plain(framing) => *framing,
        Stack::Obfuscated { tag, .. } | Stack::WebSocket { tag, .. } => tag.framing(),
        Stack::FakeTls { .. } => Framing::PaddedIntermediate,
        other => panic!("{other:?}"),
    }
}

fn packet() -> Vec<u8> {
    vec![7; 40]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

    // spec: transport 10.1
    // spec: transport 10.2
    #[test]
    fn http_alternates_between_requests_and_responses(
        up in packets(), down in packets(), cut in cuts(), seed in any::<u64>()
    ) {
        let config = HttpClientConfig::new("149.154.167.51".into(), ApiPath::default());
        let config = (Stack::Http(config), ServerLinkConfig::default());
        let (mut client, mut server) = connect(config, seed, &cut);
        for ((question, ack), (answer, _)) in up.iter().zip(&down) {
            prop_assert!(client.can_send() && !server.can_send());
            let stream = client_send(&mut client, question, *ack);
            let seen = server_receive(&mut server, &stream, &cut).unwrap();
            prop_assert_eq!(seen, [Seen::Packet(question.clone(), false)]);
            prop_assert!(!client.can_send() && server.can_send());
            let stream = server_send(&mut server, answer, *ack);
            let seen = client_receive(&mut client, &stream, &cut).unwrap();
            prop_assert_eq!(seen, [Seen::Packet(answer.clone(), false)]);
        }
        let stream = client_send(&mut client, &packet(), false);
        server_receive(&mut server, &stream, &cut).unwrap();
        let mut stream = Vec::new();
        let token = QuickAckToken::from_raw(1 << 31);
        prop_assert!(server.quick_ack(now(), token, &mut stream).is_err());
        prop_assert!(stream.is_empty());
        server.error(now(), TransportCode::NOT_FOUND, &mut stream).unwrap();
        let seen = client_receive(&mut client, &stream, &cut).unwrap();
        prop_assert_eq!(seen, [Seen::Error(TransportCode::NOT_FOUND)]);
        prop_assert!(client.is_closed() && server.is_closed());
    }
}

// spec: transport 1.1
#[test]
fn server_detects_every_stack() {
    for (stack, config) in streams() {
        let fresh = server(config.clone(), 1);
        assert_eq!((fresh.peer(), fresh.can_send()), (None, false));
        let has_secret = !config.secrets.is_empty() || config.fake_tls.is_some();
        let (mut client, mut server) = connect((stack.clone(), config), 1, &[1]);
        let stream = client_send(&mut client, &packet(), false);
        server_receive(&mut server, &stream, &[1]).unwrap();
        let peer = server.peer().unwrap();
        let protocol = match &stack {
            Stack::Plain(framing) => Protocol::Plain(*framing),
            Stack::FakeTls { .. } => Protocol::Tls,
            Stack::WebSocket { .. } => Protocol::HttpGet,
            _ => Protocol::Obfuscated,
        };
        assert_eq!((peer.protocol, peer.framing), (protocol, Some(framing_of(&stack))));
        let obfuscated = !matches!(stack, Stack::Plain(_));
        assert_eq!(peer.dc, obfuscated.then_some(DcId::new(2)));
        assert_eq!(peer.secret, has_secret.then_some(1));
        assert!(server.can_send());
        assert!(server.received().is_none());
    }
}

// spec: transport 5.3
#[test]
fn header_is_sent_once_in_one_write_with_the_first_frame() {
    let stack = || stacks().pop().unwrap().0;
    let mut link = client(stack(), 3);
    let mut out = Vec::new();
    let mark = link.begin(&mut out);
    link.cancel(&mut out, mark);
    assert!(out.is_empty(), "a cancelled packet leaves no bytes");
    let first = client_send(&mut link, &packet(), false);
    let second = client_send(&mut link, &packet(), false);
    assert!(first.len() >= HEADER_LEN + 44 && second.len() < HEADER_LEN);
    assert!(!link.poll_transmit(now(), &mut out), "nothing is sent before the first packet");
}

// spec: transport 13.2
#[test]
fn opening_times_out_after_ten_seconds() {
    let mut link = server(ServerLinkConfig::default(), 1);
    let deadline = link.poll_timeout().unwrap();
    assert_eq!(deadline.at.saturating_since(now().mono), Duration::from_secs(10));
    server_receive(&mut link, &[1; 63], &[63]).unwrap();
    link.handle_timeout(now().after(Duration::from_micros(9_999_999)));
    assert!(!link.is_closed());
    link.handle_timeout(now().after(Duration::from_secs(10)));
    assert!(link.is_closed());
    assert_eq!(link.next_frame(now()).unwrap_err(), LinkError::HandshakeTimeout);
    assert_eq!(link.received(), Some(&[1; 63][..]), "for the fronting site");
    assert!(link.poll_timeout().is_none());
}

#[test]
fn handshake_timer_stops_after_detection() {
    for config in streams() {
        let (mut client, mut server) = connect(config, 1, &[usize::MAX]);
        let waits_for = client.poll_timeout().map(|deadline| deadline.reason);
        assert!(matches!(waits_for, None | Some("websocket ping")), "{waits_for:?}");
        let stream = client_send(&mut client, &packet(), false);
        server_receive(&mut server, &stream, &[64]).unwrap();
        assert!(server.poll_timeout().is_none());
        server.handle_timeout(now().after(Duration::from_secs(3600)));
        assert!(!server.is_closed());
    }
}

#[test]
fn client_handshake_times_out_after_ten_seconds() {
    for (stack, _) in streams() {
        let mut link = client(stack.clone(), 1);
        if link.can_send() {
            continue;
        }
        assert!(matches!(stack, Stack::FakeTls { .. } | Stack::WebSocket { .. }));
        assert!(link.poll_transmit(now(), &mut Vec::new()));
        let deadline = link.poll_timeout().unwrap();
        assert_eq!(deadline.at.saturating_since(now().mono), Duration::from_secs(10));
        link.handle_timeout(now().after(Duration::from_secs(10)));
        assert_eq!(link.next_frame(now()).unwrap_err(), LinkError::HandshakeTimeout);
        let mut link = client(stack, 1);
        assert_eq!(link.handle_eof(), Err(LinkError::HandshakeTruncated));
    }
}

// spec: transport 8.6
#[test]
fn bytes_of_a_hello_without_known_secret_remain_available() {
    let fake_tls =
        streams().into_iter().filter(|(stack, _)| matches!(stack, Stack::FakeTls { .. }));
    for (stack, mut config) in fake_tls {
        config.fake_tls.as_mut().unwrap().secrets.pop();
        let mut hello = Vec::new();
        assert!(client(stack, 1).poll_transmit(now(), &mut hello));
        let mut server = server(config, 2);
        let refused = server_receive(&mut server, &hello, &[700]).unwrap_err();
        assert!(matches!(refused, LinkError::FakeTls(_)), "{refused:?}");
        assert_eq!(server.received(), Some(&hello[..]));
        assert!(!server.poll_transmit(now(), &mut hello), "a proxy must not answer");
    }
}

// spec: transport 13.6
#[test]
fn websocket_without_obfuscation_is_closed_with_status_1000() {
    let websocket = streams().pop().unwrap();
    let (_, mut server) = connect(websocket, 1, &[1]);
    let mut plain = vec![0x82, 0x80 | 64, 0, 0, 0, 0];
    plain.resize(6 + 64, 0xee);
    assert_eq!(server_receive(&mut server, &plain, &[1]), Err(LinkError::Header));
    let mut close = Vec::new();
    assert!(server.poll_transmit(now(), &mut close));
    assert_eq!(close, [0x88, 2, 0x03, 0xe8]);
    assert!(server.is_closed());
}

// spec: transport 5.5
#[test]
fn bytes_of_a_header_without_known_secret_remain_available() {
    let (stack, mut config) = stacks().pop().unwrap();
    config.secrets.pop();
    let mut server = server(config, 1);
    let stream = client_send(&mut client(stack, 2), &packet(), true);
    assert_eq!(server_receive(&mut server, &stream, &[50]), Err(LinkError::Header));
    let received = server.received().unwrap();
    assert!(stream.starts_with(received) && received.len() >= HEADER_LEN);
    let mut out = Vec::new();
    assert!(!server.poll_transmit(now(), &mut out), "a proxy must not answer");
    assert_eq!(
        server.error(now(), TransportCode::NOT_FOUND, &mut out),
        Err(LinkSendError::NotReady)
    );
    assert!(out.is_empty());
}

/// Returns the bytes a client sends before it needs an answer.
fn opening(stack: Stack) -> Vec<u8> {
    let (mut link, mut out) = (client(stack, 2), Vec::new());
    if !link.poll_transmit(now(), &mut out) {
        out = client_send(&mut link, &packet(), false);
    }
    out
}

// spec: transport 7.4
// spec: transport 8.3
// spec: transport 13.4
#[test]
fn replayed_opening_is_rejected_without_an_answer() {
    let (mut with, mut without) = (0, 0);
    for (stack, config) in streams() {
        let mut store = ReplayStore::new(64, Duration::from_secs(603));
        let has_secret = !config.secrets.is_empty() || config.fake_tls.is_some();
        let mut config = config;
        config.check_replays = true;
        let opening = opening(stack);
        for round in 0..2 {
            let mut link = server(config.clone(), 1);
            let seen = server_receive(&mut link, &opening, &[97]);
            let Some(key) = link.replay_key() else {
                assert!(!has_secret, "an opening with a secret has a replay key");
                assert!(seen.is_ok());
                without += 1;
                continue;
            };
            with += 1;
            assert!(has_secret && seen == Ok(vec![]) && !link.can_send());
            let mut out = Vec::new();
            assert!(!link.poll_transmit(now(), &mut out), "no output before the check");
            assert_eq!(link.received(), Some(&opening[..]));
            let answer = store.check(now(), key);
            assert_eq!(answer == replay::Seen::Before, round == 1);
            link.handle_seen(answer);
            assert_eq!(link.replay_key(), None, "the key is returned once");
            if answer == replay::Seen::Never {
                let frame = link.next_frame(now()).unwrap().is_some();
                assert!(frame || link.poll_transmit(now(), &mut out), "the link continues");
                // A second result has no effect.
                link.handle_seen(replay::Seen::Before);
                assert!(link.next_frame(now()).unwrap().is_none() && !link.is_closed());
            } else {
                let error = link.next_frame(now()).unwrap_err();
                let replayed = FakeTlsError::Hello(HelloError::Replayed);
                assert!([LinkError::Replayed, replayed.into()].contains(&error), "{error:?}");
                assert!(!link.poll_transmit(now(), &mut out), "a replay must not be answered");
                assert_eq!(link.received(), Some(&opening[..]), "for the fronting site");
            }
        }
    }
    assert!(with >= 8 && without >= 8, "{with} {without}");
}

#[test]
fn pending_replay_check_times_out_after_ten_seconds() {
    for (stack, mut config) in streams() {
        config.check_replays = true;
        let mut link = server(config, 1);
        server_receive(&mut link, &opening(stack), &[usize::MAX]).unwrap();
        if link.replay_key().is_some() {
            link.handle_timeout(now().after(Duration::from_secs(10)));
            assert_eq!(link.next_frame(now()).unwrap_err(), LinkError::HandshakeTimeout);
        }
    }
}

#[test]
fn protocol_that_is_not_accepted_is_rejected() {
    for protocol in Protocol::ALL {
        let Protocol::Plain(framing) = protocol else { continue };
        let mut config = ServerLinkConfig::default();
        config.accepted = vec![Protocol::Obfuscated];
        let mut server = server(config, 1);
        let stream = client_send(&mut client(Stack::Plain(framing), 2), &packet(), true);
        let refused = server_receive(&mut server, &stream, &[1]);
        assert_eq!(refused, Err(LinkError::NotAccepted(protocol)));
    }
    let (stack, mut config) = stacks().pop().unwrap();
    config.tags.pop();
    let stream = client_send(&mut client(stack, 2), &packet(), true);
    assert_eq!(server_receive(&mut server(config, 1), &stream, &[1]), Err(LinkError::Header));
}

#[test]
fn end_of_stream_within_a_frame_is_an_error() {
    for (stack, config) in stacks() {
        let mut untouched = server(config.clone(), 1);
        assert_eq!(untouched.handle_eof(), Ok(()), "no bytes were received");
        let opening = match &stack {
            Stack::Plain(framing) => framing.init().len(),
            _ => HEADER_LEN,
        };
        let stream = client_send(&mut client(stack, 2), &packet(), true);
        for len in 1..stream.len() {
            let mut server = server(config.clone(), 1);
            assert_eq!(server_receive(&mut server, &stream[..len], &[len]), Ok(vec![]));
            let end = server.handle_eof();
            assert_eq!(end.is_ok(), len == opening, "after {len} bytes: {end:?}");
            assert_eq!(server.handle_eof(), end);
        }
    }
}

// spec: transport 13.6
#[test]
fn packet_below_twenty_bytes_is_rejected() {
    for len in [4, 16, 20] {
        for (stack, config) in stacks() {
            let stream = client_send(&mut client(stack, 2), &vec![0; len], false);
            let seen = server_receive(&mut server(config, 1), &stream, &[1]);
            if len == 20 {
                assert_eq!(seen, Ok(vec![Seen::Packet(vec![0; 20], false)]));
            } else {
                // With its tail it can look like a message without its body.
                let refused = matches!(
                    seen,
                    Err(LinkError::Frame(
                        FrameError::ShortPacket { .. } | FrameError::InnerLength { .. }
                    ))
                );
                assert!(refused, "{seen:?}");
            }
        }
    }
}

#[test]
fn body_is_accepted_at_the_limit_and_rejected_above() {
    for (stack, mut config) in stacks() {
        let framing = framing_of(&stack);
        // The limit includes the tail of padded framing.
        let tail = if framing == Framing::PaddedIntermediate { 15 } else { 0 };
        config.body_len_max = 1064 + tail;
        let send = |len: usize| client_send(&mut client(stack.clone(), 2), &vec![9; len], false);
        let fits = server_receive(&mut server(config.clone(), 1), &send(1064), &[100]);
        assert_eq!(fits.unwrap().len(), 1);
        let mut refusing = server(config, 1);
        let error = server_receive(&mut refusing, &send(1080), &[1]).unwrap_err();
        assert!(matches!(error, LinkError::Frame(FrameError::TooLong { .. })), "{error:?}");
        assert_eq!(refusing.next_frame(now()).unwrap_err(), error, "a failure is final");
    }
}

#[test]
fn failed_send_changes_nothing() {
    for (stack, config) in stacks() {
        let (mut client, mut server) = (client(stack.clone(), 1), server(config, 2));
        let mut out = b"before".to_vec();
        for bad in [0, 3, PACKET_LEN_MAX + 4] {
            let mark = client.begin(&mut out);
            out.resize(out.len() + bad, 0);
            let refused = client.finish(now(), &mut out, mark, FrameFlags::default());
            assert!(matches!(refused, Err(LinkSendError::Encode(_))), "{refused:?}");
            assert_eq!(out, b"before");
        }
        let has_prefix = framing_of(&stack) != Framing::Full;
        let mark = client.begin(&mut out);
        let stream = client_send(&mut client, &packet(), false);
        out.extend(packet());
        let refused = client.finish(now(), &mut out, mark, FrameFlags::default());
        if has_prefix {
            assert_eq!(refused, Err(LinkSendError::StaleMark));
            assert_eq!(out, b"before");
        }
        let seen = server_receive(&mut server, &stream, &[9]).unwrap();
        assert_eq!(seen, [Seen::Packet(packet(), false)]);
    }
}

// spec: transport 14
#[test]
fn tails_have_up_to_15_bytes_to_servers_and_up_to_3_to_clients() {
    let padded = Stack::Plain(Framing::PaddedIntermediate);
    let (mut client, mut server) = (client(padded, 1), server(ServerLinkConfig::default(), 2));
    let first = client_send(&mut client, &packet(), false);
    server_receive(&mut server, &first, &[1]).unwrap();
    let mut up = [0; 16];
    let mut down = [0; 16];
    for _ in 0..400 {
        up[client_send(&mut client, &packet(), false).len() - 44] += 1;
        down[server_send(&mut server, &packet(), false).len() - 44] += 1;
    }
    assert!(up.iter().all(|count| *count > 0), "0..=15: {up:?}");
    assert!(down[..4].iter().all(|count| *count > 0) && down[4..].iter().all(|c| *c == 0));
}

// spec: transport 7.6
#[test]
fn kind_of_secret_determines_the_stack() {
    for (text, protocol) in [
        ("5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e", Protocol::Obfuscated),
        ("dd5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e", Protocol::Obfuscated),
        ("ee5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e6578616d706c652e636f6d", Protocol::Tls),
    ] {
        let secret: ProxySecret = text.parse().unwrap();
        let stack = Stack::proxied(&secret, DcId::new(4).media());
        // The last configuration of either kind has this key.
        let mut config = stacks().pop().unwrap().1;
        config.fake_tls = streams().into_iter().find_map(|(_, config)| config.fake_tls);
        let (mut client, mut server) = connect((stack, config), 1, &[999]);
        let stream = client_send(&mut client, &packet(), false);
        let seen = server_receive(&mut server, &stream, &[1]).unwrap();
        assert_eq!(seen, [Seen::Packet(packet(), false)]);
        let peer = server.peer().unwrap();
        assert_eq!((peer.protocol, peer.dc), (protocol, Some(DcId::new(4).media())));
        assert_eq!(peer.framing, Some(Framing::PaddedIntermediate));
    }
}

#[test]
fn debug_output_hides_secrets() {
    let (stack, config) = stacks().pop().unwrap();
    assert!(matches!(&stack, Stack::Obfuscated { secret: Some(_), .. }));
    let shown = format!("{stack:?} {config:?} {:?}", client(stack.clone(), 1));
    assert!(!shown.contains("94") && !shown.to_lowercase().contains("5e5e"), "{shown}");
}
