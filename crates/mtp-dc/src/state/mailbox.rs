//! The messages of one account, which are also its log of updates.
//!
//! Every message in a mailbox increments its state `pts`. Nothing else is part of a difference, so the
//! messages with a higher state than a client's are exactly what it missed.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use mtp_server::UserId;

/// One message in one mailbox. Both users of a chat have a copy with an id of its own.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// Positive and increasing.
    pub(crate) id: i32,
    /// The state of the mailbox after this message.
    pub(crate) pts: i32,
    /// The owner of the mailbox wrote it.
    pub(crate) out: bool,
    /// The other user of the chat; the owner in the chat with oneself.
    pub(crate) peer: UserId,
    /// Seconds since 1970.
    pub(crate) date: i32,
    pub(crate) text: Arc<str>,
    /// The sender's random id; zero for received messages.
    pub(crate) random_id: i64,
}

/// A message before it is in a mailbox.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) out: bool,
    pub(crate) peer: UserId,
    pub(crate) date: i32,
    pub(crate) text: Arc<str>,
    pub(crate) random_id: i64,
}

/// The messages of one account, oldest first.
#[derive(Debug)]
pub(crate) struct Mailbox {
    messages: VecDeque<Message>,
    bytes: usize,
    last_id: i32,
    pts: i32,
    /// The last message read in each chat.
    read: BTreeMap<UserId, i32>,
}

/// Limits of a mailbox.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MailboxLimits {
    pub(crate) messages_max: usize,
    pub(crate) bytes_max: usize,
}

/// What a client missed.
#[derive(Debug)]
pub(crate) enum Difference<'a> {
    /// These messages, and whether there are more behind them.
    Messages(Vec<&'a Message>, More),
    /// More than is kept.
    TooLong,
    /// The client's state is ahead of the mailbox's.
    Ahead,
}

/// Whether there is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum More {
    Yes,
    No,
}

/// A page of a chat.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    /// Start below this id; zero for the newest.
    pub(crate) offset_id: i32,
    /// Start below this date; zero for no bound.
    pub(crate) offset_date: i32,
    /// Then skip so many messages, or go back if negative.
    pub(crate) add_offset: i32,
    pub(crate) limit: usize,
    /// Only ids below it; zero for no bound.
    pub(crate) max_id: i32,
    /// Only ids above it.
    pub(crate) min_id: i32,
}

/// The state of a mailbox before its first message. Clients take zero for "unknown": TDLib ignores an
/// update that leads to state 1.
const PTS_FIRST: i32 = 1;

impl Default for Mailbox {
    fn default() -> Self {
        Self {
            messages: VecDeque::new(),
            bytes: 0,
            last_id: 0,
            pts: PTS_FIRST,
            read: BTreeMap::new(),
        }
    }
}

impl Mailbox {
    /// Adds a message; the oldest ones are dropped if there is no room.
    ///
    /// State and ids saturate at 2^31 − 1, which no mailbox reaches.
    pub(crate) fn put(&mut self, draft: Draft, limits: MailboxLimits) -> Message {
        self.last_id = self.last_id.saturating_add(1);
        self.pts = self.pts.saturating_add(1);
        let Draft { out, peer, date, text, random_id } = draft;
        let message = Message { id: self.last_id, pts: self.pts, out, peer, date, text, random_id };
        self.bytes = self.bytes.saturating_add(cost(&message));
        self.messages.push_back(message.clone());
        while self.messages.len() > limits.messages_max || self.bytes > limits.bytes_max {
            let Some(oldest) = self.messages.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(cost(&oldest));
        }
        message
    }

    /// Marks a chat as read up to a message.
    pub(crate) fn read(&mut self, peer: UserId, max_id: i32) {
        if self.messages.iter().any(|message| message.peer == peer) {
            let up_to = max_id.min(self.last_id);
            let read = self.read.entry(peer).or_default();
            *read = up_to.max(*read);
        }
    }

    /// Returns the state: the number of updates plus one.
    pub(crate) const fn pts(&self) -> i32 {
        self.pts
    }

    /// Returns the last message read in a chat.
    pub(crate) fn read_up_to(&self, peer: UserId) -> i32 {
        self.read.get(&peer).copied().unwrap_or_default()
    }

