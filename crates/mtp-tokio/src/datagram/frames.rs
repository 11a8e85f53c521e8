//! Intermediate frames on one side, datagrams on the other.

use mtp_crypto::QuickAckToken;
use mtp_transport::code::TransportCode;
use mtp_transport::datagram::{self, Datagram, PACKET_LEN_MAX};
use mtp_transport::framing::Framing;

/// Which end of the way this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
}

/// Cuts what a link writes into datagrams.
#[derive(Debug)]
pub(super) struct Cutter {
    side: Side,
    /// A client's link begins with the tag of its framing, which is not sent.
    begun: bool,
    rest: Vec<u8>,
}

impl Cutter {
    pub(super) const fn new(side: Side) -> Self {
        Self { side, begun: false, rest: Vec::new() }
    }

    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
    }

    /// Returns the next datagram; what does not fit one is dropped.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            let word = u32::from_le_bytes(*self.rest.first_chunk()?);
            if self.side == Side::Client && !self.begun {
                self.begun = true;
                self.rest.drain(..WORD);
                continue;
            }
            let mut out = Vec::new();
            if self.side == Side::Server && word & ACK != 0 {
                self.rest.drain(..WORD);
                let token = QuickAckToken::from_le_bytes(word.to_le_bytes());
                if datagram::encode(&Datagram::QuickAck(token), &mut out).is_ok() {
                    return Some(out);
                }
                continue;
            }
            let end = usize::try_from(word & !ACK).ok()?.checked_add(WORD)?;
            let packet = self.rest.get(WORD..end)?;
            let sent = if let Some(code) = error(packet) {
                datagram::encode(&Datagram::Error(code), &mut out)
            } else {
                let padded =
                    (self.side == Side::Client && is_plain(packet)).then(|| padded(packet));
                let bytes = padded.as_deref().unwrap_or(packet);
                datagram::encode(&Datagram::Packet { bytes, quick_ack: word & ACK != 0 }, &mut out)
            };
            self.rest.drain(..end);
            if sent.is_ok() {
                return Some(out);
            }
        }
    }
}

/// Returns what begins the bytes that a link is to read.
pub(super) const fn preface(side: Side) -> &'static [u8] {
    match side {
        Side::Client => &[],
        Side::Server => Framing::Intermediate.init(),
    }
}

/// Appends a datagram as a link reads it; what is none of ours is dropped.
pub(super) fn append(side: Side, bytes: &[u8], out: &mut Vec<u8>) {
    match (side, datagram::decode(bytes)) {
        (_, Ok(Datagram::Packet { bytes, quick_ack })) => {
            let ack = if side == Side::Server && quick_ack { ACK } else { 0 };
            let len = u32::try_from(bytes.len()).unwrap_or(0);
            out.extend_from_slice(&(len | ack).to_le_bytes());
            out.extend_from_slice(bytes);
        }
        (Side::Client, Ok(Datagram::QuickAck(token))) => {
            out.extend_from_slice(&token.to_le_bytes());
        }
        (Side::Client, Ok(Datagram::Error(code))) => {
            out.extend_from_slice(&4_u32.to_le_bytes());
            out.extend_from_slice(&code.get().to_le_bytes());
        }
        _ => {}
    }
}

/// Returns `true` if a datagram carries a packet without a key.
pub(super) fn is_query(datagram: &[u8]) -> bool {
    matches!(datagram::decode(datagram), Ok(Datagram::Packet { bytes, .. }) if is_plain(bytes))
}

/// Returns `true` if a datagram carries a packet under a key.
pub(super) fn is_encrypted(datagram: &[u8]) -> bool {
    matches!(datagram::decode(datagram), Ok(Datagram::Packet { bytes, .. }) if !is_plain(bytes))
}

/// Returns `true` if a packet has no key: its key id is zero.
fn is_plain(packet: &[u8]) -> bool {
    packet.starts_with(&[0; 8])
}

fn error(packet: &[u8]) -> Option<TransportCode> {
    TransportCode::new(i32::from_le_bytes(packet.try_into().ok()?))
}

/// Pads a datagram, so that the server may send as much back.
fn padded(packet: &[u8]) -> Vec<u8> {
    let mut padded = packet.to_vec();
    padded.resize(packet.len().max(QUERY_LEN), 0);
    padded
}

const WORD: usize = 4;

/// Queries are padded to this length: the longest packet of whole words.
const QUERY_LEN: usize = PACKET_LEN_MAX - PACKET_LEN_MAX % WORD;

/// Marks a quick acknowledgement, and in a length the request for one.
const ACK: u32 = 1 << 31;

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(packet: &[u8], ack: u32) -> Vec<u8> {
        let len = u32::try_from(packet.len()).unwrap() | ack;
        [&len.to_le_bytes(), packet].concat()
    }

    #[test]
    fn frames_come_out_as_they_went_in() {
        let packets = [vec![7; 40], vec![8; PACKET_LEN_MAX + 1], vec![9; QUERY_LEN]];
        let mut wire = preface(Side::Server).to_vec();
        for packet in &packets {
            wire.extend(framed(packet, ACK));
        }
        let mut cutter = Cutter::new(Side::Client);
        let mut read = preface(Side::Server).to_vec();
        for part in wire.chunks(3) {
            cutter.put(part);
            while let Some(datagram) = cutter.next() {
                append(Side::Server, &datagram, &mut read);
            }
        }
        assert!(cutter.rest.is_empty());
        let fitting = [&packets[0], &packets[2]].map(|packet| framed(packet, ACK)).concat();
        assert_eq!(read, [preface(Side::Server), &fitting].concat());
    }

    #[test]
    fn servers_say_more_than_packets() {
        let token = QuickAckToken::from_le_bytes([1, 2, 3, 0x84]);
        let wire =
            [&token.to_le_bytes()[..], &framed(&(-404_i32).to_le_bytes(), 0), &framed(&[7; 40], 0)]
                .concat();
        let mut cutter = Cutter::new(Side::Server);
        cutter.put(&wire);
        let mut read = Vec::new();
        while let Some(datagram) = cutter.next() {
            append(Side::Client, &datagram, &mut read);
        }
        assert_eq!(read, wire);
    }

    #[test]
    fn queries_are_long_enough_for_their_answers() {
        let query = [vec![0; 16], 20_u32.to_le_bytes().to_vec(), vec![7; 20]].concat();
        let mut cutter = Cutter::new(Side::Client);
        cutter.put(&[preface(Side::Server), &framed(&query, 0)].concat());
        let datagram = cutter.next().unwrap();
        assert_eq!(datagram.len(), 1 + QUERY_LEN);
        assert!(is_query(&datagram) && !is_encrypted(&datagram));
        assert!(datagram[1..].starts_with(&query));
    }

    #[test]
    fn strange_datagrams_are_dropped() {
        let mut read = Vec::new();
        append(Side::Server, &[], &mut read);
        append(Side::Server, &[9; 40], &mut read);
        append(Side::Server, &[2, 1, 2, 3, 0x84], &mut read);
        append(Side::Client, &[1; 9], &mut read);
        assert_eq!(read, []);
    }
}
