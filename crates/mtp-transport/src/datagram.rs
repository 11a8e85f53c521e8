//! **Experimental**: one packet in one UDP datagram.
//!
//! The protocol's description lists UDP as a transport, but no wire format was published and no other
//! implementation has one. This format is specific to this crate and may change. Sessions tolerate
//! packet loss, duplication and reordering.
//!
//! ```text
//!   kind  body
//!   01    packet                          both ways
//!   81    packet with quick ack request   client to server
//!   02    quick ack, u32                  server to client
//!   03    transport error, i32            server to client
//! ```
//!
//! All numbers are little-endian. There is no obfuscation, no handshake and no connection: the
//! receiver finds the session by the packet's key. Source addresses can be forged: until a packet
//! from an address has been decrypted with a known key, a server must not send more bytes to it than
//! it received.
//!
//! ```
//! use mtp_transport::datagram::{self, Datagram};
//!
//! let mut out = Vec::new();
//! datagram::encode(&Datagram::Packet { bytes: &[7; 40], quick_ack: true }, &mut out)?;
//! assert_eq!(datagram::decode(&out), Ok(Datagram::Packet { bytes: &[7; 40], quick_ack: true }));
//! # Ok::<(), datagram::DatagramTooLong>(())
//! ```

use alloc::vec::Vec;
use core::fmt;

use mtp_crypto::QuickAckToken;

use crate::code::TransportCode;

/// The longest datagram, in bytes.
///
/// The minimum MTU of IPv6, 1280 bytes, without the headers of IPv6 and UDP: such a datagram is never
/// fragmented.
pub const DATAGRAM_LEN_MAX: usize = 1232;

/// The longest packet in a datagram, in bytes.
pub const PACKET_LEN_MAX: usize = DATAGRAM_LEN_MAX - 1;

/// The shortest packet, in bytes: an unencrypted one without a body.
pub const PACKET_LEN_MIN: usize = 20;

/// Content of one datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the format is this table")]
pub enum Datagram<'a> {
    /// One packet.
    Packet {
        /// The packet.
        bytes: &'a [u8],
        /// Whether a quick ack is requested.
        quick_ack: bool,
    },
    /// A quick ack.
    QuickAck(QuickAckToken),
    /// A transport error.
    Error(TransportCode),
}

/// Appends one datagram to an empty buffer.
///
/// # Errors
///
/// The packet is longer than [`PACKET_LEN_MAX`]. Nothing was appended.
pub fn encode(datagram: &Datagram<'_>, out: &mut Vec<u8>) -> Result<(), DatagramTooLong> {
    match datagram {
        Datagram::Packet { bytes, .. } if bytes.len() > PACKET_LEN_MAX => {
            return Err(DatagramTooLong { len: bytes.len() });
        }
        Datagram::Packet { bytes, quick_ack } => {
            out.push(if *quick_ack { PACKET_WITH_ACK } else { PACKET });
            out.extend_from_slice(bytes);
        }
        Datagram::QuickAck(token) => {
            out.push(QUICK_ACK);
            out.extend_from_slice(&token.to_le_bytes());
        }
        Datagram::Error(code) => {
            out.push(ERROR);
            out.extend_from_slice(&code.get().to_le_bytes());
        }
    }
    Ok(())
}

/// Decodes one datagram.
///
/// # Errors
///
/// The datagram is invalid. Drop it: even its source address may be forged.
pub fn decode(bytes: &[u8]) -> Result<Datagram<'_>, DatagramError> {
    let (&kind, body) = bytes.split_first().ok_or(DatagramError::Empty)?;
    let wrong_length = DatagramError::Length { kind, len: body.len() };
    match kind {
        PACKET | PACKET_WITH_ACK => {
            let fits = (PACKET_LEN_MIN..=PACKET_LEN_MAX).contains(&body.len());
            let packet = Datagram::Packet { bytes: body, quick_ack: kind == PACKET_WITH_ACK };
            if fits { Ok(packet) } else { Err(wrong_length) }
        }
        QUICK_ACK | ERROR => {
            let word: [u8; 4] = body.try_into().map_err(|_| wrong_length)?;
            if kind == QUICK_ACK {
                return Ok(Datagram::QuickAck(QuickAckToken::from_le_bytes(word)));
            }
            let code = i32::from_le_bytes(word);
            TransportCode::new(code).map(Datagram::Error).ok_or(DatagramError::Code { code })
        }
        kind => Err(DatagramError::Kind { kind }),
    }
}

/// Error for a packet that does not fit a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatagramTooLong {
    /// Length of the packet, in bytes.
    pub len: usize,
}

impl fmt::Display for DatagramTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "packet of {} bytes, expected at most {PACKET_LEN_MAX}", self.len)
    }
}