    /// Counts the unread messages of a chat.
    pub(crate) fn unread(&self, peer: UserId) -> usize {
        let read = self.read_up_to(peer);
        self.messages.iter().filter(|at| at.peer == peer && !at.out && at.id > read).count()
    }

    /// Counts the unread messages of all chats.
    pub(crate) fn unread_in_all(&self) -> usize {
        self.messages.iter().filter(|at| !at.out && at.id > self.read_up_to(at.peer)).count()
    }

    /// Returns `true` if a kept message was sent with this random id.
    pub(crate) fn has_random_id(&self, random_id: i64) -> bool {
        self.messages.iter().rev().any(|message| message.out && message.random_id == random_id)
    }

    /// Returns the messages after a state, at most `max`.
    pub(crate) fn since(&self, pts: i32, max: usize) -> Difference<'_> {
        if pts < 0 || pts > self.pts {
            return Difference::Ahead;
        }
        let pts = pts.max(PTS_FIRST);
        let kept_since =
            self.messages.front().map_or(self.pts, |oldest| oldest.pts.saturating_sub(1));
        if pts < kept_since {
            return Difference::TooLong;
        }
        let mut messages = self.messages.iter().filter(|message| message.pts > pts);
        let some = messages.by_ref().take(max.max(1)).collect();
        let more = if messages.next().is_some() { More::Yes } else { More::No };
        Difference::Messages(some, more)
    }

    /// Returns the newest message of one chat.
    pub(crate) fn newest(&self, peer: UserId) -> Option<&Message> {
        self.messages.iter().rev().find(|message| message.peer == peer)
    }

    /// Returns the newest message of every chat, newest first.
    pub(crate) fn chats(&self) -> Vec<&Message> {
        let mut newest = BTreeMap::new();
        for message in &self.messages {
            newest.insert(message.peer, message);
        }
        let mut chats: Vec<_> = newest.into_values().collect();
        chats.sort_unstable_by_key(|message| core::cmp::Reverse(message.id));
        chats
    }

    /// Returns a page of a chat, newest first, and how many messages the chat has in all.
    pub(crate) fn history(&self, peer: UserId, page: Page) -> (Vec<&Message>, usize) {
        let of_chat: Vec<&Message> =
            self.messages.iter().rev().filter(|message| message.peer == peer).collect();
        let starts = |message: &Message| {
            (page.offset_id <= 0 || message.id < page.offset_id)
                && (page.offset_date <= 0 || message.date < page.offset_date)
        };
        let start = of_chat.iter().take_while(|message| !starts(message)).count();
        let start = i64::try_from(start).unwrap_or(i64::MAX).saturating_add(page.add_offset.into());
        // A page that begins before the newest message is cut off there.
        let before = usize::try_from(start.min(0).saturating_neg()).unwrap_or(usize::MAX);
        let skipped = usize::try_from(start.max(0)).unwrap_or(usize::MAX);
        let limit = page.limit.saturating_sub(before);
        let in_bounds = |message: &&&Message| {
            (page.max_id <= 0 || message.id < page.max_id) && message.id > page.min_id
        };
        let count = of_chat.len();
        let some = of_chat.iter().skip(skipped).take(limit).filter(in_bounds).copied().collect();
        (some, count)
    }

    /// Returns a message by its id.
    pub(crate) fn get(&self, id: i32) -> Option<&Message> {
        let at = self.messages.binary_search_by_key(&id, |message| message.id).ok()?;
        self.messages.get(at)
    }
}

/// Returns the bytes that a message is counted with: its text and its overhead.
fn cost(message: &Message) -> usize {
    message.text.len().saturating_add(MESSAGE_COST)
}

