//! Identifiers that the envelope carries.
//!
//! All of them are opaque numbers for this crate. On the wire they are little-endian; in memory
//! they are the number itself, unsigned, so that comparing message ids is comparing times.

use core::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $raw:ty, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($raw);

        impl $name {
            /// Builds the identifier from its number.
            #[must_use]
            pub const fn from_raw(raw: $raw) -> Self {
                Self(raw)
            }

            /// Returns the number.
            #[must_use]
            pub const fn as_raw(self) -> $raw {
                self.0
            }

            /// Builds the identifier from its bytes on the wire.
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
    /// Names an auth key: the low 64 bits of its SHA-1. Zero means "not encrypted".
    AuthKeyId, u64, 8
}
debug_as_hex!(AuthKeyId);

impl AuthKeyId {
    /// The id of packets that are not encrypted; no key may have it.
    pub const NONE: Self = Self(0);

    /// Reads the id a packet begins with; `None` if the packet is shorter than an id.
    ///
    /// A server selects the key by it, before [`open`](crate::envelope::open).
    // spec: crypto 5#2, 17#17
    #[must_use]
    pub fn of_packet(packet: &[u8]) -> Option<Self> {
        packet.first_chunk().map(|bytes| Self::from_le_bytes(*bytes))
    }
}

number! {
    /// A server salt, valid for about half an hour.
    Salt, u64, 8
}
debug_as_hex!(Salt);

number! {
    /// Names a session of one key; random, chosen by the client, never zero.
    SessionId, u64, 8
}
debug_as_hex!(SessionId);

number! {
    /// Names a message within its session: the time of its creation times 2^32, the sender's kind
    /// in the lowest two bits.
    MsgId, u64, 8
}

impl MsgId {
    /// Returns the whole seconds since 1970-01-01 UTC at which the sender created the id.
    #[must_use]
    pub const fn unix_secs(self) -> u64 {
        self.0 >> 32
    }

    /// Returns what the lowest two bits say about the sender.
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

/// Who made a message id, and in which role: the id modulo 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "two bits have four values")]
pub enum MsgIdKind {
    /// 0: a message of the client.
    Client,
    /// 1: a message of the server that answers one of the client.
    Answer,
    /// 2: nobody sends these.
    Unassigned,
    /// 3: a message of the server that answers nothing.
    Notice,
}

number! {
    /// A message's sequence number: twice the content-related messages before it, plus one if it
    /// is content-related itself.
    SeqNo, i32, 4
}

impl fmt::Debug for SeqNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SeqNo({})", self.0)
    }
}

number! {
    /// What a server echoes to say that a packet arrived whole, before it looked inside.
    QuickAckToken, u32, 4
}

impl QuickAckToken {
    /// Builds the token from the first bytes of the message's hash; the top bit is always set, so
    /// that transports can tell it from a length.
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
    fn message_ids_show_time_and_kind() {
        let id = MsgId::from_raw(7_326_161_412_781_244_420);
        assert_eq!(id.unix_secs(), 1_705_754_877);
        assert_eq!(id.kind(), MsgIdKind::Client);
        assert_eq!(format!("{id:?}"), "MsgId(65abc0fd40000004, 1705754877 s, client)");
        let kinds = [1, 2, 3].map(|low| MsgId::from_raw(low).kind());
        assert_eq!(kinds, [MsgIdKind::Answer, MsgIdKind::Unassigned, MsgIdKind::Notice]);
    }

    #[test]
    fn ids_print_sixteen_digits_and_travel_little_endian() {
        assert_eq!(format!("{:?}", Salt::from_raw(0xab)), "Salt(00000000000000ab)");
        assert_eq!(SessionId::from_raw(1).to_le_bytes(), [1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(SeqNo::from_le_bytes([0xff; 4]).as_raw(), -1);
        assert_eq!(AuthKeyId::of_packet(&[0; 7]), None);
        assert_eq!(AuthKeyId::of_packet(&[0; 8]), Some(AuthKeyId::NONE));
    }
}
