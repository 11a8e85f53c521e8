//! One link and the machine behind it: bytes to packets and back.

use alloc::vec::Vec;

use mtp_crypto::QuickAckToken;
use mtp_env::{Deadline, Now};
use mtp_session::link::QuickAck;
use mtp_session::session::LinkKind;
use mtp_session::{AfterSend, BatchLimits, LinkId, Outgoing, Transmit};
use mtp_transport::link::Mark;
use mtp_transport::{Frame, FrameFlags, TransportCode};

use crate::error::ConnectionError;
use crate::wire::Wire;

/// What a client and a server of any kind offer to their links.
pub(crate) trait Peer {
    fn link_up(&mut self, now: Now, link: LinkId, kind: LinkKind);
    fn link_down(&mut self, now: Now, link: LinkId);
    fn handle_packet(
        &mut self,
        now: Now,
        link: LinkId,
        packet: &mut [u8],
        quick_ack: QuickAck,
    ) -> Result<(), ConnectionError>;
    fn handle_quick_ack(&mut self, now: Now, link: LinkId, token: QuickAckToken);
    fn handle_transport_error(&mut self, now: Now, link: LinkId, code: TransportCode);
    fn poll_transmit(&mut self, now: Now, link: LinkId, out: &mut Vec<u8>) -> Option<Transmit>;
    fn poll_transmit_batch(
        &mut self,
        now: Now,
        link: LinkId,
        limits: BatchLimits,
        out: &mut Vec<u8>,
        packets: &mut Vec<(usize, Transmit)>,
    );
    fn poll_timeout(&self) -> Option<Deadline>;
    fn handle_timeout(&mut self, now: Now);
}

/// A link on its way through its life.
#[derive(Debug)]
pub(crate) struct Pipe<L> {
    id: LinkId,
    wire: L,
    state: State,
    /// The peer knows of the link: a server's does once it is known what the client speaks.
    announced: bool,
    /// What the peer is told the link is, if not what its wire says.
    kind: Option<LinkKind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// Nothing is read any more; what was to be written last still can be.
    Draining,
    /// Everything is written: the socket is to be closed.
    Closed,
}

impl<L: Wire> Pipe<L> {
    pub(crate) fn new(now: Now, id: LinkId, wire: L, peer: &mut impl Peer) -> Self {
        let mut pipe = Self { id, wire, state: State::Open, announced: false, kind: None };
        pipe.announce(now, peer);
        pipe
    }

    /// Makes a pipe of a kind that its wire cannot know.
    pub(crate) fn of_kind(
        now: Now,
        id: LinkId,
        wire: L,
        kind: LinkKind,
        peer: &mut impl Peer,
    ) -> Self {
        let mut pipe = Self { id, wire, state: State::Open, announced: false, kind: Some(kind) };
        pipe.announce(now, peer);
        pipe
    }

    pub(crate) fn wire(&self) -> &L {
        &self.wire
    }

    pub(crate) fn wire_mut(&mut self) -> &mut L {
        &mut self.wire
    }

    /// Returns room for at least `min` received bytes, to be reported with [`Self::filled`].
    pub(crate) fn spare(&mut self, min: usize) -> &mut [u8] {
        self.wire.spare(min)
    }

    /// Takes `len` bytes that were written into the room given by [`Self::spare`].
    pub(crate) fn filled(
        &mut self,
        now: Now,
        len: usize,
        peer: &mut impl Peer,
    ) -> Result<(), ConnectionError> {
        if self.state != State::Open {
            return Ok(());
        }
        self.wire.filled(len);
        self.drain_frames(now, peer)
    }

    /// Takes bytes out of a buffer of the caller's.
    pub(crate) fn handle_bytes(
        &mut self,
        now: Now,
        mut bytes: &[u8],
        peer: &mut impl Peer,
    ) -> Result<(), ConnectionError> {
        while !bytes.is_empty() && self.state == State::Open {
            let room = self.wire.spare(bytes.len().min(READ_LEN));
            let len = room.len().min(bytes.len());
            let (now_taken, later) = bytes.split_at(len);
            for (to, from) in room.iter_mut().zip(now_taken) {
                *to = *from;
            }
            bytes = later;
            self.filled(now, len, peer)?;
        }
        Ok(())
    }

    /// The peer sends nothing any more.
    pub(crate) fn handle_eof(
        &mut self,
        now: Now,
        peer: &mut impl Peer,
    ) -> Result<(), ConnectionError> {
        if self.state != State::Open {
            return Ok(());
        }
        let outcome = self.wire.handle_eof().map_err(ConnectionError::Link);
        let drained = self.drain_frames(now, peer);
        self.close(now, peer);
        outcome.and(drained)
    }

    /// Appends what is to be written and reports whether that was anything.
    ///
    /// Stops between packets once [`TRANSMIT_LEN`] bytes are there, so that a caller's buffer stays
    /// within that and one packet.
    pub(crate) fn poll_transmit(
        &mut self,
        now: Now,
        out: &mut Vec<u8>,
        peer: &mut impl Peer,
    ) -> bool {
        let before = out.len();
        self.wire.poll_transmit(now, out);
        while self.state == State::Open
            && self.wire.can_send()
            && out.len().saturating_sub(before) < TRANSMIT_LEN
        {
            if !self.transmit_one(now, out, peer) {
                break;
            }
            self.transmit_more(now, out, before, peer);
        }
        // Over HTTP another request may wait behind the one that has its answer now, or is held for nothing.
        if self.state == State::Open && (!self.wire.can_send() || self.wire.make_way()) {
            self.wire.poll_transmit(now, out);
            // Its sender is told what is wrong with it; nobody else asked for it here.
            drop(self.drain_frames(now, peer));
            self.wire.poll_transmit(now, out);
        }
        if self.state == State::Draining && out.len() == before {
            self.state = State::Closed;
        }
        out.len() > before
    }