/// The overhead that a message is counted with.
const MESSAGE_COST: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: MailboxLimits = MailboxLimits { messages_max: 10, bytes_max: 10_000 };
    const ALL: Page =
        Page { offset_id: 0, offset_date: 0, add_offset: 0, limit: 100, max_id: 0, min_id: 0 };

    fn draft(peer: i64, text: &str) -> Draft {
        let peer = UserId::new(peer);
        Draft { out: false, peer, date: 5, text: text.into(), random_id: 0 }
    }

    fn filled(count: usize) -> Mailbox {
        let mut mailbox = Mailbox::default();
        for _ in 0..count {
            mailbox.put(draft(1, "text"), LIMITS);
        }
        mailbox
    }

    fn ids(messages: &[&Message]) -> Vec<i32> {
        messages.iter().map(|message| message.id).collect()
    }

    #[track_caller]
    fn check_page(page: Page, expected: &[i32]) {
        assert_eq!(ids(&filled(9).history(UserId::new(1), page).0), expected);
    }

    #[test]
    fn the_oldest_messages_are_dropped_at_each_limit() {
        assert_eq!(filled(10).history(UserId::new(1), ALL).1, 10);
        assert_eq!(filled(11).history(UserId::new(1), ALL).1, 10);
        let text = "x".repeat(10_000 / 2 - MESSAGE_COST);
        let mut mailbox = Mailbox::default();
        for kept in [1, 2, 2] {
            mailbox.put(draft(1, &text), LIMITS);
            assert_eq!(mailbox.messages.len(), kept);
        }
        mailbox.put(draft(1, &"x".repeat(10_000)), LIMITS);
        assert_eq!((mailbox.messages.len(), mailbox.bytes), (0, 0));
    }

    #[test]
    fn a_difference_is_the_messages_after_a_state() {
        let mailbox = filled(12); // 3..=12 are kept; the state is one ahead
        assert!(matches!(mailbox.since(14, 5), Difference::Ahead));
        assert!(matches!(mailbox.since(-1, 5), Difference::Ahead));
        assert!(matches!(mailbox.since(2, 5), Difference::TooLong));
        let Difference::Messages(some, More::Yes) = mailbox.since(3, 5) else { panic!() };
        assert_eq!(ids(&some), [3, 4, 5, 6, 7]);
        let Difference::Messages(some, More::No) = mailbox.since(8, 5) else { panic!() };
        assert_eq!(ids(&some), [8, 9, 10, 11, 12]);
        let Difference::Messages(none, More::No) = mailbox.since(13, 5) else { panic!() };
        assert!(none.is_empty());
    }

    #[test]
    fn a_page_follows_its_offsets_and_bounds() {
        check_page(Page { limit: 3, ..ALL }, &[9, 8, 7]);
        check_page(Page { offset_id: 7, limit: 2, ..ALL }, &[6, 5]);
        check_page(Page { offset_id: 7, add_offset: 2, limit: 2, ..ALL }, &[4, 3]);
        check_page(Page { offset_id: 7, add_offset: -2, limit: 4, ..ALL }, &[8, 7, 6, 5]);
        check_page(Page { add_offset: -2, limit: 4, ..ALL }, &[9, 8]);
        check_page(Page { min_id: 6, max_id: 9, ..ALL }, &[8, 7]);
        check_page(Page { offset_date: 5, ..ALL }, &[]);
        check_page(Page { add_offset: i32::MIN, ..ALL }, &[]);
        check_page(Page { add_offset: i32::MAX, ..ALL }, &[]);
    }

    #[test]
    fn chats_count_their_unread_messages() {
        let mut mailbox = filled(3);
        mailbox.put(draft(2, "other"), LIMITS);
        assert_eq!(ids(&mailbox.chats()), [4, 3]);
        let (one, other) = (UserId::new(1), UserId::new(2));
        assert_eq!((mailbox.unread(one), mailbox.unread(other)), (3, 1));
        mailbox.read(one, 2);
        mailbox.read(one, 1);
        mailbox.read(other, i32::MAX);
        mailbox.read(UserId::new(3), 1);
        assert_eq!((mailbox.unread(one), mailbox.unread(other)), (1, 0));
        assert_eq!((mailbox.read_up_to(one), mailbox.read_up_to(other)), (2, 4));
        assert_eq!((mailbox.read.len(), mailbox.unread_in_all()), (2, 1));
        assert_eq!(mailbox.get(4).map(|message| &*message.text), Some("other"));
        assert!(mailbox.get(5).is_none());
    }
}
