//! Messages sent recently, to resolve notifications.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;

use mtp_crypto::{MsgId, SessionId};

use crate::session::acks::AckSpan;
use crate::session::recent;

/// The last messages sent in one session, sorted by id because ids grow.
// spec: session 11.1
#[derive(Debug)]
pub(crate) struct Sent {
    entries: VecDeque<Entry>,
    /// Entries of open calls that were evicted, sorted by id.
    old: Vec<Entry>,
    /// A packet and a message that was written in it again.
    moved: BTreeSet<(MsgId, MsgId)>,
    max: usize,
}

/// One message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) msg_id: MsgId,
    /// The packet in which it was written last; its own id if alone.
    pub(crate) container: MsgId,
    pub(crate) kind: SentKind,
}

/// The kind of a sent message.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SentKind {
    /// A call, by its key; the key finds nothing once the call has ended.
    Call(u64),
    /// A container, by the id of its first message that was not written before.
    Container {
        first: MsgId,
    },
    Acks(AckSpan),
    Ping,
    /// `msgs_state_req`; its ids are kept elsewhere.
    StateReq,
    /// `msg_resend_req`; its ids are kept elsewhere.
    ResendReq,
    DropAnswer(MsgId),
    DestroySession(SessionId),
    DestroyKey,
    Salts,
    /// A message whose loss has no effect.
    Other,
}

impl Sent {
    pub(crate) const fn new(max: usize) -> Self {
        Self { entries: VecDeque::new(), old: Vec::new(), moved: BTreeSet::new(), max }
    }

    /// Records a message; [`seal`](Self::seal) sets its packet.
    ///
    /// `is_open` returns `true` for calls that are open when their entry is evicted.
    pub(crate) fn push(&mut self, msg_id: MsgId, kind: SentKind, is_open: impl Fn(u64) -> bool) {
        debug_assert!(self.entries.back().is_none_or(|last| last.msg_id < msg_id));
        if self.entries.len() >= self.max
            && let Some(gone) = self.entries.pop_front()
        {
            match gone.kind {
                SentKind::Call(key) if is_open(key) => self.keep(gone, is_open),
                _ => self.forget_move(gone),
            }
        }
        self.entries.push_back(Entry { msg_id, container: msg_id, kind });
    }

    /// Keeps the evicted entry of an open call.
    fn keep(&mut self, evicted: Entry, is_open: impl Fn(u64) -> bool) {
        let moved = &mut self.moved;
        self.old.retain(|entry| {
            let is_kept = matches!(entry.kind, SentKind::Call(key) if is_open(key));
            if !is_kept {
                moved.remove(&(entry.container, entry.msg_id));
            }
            is_kept
        });
        self.old.push(evicted);
    }

    fn forget_move(&mut self, gone: Entry) {
        if !self.moved.is_empty() {
            self.moved.remove(&(gone.container, gone.msg_id));
        }
    }

    /// Returns the number of messages that are remembered.
    pub(crate) fn len(&self) -> usize {
        self.entries.len().saturating_add(self.old.len())
    }

    /// Returns the first of the last `count` messages.
    pub(crate) fn first_of_last(&self, count: usize) -> Option<MsgId> {
        let first = self.entries.len().saturating_sub(count);
        self.entries.get(first).map(|entry| entry.msg_id)
    }

    /// Sets the packet of the last `count` messages.
    pub(crate) fn seal(&mut self, count: usize, container: MsgId) -> impl Iterator<Item = u64> {
        let first = self.entries.len().saturating_sub(count);
        self.entries.range_mut(first..).filter_map(move |entry| {
            entry.container = container;
            match entry.kind {
                SentKind::Call(key) => Some(key),
                _ => None,
            }
        })
    }

    /// Sets the new packet of an older message.
    pub(crate) fn move_to(&mut self, msg_id: MsgId, container: MsgId) {
        let Some(entry) = self.get_mut(msg_id) else { return };
        let before = core::mem::replace(&mut entry.container, container);
        self.moved.remove(&(before, msg_id));
        if container != msg_id {
            self.moved.insert((container, msg_id));
        }
    }

    /// Finds a message.
    pub(crate) fn get(&self, msg_id: MsgId) -> Option<&Entry> {
        if let Ok(position) = recent::position(&self.entries, &msg_id, |entry| entry.msg_id) {
            return self.entries.get(position);
        }
        let position = self.old.binary_search_by_key(&msg_id, |entry| entry.msg_id).ok()?;
        self.old.get(position)
    }

    /// Takes the kind of a message, which remains known as sent.
    pub(crate) fn settle(&mut self, msg_id: MsgId) -> Option<SentKind> {
        let entry = self.get_mut(msg_id)?;
        Some(core::mem::replace(&mut entry.kind, SentKind::Other))
    }

    /// Notes that a container was refused: what it held is sent again, and another refusal of it changes nothing.
    pub(crate) fn settle_container(&mut self, msg_id: MsgId) {
        if let Some(entry) = self.get_mut(msg_id)
            && matches!(entry.kind, SentKind::Container { .. })
        {
            entry.kind = SentKind::Other;
        }
    }

