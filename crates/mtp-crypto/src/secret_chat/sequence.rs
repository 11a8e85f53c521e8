//! Sequence numbers of a secret chat: each message is delivered once and in order, and gaps are
//! detected.
//!
//! ```text
//!   raw counters from 0        on the wire 2 * raw + parity, which distinguishes the directions:
//!   out: messages created        sender        in_seq_no  out_seq_no
//!   in:  messages accepted       originator        0          1
//!                                other party       1          0
//!
//!                 out = expected          deliver, then the messages that waited for it
//!   receive ──▶   out < expected          duplicate: drop
//!                 out > expected          queue, request the gap once
//!                 inconsistent numbers    abort the chat
//! ```

use alloc::collections::BTreeMap;
use core::fmt;
use core::ops::RangeInclusive;

use crate::side::Side;

/// The two sequence numbers of a message, as in `decryptedMessageLayer`.
///
/// They are assigned when the message is created and kept when it is resent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the fields of the schema's constructor")]
pub struct WireSeq {
    /// The number of messages that the sender has accepted, in wire form.
    pub in_seq_no: i32,
    /// The number of this message, in wire form.
    pub out_seq_no: i32,
}

/// The counters of one party and the messages that arrived early.
///
/// `T` is the client's form of a decrypted message.
pub struct Sequence<T> {
    side: Side,
    /// Messages created: our next raw number.
    created: u32,
    /// Messages accepted: the peer's next raw number.
    accepted: u32,
    /// Our messages that the peer had accepted, according to its last accepted message.
    peer_accepted: u32,
    /// One past the highest number requested or waiting.
    requested: u32,
    waiting: BTreeMap<u32, (u32, T)>,
}

impl<T> Sequence<T> {
    /// Starts a chat; `side` is [`Side::Client`] for its originator.
    #[must_use]
    pub const fn new(side: Side) -> Self {
        Self::resume(side, 0, 0, 0)
    }

    /// Resumes a stored chat from the numbers that [`counters`](Self::counters) returned: messages
    /// created, messages accepted, and our messages that the peer accepted.
    #[must_use]
    pub const fn resume(side: Side, created: u32, accepted: u32, peer_accepted: u32) -> Self {
        let waiting = BTreeMap::new();
        Self { side, created, accepted, peer_accepted, requested: accepted, waiting }
    }

    /// Returns the counters to store for [`resume`](Self::resume).
    #[must_use]
    pub const fn counters(&self) -> (u32, u32, u32) {
        (self.created, self.accepted, self.peer_accepted)
    }

    /// Returns the numbers of a new message. Service messages are numbered too.
    ///
    /// # Errors
    /// [`SequenceError::Exhausted`] after 2^30 messages; start a new chat.
    // spec: crypto 14.5
    pub fn stamp(&mut self) -> Result<WireSeq, SequenceError> {
        let seq = WireSeq {
            in_seq_no: wire(self.accepted, in_parity(self.side))?,
            out_seq_no: wire(self.created, out_parity(self.side))?,
        };
        self.created = self.created.saturating_add(1);
        Ok(seq)
    }

    /// Handles a decrypted message. After [`Received::Deliver`], call
    /// [`next_ready`](Self::next_ready) for the messages that waited for it.
    ///
    /// # Errors
    /// [`SequenceError`]; the chat must be aborted.
    // spec: crypto 14.5, 17#32, 17#33
    pub fn receive(&mut self, seq: WireSeq, message: T) -> Result<Received<T>, SequenceError> {
        let peer = self.side.peer();
        let peer_accepted = raw(seq.in_seq_no, in_parity(peer))?;
        let out = raw(seq.out_seq_no, out_parity(peer))?;
        if out < self.accepted || self.waiting.contains_key(&out) {
            return Ok(Received::Duplicate);
        }
        self.check_peer_accepted(peer_accepted)?;
        if out == self.accepted {
            self.accept(peer_accepted);
            return Ok(Received::Deliver(message));
        }
        if out.saturating_sub(self.accepted) > MESSAGES_WAITING_MAX {
            return Err(SequenceError::Gap { missing: out.saturating_sub(self.accepted) });
        }
        let gap_start = self.requested.max(self.accepted);
        self.waiting.insert(out, (peer_accepted, message));
        self.requested = self.requested.max(out.saturating_add(1));
        let resend = match out.checked_sub(1) {
            Some(gap_end) if gap_start <= gap_end => Some(ResendRange {
                start_seq_no: wire(gap_start, out_parity(peer))?,
                end_seq_no: wire(gap_end, out_parity(peer))?,
            }),
            _ => None,
        };
        Ok(Received::Waits { resend })
    }

    /// Returns the next waiting message that is now in order.
    ///
    /// # Errors
    /// [`SequenceError`]; the chat must be aborted.
    pub fn next_ready(&mut self) -> Result<Option<T>, SequenceError> {
        let Some((peer_accepted, message)) = self.waiting.remove(&self.accepted) else {
            return Ok(None);
        };
        self.check_peer_accepted(peer_accepted)?;
        self.accept(peer_accepted);
        Ok(Some(message))
    }

