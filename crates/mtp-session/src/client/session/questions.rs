//! Questions to the server that wait for an answer.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use mtp_crypto::MsgId;
use mtp_env::Instant;

use crate::link::LinkId;
use crate::session::Discard;

/// A request whose answer reports the state of messages.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) link: LinkId,
    pub(crate) asked: Asked,
    pub(crate) at: Instant,
}

/// What was asked.
#[derive(Debug)]
pub(crate) enum Asked {
    /// `msgs_state_req` about our messages.
    State(Vec<MsgId>),
    /// `msg_resend_req` for the server's, those that have arrived removed.
    Resend(BTreeSet<MsgId>),
}

/// The questions by their ids.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    open: BTreeMap<MsgId, Question>,
    /// A requested message and the question that requests it, so that an arrival is found whatever else is open.
    awaited: BTreeSet<(MsgId, MsgId)>,
}

impl Questions {
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    pub(crate) fn clear(&mut self) {
        self.open.clear();
        self.awaited.clear();
    }

    pub(crate) fn insert(&mut self, msg_id: MsgId, question: Question) {
        if let Asked::Resend(ids) = &question.asked {
            self.awaited.extend(ids.iter().map(|asked| (*asked, msg_id)));
        }
        self.open.insert(msg_id, question);
    }

    fn remove(&mut self, msg_id: MsgId) -> Option<Question> {
        let question = self.open.remove(&msg_id)?;
        if let Asked::Resend(ids) = &question.asked {
            for asked in ids {
                self.awaited.remove(&(*asked, msg_id));
            }
        }
        Some(question)
    }

    /// Notes that a message of the server has arrived.
    pub(crate) fn note_arrival(&mut self, arrived: MsgId) {
        let all = (arrived, MsgId::from_raw(0))..=(arrived, MsgId::from_raw(u64::MAX));
        while let Some(pair) = self.awaited.range(all.clone()).next().copied() {
            self.awaited.remove(&pair);
            let Some(question) = self.open.get_mut(&pair.1) else { continue };
            if let Asked::Resend(ids) = &mut question.asked {
                ids.remove(&arrived);
                if ids.is_empty() {
                    self.open.remove(&pair.1);
                }
            }
        }
    }

    /// Removes the question that an answer about `count` messages names.
    pub(crate) fn take_answered(
        &mut self,
        msg_id: MsgId,
        count: usize,
    ) -> Result<Question, Discard> {
        let question = self.open.get(&msg_id).ok_or(Discard::NotOurs)?;
        let asked = match &question.asked {
            Asked::State(ids) => ids.len(),
            Asked::Resend(ids) => ids.len(),
        };
        if asked != count {
            return Err(Discard::Malformed);
        }
        self.remove(msg_id).ok_or(Discard::NotOurs)
    }

    /// Removes the questions that are lost, oldest first.
    pub(crate) fn take_lost(
        &mut self,
        is_lost: impl Fn(MsgId, &Question) -> bool,
    ) -> Vec<Question> {
        let lost = self.open.iter().filter(|(msg_id, question)| is_lost(**msg_id, question));
        let lost: Vec<MsgId> = lost.map(|(msg_id, _)| *msg_id).collect();
        lost.into_iter().filter_map(|msg_id| self.remove(msg_id)).collect()
    }

    /// Removes the questions that were asked before `at`.
    ///
    /// Ids grow with time, so only those that are removed are looked at.
    pub(crate) fn expire(&mut self, is_over: impl Fn(Instant) -> bool) {
        while let Some((msg_id, question)) = self.open.first_key_value()
            && is_over(question.at)
        {
            let msg_id = *msg_id;
            let _ = self.remove(msg_id);
        }
    }
}
