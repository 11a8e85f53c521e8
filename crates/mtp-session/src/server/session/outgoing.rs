//! Messages kept until the client has acknowledged them.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use mtp_crypto::{MsgId, MsgIdKind, SeqNo};
use mtp_env::Instant;

use super::answer::PushId;
use crate::link::LinkId;
use crate::session::ordered::Ordered;
use crate::session::seq_no::Label;

/// One message.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) body: Vec<u8>,
    /// Bytes of the content before it was packed, if those were more.
    unpacked: usize,
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
            unpacked: 0,
            kind,
            link,
            label: Label { msg_id: UNWRITTEN, seq_no: SeqNo::from_raw(0) },
            retransmit: Retransmit::No,
            repeats: 0,
            repeat_at: Instant::from_micros(0),
        }
    }

    /// Notes how long the content was before it was packed.
    pub(crate) const fn made_of(mut self, len: usize) -> Self {
        self.unpacked = len;
        self
    }

    /// Returns the bytes that count while it is unwritten.
    fn weight(&self) -> usize {
        self.body.len().max(self.unpacked)
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
    /// Unwritten messages without a link of their own, in the order in which they were queued.
    free: Ordered<u64, Outgoing>,
    /// One lane for each link of the session.
    lanes: Vec<Lane>,
    /// Written messages.
    sent: Ordered<MsgId, Outgoing>,
    /// Where the answer to each call is.
    answers: Ordered<MsgId, Place>,
    /// Written messages to be retransmitted, by the link they use.
    again: BTreeSet<(Option<LinkId>, MsgId)>,
    /// Number of the last queued message.
    queued: u64,
    unsent: usize,
    bytes: usize,
    unsent_bytes: usize,
    /// `updatesTooLong` is queued and not written.
    too_long: bool,
}

/// The messages of one link.
#[derive(Debug)]
struct Lane {
    link: LinkId,
    /// Unwritten messages, in the order in which they were queued.
    unsent: Ordered<u64, Outgoing>,
    /// Ids of messages written on the link, some of them acknowledged since.
    carried: VecDeque<MsgId>,
}

/// Where an answer is.
#[derive(Clone, Copy, Debug)]
struct Place {
    order: u64,
    /// [`UNWRITTEN`] before it is written.
    msg_id: MsgId,
}

/// An unwritten message that is next in line for a link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Next {
    lane: Option<usize>,
    order: u64,
}

impl Store {
    // ── links ──────────────────────────────────────────────────────────────────────────────────

    /// Adds the lane of a link.
    pub(crate) fn link_up(&mut self, link: LinkId) {
        if self.lane(link).is_none() {
            self.lanes.push(Lane { link, unsent: Ordered::default(), carried: VecDeque::new() });
        }
    }

    /// Removes the lane of a link: what it carried is sent again on another.
    pub(crate) fn link_down(&mut self, link: LinkId) {
        let Some(position) = self.lane(link) else { return };
        let mut lane = self.lanes.swap_remove(position);
        if self.free.is_empty() {
            core::mem::swap(&mut self.free, &mut lane.unsent);
        }
        while let Some((order, message)) = lane.unsent.pop_first() {
            self.free.insert(order, message);
        }
        for msg_id in lane.carried {
            if self.sent.get(msg_id).is_some_and(|message| message.link == Some(link)) {
                self.repeat(msg_id, Retransmit::Announced);
                self.assign(msg_id, None);
            }
        }
    }

    // ── queueing and writing ───────────────────────────────────────────────────────────────────

    pub(crate) fn push(&mut self, message: Outgoing) {
        self.queued = self.queued.saturating_add(1);
        self.enqueue(self.queued, message);
    }

    /// Queues the notification of a new session before all others; the next packet of any link carries it.
    // spec: session 8.10
    pub(crate) fn push_greeting(&mut self, message: Outgoing) {
        self.enqueue(GREETING, message);
    }

