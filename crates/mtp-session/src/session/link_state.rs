//! The links of a session.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use mtp_env::{Instant, Now};

use super::reply::Reply;
use crate::link::{AfterSend, LinkId, Outgoing, Transmit};
use crate::version::Version;

/// Kind of a link.
// spec: session 14
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkKind {
    /// Packets go both ways at any time.
    #[default]
    Stream,
    /// Every packet of the client is answered by one of the server. A client sends its calls on it.
    Http,
    /// The same; a client only waits for updates on it.
    HttpPoll,
}

impl LinkKind {
    /// Returns `true` if packets are paired.
    #[must_use]
    pub const fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::HttpPoll)
    }
}

/// One link of a session; `W` is what only one wing needs.
#[derive(Debug)]
pub(crate) struct Link<W> {
    pub(crate) id: LinkId,
    pub(crate) kind: LinkKind,
    /// How its packets are encrypted.
    pub(crate) version: Version,
    pub(crate) up_since: Instant,
    pub(crate) read_at: Instant,
    /// The session wants the link to be closed.
    pub(crate) closing: bool,
    /// A packet was written on it in this session.
    pub(crate) used: bool,
    replies: VecDeque<Reply>,
    /// Bytes of the replies.
    reply_bytes: usize,
    pub(crate) wing: W,
}

impl<W> Link<W> {
    pub(crate) fn replies(&self) -> usize {
        self.replies.len()
    }

    pub(crate) fn pop_reply(&mut self) -> Option<Reply> {
        let reply = self.replies.pop_front()?;
        self.reply_bytes = self.reply_bytes.saturating_sub(reply.held_bytes());
        if self.replies.is_empty() {
            self.replies.shrink_to(REPLIES_KEPT);
        }
        Some(reply)
    }

    pub(crate) fn clear_replies(&mut self) {
        self.replies.clear();
        self.reply_bytes = 0;
    }
}

/// The links of a session, in the order in which they came up.
#[derive(Debug)]
pub(crate) struct Links<W>(Vec<Link<W>>);

impl<W: Default> Links<W> {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a link; a known link starts over.
    pub(crate) fn add(&mut self, now: Now, id: LinkId, kind: LinkKind, version: Version) {
        self.remove(id);
        self.0.push(Link {
            id,
            kind,
            version,
            up_since: now.mono,
            read_at: now.mono,
            closing: false,
            used: false,
            replies: VecDeque::new(),
            reply_bytes: 0,
            wing: W::default(),
        });
    }

    pub(crate) fn remove(&mut self, id: LinkId) -> Option<Link<W>> {
        let position = self.0.iter().position(|link| link.id == id)?;
        Some(self.0.remove(position))
    }

    pub(crate) fn get(&self, id: LinkId) -> Option<&Link<W>> {
        self.0.iter().find(|link| link.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: LinkId) -> Option<&mut Link<W>> {
        self.0.iter_mut().find(|link| link.id == id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Link<W>> {
        self.0.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Link<W>> {
        self.0.iter_mut()
    }

    /// Frees unused capacity.
    pub(crate) fn trim(&mut self) {
        for link in &mut self.0 {
            link.replies.shrink_to_fit();
        }
        self.0.shrink_to_fit();
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the link that was read longest ago.
    pub(crate) fn least_read(&self) -> Option<LinkId> {
        self.0.iter().min_by_key(|link| link.read_at).map(|link| link.id)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the link on which a packet arrived last.
    pub(crate) fn latest(&self) -> Option<&Link<W>> {
        self.0.iter().filter(|link| !link.closing).max_by_key(|link| link.read_at)
    }

    /// Returns the request to close a link that is to be closed.
    pub(crate) fn closing(&self, id: LinkId) -> Option<Transmit> {
        let closing = self.get(id).is_some_and(|link| link.closing);
        closing.then_some(Transmit { what: Outgoing::Nothing, then: AfterSend::Close })
    }

    /// Queues a message for this link only.
    pub(crate) fn reply(&mut self, id: LinkId, reply: Reply) {
        if let Some(link) = self.get_mut(id)
            && link.replies.len() < REPLIES_MAX
            && link.reply_bytes < REPLY_BYTES_MAX
        {
            link.reply_bytes = link.reply_bytes.saturating_add(reply.held_bytes());
            link.replies.push_back(reply);
        }
    }

    /// Returns the bytes of all replies.
    pub(crate) fn reply_bytes(&self) -> usize {
        self.0.iter().map(|link| link.reply_bytes).sum()
    }

    /// Returns `true` if a link holds so many replies that no more should be asked for.
    pub(crate) fn is_behind(&self) -> bool {
        self.0.iter().any(|link| link.reply_bytes >= REPLY_BYTES_MAX / 2)
    }
}

/// Replies that may wait on one link. None of them is required; a client or server that asks faster than it reads gets
/// Places for replies that are kept while there are none.
const REPLIES_KEPT: usize = 64;
/// no more.
const REPLIES_MAX: usize = 2048;
/// Bytes of replies that may wait on one link, where the last one may exceed them. No packet is wanted at half of them.
const REPLY_BYTES_MAX: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use mtp_crypto::MsgId;

    use super::*;

    #[test]
    fn replies_of_a_link_are_limited_by_number() {
        let link = LinkId::new(1);
        for queued in [REPLIES_MAX - 1, REPLIES_MAX, REPLIES_MAX + 1] {
            let mut links = Links::<()>::new();
            links.add(Now::default(), link, LinkKind::Stream, Version::Two);
            for _ in 0..queued {
                links.reply(link, Reply::FutureSalts { req_msg_id: MsgId::from_raw(4), num: 1 });
            }
            assert_eq!(links.get(link).unwrap().replies(), queued.min(REPLIES_MAX));
        }
    }
}
