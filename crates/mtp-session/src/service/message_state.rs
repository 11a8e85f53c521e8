//! State byte of a message.

use core::fmt;

/// State of a message: one byte of `msgs_state_info` and `msgs_all_info`.
// spec: session 8.16
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageState(u8);

impl MessageState {
    /// Unknown: the id is too low and may have been forgotten.
    pub const UNKNOWN: Self = Self(1);
    /// Not received; the id is within the remembered range.
    pub const NOT_RECEIVED: Self = Self(2);
    /// Not received; the id is above the remembered range.
    pub const NOT_RECEIVED_YET: Self = Self(3);
    /// Received.
    pub const RECEIVED: Self = Self(4);

    /// Flag of a received message: it was acknowledged.
    pub const ACKNOWLEDGED: u8 = 8;
    /// Flag of a received message: it needs no acknowledgment.
    pub const NEEDS_NO_ACK: u8 = 16;
    /// Flag of a received message: it is a call that is running or finished.
    pub const CALL_KNOWN: u8 = 32;
    /// Flag of a received message: an answer that needs an acknowledgment was created.
    pub const ANSWER_MADE: u8 = 64;
    /// Flag of a received message: the peer knows that it was received, having acknowledged the answer.
    pub const ASKER_KNOWS: u8 = 128;

    /// Returns the state of a byte.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Self {
        Self(byte)
    }

    /// Returns the byte.
    #[must_use]
    pub const fn as_byte(self) -> u8 {
        self.0
    }

    /// Returns the state with a flag set.
    #[must_use]
    pub const fn with(self, flag: u8) -> Self {
        Self(self.0 | flag)
    }

    /// Returns `true` if a flag is set.
    #[must_use]
    pub const fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }

    /// Returns the meaning of the state for the requesting side.
    #[must_use]
    pub const fn meaning(self) -> Meaning {
        match self.0 & 7 {
            1..=3 => Meaning::NotReceived,
            4 => Meaning::Received,
            _ => Meaning::Invalid,
        }
    }
}

impl fmt::Debug for MessageState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageState({})", self.0)
    }
}

/// Meaning of a message state for the requesting side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the three cases of three bits")]
pub enum Meaning {
    /// The message must be resent.
    NotReceived,
    /// The message was received; its answer will follow.
    Received,
    /// The byte is invalid.
    Invalid,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors;

    // spec: session 8.16
    #[test]
    fn state_bytes_have_the_meaning_of_the_vectors() {
        for entry in &vectors::section("state_bytes", 18) {
            let state = MessageState::from_byte(u8::try_from(entry.number("byte")).unwrap());
            let action = match state.meaning() {
                Meaning::NotReceived => "resend",
                Meaning::Received => "count as acknowledged, keep waiting",
                Meaning::Invalid => "ignore byte",
            };
            assert_eq!(action, entry.text("client_action"), "{entry:?}");
            assert_eq!(u64::from(state.as_byte() & 7), entry.number("base"));
            for (name, flag) in [
                ("acknowledged", MessageState::ACKNOWLEDGED),
                ("needs_no_ack", MessageState::NEEDS_NO_ACK),
                ("rpc_running_or_done", MessageState::CALL_KNOWN),
                ("response_generated", MessageState::ANSWER_MADE),
                ("peer_knows_received", MessageState::ASKER_KNOWS),
            ] {
                assert_eq!(state.has(flag), entry.flag(name), "{name} of {entry:?}");
            }
        }
    }
}