    fn enqueue(&mut self, order: u64, message: Outgoing) {
        let len = message.body.len();
        self.bytes = self.bytes.saturating_add(len);
        self.unsent_bytes = self.unsent_bytes.saturating_add(message.weight());
        self.unsent = self.unsent.saturating_add(1);
        self.too_long |= message.kind == MessageKind::TooLong;
        if let MessageKind::Answer(call) = message.kind {
            self.answers.insert(call, Place { order, msg_id: UNWRITTEN });
        }
        let lane = message.link.and_then(|link| self.lane(link));
        self.queue_mut(lane).insert(order, message);
    }

    /// Replaces the body of an unwritten `new_session_created`; returns `true` if there is one.
    pub(crate) fn change_greeting(&mut self, body: &[u8]) -> bool {
        let greeting = self.free.first_mut().filter(|(order, _)| *order == GREETING);
        greeting.is_some_and(|(_, greeting)| {
            debug_assert_eq!(greeting.body.len(), body.len());
            greeting.body.clear();
            greeting.body.extend_from_slice(body);
            true
        })
    }

    /// Returns the first unwritten message for `link`: the notification of a new session, one of its own lane, and if
    /// it `is_open` to others, of messages without a link and of those whose link `takes` none.
    pub(crate) fn next(
        &self,
        link: LinkId,
        is_open: bool,
        takes: impl Fn(LinkId) -> bool,
    ) -> Option<Next> {
        if self.unsent == 0 {
            return None;
        }
        let mut next: Option<Next> = None;
        let mut consider = |lane: Option<usize>, queue: &Ordered<u64, Outgoing>| {
            if let Some((order, _)) = queue.first()
                && next.is_none_or(|next| order < next.order)
            {
                next = Some(Next { lane, order });
            }
        };
        for (position, lane) in self.lanes.iter().enumerate() {
            if lane.link == link || is_open && !takes(lane.link) {
                consider(Some(position), &lane.unsent);
            }
        }
        if is_open || self.greets() {
            consider(None, &self.free);
        }
        next
    }

    /// Returns `true` if the notification of a new session is unwritten.
    fn greets(&self) -> bool {
        self.free.first().is_some_and(|(order, _)| order == GREETING)
    }

    /// Returns how many unwritten messages `link` carries, as [`next`](Self::next) selects them.
    pub(crate) fn count(
        &self,
        link: LinkId,
        is_open: bool,
        takes: impl Fn(LinkId) -> bool,
    ) -> usize {
        let lanes = self.lanes.iter();
        let mine = lanes.filter(|lane| lane.link == link || is_open && !takes(lane.link));
        let count: usize = mine.map(|lane| lane.unsent.len()).sum();
        let free = if is_open { self.free.len() } else { usize::from(self.greets()) };
        count.saturating_add(free)
    }

    pub(crate) fn peek(&self, next: Next) -> Option<&Outgoing> {
        self.queue(next.lane)?.first().map(|(_, message)| message)
    }

    /// Removes a message to be written.
    pub(crate) fn take(&mut self, next: Next) -> Option<Outgoing> {
        let (_, message) = self.queue_mut(next.lane).pop_first()?;
        self.unqueued(&message);
        Some(message)
    }

    /// Records that a message was written for the first time, on its link.
    pub(crate) fn written(&mut self, message: Outgoing) {
        let msg_id = message.label.msg_id;
        if let MessageKind::Answer(call) = message.kind
            && let Some(place) = self.answers.get_mut(call)
        {
            place.msg_id = msg_id;
        }
        self.carry(message.link, msg_id);
        self.sent.insert(msg_id, message);
    }

    /// Returns `true` if messages are to be retransmitted.
    pub(crate) fn repeats(&self) -> bool {
        !self.again.is_empty()
    }

    /// Returns the first message to be retransmitted on `link`, as [`next`](Self::next) selects them.
    pub(crate) fn next_again(
        &self,
        link: LinkId,
        is_open: bool,
        takes: impl Fn(LinkId) -> bool,
    ) -> Option<MsgId> {
        let first = |link: Option<LinkId>| {
            let all = (link, UNWRITTEN)..=(link, MsgId::from_raw(u64::MAX));
            self.again.range(all).next().map(|(_, msg_id)| *msg_id)
        };
        let lanes = self.lanes.iter().map(|lane| lane.link);
        let mine = lanes.filter(|lane| *lane == link || is_open && !takes(*lane));
        let mine = mine.filter_map(|lane| first(Some(lane)));
        mine.chain(is_open.then(|| first(None)).flatten()).min()
    }

