//! Links: what a session is carried by, and what it asks of them.

use mtp_crypto::QuickAckToken;

/// A connection, named by the driver.
///
/// A session outlives links and may use several at once, so every verb that touches the network
/// names its link. Drivers never reuse a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(u64);

impl LinkId {
    /// Names a link.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the driver's number.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

/// Whether a packet came with the wish for a quick acknowledgement.
// spec: transport 3.2
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a yes and a no with names")]
pub enum QuickAck {
    /// It did not.
    #[default]
    NotWanted,
    /// It did.
    Wanted,
}

/// How much one batch of packets may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two numbers")]
pub struct BatchLimits {
    /// The most packets.
    pub packets: usize,
    /// No packet follows once so many bytes are there.
    pub bytes: usize,
}

impl BatchLimits {
    /// Reports whether a packet may follow `packets` others of `bytes` in all.
    pub(crate) const fn allow(self, packets: usize, bytes: usize) -> bool {
        packets < self.packets && bytes < self.bytes
    }

    /// Returns what is left after so much.
    pub(crate) const fn less(self, packets: usize, bytes: usize) -> Self {
        Self {
            packets: self.packets.saturating_sub(packets),
            bytes: self.bytes.saturating_sub(bytes),
        }
    }
}

/// What `poll_transmit` appended to the caller's buffer, and what the link must do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Transmit {
    /// What the link must write.
    pub what: Outgoing,
    /// What the link does once that is written.
    pub then: AfterSend,
}

/// What the link must write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outgoing {
    /// One packet was appended to the buffer.
    Packet {
        /// Ask the peer for a quick acknowledgement, which will carry this token.
        // spec: crypto 4.4
        quick_ack: Option<QuickAckToken>,
    },
    /// Nothing was appended: write a bare transport error with this (negative) code.
    // spec: transport 4
    Error(i32),
    /// Nothing was appended: acknowledge a packet that asked for it.
    // spec: transport 3.2
    QuickAck(QuickAckToken),
    /// Nothing was appended and nothing is to be written.
    Nothing,
}

/// What a link does after it has written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AfterSend {
    /// The link goes on.
    #[default]
    Keep,
    /// The link is finished: flush, then close.
    Close,
}
