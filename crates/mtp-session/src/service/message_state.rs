//! The byte by which a side says what it knows of a message.

use core::fmt;

/// One byte of `msgs_state_info` and `msgs_all_info`.
// spec: session 8.16
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageState(u8);

impl MessageState {
    /// Nothing is known: the id is too low and may have been forgotten.
    pub const UNKNOWN: Self = Self(1);
    /// Not received, although the id lies within the range that is remembered.
    pub const NOT_RECEIVED: Self = Self(2);
    /// Not received; the id is above the range that is remembered.
    pub const NOT_RECEIVED_YET: Self = Self(3);
    /// Received.
    pub const RECEIVED: Self = Self(4);

    /// Addition to "received": it was acknowledged.
    pub const ACKNOWLEDGED: u8 = 8;
    /// Addition to "received": it needs no acknowledgement.
    pub const NEEDS_NO_ACK: u8 = 16;
    /// Addition to "received": it is a call that runs or is done.
    pub const CALL_KNOWN: u8 = 32;
    /// Addition to "received": an answer that must be acknowledged was made.
    pub const ANSWER_MADE: u8 = 64;
    /// Addition to "received": the asker knows it was received, for it acknowledged the answer.
    pub const ASKER_KNOWS: u8 = 128;

    /// Takes a byte as it came.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Self {
        Self(byte)
    }

    /// Returns the byte.
    #[must_use]
    pub const fn as_byte(self) -> u8 {
        self.0
    }

    /// Returns the state with an addition.
    #[must_use]
    pub const fn with(self, addition: u8) -> Self {
        Self(self.0 | addition)
    }

    /// Reports whether the state has an addition.
    #[must_use]
    pub const fn has(self, addition: u8) -> bool {
        self.0 & addition != 0
    }

    /// Returns what the byte means for whoever asked.
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

/// What a state byte means for whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the three cases of three bits")]
pub enum Meaning {
    /// The message must be sent again.
    NotReceived,
    /// The message arrived; what it asks for will come.
    Received,
    /// The byte means nothing.
    Invalid,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors;

    // spec: session 8.16
    #[test]
    fn bytes_and_their_meaning() {
        for entry in &vectors::section("state_bytes", 18) {
            let state = MessageState::from_byte(u8::try_from(entry.number("byte")).unwrap());
            let action = match state.meaning() {
                Meaning::NotReceived => "resend",
                Meaning::Received => "count as acknowledged, keep waiting",
                Meaning::Invalid => "ignore byte",
            };
            assert_eq!(action, entry.text("client_action"), "{entry:?}");
            assert_eq!(u64::from(state.as_byte() & 7), entry.number("base"));
            for (name, addition) in [
                ("acknowledged", MessageState::ACKNOWLEDGED),
                ("needs_no_ack", MessageState::NEEDS_NO_ACK),
                ("rpc_running_or_done", MessageState::CALL_KNOWN),
                ("response_generated", MessageState::ANSWER_MADE),
                ("peer_knows_received", MessageState::ASKER_KNOWS),
            ] {
                assert_eq!(state.has(addition), entry.flag(name), "{name} of {entry:?}");
            }
        }
    }
}
