//! State of a link at a server.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use mtp_crypto::QuickAckToken;
use mtp_env::Instant;

use super::SessionName;
use super::handshake::ServerHandshake;
use crate::link::{AfterSend, NetworkId, Outgoing, Transmit};
use crate::session::LinkKind;
use crate::version::Version;

/// A connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) kind: LinkKind,
    /// Network that it comes from.
    pub(super) network: NetworkId,
    /// Version of encryption, known after the first decrypted packet.
    pub(super) version: Option<Version>,
    /// Key exchanges of this link, while there are any.
    pub(super) handshake: Option<Box<ServerHandshake>>,
    /// Sessions that use the link, the most recently active last.
    pub(super) sessions: Vec<SessionName>,
    /// Replies of the server itself, which take precedence over all sessions.
    replies: VecDeque<Reply>,
    /// The link is being closed; further input is ignored.
    pub(super) closing: bool,
    /// The link is in the server's queue of links with output.
    pub(super) is_ready: bool,
    /// Deadline of its timer.
    pub(super) timer: Option<Instant>,
}

/// Reply of the server itself.
#[derive(Debug)]
pub(super) enum Reply {
    /// A sealed packet.
    Packet(Vec<u8>),
    QuickAck(QuickAckToken),
    /// A transport error, after which the link is closed.
    Error(i32),
    /// Close the link.
    Close,
}

impl Link {
    pub(super) const fn new(kind: LinkKind, network: NetworkId) -> Self {
        Self {
            kind,
            network,
            version: None,
            handshake: None,
            sessions: Vec::new(),
            replies: VecDeque::new(),
            closing: false,
            is_ready: false,
            timer: None,
        }
    }

    /// Queues a reply. Returns `true` if there was room.
    ///
    /// Replies to a client that does not read are dropped; it will retry.
    pub(super) fn reply(&mut self, reply: Reply) -> bool {
        let room = self.replies.len() < REPLIES_MAX;
        if room {
            self.replies.push_back(reply);
        }
        room
    }

    /// Returns `true` if the link is to be closed, by the machine or by a failed key exchange.
    pub(super) fn is_closing(&self) -> bool {
        self.closing || self.handshake.as_deref().is_some_and(ServerHandshake::is_closed)
    }

    /// Closes the link after a transport error, if one is given.
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

    /// Returns `true` if the server itself has or may have something to send.
    pub(super) fn has_own_output(&self) -> bool {
        self.closing || self.handshake.is_some() || !self.replies.is_empty()
    }

    /// Makes a session the most recently active one. Returns the session that is detached for it.
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

/// Maximum number of queued replies.
const REPLIES_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unread_replies_are_limited_and_the_end_of_a_link_is_not() {
        let mut link = Link::new(LinkKind::Stream, NetworkId::default());
        for queued in 1..=REPLIES_MAX + 1 {
            assert_eq!(link.reply(Reply::Packet(Vec::new())), queued <= REPLIES_MAX, "{queued}");
        }
        link.close(Some(-404));
        let mut out = Vec::new();
        for _ in 0..REPLIES_MAX {
            assert_eq!(link.poll_reply(&mut out).map(|it| it.then), Some(AfterSend::Keep));
        }
        let last = link.poll_reply(&mut out);
        assert_eq!(
            last.map(|it| (it.what, it.then)),
            Some((Outgoing::Error(-404), AfterSend::Close))
        );
        assert_eq!(link.poll_reply(&mut out).map(|it| it.then), None);
    }
}
