//! Rules that tests break on purpose, to show that the invariants notice.
//!
//! Rules about labels and acknowledgments are broken by a [`Ledger`](broken::Ledger) that takes the place of the real
//! one with the feature `__mutations`. The others are asked for where they stand: without the feature the answer is a
//! constant `false`, the compiler removes the branch, and no branch panics. See `docs/decisions/0005-mutations.md`.

/// Rule to break; each variant names what goes wrong.
#[cfg_attr(
    not(feature = "__mutations"),
    expect(unreachable_pub, reason = "public with the feature")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "__mutations",
    expect(clippy::exhaustive_enums, reason = "tests iterate over all of them")
)]
#[cfg_attr(not(feature = "__mutations"), expect(dead_code, reason = "used by the feature"))]
pub enum Mutation {
    /// A client creates ids that only servers create.
    OddClientIds,
    /// A client reuses its last id for the next call.
    SameIdAgain,
    /// The id of a container is not above those of its messages.
    ContainerIdLow,
    /// A client does not count content-related messages.
    NumbersStandStill,
    /// An acknowledgment has the number of a content-related message.
    AcksOdd,
    /// A result is reported twice.
    ResultsTwice,
    /// An acknowledgment ends a call.
    AcksEndCalls,
    /// A client handles duplicates.
    DuplicatesAccepted,
    /// A client acknowledges nothing.
    AcksNever,
    /// A client does not acknowledge duplicates.
    DuplicatesNotAcked,
    /// A client accepts a refusal that names no message of its own.
    StrangersBelieved,
    /// A client resends calls that must not run twice.
    OnceIgnored,
    /// A refused container is not resolved into its messages.
    ContainersNotMapped,
    /// A saved session loses its open calls.
    CallsLostAtResume,
    /// A saved session loses its count of messages.
    CountLostAtResume,
    /// A client returns to an earlier session.
    SessionsComeBack,
    /// A client carries acknowledgments over to the next session.
    AcksOutliveSessions,
    /// A client replaces the session whenever a link comes up.
    LinksReplaceSessions,
    /// A client keeps its session although its ids are too high.
    Code17KeepsSession,
    /// Any message sets a client's clock back.
    TimeFalls,
    /// A client accepts more calls than its limit.
    CallsUnlimited,
    /// A client panics on a pong that names no ping of its own.
    StrangersKill,
    /// A timer of the client never stops being due.
    TimersSpin,
    /// A packed answer is not unpacked.
    PackedTold,
    /// Acknowledgments have trailing bytes.
    BytesBehind,
    /// A client forgets the salts that it requested.
    SaltsForgotten,
    /// A server runs duplicates of a call.
    CallsRunAgain,
    /// A server ignores acknowledgments.
    AnswersNeverForgotten,
    /// Each session of a server generates ids of its own.
    IdsOfItsOwn,
    /// A server accepts packets of any time.
    WindowNotChecked,
    /// A server accepts packets with any salt.
    SaltsNotChecked,
    /// A server does not send `new_session_created`.
    NoGreeting,
    /// A server reports fewer states than requested.
    StatesCutShort,
    /// A server runs a call before its predecessor.
    OrderIgnored,
    /// A server keeps silent links open.
    SilenceKept,
    /// All runs of a server accept the same salts.
    RunsShareSalts,
    /// A server accepts ids that an earlier run may have received.
    RestartsIgnored,
    /// A server looks at all calls that wait to find those that wait for one, and has no allowance for a packet.
    WaitersSearched,
    /// A server handles messages and stores answers however much the session holds.
    HeldUnlimited,
    /// A client looks at all messages it has sent to find those of a container, and has no allowance for a packet.
    SentSearched,
}

/// The rules of one session, all of them kept unless a test chose one to break.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules {
    #[cfg(feature = "__mutations")]
    pub(crate) broken: Option<Mutation>,
}

impl Rules {
    /// Returns `true` if the rule is to be broken.
    #[cfg(feature = "__mutations")]
    pub(crate) fn breaks(self, rule: Mutation) -> bool {
        self.broken == Some(rule)
    }

    /// Returns `false`: without the feature no rule can be broken.
    #[cfg(not(feature = "__mutations"))]
    #[inline]
    #[expect(clippy::unused_self, reason = "used with the feature")]
    pub(crate) const fn breaks(self, _: Mutation) -> bool {
        false
    }
}