impl core::error::Error for DatagramTooLong {}

/// Errors of decoding a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DatagramError {
    /// The datagram is empty.
    Empty,
    /// The kind is unknown.
    Kind {
        /// The first byte.
        kind: u8,
    },
    /// The length is not valid for the kind.
    Length {
        /// The first byte.
        kind: u8,
        /// Length of the body.
        len: usize,
    },
    /// The code is not a transport error.
    Code {
        /// The code.
        code: i32,
    },
}

impl fmt::Display for DatagramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty datagram"),
            Self::Kind { kind } => write!(f, "datagram of unknown kind {kind:02x}"),
            Self::Length { kind, len } => {
                write!(f, "datagram of kind {kind:02x} with a body of {len} bytes")
            }
            Self::Code { code } => write!(f, "datagram with the invalid transport error {code}"),
        }
    }
}

impl core::error::Error for DatagramError {}

const PACKET: u8 = 0x01;
const PACKET_WITH_ACK: u8 = 0x81;
const QUICK_ACK: u8 = 0x02;
const ERROR: u8 = 0x03;

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::rig::{Dice, STREAMS};

    #[track_caller]
    fn round_trip(datagram: Datagram<'_>, wire: &[u8]) {
        let mut out = Vec::new();
        encode(&datagram, &mut out).unwrap();
        assert_eq!(out, wire);
        assert_eq!(decode(wire), Ok(datagram));
    }

    #[test]
    fn every_kind_round_trips() {
        let bytes = &[9; PACKET_LEN_MIN];
        round_trip(Datagram::Packet { bytes, quick_ack: false }, &[&[1][..], bytes].concat());
        round_trip(Datagram::Packet { bytes, quick_ack: true }, &[&[0x81][..], bytes].concat());
        let token = QuickAckToken::from_raw(0x8765_4321);
        round_trip(Datagram::QuickAck(token), &[2, 0x21, 0x43, 0x65, 0x87]);
        round_trip(Datagram::Error(TransportCode::NOT_FOUND), &[3, 0x6c, 0xfe, 0xff, 0xff]);
    }

    #[test]
    fn packet_is_accepted_at_the_limits_and_rejected_beyond() {
        let bytes = vec![1; PACKET_LEN_MAX + 1];
        let mut out = Vec::new();
        let long = Datagram::Packet { bytes: &bytes, quick_ack: false };
        assert_eq!(encode(&long, &mut out), Err(DatagramTooLong { len: PACKET_LEN_MAX + 1 }));
        assert!(out.is_empty());
        let longest = Datagram::Packet { bytes: &bytes[1..], quick_ack: false };
        assert_eq!(encode(&longest, &mut out), Ok(()));
        assert_eq!((out.len(), decode(&out)), (DATAGRAM_LEN_MAX, Ok(longest)));
        out.push(0);
        let len = PACKET_LEN_MAX + 1;
        assert_eq!(decode(&out), Err(DatagramError::Length { kind: 1, len }));
        assert_eq!(decode(&out[..20]), Err(DatagramError::Length { kind: 1, len: 19 }));
    }

    #[test]
    fn invalid_datagram_is_rejected() {
        assert_eq!(decode(&[]), Err(DatagramError::Empty));
        assert_eq!(decode(&[4, 0]), Err(DatagramError::Kind { kind: 4 }));
        assert_eq!(decode(&[2, 0, 0, 0]), Err(DatagramError::Length { kind: 2, len: 3 }));
        assert_eq!(decode(&[3, 0, 0, 0, 0, 0]), Err(DatagramError::Length { kind: 3, len: 5 }));
        assert_eq!(decode(&[3, 0, 0, 0, 0]), Err(DatagramError::Code { code: 0 }));
        assert_eq!(decode(&[3, 0xff, 0xff, 0xff, 0xff]), Err(DatagramError::Code { code: -1 }));
    }

    #[test]
    fn decoded_datagram_encodes_to_the_same_bytes() {
        let mut dice = Dice(40);
        let mut decoded = 0;
        for _ in 0..STREAMS {
            let len = dice.roll(40);
            let mut bytes: Vec<u8> =
                (0..len).map(|_| u8::try_from(dice.roll(256)).unwrap()).collect();
            if let Some(kind) = bytes.first_mut() {
                *kind = [1, 0x81, 2, 3, *kind][dice.roll(5)];
            }
            if let Ok(datagram) = decode(&bytes) {
                let mut out = Vec::new();
                encode(&datagram, &mut out).unwrap();
                assert_eq!(out, bytes);
                decoded += 1;
            }
        }
        assert!(decoded > 1000);
    }
}
