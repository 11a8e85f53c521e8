//! Duplicate detection: which messages were received, and the outcome of each.

use alloc::collections::VecDeque;

use mtp_crypto::{MsgId, SeqNo};

use super::recent;
use super::seq_no::{self, Label, OrderError};
use crate::service::MessageState;

/// The last messages received in one session, sorted by id.
///
/// It grows with the messages up to its capacity.
// spec: session 5.3
#[derive(Clone, Debug)]
pub(crate) struct Window {
    received: VecDeque<Received>,
    capacity: usize,
}

/// One received message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    /// The message's id.
    pub(crate) msg_id: MsgId,
    /// The message's number.
    pub(crate) seq_no: SeqNo,
    /// Its outcome.
    pub(crate) fate: Fate,
}

/// Outcome of a received message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was handled.
    Handled,
    /// It was refused, and nothing of it was carried out; it is ignored in checks of the order.
    Refused,
    /// It is a container that was handled, but its number is out of order; it is ignored in checks of the order.
    Disordered,
    /// It is a call that runs or waits for another.
    Running {
        /// A `msgs_ack` for it was sent.
        acked: bool,
    },
    /// It is a call whose answer is not acknowledged.
    Answered {
        /// The answer is an error.
        failed: bool,
    },
    /// It is a call whose answer is acknowledged.
    Settled {
        /// The answer was an error.
        failed: bool,
    },
    /// It is a call whose answer was dropped.
    Dropped,
}

impl Fate {
    /// Returns the byte that `msgs_state_info` gives for a received message.
    // spec: session 8.16
    pub(crate) fn state(self, seq_no: SeqNo) -> MessageState {
        let received = MessageState::RECEIVED;
        let call = received.with(MessageState::CALL_KNOWN);
        let answered = call.with(MessageState::ACKNOWLEDGED).with(MessageState::ANSWER_MADE);
        match self {
            // The refusal may be lost: with any other state the asker would wait for an answer.
            Self::Refused => MessageState::NOT_RECEIVED,
            Self::Handled | Self::Disordered if seq_no::is_content_related(seq_no) => {
                received.with(MessageState::ACKNOWLEDGED)
            }
            Self::Handled | Self::Disordered => received.with(MessageState::NEEDS_NO_ACK),
            Self::Running { acked: false } => call,
            Self::Running { acked: true } | Self::Dropped => call.with(MessageState::ACKNOWLEDGED),
            Self::Answered { .. } => answered,
            Self::Settled { .. } => answered.with(MessageState::ASKER_KNOWS),
        }
    }
}

/// Result of looking up an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Never received.
    New,
    /// Received before.
    Duplicate,
    /// Below all remembered ids: a replay and a delayed message look the same.
    TooOld,
}

