//! What a session knows of each of its links.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use mtp_crypto::MsgId;
use mtp_env::{Instant, Now};

use super::reply::Reply;
use crate::link::{AfterSend, LinkId, Outgoing, Transmit};
use crate::service::HttpWait;
use crate::version::Version;

/// What kind of link carries a session.
// spec: session 14
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkKind {
    /// Packets go both ways at any time.
    #[default]
    Stream,
    /// Every packet of the client is answered by one of the server. A client sends its calls here.
    Http,
    /// The same; a client only waits for news here.
    HttpPoll,
}

impl LinkKind {
    /// Reports whether packets are paired.
    #[must_use]
    pub const fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::HttpPoll)
    }
}

/// One link of a session.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) id: LinkId,
    pub(crate) kind: LinkKind,
    /// How its packets are encrypted.
    pub(crate) version: Version,
    pub(crate) up_since: Instant,
    pub(crate) read_at: Instant,
    /// The link is to be closed once that is told.
    pub(crate) closing: bool,
    /// A packet was written on it in this session.
    pub(crate) used: bool,
    pub(crate) replies: VecDeque<Reply>,
    /// Client over HTTP: a packet is out and its answer is not in; when it is given up.
    pub(crate) busy_until: Option<Instant>,
    pub(crate) pings: Pings,
    /// Server: when the link is to be closed for want of `ping_delay_disconnect`.
    pub(crate) disconnect_at: Option<Instant>,
    /// Server over HTTP: the packet that waits for its answer.
    pub(crate) held: Option<Held>,
}

/// Client: the pings of one link.
#[derive(Debug, Default)]
pub(crate) struct Pings {
    /// Pings without answer, oldest first.
    pub(crate) out: Vec<PingOut>,
    /// When the last one was written.
    pub(crate) last: Option<Instant>,
    /// A ping is to be written at the next opportunity.
    pub(crate) due: bool,
    /// The application waits for a pong.
    pub(crate) asked: bool,
    /// Spreads the pings of many links; drawn at the first packet.
    pub(crate) jitter: Duration,
    /// The measured time for the way there and back.
    pub(crate) rtt: Option<Duration>,
    /// Since when calls are out, as far as the timers have noticed.
    pub(crate) active_since: Option<Instant>,
}

/// A ping without answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PingOut {
    pub(crate) msg_id: MsgId,
    pub(crate) ping_id: u64,
    pub(crate) at: Instant,
}

/// Server over HTTP: a packet that waits for its answer.
// spec: session 14
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) since: Instant,
    pub(crate) wait: HttpWait,
    /// When the first and the latest message for the answer were made.
    pub(crate) queued: Option<(Instant, Instant)>,
    /// The time for the answer has come and was told; whether the link can take it is up to its driver.
    pub(crate) is_due: bool,
}

impl Held {
    pub(crate) const fn new(now: Now, wait: HttpWait) -> Self {
        Self { since: now.mono, wait, queued: None, is_due: false }
    }
}

impl Link {
    pub(crate) fn new(now: Now, id: LinkId, kind: LinkKind, version: Version) -> Self {
        Self {
            id,
            kind,
            version,
            up_since: now.mono,
            read_at: now.mono,
            closing: false,
            used: false,
            replies: VecDeque::new(),
            busy_until: None,
            pings: Pings::default(),
            disconnect_at: None,
            held: None,
        }
    }
}

/// The links of a session, in the order in which they came up.
#[derive(Debug, Default)]
pub(crate) struct Links(Vec<Link>);

impl Links {
    /// Adds a link; one that is known begins anew.
    pub(crate) fn add(&mut self, now: Now, id: LinkId, kind: LinkKind, version: Version) {
        self.remove(id);
        self.0.push(Link::new(now, id, kind, version));
    }

    pub(crate) fn remove(&mut self, id: LinkId) -> Option<Link> {
        let position = self.0.iter().position(|link| link.id == id)?;
        Some(self.0.remove(position))
    }

    pub(crate) fn get(&self, id: LinkId) -> Option<&Link> {
        self.0.iter().find(|link| link.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: LinkId) -> Option<&mut Link> {
        self.0.iter_mut().find(|link| link.id == id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Link> {
        self.0.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Link> {
        self.0.iter_mut()
    }

    /// Frees room that nothing fills.
    pub(crate) fn trim(&mut self) {
        for link in &mut self.0 {
            link.replies.shrink_to_fit();
            link.pings.out.shrink_to_fit();
        }
        self.0.shrink_to_fit();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the link that was read from last.
    pub(crate) fn latest(&self) -> Option<&Link> {
        self.0.iter().filter(|link| !link.closing).max_by_key(|link| link.read_at)
    }

    /// Returns the request to close a link that is to be closed.
    pub(crate) fn closing(&self, id: LinkId) -> Option<Transmit> {
        let closing = self.get(id).is_some_and(|link| link.closing);
        closing.then_some(Transmit { what: Outgoing::Nothing, then: AfterSend::Close })
    }

    /// Queues a message that goes by this link or not at all.
    pub(crate) fn reply(&mut self, id: LinkId, reply: Reply) {
        if let Some(link) = self.get_mut(id)
            && link.replies.len() < REPLIES_MAX
        {
            link.replies.push_back(reply);
        }
    }
}

/// Replies that may wait on one link. None of them must be delivered, and a peer that asks faster than it
/// reads gets no more.
const REPLIES_MAX: usize = 2048;
