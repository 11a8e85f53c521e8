//! Links: the connections that carry a session.

use mtp_crypto::QuickAckToken;

/// Id of a connection, assigned by the driver.
///
/// A session outlives its links and may use several at once, so every verb that touches the network takes a link.
/// Drivers never reuse a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(u64);

impl LinkId {
    /// Returns the link with this number.
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

/// Network that a link comes from, as the owner of the links counts networks: an address or a prefix of one.
///
/// A key exchange that was started on one link goes on only on links of the same network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetworkId(u64);

impl NetworkId {
    /// Returns the network with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

/// Whether a packet requested a quick acknowledgment.
// spec: transport 3.2
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a named boolean")]
pub enum QuickAck {
    /// Not requested.
    #[default]
    NotWanted,
    /// Requested.
    Wanted,
}

/// Limits of a batch of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two numbers")]
pub struct BatchLimits {
    /// Maximum number of packets.
    pub packets: usize,
    /// No packet is added once the batch has this many bytes.
    pub bytes: usize,
}

impl BatchLimits {
    /// Returns `true` if a packet may follow `packets` packets of `bytes` bytes in total.
    pub(crate) const fn allow(self, packets: usize, bytes: usize) -> bool {
        packets < self.packets && bytes < self.bytes
    }

    /// Returns the limits left after `packets` packets of `bytes` bytes in total.
    pub(crate) const fn less(self, packets: usize, bytes: usize) -> Self {
        Self {
            packets: self.packets.saturating_sub(packets),
            bytes: self.bytes.saturating_sub(bytes),
        }
    }
}

/// Output of `poll_transmit` and what the link must do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an output and an action")]
#[must_use]
pub struct Transmit {
    /// Output to write.
    pub what: Outgoing,
    /// Action of the link once it is written.
    pub then: AfterSend,
}

/// Output to write on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outgoing {
    /// One packet was appended to the buffer.
    Packet {
        /// Request a quick acknowledgment, which will carry this token.
        // spec: crypto 4.4
        quick_ack: Option<QuickAckToken>,
    },
    /// Nothing was appended: write a bare transport error with this (negative) code.
    // spec: transport 4
    Error(i32),
    /// Nothing was appended: write a quick acknowledgment.
    // spec: transport 3.2
    QuickAck(QuickAckToken),
    /// Nothing was appended and nothing must be written.
    Nothing,
}

/// Action of a link after writing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AfterSend {
    /// Keep the link open.
    #[default]
    Keep,
    /// Flush and close the link.
    Close,
}
