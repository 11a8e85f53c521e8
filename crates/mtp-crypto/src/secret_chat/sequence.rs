//! Sequence numbers: every message once, in order, and none lost unnoticed.
//!
//! ```text
//!   raw counters from 0        on the wire 2 * raw + parity, which tells the directions apart:
//!   out: messages created        sender        in_seq_no  out_seq_no
//!   in:  messages accepted       originator        0          1
//!                                other party       1          0
//!
//!                 out = expected          deliver, then what waited for it
//!   receive ──▶   out < expected          duplicate: drop
//!                 out > expected          wait, ask for the hole once
//!                 anything impossible     abort the chat
//! ```

use alloc::collections::BTreeMap;
use core::fmt;
use core::ops::RangeInclusive;

use crate::side::Side;

/// Both numbers of a message, as `decryptedMessageLayer` carries them.
///
/// They are fixed when a message is created and kept when it is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireSeq {
    /// What the sender has accepted.
    pub in_seq_no: i32,
    /// The message's own number.
    pub out_seq_no: i32,
}

/// The counters of one party and the messages that came too early.
///
/// `T` is whatever the client keeps of a decrypted message.
pub struct Sequence<T> {
    side: Side,
    /// Messages created: one's own next raw number.
    created: u32,
    /// Messages accepted: the peer's next raw number.
    accepted: u32,
    /// What the last accepted message said the peer had accepted.
    peer_accepted: u32,
    /// Behind the highest number asked for or waiting.
    asked: u32,
    waiting: BTreeMap<u32, (u32, T)>,
}

impl<T> Sequence<T> {
    /// Starts a chat; `side` is [`Side::Client`] for its originator.
    #[must_use]
    pub const fn new(side: Side) -> Self {
        Self::resume(side, 0, 0, 0)
    }

    /// Goes on with a stored chat: messages created, messages accepted, and the peer's count of
    /// accepted ones in the last of these.
    #[must_use]
    pub const fn resume(side: Side, created: u32, accepted: u32, peer_accepted: u32) -> Self {
        let waiting = BTreeMap::new();
        Self { side, created, accepted, peer_accepted, asked: accepted, waiting }
    }

    /// Returns the numbers to store for [`resume`](Self::resume).
    #[must_use]
    pub const fn counters(&self) -> (u32, u32, u32) {
        (self.created, self.accepted, self.peer_accepted)
    }

    /// Numbers a new message, a service message as well.
    ///
    /// # Errors
    /// [`SequenceError::Exhausted`] after 2^30 messages: begin a new chat.
    // spec: crypto 14.5
    pub fn stamp(&mut self) -> Result<WireSeq, SequenceError> {
        let seq = WireSeq {
            in_seq_no: wire(self.accepted, in_parity(self.side))?,
            out_seq_no: wire(self.created, out_parity(self.side))?,
        };
        self.created = self.created.saturating_add(1);
        Ok(seq)
    }

    /// Takes a decrypted message. After [`Received::Deliver`] ask [`next_ready`](Self::next_ready)
    /// for those that waited for it.
    ///
    /// # Errors
    /// [`SequenceError`]: the chat must be aborted.
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
        let hole_start = self.asked.max(self.accepted);
        self.waiting.insert(out, (peer_accepted, message));
        self.asked = self.asked.max(out.saturating_add(1));
        let resend = match out.checked_sub(1) {
            Some(hole_end) if hole_start <= hole_end => Some(ResendRange {
                start_seq_no: wire(hole_start, out_parity(peer))?,
                end_seq_no: wire(hole_end, out_parity(peer))?,
            }),
            _ => None,
        };
        Ok(Received::Waits { resend })
    }

    /// Returns the next message that waited and is now in order.
    ///
    /// # Errors
    /// [`SequenceError`]: the chat must be aborted.
    pub fn next_ready(&mut self) -> Result<Option<T>, SequenceError> {
        let Some((peer_accepted, message)) = self.waiting.remove(&self.accepted) else {
            return Ok(None);
        };
        self.check_peer_accepted(peer_accepted)?;
        self.accept(peer_accepted);
        Ok(Some(message))
    }

    /// Reports whether messages are missing: then keep old keys and put off new ones.
    #[must_use]
    pub fn has_gap(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Returns which of one's own messages the peer asks for, as raw numbers from 0.
    ///
    /// Handle the peer's message that asks at once, even if it is early itself, and only once.
    /// Send the stored messages with the numbers they had, under the current key.
    ///
    /// # Errors
    /// [`SequenceError`]: the chat must be aborted.
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

    /// The peer's count of accepted messages never falls, and never exceeds those created.
    fn check_peer_accepted(&self, peer_accepted: u32) -> Result<(), SequenceError> {
        if peer_accepted < self.peer_accepted || peer_accepted > self.created {
            return Err(SequenceError::Acknowledgement {
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

/// What to do with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a message is next, old or early")]
pub enum Received<T> {
    /// It is the next one: process it.
    Deliver(T),
    /// It was there before: drop it.
    Duplicate,
    /// It came early and is kept until those before it came.
    Waits {
        /// What to ask the peer for, if nobody asked yet.
        resend: Option<ResendRange>,
    },
}

/// A hole in the sequence, as `decryptedMessageActionResend` carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResendRange {
    /// The first missing number on the wire.
    pub start_seq_no: i32,
    /// The last missing number on the wire.
    pub end_seq_no: i32,
}

/// The peer's numbers are impossible; the chat must be aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SequenceError {
    /// A number is negative or has the other direction's parity.
    Parity {
        /// The number on the wire.
        seq_no: i32,
    },
    /// The peer claims to have accepted fewer messages than before, or more than there are.
    Acknowledgement {
        /// The peer's count.
        accepted: u32,
        /// Its count before.
        before: u32,
        /// The messages created for it.
        created: u32,
    },
    /// Too many messages are missing.
    Gap {
        /// The messages missing before this one.
        missing: u32,
    },
    /// The peer asks for messages that it cannot be missing, or for too many.
    Resend {
        /// What it asks for.
        range: ResendRange,
        /// The messages created for it.
        created: u32,
    },
    /// The numbers are used up.
    Exhausted,
}

impl fmt::Display for SequenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parity { seq_no } => {
                write!(f, "sequence number {seq_no} is not one of this direction")
            }
            Self::Acknowledgement { accepted, before, created } => write!(
                f,
                "the peer accepted {accepted} messages after {before}, of {created} created"
            ),
            Self::Gap { missing } => write!(f, "{missing} messages are missing"),
            Self::Resend { range: ResendRange { start_seq_no, end_seq_no }, created } => write!(
                f,
                "messages {start_seq_no} to {end_seq_no} cannot be missing of {created} created"
            ),
            Self::Exhausted => f.write_str("the chat's sequence numbers are used up"),
        }
    }
}

impl core::error::Error for SequenceError {}

/// The most messages that may be missing before one that waits, or be asked for at once.
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
