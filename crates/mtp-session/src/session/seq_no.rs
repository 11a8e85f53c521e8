//! Sequence numbers: assigned to sent messages, checked on received ones.

use mtp_crypto::{MsgId, SeqNo};

/// Counter of the content-related messages in one direction of a session.
// spec: session 4
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SeqNoCounter {
    content_related: u32,
}

impl SeqNoCounter {
    pub(crate) const fn new() -> Self {
        Self { content_related: 0 }
    }

    /// Continues from a saved count.
    pub(crate) const fn after(content_related: u32) -> Self {
        Self { content_related }
    }

    /// Returns the number of a content-related message: one that must be acknowledged.
    pub(crate) fn content_related(&mut self) -> SeqNo {
        let number = self.service().as_raw() | 1;
        self.content_related = self.content_related.saturating_add(1);
        SeqNo::from_raw(number)
    }

    /// Returns the number of a service message: one that needs no acknowledgment.
    pub(crate) fn service(self) -> SeqNo {
        let count = self.content_related.min(COUNT_MAX);
        SeqNo::from_raw(i32::try_from(count.saturating_mul(2)).unwrap_or(i32::MAX - 1))
    }

    /// Returns the number of content-related messages.
    pub(crate) const fn count(self) -> u32 {
        self.content_related
    }

    /// Returns `true` if the session must be replaced because the numbers are exhausted.
    pub(crate) const fn is_exhausted(self) -> bool {
        self.content_related >= COUNT_MAX
    }
}

/// Content-related messages after which a session is replaced: twice as many would make numbers
/// negative.
const COUNT_MAX: u32 = (1 << 30) - 1;

/// Returns `true` if a message must be acknowledged.
pub(crate) const fn is_content_related(seq_no: SeqNo) -> bool {
    seq_no.as_raw() & 1 == 1
}

/// How a sequence number violates the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OrderError {
    /// An older message has this number or a larger one (error 32).
    TooLow,
    /// A younger message has this number or a smaller one (error 33).
    TooHigh,
}

/// Compares the number of a new message with those of its neighbors by id.
///
/// Accepted messages are in order among themselves, so the nearest older and the nearest younger
/// one decide.
// spec: session 4
pub(crate) fn check_order(
    seq_no: SeqNo,
    older: Option<SeqNo>,
    younger: Option<SeqNo>,
) -> Result<(), OrderError> {
    let taken = |other: SeqNo| other == seq_no && is_content_related(seq_no);
    if older.is_some_and(|older| older > seq_no || taken(older)) {
        Err(OrderError::TooLow)
    } else if younger.is_some_and(|younger| younger < seq_no || taken(younger)) {
        Err(OrderError::TooHigh)
    } else {
        Ok(())
    }
}

/// The id and sequence number of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    /// The message's id.
    pub(crate) msg_id: MsgId,
    /// The message's number.
    pub(crate) seq_no: SeqNo,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors;

    // spec: session 4
    #[test]
    fn numbers_match_the_vectors() {
        let mut counter = SeqNoCounter::default();
        for entry in &vectors::section("seqno_series", 9) {
            let seq_no = if entry.flag("content_related") {
                counter.content_related()
            } else {
                counter.service()
            };
            assert_eq!(i64::from(seq_no.as_raw()), entry.signed("seqno"), "{entry:?}");
            assert_eq!(is_content_related(seq_no), entry.flag("content_related"));
        }
    }

    // spec: session 20#3
    #[test]
    fn exhausted_numbers_do_not_turn_negative() {
        let mut counter = SeqNoCounter::after(COUNT_MAX - 1);
        assert!(!counter.is_exhausted());
        assert_eq!(counter.content_related().as_raw(), i32::MAX - 2);
        assert!(counter.is_exhausted());
        let mut counter = SeqNoCounter::after(u32::MAX);
        assert!(counter.content_related().as_raw() > 0);
        assert!(counter.service().as_raw() > 0);
    }
}