    /// Records that a message was retransmitted, or announced, on `link`.
    pub(crate) fn written_again(
        &mut self,
        msg_id: MsgId,
        link: LinkId,
        repeat_at: impl FnOnce(u8) -> Instant,
    ) -> Option<Instant> {
        let message = self.sent.get_mut(msg_id)?;
        self.again.remove(&(message.link, msg_id));
        let moved = message.link != Some(link);
        message.retransmit = Retransmit::No;
        message.link = Some(link);
        message.repeats = if moved { 0 } else { message.repeats.saturating_add(1) };
        message.repeat_at = repeat_at(message.repeats);
        let at = message.repeat_at;
        if moved {
            self.carry(Some(link), msg_id);
        }
        Some(at)
    }

    // ── written messages ───────────────────────────────────────────────────────────────────────

    pub(crate) fn get(&self, msg_id: MsgId) -> Option<&Outgoing> {
        self.sent.get(msg_id)
    }

    /// Removes a written message.
    pub(crate) fn remove(&mut self, msg_id: MsgId) -> Option<Outgoing> {
        let message = self.sent.remove(msg_id)?;
        if message.retransmit != Retransmit::No {
            self.again.remove(&(message.link, msg_id));
        }
        self.bytes = self.bytes.saturating_sub(message.body.len());
        if let MessageKind::Answer(call) = message.kind {
            self.answers.remove(call);
        }
        Some(message)
    }

    /// Schedules the retransmission of a written message.
    pub(crate) fn repeat(&mut self, msg_id: MsgId, again: Retransmit) {
        let Some(message) = self.sent.get_mut(msg_id) else { return };
        if message.retransmit == Retransmit::No {
            message.retransmit = again;
            self.again.insert((message.link, msg_id));
        } else if again == Retransmit::Whole {
            message.retransmit = Retransmit::Whole;
        }
    }

    /// Moves a written message to another link.
    pub(crate) fn assign(&mut self, msg_id: MsgId, link: Option<LinkId>) {
        let Some(message) = self.sent.get_mut(msg_id).filter(|message| message.link != link) else {
            return;
        };
        if self.again.remove(&(message.link, msg_id)) {
            self.again.insert((link, msg_id));
        }
        message.link = link;
        self.carry(link, msg_id);
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
        let mut due = Vec::new();
        for (msg_id, message) in self.sent.iter() {
            if message.retransmit != Retransmit::No {
                continue;
            }
            if message.repeat_at <= now {
                due.push(msg_id);
            } else if message.repeats < repeats_max {
                next = Some(next.map_or(message.repeat_at, |next| next.min(message.repeat_at)));
            }
        }
        for msg_id in due {
            let Some(message) = self.sent.get_mut(msg_id) else { continue };
            if latest.is_some() && message.link != latest {
                message.repeats = 0;
            }
            let is_spent = message.repeats >= repeats_max;
            if latest.is_some() {
                self.assign(msg_id, latest);
            }
            if !is_spent {
                self.repeat(msg_id, Retransmit::Announced);
            }
        }
        next
    }

    // ── answers and pushes ─────────────────────────────────────────────────────────────────────

    /// Returns the message id of the answer to a call, zero if it is not written.
    pub(crate) fn answer_to(&self, call: MsgId) -> Option<MsgId> {
        self.answers.get(call).map(|place| place.msg_id)
    }

    /// Removes the answer to a call, written or not.
    pub(crate) fn remove_answer(&mut self, call: MsgId) -> Option<Outgoing> {
        let Place { order, msg_id } = *self.answers.get(call)?;
        if msg_id != UNWRITTEN {
            return self.remove(msg_id);
        }
        self.answers.remove(call);
        let lanes = self.lanes.iter_mut().map(|lane| &mut lane.unsent);
        let message = lanes.chain([&mut self.free]).find_map(|queue| queue.remove(order))?;
        self.unqueued(&message);
        self.bytes = self.bytes.saturating_sub(message.body.len());
        Some(message)
    }