    /// Returns `true` if messages are missing. Meanwhile, keep the old key and postpone re-keying.
    #[must_use]
    pub fn has_gap(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Returns the messages that the peer requests, as raw numbers from 0.
    ///
    /// Handle a request immediately, even if its message arrived early, and only once. Resend the
    /// stored messages with their original numbers under the current key.
    ///
    /// # Errors
    /// [`SequenceError`]; the chat must be aborted.
    // spec: crypto 14.5
    pub fn resend(&self, range: ResendRange) -> Result<RangeInclusive<u32>, SequenceError> {
        let start = raw(range.start_seq_no, out_parity(self.side))?;
        let end = raw(range.end_seq_no, out_parity(self.side))?;
        let count_fits = end.checked_sub(start).is_some_and(|more| more < MESSAGES_WAITING_MAX);
        if !count_fits || end >= self.created {
            return Err(SequenceError::Resend { range, created: self.created });
        }
        Ok(start..=end)
    }

    /// Checks that the peer's count of accepted messages does not decrease and does not exceed the
    /// number of messages created.
    fn check_peer_accepted(&self, peer_accepted: u32) -> Result<(), SequenceError> {
        if peer_accepted < self.peer_accepted || peer_accepted > self.created {
            return Err(SequenceError::Acknowledgment {
                accepted: peer_accepted,
                before: self.peer_accepted,
                created: self.created,
            });
        }
        Ok(())
    }

    fn accept(&mut self, peer_accepted: u32) {
        self.accepted = self.accepted.saturating_add(1);
        self.peer_accepted = peer_accepted;
    }
}

impl<T> fmt::Debug for Sequence<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequence")
            .field("side", &self.side)
            .field("created", &self.created)
            .field("accepted", &self.accepted)
            .field("peer_accepted", &self.peer_accepted)
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}

/// The disposition of a received message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a message is next, old or early")]
pub enum Received<T> {
    /// The message is next in order; process it.
    Deliver(T),
    /// The message was received before; drop it.
    Duplicate,
    /// The message is early and waits for the ones before it.
    Waits {
        /// The messages to request from the peer, unless already requested.
        resend: Option<ResendRange>,
    },
}

/// A gap in the sequence, as in `decryptedMessageActionResend`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the fields of the schema's constructor")]
pub struct ResendRange {
    /// The first missing number on the wire.
    pub start_seq_no: i32,
    /// The last missing number on the wire.
    pub end_seq_no: i32,
}

/// Inconsistent sequence numbers. The chat must be aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SequenceError {
    /// A number is negative or has the other direction's parity.
    Parity {
        /// The number on the wire.
        seq_no: i32,
    },
    /// The peer claims to have accepted fewer messages than before, or more than were created.
    Acknowledgment {
        /// The peer's count.
        accepted: u32,
        /// The peer's previous count.
        before: u32,
        /// The number of messages created.
        created: u32,
    },
    /// Too many messages are missing.
    Gap {
        /// The number of messages missing before this one.
        missing: u32,
    },
    /// The peer requests messages that were never created, or too many.
    Resend {
        /// The requested messages.
        range: ResendRange,
        /// The number of messages created.
        created: u32,
    },
    /// All sequence numbers are used up.
    Exhausted,
}

impl fmt::Display for SequenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parity { seq_no } => {
                write!(f, "sequence number {seq_no} does not belong to this direction")
            }
            Self::Acknowledgment { accepted, before, created } => write!(
                f,
                "the peer claims {accepted} accepted messages after {before}, of {created} created"
            ),
            Self::Gap { missing } => write!(f, "{missing} messages are missing"),
            Self::Resend { range: ResendRange { start_seq_no, end_seq_no }, created } => write!(
                f,
                "the peer requests messages {start_seq_no} to {end_seq_no} of {created} created"
            ),
            Self::Exhausted => f.write_str("the chat's sequence numbers are used up"),
        }
    }
}

impl core::error::Error for SequenceError {}

/// Most messages that may be missing before a waiting one, or be requested at once.
pub const MESSAGES_WAITING_MAX: u32 = 1000;

const fn in_parity(sender: Side) -> i32 {
    match sender {
        Side::Client => 0,
        Side::Server => 1,
    }
}

const fn out_parity(sender: Side) -> i32 {
    in_parity(sender.peer())
}

fn wire(raw: u32, parity: i32) -> Result<i32, SequenceError> {
    let doubled = i32::try_from(raw).ok().and_then(|raw| raw.checked_mul(2));
    doubled.map(|doubled| doubled | parity).ok_or(SequenceError::Exhausted)
}

fn raw(seq_no: i32, parity: i32) -> Result<u32, SequenceError> {
    match u32::try_from(seq_no) {
        Ok(unsigned) if seq_no & 1 == parity => Ok(unsigned >> 1),
        _ => Err(SequenceError::Parity { seq_no }),
    }
}