    /// Returns the messages of a container, or the message itself.
    // spec: session 8.15
    pub(crate) fn named(&self, msg_id: MsgId) -> Vec<Entry> {
        match self.get(msg_id) {
            Some(Entry { kind: SentKind::Container { first }, .. }) => self.within(*first, msg_id),
            Some(entry) => Vec::from([*entry]),
            None => Vec::new(),
        }
    }

    /// Returns the messages of a container: those with ids between its first and its own, and those written again.
    fn within(&self, first: MsgId, container: MsgId) -> Vec<Entry> {
        let from = self.old.partition_point(|entry| entry.msg_id < first);
        let old = self.old.iter().skip(from).take_while(|entry| entry.msg_id < container);
        let from = self.entries.partition_point(|entry| entry.msg_id < first);
        let entries = self.entries.range(from..).take_while(|entry| entry.msg_id < container);
        let written = old.chain(entries).filter(|entry| entry.container == container);
        let moved = self.moved.range((container, MsgId::from_raw(0))..);
        let moved = moved.take_while(|(packet, _)| *packet == container);
        let moved = moved.filter_map(|(_, msg_id)| self.get(*msg_id));
        // What was written again is older than what was not.
        moved.filter(|entry| entry.msg_id < first).chain(written).copied().collect()
    }

    /// Does what [`named`](Self::named) does without looking ids up.
    pub(crate) fn search(&self, msg_id: MsgId) -> Vec<Entry> {
        let all = self.old.iter().chain(&self.entries);
        all.filter(|entry| entry.container == msg_id && entry.msg_id != msg_id).copied().collect()
    }

    /// Forgets everything, for a new session.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.old.clear();
        self.moved.clear();
    }

    fn get_mut(&mut self, msg_id: MsgId) -> Option<&mut Entry> {
        if let Ok(position) = recent::position(&self.entries, &msg_id, |entry| entry.msg_id) {
            return self.entries.get_mut(position);
        }
        let position = self.old.binary_search_by_key(&msg_id, |entry| entry.msg_id).ok()?;
        self.old.get_mut(position)
    }
}

/// Returns the bound below which pending calls were lost with an earlier incarnation of the session:
/// the id itself, or that of the container which held it.
// spec: session 8.10
pub(crate) fn incarnation_bound(sent: &Sent, first_msg_id: MsgId) -> MsgId {
    sent.get(first_msg_id).map_or(first_msg_id, |entry| entry.container)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors;

    fn id(raw: u64) -> MsgId {
        MsgId::from_raw(raw)
    }

    // spec: session 8.10
    // spec: session 8.15
    #[test]
    fn notification_names_the_messages_to_resend() {
        for entry in &vectors::section("resend_sets", 7) {
            let pending = entry.entries("pending");
            let mut ids: Vec<(u64, u64)> = pending
                .iter()
                .map(|call| (call.number("msg_id"), call.number("container")))
                .collect();
            ids.sort_unstable();
            let mut all: Vec<u64> = ids.iter().flat_map(|(own, packet)| [*own, *packet]).collect();
            all.sort_unstable();
            all.dedup();
            let mut sent = Sent::new(1000);
            for raw in all {
                let call = ids.iter().any(|(own, _)| *own == raw);
                let kind =
                    if call { SentKind::Call(raw) } else { SentKind::Container { first: id(raw) } };
                sent.push(id(raw), kind, |_| true);
            }
            for (own, packet) in &ids {
                sent.move_to(id(*own), id(*packet));
            }
            let again: Vec<u64> = if entry.has("first_msg_id") {
                let bound = incarnation_bound(&sent, id(entry.number("first_msg_id")));
                let before = |(_, packet): &&(u64, u64)| id(*packet) < bound;
                ids.iter().filter(before).map(|(own, _)| *own).collect()
            } else {
                let named = sent.named(id(entry.number("bad_msg_id")));
                named.iter().map(|entry| entry.msg_id.as_raw()).collect()
            };
            assert_eq!(again, entry.numbers("resend"), "{entry:?}");
        }
    }

    #[test]
    fn open_calls_are_kept_when_their_entries_are_evicted() {
        let mut sent = Sent::new(2);
        for raw in 1..=6 {
            sent.push(id(raw), SentKind::Call(raw), |key| key % 2 == 1);
        }
        let known: Vec<u64> = (1..=6).filter(|raw| sent.get(id(*raw)).is_some()).collect();
        assert_eq!(known, [1, 3, 5, 6]);
    }

    #[test]
    fn oldest_message_is_forgotten_at_the_limit() {
        for (pushed, first) in [(4, 1), (5, 1), (6, 2)] {
            let mut sent = Sent::new(5);
            for number in 1..=pushed {
                sent.push(id(number), SentKind::Other, |_| false);
            }
            let known: Vec<u64> =
                (1..=pushed).filter(|number| sent.get(id(*number)).is_some()).collect();
            assert_eq!((known[0], known.last()), (first, Some(&pushed)));
        }
    }
}