    /// Replaces all pushes by one `updatesTooLong`; returns their number.
    pub(crate) fn replace_pushes(&mut self, too_long: Vec<u8>) -> usize {
        if self.too_long {
            // Nothing was pushed since.
            return 0;
        }
        let unsent: Vec<u64> = pushes(&self.free).collect();
        for order in &unsent {
            if let Some(message) = self.free.remove(*order) {
                self.unqueued(&message);
                self.bytes = self.bytes.saturating_sub(message.body.len());
            }
        }
        let sent: Vec<MsgId> = pushes(&self.sent).collect();
        for msg_id in &sent {
            self.remove(*msg_id);
        }
        self.push(Outgoing::new(too_long, MessageKind::TooLong, None));
        unsent.len().saturating_add(sent.len())
    }

    // ── state ──────────────────────────────────────────────────────────────────────────────────

    pub(crate) const fn len(&self) -> usize {
        self.unsent.saturating_add(self.sent.len())
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the number of unwritten messages.
    pub(crate) const fn unsent(&self) -> usize {
        self.unsent
    }

    /// Returns the bytes of unwritten messages, before they were packed.
    pub(crate) const fn unsent_bytes(&self) -> usize {
        self.unsent_bytes
    }

    /// Returns the memory that all messages take.
    pub(crate) const fn held_bytes(&self) -> usize {
        self.bytes.saturating_add(self.len().saturating_mul(size_of::<Outgoing>()))
    }

    /// Frees unused capacity.
    pub(crate) fn trim(&mut self) {
        self.free.trim();
        self.sent.trim();
        self.answers.trim();
        for lane in &mut self.lanes {
            lane.unsent.trim();
            let (sent, link) = (&self.sent, Some(lane.link));
            lane.carried.retain(|id| sent.get(*id).is_some_and(|message| message.link == link));
            lane.carried.shrink_to_fit();
        }
        self.lanes.shrink_to_fit();
        if self.again.is_empty() {
            self.again = BTreeSet::new();
        }
    }

    fn lane(&self, link: LinkId) -> Option<usize> {
        self.lanes.iter().position(|lane| lane.link == link)
    }

    fn queue(&self, lane: Option<usize>) -> Option<&Ordered<u64, Outgoing>> {
        match lane {
            Some(lane) => self.lanes.get(lane).map(|lane| &lane.unsent),
            None => Some(&self.free),
        }
    }

    fn queue_mut(&mut self, lane: Option<usize>) -> &mut Ordered<u64, Outgoing> {
        match lane.and_then(|lane| self.lanes.get_mut(lane)) {
            Some(lane) => &mut lane.unsent,
            None => &mut self.free,
        }
    }

    /// Records that an unwritten message left its queue.
    fn unqueued(&mut self, message: &Outgoing) {
        self.unsent = self.unsent.saturating_sub(1);
        self.unsent_bytes = self.unsent_bytes.saturating_sub(message.weight());
        self.too_long &= message.kind != MessageKind::TooLong;
    }

    /// Records which link carries a written message.
    fn carry(&mut self, link: Option<LinkId>, msg_id: MsgId) {
        let Some(lane) = link.and_then(|link| self.lane(link)) else { return };
        let (sent, Some(lane)) = (&self.sent, self.lanes.get_mut(lane)) else { return };
        if lane.carried.len() > sent.len().saturating_mul(2).saturating_add(CARRIED_SPARED) {
            let link = Some(lane.link);
            lane.carried.retain(|id| sent.get(*id).is_some_and(|message| message.link == link));
        }
        lane.carried.push_back(msg_id);
    }
}

fn pushes<K: Ord + Copy>(queue: &Ordered<K, Outgoing>) -> impl Iterator<Item = K> {
    queue.iter().filter(|(_, message)| message.is_push()).map(|(key, _)| key)
}

/// Returns the delay of a retransmission after `repeats` others.
pub(crate) fn repeat_delay(first: Duration, repeats: u8) -> Duration {
    first.saturating_mul(1 << repeats.min(16))
}

/// The id of a message that is not written.
const UNWRITTEN: MsgId = MsgId::from_raw(0);
/// The order of the notification of a new session: before all others.
const GREETING: u64 = 0;
/// Ids of acknowledged messages that are not worth a sweep.
const CARRIED_SPARED: usize = 16;
