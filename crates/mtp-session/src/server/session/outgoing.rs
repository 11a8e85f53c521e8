//! Messages kept until the client has acknowledged them.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use mtp_crypto::{MsgId, MsgIdKind, SeqNo};
use mtp_env::Instant;

use super::answer::PushId;
use crate::link::LinkId;
use crate::session::seq_no::Label;

/// One message.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) body: Vec<u8>,
    pub(crate) kind: MessageKind,
    /// Its link; any other once this one is gone.
    pub(crate) link: Option<LinkId>,
    /// Its id and number once it is written.
    pub(crate) label: Label,
    /// Whether it is to be retransmitted.
    pub(crate) retransmit: Retransmit,
    /// Retransmissions on its link.
    pub(crate) repeats: u8,
    /// When it is retransmitted unless it is acknowledged.
    pub(crate) repeat_at: Instant,
}

/// The kind of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageKind {
    /// The answer to the call with this id.
    Answer(MsgId),
    /// The answer to `rpc_drop_answer`.
    Drop,
    Push(PushId),
    /// `updatesTooLong` in place of pushes.
    TooLong,
    NewSession,
}

/// Whether a message is to be retransmitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retransmit {
    No,
    /// Whole if it is short, announced otherwise.
    Announced,
    /// Whole: the client requested it.
    Whole,
}

impl Outgoing {
    pub(crate) const fn new(body: Vec<u8>, kind: MessageKind, link: Option<LinkId>) -> Self {
        Self {
            body,
            kind,
            link,
            label: Label { msg_id: MsgId::from_raw(0), seq_no: SeqNo::from_raw(0) },
            retransmit: Retransmit::No,
            repeats: 0,
            repeat_at: Instant::from_micros(0),
        }
    }

    pub(crate) const fn id_kind(&self) -> MsgIdKind {
        match self.kind {
            MessageKind::Answer(_) | MessageKind::Drop => MsgIdKind::Answer,
            MessageKind::Push(_) | MessageKind::TooLong | MessageKind::NewSession => {
                MsgIdKind::Notice
            }
        }
    }

    pub(crate) const fn is_push(&self) -> bool {
        matches!(self.kind, MessageKind::Push(_) | MessageKind::TooLong)
    }
}

/// All unacknowledged messages.
// spec: session 11.1
#[derive(Debug, Default)]
pub(crate) struct Store {
    /// Messages that were not written yet, in the order in which they were queued.
    pub(crate) unsent: VecDeque<Outgoing>,
    /// Written, sorted by id because ids grow.
    pub(crate) sent: VecDeque<Outgoing>,
    bytes: usize,
    /// Number of messages to be retransmitted.
    pub(crate) retransmits: usize,
}

