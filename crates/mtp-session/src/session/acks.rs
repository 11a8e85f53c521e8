//! Pending acknowledgments, and recent ones in case their packet is refused.

use alloc::collections::VecDeque;
use core::time::Duration;

use mtp_crypto::MsgId;
use mtp_env::{Deadline, Instant, Now};
use mtp_tl::VECTOR;
use mtp_tl::{Constructor, Encode, Output};

use crate::service::{IDS_MAX, MsgsAck};

/// The acknowledgments of one session.
// spec: session 8.14
#[derive(Clone, Debug)]
pub(crate) struct Acks {
    /// How long an id waits for a packet to travel in.
    delay: Duration,
    /// Number of waiting ids that are sent without delay.
    count: usize,
    waiting: VecDeque<MsgId>,
    /// When the oldest waiting id arrived; `None` if none waits or they are due.
    since: Option<Instant>,
    due: bool,
    written: VecDeque<MsgId>,
    /// Number of ids evicted from the front of `written`.
    forgotten: u64,
}

/// The acknowledgments in one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AckSpan {
    first: u64,
    count: u64,
}

impl Acks {
    pub(crate) const fn new(delay: Duration, count: usize) -> Self {
        Self {
            delay,
            count,
            waiting: VecDeque::new(),
            since: None,
            due: false,
            written: VecDeque::new(),
            forgotten: 0,
        }
    }

    /// Adds a message to be acknowledged.
    pub(crate) fn push(&mut self, now: Now, msg_id: MsgId) {
        if self.waiting.is_empty() {
            self.since = Some(now.mono);
        }
        if self.waiting.len() >= WAITING_MAX {
            // Nothing is lost: an unacknowledged message is retransmitted.
            self.waiting.pop_front();
        }
        self.waiting.push_back(msg_id);
        if self.waiting.len() >= self.count.min(IDS_MAX) {
            self.flush();
        }
    }

    /// Adds a duplicate: its acknowledgment may have been lost, or still waits.
    pub(crate) fn push_again(&mut self, now: Now, msg_id: MsgId) {
        // Listing an id twice does no harm, and looking through all of them would cost more than the message did.
        if !self.waiting.iter().rev().take(SEARCHED_MAX).any(|waiting| *waiting == msg_id) {
            self.push(now, msg_id);
        }
    }

    /// Makes waiting ids due: they travel with the next packet, or alone.
    pub(crate) fn flush(&mut self) {
        self.due |= !self.waiting.is_empty();
        self.since = None;
    }

    /// Makes ids due that have waited long enough.
    pub(crate) fn handle_timeout(&mut self, now: Now) {
        if self.deadline().is_some_and(|deadline| deadline.is_due(now)) {
            self.flush();
        }
    }

    pub(crate) fn deadline(&self) -> Option<Deadline> {
        self.since.map(|since| Deadline::new(since + self.delay, "acks"))
    }

    /// Returns `true` if waiting ids justify a packet of their own.
    pub(crate) const fn is_due(&self) -> bool {
        self.due
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Writes a `msgs_ack` with as many waiting ids as one message may list.
    pub(crate) fn write(&mut self, out: &mut alloc::vec::Vec<u8>) -> AckSpan {
        let count = self.waiting.len().min(IDS_MAX);
        let first = self.forgotten.saturating_add(self.written.len() as u64);
        MsgsAck::ID.encode(out);
        VECTOR.encode(out);
        out.put_count(count);
        for msg_id in self.waiting.drain(..count) {
            out.put(&msg_id.to_le_bytes());
            self.written.push_back(msg_id);
        }
        let excess = self.written.len().saturating_sub(WRITTEN_MAX);
        self.written.drain(..excess);
        self.forgotten = self.forgotten.saturating_add(excess as u64);
        self.since = None;
        self.due = !self.waiting.is_empty();
        AckSpan { first, count: count as u64 }
    }

    /// Adds the ids of a refused message again, as far as they are remembered.
    // spec: session 11.4
    pub(crate) fn requeue(&mut self, now: Now, span: AckSpan) {
        for position in span.first..span.first.saturating_add(span.count) {
            let index =
                position.checked_sub(self.forgotten).and_then(|at| usize::try_from(at).ok());
            if let Some(&msg_id) = index.and_then(|index| self.written.get(index)) {
                self.push_again(now, msg_id);
            }
        }
    }

    /// Returns the waiting ids, for saving.
    pub(crate) fn waiting(&self) -> impl ExactSizeIterator<Item = MsgId> + '_ {
        self.waiting.iter().copied()
    }

