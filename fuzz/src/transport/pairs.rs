//! A client and a server link: packets arrive with every stack and any cuts.

use std::collections::VecDeque;

use mtp_crypto::QuickAckToken;
use mtp_transport::code::TransportCode;
use mtp_transport::framing::FrameFlags;
use mtp_transport::link::{ClientLink, LinkSendError, ServerLink};

use super::{HTTP, STACKS, Seen, client, server_at};
use crate::input::{Cuts, Input};
use crate::known;

/// Sends packets at both ends of a stack. The fuzzer chooses the pieces in which they arrive.
///
/// Input: the stack, cuts, then operations: a kind, a length, a fill byte.
pub fn link_pair(data: &[u8]) {
    let mut input = Input::new(data);
    let kind = input.byte() % STACKS;
    let cuts = input.cuts();
    let mut pair = Pair {
        client: client(kind),
        server: server_at(known::start(), kind),
        cuts,
        to_server: VecDeque::new(),
        to_client: VecDeque::new(),
        is_http: kind == HTTP,
    };
    pair.carry();
    for _ in 0..64 {
        let operation = input.byte();
        let blocks = usize::from(input.byte());
        let packet = packet(blocks << (operation >> 6), input.byte());
        match operation & 7 {
            0..=2 => pair.client_sends(&packet, operation & 8 != 0),
            3..=5 => pair.server_sends(&packet),
            6 => pair.acknowledge(input.u32()),
            _ if operation & 0x30 == 0x30 => {
                pair.fail();
                return;
            }
            _ => {}
        }
        pair.carry();
        if input.is_empty() {
            return;
        }
    }
}

/// Returns a packet like an encrypted one: a key id and whole blocks.
fn packet(blocks: usize, fill: u8) -> Vec<u8> {
    let mut packet = vec![fill; 40 + 16 * blocks];
    packet[0] |= 1;
    packet
}

struct Pair<'a> {
    client: ClientLink,
    server: ServerLink,
    cuts: Cuts<'a>,
    /// Packets in transit.
    to_server: VecDeque<Seen>,
    to_client: VecDeque<Seen>,
    is_http: bool,
}

impl Pair<'_> {
    fn client_sends(&mut self, packet: &[u8], quick_ack: bool) {
        let mut out = Vec::new();
        let before = self.client.can_send();
        let mark = self.client.begin(&mut out);
        out.extend_from_slice(packet);
        let flags = FrameFlags { quick_ack };
        match self.client.finish(known::start(), &mut out, mark, flags) {
            Ok(()) => {
                assert!(before);
                self.up(&out, Some(packet));
            }
            Err(error) => {
                assert_eq!(error, LinkSendError::NotReady);
                assert!(!before && out.is_empty());
            }
        }
    }

    fn server_sends(&mut self, packet: &[u8]) {
        let mut out = Vec::new();
        let before = self.server.can_send();
        let mark = self.server.begin(&mut out);
        out.extend_from_slice(packet);
        match self.server.finish(known::start(), &mut out, mark, FrameFlags::default()) {
            Ok(()) => {
                assert!(before);
                self.to_client.push_back(Seen::packet(packet, false));
                self.down(&out);
            }
            Err(error) => {
                assert_eq!(error, LinkSendError::NotReady);
                assert!(!before && out.is_empty());
            }
        }
    }

    fn acknowledge(&mut self, token: u32) {
        let token = QuickAckToken::from_raw(token | 0x8000_0000);
        let mut out = Vec::new();
        if self.server.quick_ack(known::start(), token, &mut out).is_ok() {
            self.to_client.push_back(Seen::QuickAck(token.as_raw()));
            self.down(&out);
        }
    }

    /// Sends an error of the server, which closes both ends.
    fn fail(&mut self) {
        let mut out = Vec::new();
        if self.server.error(known::start(), TransportCode::NOT_FOUND, &mut out).is_ok() {
            assert!(self.server.is_closed());
            if out.is_empty() {
                // HTTP cannot send it without a request; the connection is closed instead.
                assert!(self.is_http);
                return;
            }
            self.to_client.push_back(Seen::Error(TransportCode::NOT_FOUND.get()));
            let _ = self.server.poll_transmit(known::start(), &mut out);
            self.down(&out);
            assert!(self.server.is_closed() && self.client.is_closed());
        }
    }

    /// Transfers the output of both links until there is none.
    fn carry(&mut self) {
        for _ in 0..16 {
            let (mut up, mut down) = (Vec::new(), Vec::new());
            let any = self.client.poll_transmit(known::start(), &mut up);
            assert_eq!(any, !up.is_empty());
            self.up(&up, None);
            let any = self.server.poll_transmit(known::start(), &mut down);
            assert_eq!(any, !down.is_empty());
            self.down(&down);
            if up.is_empty() && down.is_empty() {
                assert!(self.to_server.is_empty() && self.to_client.is_empty(), "all arrived");
                return;
            }
        }
        panic!("the output never ends");
    }

    fn up(&mut self, bytes: &[u8], packet: Option<&[u8]>) {
        // Not all framings transmit the request for a quick acknowledgment.
        if let Some(packet) = packet {
            self.to_server.push_back(Seen::packet(packet, false));
        }
        for piece in self.cuts.of(bytes) {
            self.server.handle_bytes(piece);
            while let Some(frame) = self.server.next_frame(known::start()).expect("honest") {
                let Seen::Packet(len, hash, quick_ack) = Seen::note(frame) else {
                    panic!("a client sends only packets")
                };
                assert!(!(quick_ack && self.is_http));
                let expected = self.to_server.pop_front();
                assert_eq!(expected, Some(Seen::Packet(len, hash, false)));
            }
        }
    }

    fn down(&mut self, bytes: &[u8]) {
        for piece in self.cuts.of(bytes) {
            self.client.handle_bytes(piece);
            while let Some(frame) = self.client.next_frame(known::start()).expect("honest") {
                assert_eq!(Some(Seen::note(frame)), self.to_client.pop_front());
            }
        }
    }
}
