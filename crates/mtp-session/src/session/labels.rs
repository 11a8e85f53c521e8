//! Labels and acknowledgments: what a session numbers, and what it owes the other side.

use mtp_crypto::{MsgId, MsgIdKind, Salt, SessionId};
use mtp_env::{Now, UnixTime};

use super::acks::{AckSpan, Acks};
use super::msg_id::MsgIdGenerator;
use super::packer::Packer;
use super::rules::Rules;
use super::seq_no::{Label, SeqNoCounter};

/// The counters behind message ids and sequence numbers, and the pending acknowledgments.
///
/// The feature `__mutations` replaces this type with one that can break its rules.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    pub(crate) ids: MsgIdGenerator,
    pub(crate) numbers: SeqNoCounter,
    pub(crate) acks: Acks,
}

impl Ledger {
    pub(crate) const fn new(acks: Acks, _: Rules) -> Self {
        Self { ids: MsgIdGenerator::new(), numbers: SeqNoCounter::new(), acks }
    }

    /// Labels a message that must be acknowledged.
    #[inline]
    pub(crate) fn content(&mut self, time: UnixTime, kind: MsgIdKind) -> Label {
        Label { msg_id: self.ids.next(time, kind), seq_no: self.numbers.content_related() }
    }

    /// Labels a message that needs no acknowledgment.
    #[inline]
    pub(crate) fn service(&mut self, time: UnixTime, kind: MsgIdKind) -> Label {
        Label { msg_id: self.ids.next(time, kind), seq_no: self.numbers.service() }
    }

    /// Writes the packet header and returns the packet's label and start; a container gets an id of `kind`.
    #[cfg_attr(feature = "__mutations", expect(dead_code, reason = "replaced by the feature"))]
    #[inline]
    pub(crate) fn finish(
        &mut self,
        packer: Packer<'_>,
        (salt, session_id): (Salt, SessionId),
        time: UnixTime,
        kind: MsgIdKind,
    ) -> (Label, usize) {
        packer.finish(salt, session_id, || self.service(time, kind))
    }

    /// Records that a content-related message was received.
    #[inline]
    pub(crate) fn ack(&mut self, now: Now, msg_id: MsgId) {
        self.acks.push(now, msg_id);
    }

    /// Records that a content-related message was received again.
    #[inline]
    pub(crate) fn ack_again(&mut self, now: Now, msg_id: MsgId) {
        self.acks.push_again(now, msg_id);
    }

    /// Writes a `msgs_ack` with the pending acknowledgments.
    #[cfg_attr(feature = "__mutations", expect(dead_code, reason = "replaced by the feature"))]
    #[inline]
    pub(crate) fn write_acks(
        &mut self,
        packer: &mut Packer<'_>,
        time: UnixTime,
        kind: MsgIdKind,
    ) -> (Label, AckSpan) {
        let label = self.service(time, kind);
        let span = packer.message(label, |out| self.acks.write(out));
        (label, span)
    }

    /// Starts the counters of a new session; acknowledgments of the old one mean nothing in it.
    pub(crate) fn start_session(&mut self) {
        self.numbers = SeqNoCounter::new();
        self.acks.clear();
    }

    /// Continues the counters of a saved session.
    pub(crate) const fn resume(&mut self, last: MsgId, content_related: u32) {
        self.ids = MsgIdGenerator::after(last);
        self.numbers = SeqNoCounter::after(content_related);
    }

    /// Continues after an id that other sessions made.
    #[inline]
    pub(crate) const fn adopt_ids(&mut self, ids: MsgIdGenerator) {
        self.ids = ids;
    }
}