impl Window {
    /// Makes a window over the last `capacity` messages, at least one.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { received: VecDeque::new(), capacity: capacity.max(1) }
    }

    /// Looks an id up.
    pub(crate) fn check(&self, msg_id: MsgId) -> Verdict {
        match self.position(msg_id) {
            Ok(_) => Verdict::Duplicate,
            Err(0) if self.received.len() >= self.capacity => Verdict::TooOld,
            Err(_) => Verdict::New,
        }
    }

    /// Adds a message and evicts the lowest if there are too many.
    ///
    /// A known id is left unchanged. Returns how many entries were moved.
    pub(crate) fn insert(&mut self, label: Label, fate: Fate) -> usize {
        let Label { msg_id, seq_no } = label;
        let Err(position) = self.position(msg_id) else { return 0 };
        let moved = position.min(self.received.len().saturating_sub(position));
        if self.received.len() >= self.capacity {
            if position == 0 {
                return 0;
            }
            self.received.pop_front();
            self.received.insert(position.saturating_sub(1), Received { msg_id, seq_no, fate });
        } else {
            self.received.insert(position, Received { msg_id, seq_no, fate });
        }
        moved
    }

    /// Returns a remembered message.
    pub(crate) fn get(&self, msg_id: MsgId) -> Option<&Received> {
        self.received.get(self.position(msg_id).ok()?)
    }

    /// Changes the outcome of a remembered message.
    pub(crate) fn set_fate(&mut self, msg_id: MsgId, fate: Fate) {
        if let Ok(position) = self.position(msg_id)
            && let Some(received) = self.received.get_mut(position)
        {
            received.fate = fate;
        }
    }

    /// Checks the number of a new message against its accepted neighbors.
    // spec: session 4
    ///
    /// `walked` counts the entries that were looked at.
    pub(crate) fn check_order(&self, label: Label, walked: &mut usize) -> Result<(), OrderError> {
        let position = self.position(label.msg_id).unwrap_or_else(|position| position);
        let mut accepted = |received: &&Received| {
            *walked = walked.saturating_add(1);
            !matches!(received.fate, Fate::Refused | Fate::Disordered)
        };
        let older = self.received.range(..position).rev().find(&mut accepted);
        let younger = self.received.range(position..).find(&mut accepted);
        seq_no::check_order(label.seq_no, older.map(|m| m.seq_no), younger.map(|m| m.seq_no))
    }

    /// Returns the state of a message, for `msgs_state_info`.
    // spec: session 8.16
    pub(crate) fn state(&self, msg_id: MsgId) -> MessageState {
        match self.position(msg_id) {
            Ok(position) => self
                .received
                .get(position)
                .map_or(MessageState::UNKNOWN, |message| message.fate.state(message.seq_no)),
            Err(0) if !self.received.is_empty() => MessageState::UNKNOWN,
            Err(position) if position < self.received.len() => MessageState::NOT_RECEIVED,
            Err(_) => MessageState::NOT_RECEIVED_YET,
        }
    }

    /// Returns the remembered messages, lowest id first.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Received> {
        self.received.iter()
    }

    /// Returns the highest id.
    pub(crate) fn last(&self) -> Option<MsgId> {
        self.received.back().map(|received| received.msg_id)
    }

    /// Frees unused capacity.
    pub(crate) fn trim(&mut self) {
        self.received.shrink_to_fit();
    }

    /// Forgets everything, for a new session.
    pub(crate) fn clear(&mut self) {
        self.received.clear();
    }

    fn position(&self, msg_id: MsgId) -> Result<usize, usize> {
        // Ids nearly always arrive in order.
        recent::position(&self.received, &msg_id, |received| received.msg_id)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::vectors;

    fn label(id: u64, seq_no: i64) -> Label {
        Label {
            msg_id: MsgId::from_raw(id),
            seq_no: SeqNo::from_raw(i32::try_from(seq_no).unwrap()),
        }
    }

    // spec: session 5.3
    // spec: session 21#18
    #[test]
    fn duplicates_and_ids_below_the_window_are_recognized() {
        for entry in &vectors::section("duplicate_store", 4) {
            let mut window = Window::new(usize::try_from(entry.number("capacity")).unwrap());
            let verdicts: Vec<&str> = entry
                .numbers("ids")
                .into_iter()
                .map(|id| {
                    let verdict = window.check(MsgId::from_raw(id));
                    window.insert(label(id, 0), Fate::Handled);
                    match verdict {
                        Verdict::New => "new",
                        Verdict::Duplicate => "duplicate",
                        Verdict::TooOld => "too_old",
                    }
                })
                .collect();
            assert_eq!(verdicts, entry.texts("verdicts"));
        }
    }

    /// A message that is not a call may need an acknowledgment: its number decides.
    // spec: session 8.16
    #[test]
    fn state_of_a_content_related_message_includes_the_acknowledgment() {
        for fate in [Fate::Handled, Fate::Disordered] {
            let told = [4, 5].map(|seq_no| fate.state(SeqNo::from_raw(seq_no)));
            let received = MessageState::RECEIVED;
            assert_eq!(told[0], received.with(MessageState::NEEDS_NO_ACK));
            assert_eq!(told[1], received.with(MessageState::ACKNOWLEDGED));
        }
    }

    // spec: session 8.16
    #[test]
    fn refused_messages_are_reported_as_not_received() {
        for seq_no in [4, 5] {
            let told = Fate::Refused.state(SeqNo::from_raw(seq_no));
            assert_eq!(told, MessageState::NOT_RECEIVED);
        }
    }

    // spec: session 4
    // spec: session 5.2#8; crypto 5#12
    #[test]
    fn out_of_order_numbers_are_refused() {
        for entry in &vectors::section("server_seqno_check", 10) {
            let mut window = Window::new(1000);
            for pair in entry.entries("known") {
                window.insert(label(pair.at(0).as_number(), pair.at(1).as_signed()), Fate::Handled);
            }
            let new = label(entry.number("msg_id"), entry.signed("seqno"));
            let code = match window.check_order(new, &mut 0) {
                Ok(()) => 0,
                Err(OrderError::TooLow) => 32,
                Err(OrderError::TooHigh) => 33,
            };
            assert_eq!(code, entry.number("error_code"), "{entry:?}");
        }
    }

    #[test]
    fn refused_messages_are_ignored_in_the_order_check() {
        for fate in [Fate::Refused, Fate::Disordered] {
            let mut window = Window::new(4);
            window.insert(label(8, 99), fate);
            assert_eq!(window.check_order(label(12, 1), &mut 0), Ok(()));
            assert_eq!(window.check(MsgId::from_raw(8)), Verdict::Duplicate);
        }
    }

    // spec: session 8.16
    #[test]
    fn state_below_the_first_message_is_unknown() {
        let asked = MsgId::from_raw(8);
        let mut window = Window::new(4);
        assert_eq!(window.state(asked), MessageState::NOT_RECEIVED_YET);
        window.insert(label(12, 1), Fate::Handled);
        assert_eq!(window.state(asked), MessageState::UNKNOWN);
    }

    // spec: session 8.16
    #[test]
    fn state_bytes_match_the_vectors() {
        let entries = vectors::section("state_bytes_server", 9);
        for entry in &entries {
            let asked = MsgId::from_raw(entry.number("asked"));
            let mut window = Window::new(1000);
            let (lowest, highest) = match entry.optional_number("lowest") {
                Some(lowest) => (lowest, entry.number("highest")),
                None => (asked.as_raw() - 4, asked.as_raw() + 4),
            };
            window.insert(label(lowest, 1), Fate::Handled);
            window.insert(label(highest, 3), Fate::Handled);
            let (seq_no, fate) = match entry.text("case") {
                "seen, rpc still running, nothing sent back" => (1, Fate::Running { acked: false }),
                "seen, rpc running, msgs_ack already sent" => (1, Fate::Running { acked: true }),
                "seen, result generated and sent, not acked" => {
                    (1, Fate::Answered { failed: false })
                }
                "seen, result acked by the client" => (1, Fate::Settled { failed: false }),
                "seen, service message" => (2, Fate::Handled),
                "own id by parity (asked about a server message)" => {
                    // The session handles these before it looks into the window.
                    assert_eq!(entry.number("byte"), 1);
                    continue;
                }
                _ => {
                    assert_eq!(u64::from(window.state(asked).as_byte()), entry.number("byte"));
                    continue;
                }
            };
            window.insert(label(asked.as_raw(), seq_no), fate);
            assert_eq!(u64::from(window.state(asked).as_byte()), entry.number("byte"), "{entry:?}");
        }
    }
}