/// The ledger that breaks its rules.
#[cfg(feature = "__mutations")]
pub(super) mod broken {
    use core::ops::{Deref, DerefMut};

    use mtp_crypto::{MsgId, MsgIdKind, Salt, SessionId};
    use mtp_env::{Now, UnixTime};

    use super::{Mutation, Rules};
    use crate::session::acks::{AckSpan, Acks};
    use crate::session::labels::Ledger as Kept;
    use crate::session::msg_id::MsgIdGenerator;
    use crate::session::packer::Packer;
    use crate::session::seq_no::Label;

    /// [`Kept`] with one rule broken.
    #[derive(Clone, Debug)]
    pub(crate) struct Ledger {
        kept: Kept,
        rules: Rules,
    }

    impl Deref for Ledger {
        type Target = Kept;

        fn deref(&self) -> &Kept {
            &self.kept
        }
    }

    impl DerefMut for Ledger {
        fn deref_mut(&mut self) -> &mut Kept {
            &mut self.kept
        }
    }

    impl Ledger {
        pub(crate) const fn new(acks: Acks, rules: Rules) -> Self {
            Self { kept: Kept::new(acks, rules), rules }
        }

        pub(crate) fn content(&mut self, time: UnixTime, kind: MsgIdKind) -> Label {
            let odd = self.rules.breaks(Mutation::OddClientIds);
            let kind = if odd { MsgIdKind::Answer } else { kind };
            let (last, numbers) = (self.kept.ids.last(), self.kept.numbers);
            let mut label = self.kept.content(time, kind);
            if self.rules.breaks(Mutation::SameIdAgain) {
                label.msg_id = last;
            }
            if self.rules.breaks(Mutation::NumbersStandStill) {
                self.kept.numbers = numbers;
            }
            label
        }

        pub(crate) fn finish(
            &mut self,
            packer: Packer<'_>,
            (salt, session_id): (Salt, SessionId),
            time: UnixTime,
            kind: MsgIdKind,
        ) -> (Label, usize) {
            let low = self.rules.breaks(Mutation::ContainerIdLow);
            let mut made = None;
            let (written, start) = packer.finish(salt, session_id, || {
                let label = self.kept.service(time, kind);
                made = Some(label);
                if low { Label { msg_id: MsgId::from_raw(4), ..label } } else { label }
            });
            (made.unwrap_or(written), start)
        }

        pub(crate) fn ack(&mut self, now: Now, msg_id: MsgId) {
            if !self.rules.breaks(Mutation::AcksNever) {
                self.kept.ack(now, msg_id);
            }
        }

        pub(crate) fn ack_again(&mut self, now: Now, msg_id: MsgId) {
            let never = self.rules.breaks(Mutation::AcksNever);
            if !never && !self.rules.breaks(Mutation::DuplicatesNotAcked) {
                self.kept.ack_again(now, msg_id);
            }
        }

        pub(crate) fn write_acks(
            &mut self,
            packer: &mut Packer<'_>,
            time: UnixTime,
            kind: MsgIdKind,
        ) -> (Label, AckSpan) {
            let odd = self.rules.breaks(Mutation::AcksOdd);
            let label = if odd { self.content(time, kind) } else { self.kept.service(time, kind) };
            let behind = self.rules.breaks(Mutation::BytesBehind);
            let span = packer.message(label, |out| {
                let span = self.kept.acks.write(out);
                out.extend_from_slice(if behind { &[0; 4] } else { &[] });
                span
            });
            (label, span)
        }

        pub(crate) fn start_session(&mut self) {
            let acks = self.kept.acks.clone();
            self.kept.start_session();
            if self.rules.breaks(Mutation::AcksOutliveSessions) {
                self.kept.acks = acks;
            }
        }

        pub(crate) fn resume(&mut self, last: MsgId, content_related: u32) {
            let forgets = self.rules.breaks(Mutation::CountLostAtResume);
            self.kept.resume(last, if forgets { 0 } else { content_related });
        }

        pub(crate) fn adopt_ids(&mut self, ids: MsgIdGenerator) {
            if !self.rules.breaks(Mutation::IdsOfItsOwn) {
                self.kept.adopt_ids(ids);
            }
        }
    }
}