impl Store {
    pub(crate) fn len(&self) -> usize {
        self.unsent.len().saturating_add(self.sent.len())
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn push(&mut self, message: Outgoing) {
        self.bytes = self.bytes.saturating_add(message.body.len());
        self.unsent.push_back(message);
    }

    /// Queues a message before all others.
    pub(crate) fn push_first(&mut self, message: Outgoing) {
        self.bytes = self.bytes.saturating_add(message.body.len());
        self.unsent.push_front(message);
    }

    /// Records that a message was written for the first time.
    pub(crate) fn written(&mut self, message: Outgoing) {
        debug_assert!(self.sent.back().is_none_or(|last| last.label.msg_id < message.label.msg_id));
        self.sent.push_back(message);
    }

    /// Removes a written message.
    pub(crate) fn remove(&mut self, msg_id: MsgId) -> Option<Outgoing> {
        let position = self.position(msg_id)?;
        let message = self.sent.remove(position)?;
        self.retransmits =
            self.retransmits.saturating_sub(usize::from(message.retransmit != Retransmit::No));
        self.bytes = self.bytes.saturating_sub(message.body.len());
        Some(message)
    }

    /// Removes the answer to a call, written or not.
    pub(crate) fn remove_answer(&mut self, req_msg_id: MsgId) -> Option<Outgoing> {
        let is_it = |message: &Outgoing| message.kind == MessageKind::Answer(req_msg_id);
        if let Some(position) = self.unsent.iter().position(is_it) {
            let message = self.unsent.remove(position)?;
            self.bytes = self.bytes.saturating_sub(message.body.len());
            return Some(message);
        }
        let msg_id = self.sent.iter().find(|message| is_it(message))?.label.msg_id;
        self.remove(msg_id)
    }

    /// Replaces the body of an unwritten `new_session_created`; returns `true` if there is one.
    pub(crate) fn change_greeting(&mut self, body: &[u8]) -> bool {
        let mut unsent = self.unsent.iter_mut();
        let greeting = unsent.find(|message| message.kind == MessageKind::NewSession);
        greeting.is_some_and(|greeting| {
            debug_assert_eq!(greeting.body.len(), body.len());
            greeting.body.clear();
            greeting.body.extend_from_slice(body);
            true
        })
    }

    /// Removes all pushes and returns their number.
    pub(crate) fn remove_pushes(&mut self) -> usize {
        let before = self.len();
        self.unsent.retain(|message| !message.is_push());
        self.sent.retain(|message| !message.is_push());
        let all = self.unsent.iter().chain(&self.sent);
        self.bytes = all.map(|message| message.body.len()).sum();
        self.retransmits =
            self.sent.iter().filter(|message| message.retransmit != Retransmit::No).count();
        before.saturating_sub(self.len())
    }

    /// Frees unused capacity.
    pub(crate) fn trim(&mut self) {
        self.unsent.shrink_to_fit();
        self.sent.shrink_to_fit();
    }

    pub(crate) fn get(&self, msg_id: MsgId) -> Option<&Outgoing> {
        self.sent.get(self.position(msg_id)?)
    }

    /// Schedules the retransmission of a written message on a link.
    pub(crate) fn schedule(&mut self, msg_id: MsgId, link: Option<LinkId>, how: Retransmit) {
        let Some(position) = self.position(msg_id) else { return };
        let Some(message) = self.sent.get_mut(position) else { return };
        if link.is_some() {
            message.link = link;
        }
        if message.retransmit == Retransmit::No {
            self.retransmits = self.retransmits.saturating_add(1);
            message.retransmit = how;
        } else if how == Retransmit::Whole {
            message.retransmit = Retransmit::Whole;
        }
    }

    /// Finds the answer to a call, written or not.
    pub(crate) fn answer_to(&self, req_msg_id: MsgId) -> Option<&Outgoing> {
        let mut all = self.sent.iter().chain(&self.unsent);
        all.find(|message| message.kind == MessageKind::Answer(req_msg_id))
    }

    /// Schedules retransmissions that are due; returns when to check next.
    ///
    /// They use the link on which the client was heard last: the original link may be dead unnoticed.
    // spec: session 11.2
    pub(crate) fn check(
        &mut self,
        now: Instant,
        repeats_max: u8,
        latest: Option<LinkId>,
    ) -> Option<Instant> {
        let mut next: Option<Instant> = None;
        for message in &mut self.sent {
            let is_due = message.retransmit == Retransmit::No && message.repeat_at <= now;
            if is_due && latest.is_some() && message.link != latest {
                message.link = latest;
                message.repeats = 0;
            }
            if message.retransmit != Retransmit::No || message.repeats >= repeats_max {
                continue;
            }
            if message.repeat_at <= now {
                message.retransmit = Retransmit::Announced;
                self.retransmits = self.retransmits.saturating_add(1);
            } else {
                next = Some(next.map_or(message.repeat_at, |next| next.min(message.repeat_at)));
            }
        }
        next
    }

    fn position(&self, msg_id: MsgId) -> Option<usize> {
        match self.sent.front() {
            Some(first) if first.label.msg_id == msg_id => Some(0),
            _ => self.sent.binary_search_by_key(&msg_id, |message| message.label.msg_id).ok(),
        }
    }
}

/// Returns the delay of a retransmission after `repeats` others.
pub(crate) fn repeat_delay(first: Duration, repeats: u8) -> Duration {
    first.saturating_mul(1 << repeats.min(16))
}
