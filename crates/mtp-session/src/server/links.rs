//! What a server keeps for each link.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use mtp_crypto::QuickAckToken;
use mtp_env::Instant;

use super::SessionName;
use super::handshake::ServerHandshake;
use crate::link::{AfterSend, Outgoing, Transmit};
use crate::session::LinkKind;
use crate::version::Version;

/// One connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) kind: LinkKind,
    /// How packets are encrypted both ways, once one has opened.
    pub(super) version: Option<Version>,
    /// The key exchanges of this link, while there are any.
    pub(super) handshake: Option<Box<ServerHandshake>>,
    /// The sessions that use the link, the most recently active last.
    pub(super) sessions: Vec<SessionName>,
    /// What the server itself has to say, ahead of every session.
    replies: VecDeque<Reply>,
    /// The link is to be closed: nothing more is read from it.
    pub(super) closing: bool,
    /// It stands in the server's list of links with something to write.
    pub(super) is_ready: bool,
    /// When the server's timer for this link is set.
    pub(super) timer: Option<Instant>,
}

/// What the server itself says on a link.
#[derive(Debug)]
pub(super) enum Reply {
    /// A sealed packet.
    Packet(Vec<u8>),
    QuickAck(QuickAckToken),
    /// A transport error, the last thing on the link.
    Error(i32),
    /// The end of the link.
    Close,
}

impl Link {
    pub(super) const fn new(kind: LinkKind) -> Self {
        Self {
            kind,
            version: None,
            handshake: None,
            sessions: Vec::new(),
            replies: VecDeque::new(),
            closing: false,
            is_ready: false,
            timer: None,
        }
    }

    /// Queues a reply; reports whether there was room.
    ///
    /// A client that does not read gets no more notifications: it will ask again.
    pub(super) fn reply(&mut self, reply: Reply) -> bool {
        let room = self.replies.len() < REPLIES_MAX;
        if room {
            self.replies.push_back(reply);
        }
        room
    }

    /// Makes a transport error the last thing on the link; `None` closes it without one.
    pub(super) fn close(&mut self, error: Option<i32>) {
        if !self.closing {
            self.closing = true;
            self.replies.push_back(error.map_or(Reply::Close, Reply::Error));
        }
    }

    pub(super) fn poll_reply(&mut self, out: &mut Vec<u8>) -> Option<Transmit> {
        let (what, then) = match self.replies.pop_front()? {
            Reply::Packet(packet) => {
                out.extend_from_slice(&packet);
                (Outgoing::Packet { quick_ack: None }, AfterSend::Keep)
            }
            Reply::QuickAck(token) => (Outgoing::QuickAck(token), AfterSend::Keep),
            Reply::Error(code) => (Outgoing::Error(code), AfterSend::Close),
            Reply::Close => (Outgoing::Nothing, AfterSend::Close),
        };
        Some(Transmit { what, then })
    }

    /// Reports whether the server itself has something to say, or could have.
    pub(super) fn has_own_words(&self) -> bool {
        self.closing || self.handshake.is_some() || !self.replies.is_empty()
    }

    /// Makes a session the most recently active one; returns the session that has to leave.
    pub(super) fn enter(&mut self, session: SessionName, max: usize) -> Option<SessionName> {
        if self.sessions.last() == Some(&session) {
            return None;
        }
        self.leave(session);
        let evicted =
            if self.sessions.len() >= max.max(1) { Some(self.sessions.remove(0)) } else { None };
        self.sessions.push(session);
        evicted
    }

    pub(super) fn leave(&mut self, session: SessionName) {
        self.sessions.retain(|other| *other != session);
    }
}

/// Replies that wait for a link to take them.
const REPLIES_MAX: usize = 32;