    pub(crate) fn poll_timeout(&self) -> Option<Deadline> {
        (self.state == State::Open).then(|| self.wire.poll_timeout()).flatten()
    }

    pub(crate) fn handle_timeout(
        &mut self,
        now: Now,
        peer: &mut impl Peer,
    ) -> Result<(), ConnectionError> {
        if self.state != State::Open {
            return Ok(());
        }
        self.wire.handle_timeout(now);
        self.drain_frames(now, peer)
    }

    /// Ends the link from our side.
    pub(crate) fn close(&mut self, now: Now, peer: &mut impl Peer) {
        if self.state == State::Open {
            self.state = State::Draining;
            if self.announced {
                peer.link_down(now, self.id);
            }
        }
    }

    /// Reports whether the peer knows of the link.
    pub(crate) fn is_announced(&self) -> bool {
        self.announced
    }

    /// Reports whether everything is written and the socket is to be closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Reports whether nothing more is read.
    pub(crate) fn is_ending(&self) -> bool {
        self.state != State::Open
    }

    /// Hands every whole frame to the peer.
    ///
    /// A packet that the peer refuses does not end the link here: the peer says so itself, with
    /// what it wants written last. The first refusal is reported.
    fn drain_frames(&mut self, now: Now, peer: &mut impl Peer) -> Result<(), ConnectionError> {
        let mut outcome = Ok(());
        loop {
            self.announce(now, peer);
            match self.wire.next_frame(now) {
                Ok(Some(Frame::Packet { bytes, quick_ack })) => {
                    let quick_ack = if quick_ack { QuickAck::Wanted } else { QuickAck::NotWanted };
                    let handled = peer.handle_packet(now, self.id, bytes, quick_ack);
                    outcome = outcome.and(handled);
                }
                Ok(Some(Frame::QuickAck(token))) => peer.handle_quick_ack(now, self.id, token),
                Ok(Some(Frame::Error(code))) => peer.handle_transport_error(now, self.id, code),
                Ok(None) => break,
                Err(why) => {
                    self.close(now, peer);
                    return outcome.and(Err(ConnectionError::Link(why)));
                }
            }
        }
        if self.wire.is_closed() {
            self.close(now, peer);
        }
        outcome
    }

    /// Tells the peer of the link as soon as its kind is known.
    fn announce(&mut self, now: Now, peer: &mut impl Peer) {
        if self.announced || self.state != State::Open {
            return;
        }
        if let Some(kind) = self.kind.or_else(|| self.wire.kind(now)) {
            self.announced = true;
            peer.link_up(now, self.id, kind);
        }
    }

    /// Moves one packet from the peer to the wire; `false` when there was none.
    fn transmit_one(&mut self, now: Now, out: &mut Vec<u8>, peer: &mut impl Peer) -> bool {
        let mark = self.wire.begin(out);
        let Some(Transmit { what, then }) = peer.poll_transmit(now, self.id, out) else {
            self.wire.cancel(out, mark);
            return false;
        };
        self.finish(now, out, mark, Transmit { what, then }, peer);
        true
    }

    /// Moves what follows a first packet, encrypted together: a link that has much to say has it at once.
    fn transmit_more(&mut self, now: Now, out: &mut Vec<u8>, before: usize, peer: &mut impl Peer) {
        let bytes = TRANSMIT_LEN.saturating_sub(out.len().saturating_sub(before));
        if self.state != State::Open || !self.wire.can_send() {
            return;
        }
        let limits = BatchLimits { packets: BATCH_PACKETS, bytes };
        // Room is taken only if there is more, so that links with little to say own none.
        let (mut batch, mut packets) = (Vec::new(), Vec::new());
        peer.poll_transmit_batch(now, self.id, limits, &mut batch, &mut packets);
        let (mut rest, mut start) = (batch.as_slice(), 0);
        for (end, transmit) in packets {
            let (packet, later) = rest.split_at(end.saturating_sub(start).min(rest.len()));
            (rest, start) = (later, end);
            let mark = self.wire.begin(out);
            out.extend_from_slice(packet);
            self.finish(now, out, mark, transmit, peer);
        }
    }

    /// Frames what the peer has appended behind a mark, or does what it wants done instead.
    fn finish(
        &mut self,
        now: Now,
        out: &mut Vec<u8>,
        mark: Mark,
        Transmit { what, then }: Transmit,
        peer: &mut impl Peer,
    ) {
        let sent = match what {
            Outgoing::Packet { quick_ack } => {
                let flags = FrameFlags { quick_ack: quick_ack.is_some() };
                self.wire.finish(now, out, mark, flags)
            }
            Outgoing::Error(code) => {
                self.wire.cancel(out, mark);
                match TransportCode::new(code) {
                    Some(code) => self.wire.error(now, code, out),
                    None => Ok(()),
                }
            }
            Outgoing::QuickAck(token) => {
                self.wire.cancel(out, mark);
                self.wire.quick_ack(now, token, out)
            }
            _ => {
                self.wire.cancel(out, mark);
                Ok(())
            }
        };
        // What cannot be framed was refused by the session's own, lower limit before; the link
        // cannot go on in step with its peer, so it ends.
        if sent.is_err() || then == AfterSend::Close {
            self.close(now, peer);
        }
    }
}

/// Bytes asked of the link's buffer at once: a few network packets.
const READ_LEN: usize = 16 * 1024;

/// Bytes after which one call of `poll_transmit` appends no further packet: whoever gets less has got all
/// there is for now.
pub const TRANSMIT_LEN: usize = 64 * 1024;

/// Packets encrypted together: as many as the cipher interleaves.
const BATCH_PACKETS: usize = 8;
