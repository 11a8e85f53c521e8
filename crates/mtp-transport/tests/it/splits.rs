//! Goal: nothing behind a packet or frame that closes a link is used, and how the stream is split into
//! reads does not matter. Method: for every stack, a stream of packets with a closing one at every
//! position, received as a whole, byte by byte, and split at random.

use mtp_transport::code::TransportCode;
use mtp_transport::framing::{Frame, FrameError};
use mtp_transport::link::{ClientLink, LinkError, ServerLink};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::pair::{
    Seen, client, client_receive, client_send, connect, now, server_receive, server_send, streams,
};

const PACKETS: usize = 5;

fn packet(number: usize) -> Vec<u8> {
    vec![u8::try_from(number).unwrap() | 1; 40 + 16 * number]
}

/// What closes the link.
#[derive(Clone, Copy, Debug)]
enum Closing {
    /// A frame that the receiving link rejects.
    BadFrame,
    /// A packet that the receiver's caller rejects.
    BadPacket,
}

/// Returns the packets of a stream, of which number `bad` closes the link.
fn stream_with(closing: Closing, bad: usize, mut send: impl FnMut(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut stream = Vec::new();
    for number in 0..PACKETS {
        let is_bad_frame = number == bad && matches!(closing, Closing::BadFrame);
        let packet = if is_bad_frame { vec![5; 4] } else { packet(number) };
        stream.extend(send(&packet));
    }
    stream
}

fn good(count: usize) -> Vec<Seen> {
    (0..count).map(|number| Seen::Packet(packet(number), false)).collect()
}

/// Both links have the same methods but no common trait, so a macro defines the receiver for both.
macro_rules! receivers {
    ($($receive:ident: $link:ty;)*) => {$(
        /// Receives a stream like a driver whose session rejects packet number `bad`: it stops reading there
        /// but still passes on what arrives later. Returns the packets it used, and the first error.
        fn $receive(
            link: &mut $link,
            mut stream: &[u8],
            pieces: &[usize],
            (closing, bad): (Closing, usize),
        ) -> (Vec<Seen>, Option<LinkError>) {
            let (mut used, mut failure) = (Vec::new(), None);
            for piece in pieces.iter().cycle() {
                let (read, rest) = stream.split_at((*piece).max(1).min(stream.len()));
                stream = rest;
                link.handle_bytes(read);
                loop {
                    match link.next_frame(now()) {
                        Ok(None) => break,
                        Ok(Some(Frame::Packet { bytes, quick_ack })) => {
                            if matches!(closing, Closing::BadPacket) && used.len() == bad {
                                assert_eq!(bytes, packet(bad), "the rejected packet");
                                link.stop_reading();
                            } else {
                                used.push(Seen::Packet(bytes.to_vec(), quick_ack));
                            }
                        }
                        Ok(Some(other)) => panic!("{other:?}"),
                        Err(error) => {
                            let first = failure.get_or_insert(error.clone());
                            assert_eq!(*first, error, "a failure is final");
                            break;
                        }
                    }
                }
                if stream.is_empty() {
                    return (used, failure);
                }
            }
            unreachable!("the pieces are repeated")
        }
    )*};
}

receivers! {
    receive_at_server: ServerLink;
    receive_at_client: ClientLink;
}

/// Checks how a link ended. Returns `true` if it is open for output.
#[track_caller]
fn check_end(closing: Closing, failure: Option<&LinkError>, name: &str) -> bool {
    match (closing, failure) {
        (Closing::BadPacket, None) => true,
        // A short packet from a server is a control packet.
        (
            Closing::BadFrame,
            Some(LinkError::Frame(
                FrameError::ShortPacket { .. }
                | FrameError::InnerLength { .. }
                | FrameError::UnknownControl { .. },
            )),
        ) => false,
        _ => panic!("{name}: {failure:?}"),
    }
}

fn check_server(closing: Closing, bad: usize, pieces: &[usize]) {
    for (stack, config) in streams() {
        let name = format!("{stack:?} {closing:?} at {bad} in {pieces:?}");
        let (mut client, mut server) = connect((stack, config), 5, &[usize::MAX]);
        let stream = stream_with(closing, bad, |packet| client_send(&mut client, packet, false));
        let (used, failure) = receive_at_server(&mut server, &stream, pieces, (closing, bad));
        assert_eq!(used, good(bad), "{name}");
        let is_open = check_end(closing, failure.as_ref(), &name);
        assert_eq!((server.can_send(), server.is_closed()), (is_open, !is_open), "{name}");
        if is_open {
            // The caller can still report why it closes the connection.
            let mut out = Vec::new();
            server.error(now(), TransportCode::NOT_FOUND, &mut out).unwrap();
            assert!(server.is_closed() && !out.is_empty(), "{name}");
        }
    }
}

fn check_client(closing: Closing, bad: usize, pieces: &[usize]) {
    for (stack, config) in streams() {
        let name = format!("{stack:?} {closing:?} at {bad} in {pieces:?}");
        let (mut client, mut server) = connect((stack, config), 5, &[usize::MAX]);
        let first = client_send(&mut client, &packet(9), false);
        server_receive(&mut server, &first, &[usize::MAX]).unwrap();
        let stream = stream_with(closing, bad, |packet| server_send(&mut server, packet, false));
        let (used, failure) = receive_at_client(&mut client, &stream, pieces, (closing, bad));
        assert_eq!(used, good(bad), "{name}");
        let is_open = check_end(closing, failure.as_ref(), &name);
        assert_eq!((client.can_send(), client.is_closed()), (is_open, !is_open), "{name}");
    }
}

#[test]
fn nothing_behind_a_closing_packet_is_used_for_any_position() {
    for bad in 0..PACKETS {
        for pieces in [&[1][..], &[7, 64, 3], &[usize::MAX]] {
            for closing in [Closing::BadFrame, Closing::BadPacket] {
                check_server(closing, bad, pieces);
                check_client(closing, bad, pieces);
            }
        }
    }
}

#[test]
fn nothing_behind_a_transport_error_is_used_for_any_position() {
    for bad in 0..PACKETS {
        for pieces in [&[1][..], &[7, 64, 3], &[usize::MAX]] {
            for (stack, config) in streams() {
                // Two servers with the same keys and numbers: one ends, the other one goes on.
                let (mut client, mut ending) = connect((stack.clone(), config), 5, &[usize::MAX]);
                if ending.peer().is_none() {
                    let first = client_send(&mut client, &packet(9), false);
                    server_receive(&mut ending, &first, &[usize::MAX]).unwrap();
                }
                let mut stream = Vec::new();
                for number in 0..bad {
                    stream.extend(server_send(&mut ending, &packet(number), false));
                }
                ending.error(now(), TransportCode::FLOOD, &mut stream).unwrap();
                let _ = ending.poll_transmit(now(), &mut stream);
                // Whatever follows: it is not even decoded.
                stream.extend([0xaa; 200]);
                let mut expected = good(bad);
                expected.push(Seen::Error(TransportCode::FLOOD));
                let seen = client_receive(&mut client, &stream, pieces);
                assert_eq!(seen, Ok(expected), "{stack:?} at {bad} in {pieces:?}");
                assert!(client.is_closed());
            }
        }
    }
}

#[test]
fn input_of_a_closed_link_is_not_buffered() {
    for (stack, config) in streams() {
        let (mut client, mut server) = connect((stack, config), 5, &[usize::MAX]);
        let first = client_send(&mut client, &packet(0), false);
        server_receive(&mut server, &first, &[usize::MAX]).unwrap();
        server.stop_reading();
        for _ in 0..100 {
            server.handle_bytes(&[7; 1000]);
            server.spare(1000).fill(7);
            server.filled(1000);
            assert!(server.next_frame(now()).unwrap().is_none());
        }
        assert!(server.held() < 10_000, "{} bytes", server.held());
    }
    let mut client = client(streams().remove(0).0, 1);
    client.stop_reading();
    assert!(client.can_send() && !client.is_closed(), "only reading has stopped");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn nothing_behind_a_closing_packet_is_used_for_any_split(
        bad in 0..PACKETS, pieces in vec(1..300_usize, 1..12), is_frame in any::<bool>()
    ) {
        let closing = if is_frame { Closing::BadFrame } else { Closing::BadPacket };
        check_server(closing, bad, &pieces);
        check_client(closing, bad, &pieces);
    }
}
