//! Identifiers in encrypted messages.
//!
//! On the wire they are little-endian. In memory, ids are unsigned, so that the order of message ids
//! is the order of their creation.

use core::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $raw:ty, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($raw);

        impl $name {
            /// Creates the identifier from its number.
            #[must_use]
            pub const fn from_raw(raw: $raw) -> Self {
                Self(raw)
            }

            /// Returns the number.
            #[must_use]
            pub const fn as_raw(self) -> $raw {
                self.0
            }

            /// Creates the identifier from its bytes on the wire.
            #[must_use]
            pub const fn from_le_bytes(bytes: [u8; $len]) -> Self {
                Self(<$raw>::from_le_bytes(bytes))
            }

            /// Returns the bytes on the wire.
            #[must_use]
            pub const fn to_le_bytes(self) -> [u8; $len] {
                self.0.to_le_bytes()
            }
        }
    };
}

macro_rules! debug_as_hex {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:016x})"), self.0)
            }
        }
    };
}

number! {
    /// The id of an auth key: the low 64 bits of its SHA-1. Zero marks unencrypted packets.
    AuthKeyId, u64, 8
}
debug_as_hex!(AuthKeyId);

impl AuthKeyId {
    /// The id of unencrypted packets. No key has this id.
    pub const NONE: Self = Self(0);

    /// Returns the id at the start of a packet, or `None` if the packet is shorter than an id.
    ///
    /// A server selects the key by this id before it calls [`open`](crate::open).
    // spec: crypto 5#2, 17#17
    #[must_use]
    pub fn of_packet(packet: &[u8]) -> Option<Self> {
        packet.first_chunk().map(|bytes| Self::from_le_bytes(*bytes))
    }
}

number! {
    /// A server salt, valid for a limited time.
    Salt, u64, 8
}
debug_as_hex!(Salt);

number! {
    /// The id of a session under one key: a random number chosen by the client, never zero.
    SessionId, u64, 8
}
debug_as_hex!(SessionId);

number! {
    /// The id of a message within its session: the time of its creation times 2^32, with the
    /// [kind](MsgIdKind) in the lowest two bits.
    MsgId, u64, 8
}

impl MsgId {
    /// Returns the time at which the sender created the id, in whole seconds since 1970-01-01 UTC.
    #[must_use]
    pub const fn unix_secs(self) -> u64 {
        self.0 >> 32
    }

    /// Returns the kind, encoded in the lowest two bits.
    // spec: crypto 5#8, 17#22
    #[must_use]
    pub const fn kind(self) -> MsgIdKind {
        match self.0 & 3 {
            0 => MsgIdKind::Client,
            1 => MsgIdKind::Answer,
            3 => MsgIdKind::Notice,
            _ => MsgIdKind::Unassigned,
        }
    }
}

/// Prints `MsgId(65abc0fd40000004, 1705754877 s, client)`.
impl fmt::Debug for MsgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind() {
            MsgIdKind::Client => "client",
            MsgIdKind::Answer => "answer",
            MsgIdKind::Unassigned => "unassigned",
            MsgIdKind::Notice => "notice",
        };
        write!(f, "MsgId({:016x}, {} s, {kind})", self.0, self.unix_secs())
    }
}

/// The kind of a message id: the id modulo 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "two bits have four values")]
pub enum MsgIdKind {
    /// 0: a message from the client.
    Client,
    /// 1: a message from the server that responds to one from the client.
    Answer,
    /// 2: not used.
    Unassigned,
    /// 3: any other message from the server.
    Notice,
}

number! {
    /// The sequence number of a message: twice the number of content-related messages before it,
    /// plus one if it is content-related itself.
    SeqNo, i32, 4
}

impl fmt::Debug for SeqNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SeqNo({})", self.0)
    }
}

number! {
    /// The token of a quick acknowledgment, which a server returns before it processes a packet.
    QuickAckToken, u32, 4
}

impl QuickAckToken {
    /// Creates the token from the first bytes of the message's hash. The top bit is always set, so
    /// that transports can distinguish a token from a length.
    // spec: crypto 4.4; transport 3.1
    pub(crate) const fn from_first_bytes(bytes: [u8; 4]) -> Self {
        Self(u32::from_le_bytes(bytes) | 0x8000_0000)
    }
}

impl fmt::Debug for QuickAckToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QuickAckToken({:08x})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    // spec: crypto 5#8, 17#22
    fn message_ids_contain_time_and_kind() {
        let id = MsgId::from_raw(7_326_161_412_781_244_420);
        assert_eq!(id.unix_secs(), 1_705_754_877);
        assert_eq!(id.kind(), MsgIdKind::Client);
        assert_eq!(format!("{id:?}"), "MsgId(65abc0fd40000004, 1705754877 s, client)");
        let kinds = [1, 2, 3].map(|low| MsgId::from_raw(low).kind());
        assert_eq!(kinds, [MsgIdKind::Answer, MsgIdKind::Unassigned, MsgIdKind::Notice]);
    }

    #[test]
    fn ids_print_as_sixteen_hex_digits_and_encode_as_little_endian() {
        assert_eq!(format!("{:?}", Salt::from_raw(0xab)), "Salt(00000000000000ab)");
        assert_eq!(SessionId::from_raw(1).to_le_bytes(), [1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(SeqNo::from_le_bytes([0xff; 4]).as_raw(), -1);
        assert_eq!(AuthKeyId::of_packet(&[0; 7]), None);
        assert_eq!(AuthKeyId::of_packet(&[0; 8]), Some(AuthKeyId::NONE));
    }
}