    /// Frees unused capacity.
    pub(crate) fn trim(&mut self) {
        self.waiting.shrink_to_fit();
        self.written.shrink_to_fit();
    }

    /// Forgets everything: ids of one session mean nothing in the next.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.delay, self.count);
    }
}

/// Ids that may wait while nothing can be written.
// spec: session 11.7
const WAITING_MAX: usize = 4 * IDS_MAX;
/// Latest waiting ids among which a repeated id is looked for.
const SEARCHED_MAX: usize = 128;
/// Written ids remembered in case their packet is refused.
const WRITTEN_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::vectors;

    const DELAY: Duration = Duration::from_secs(30);
    const COUNT: usize = 100;

    fn acks() -> Acks {
        Acks::new(DELAY, COUNT)
    }

    fn id(raw: u64) -> MsgId {
        MsgId::from_raw(raw)
    }

    // spec: session 8.14
    #[test]
    fn acks_wait_for_a_packet_until_their_delay_or_count() {
        let (now, mut acks) = (Now::default(), acks());
        acks.push(now, id(1));
        let deadline = acks.deadline().unwrap();
        assert_eq!(deadline.at, now.mono + DELAY);
        assert!(!acks.is_due());
        acks.handle_timeout(now.after(DELAY));
        assert!(acks.is_due());
        assert_eq!(acks.deadline(), None);
        acks.write(&mut Vec::new());
        assert!(!acks.is_due() && acks.is_empty());
        for n in 0..COUNT as u64 {
            assert!(!acks.is_due());
            acks.push(now, id(n));
        }
        assert!(acks.is_due());
    }

    // spec: session 8
    #[test]
    fn long_lists_are_split_into_messages() {
        let splits = vectors::whole("id_list_limit").entries("split");
        assert_eq!(splits.len(), 5);
        for entry in splits {
            let mut acks = acks();
            for n in 0..entry.number("total") {
                acks.push(Now::default(), id(n));
            }
            let mut parts = Vec::new();
            while !acks.is_empty() {
                parts.push(acks.write(&mut Vec::new()).count);
            }
            assert_eq!(parts, entry.numbers("parts"));
        }
    }

    #[test]
    fn acks_of_an_ended_session_are_forgotten() {
        let (now, mut acks) = (Now::default(), acks());
        acks.push(now, id(1));
        let span = acks.write(&mut Vec::new());
        acks.push(now, id(2));
        acks.flush();
        acks.clear();
        acks.requeue(now, span);
        assert!(acks.is_empty() && !acks.is_due());
        assert_eq!(acks.deadline(), None);
    }

    #[test]
    fn refused_acks_are_requeued_once() {
        let (now, mut acks) = (Now::default(), acks());
        for n in 0..2000 {
            acks.push(now, id(n));
        }
        let first = acks.write(&mut Vec::new());
        acks.push(now, id(5000));
        let second = acks.write(&mut Vec::new());
        acks.requeue(now, second);
        acks.requeue(now, second);
        assert_eq!(acks.waiting().collect::<Vec<_>>(), [id(5000)]);
        acks.requeue(now, first);
        assert_eq!(acks.waiting().len(), WRITTEN_MAX);
    }

    #[test]
    fn oldest_waiting_id_gives_way_at_the_limit() {
        let id = |number: usize| MsgId::from_raw(4 * number as u64 + 1);
        for pushed in [WAITING_MAX - 1, WAITING_MAX, WAITING_MAX + 1] {
            let mut acks = acks();
            for number in 0..pushed {
                acks.push(Now::default(), id(number));
            }
            let waiting: Vec<_> = acks.waiting().collect();
            let kept = pushed.min(WAITING_MAX);
            assert_eq!((waiting.len(), waiting[0]), (kept, id(pushed - kept)));
        }
    }

    #[test]
    fn repeated_id_is_looked_for_among_the_latest() {
        let id = |number: usize| MsgId::from_raw(4 * number as u64 + 1);
        for (behind, listed) in [(SEARCHED_MAX - 2, 1), (SEARCHED_MAX - 1, 1), (SEARCHED_MAX, 2)] {
            let mut acks = acks();
            for number in 0..=behind {
                acks.push(Now::default(), id(number));
            }
            acks.push_again(Now::default(), id(0));
            assert_eq!(acks.waiting().filter(|waiting| *waiting == id(0)).count(), listed);
        }
    }
}
