//! One link and the machine behind it: bytes to packets and back.

use alloc::vec::Vec;

use mtp_crypto::QuickAckToken;
use mtp_env::{Deadline, Now};
use mtp_session::link::{AfterSend, BatchLimits, LinkId, NetworkId, Outgoing, QuickAck, Transmit};
use mtp_session::session::LinkKind;
use mtp_transport::code::TransportCode;
use mtp_transport::framing::{Frame, FrameFlags};
use mtp_transport::link::PacketMark;

use crate::error::ConnectionError;
use crate::wire::Wire;

/// The verbs of a machine that its links use.
pub(crate) trait Machine {
    fn link_up(&mut self, now: Now, link: LinkId, kind: LinkKind, network: NetworkId);
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
    /// Returns `true` if the machine is about to close the link.
    fn is_closing(&self, link: LinkId) -> bool;
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

/// A link and its state.
#[derive(Debug)]
pub(crate) struct Pipe<L> {
    id: LinkId,
    wire: L,
    state: State,
    /// The machine knows the link. A server's machine does once the client's transport is known.
    announced: bool,
    /// The kind that is announced to the machine, if it differs from the wire's.
    kind: Option<LinkKind>,
    /// The network that a server's link comes from.
    network: NetworkId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// Nothing is read any more; the machine has its last output to write, then closes the link.
    Deaf,
    /// Nothing is read any more; the last output can still be written.
    Draining,
    /// Everything is written; the socket is to be closed.
    Closed,
}

impl<L: Wire> Pipe<L> {
    pub(crate) fn new(now: Now, id: LinkId, wire: L, machine: &mut impl Machine) -> Self {
        Self::with(now, id, wire, None, machine)
    }

    /// Creates a pipe of a kind that its wire cannot know.
    pub(crate) fn of_kind(
        now: Now,
        id: LinkId,
        wire: L,
        kind: LinkKind,
        machine: &mut impl Machine,
    ) -> Self {
        Self::with(now, id, wire, Some(kind), machine)
    }

    fn with(
        now: Now,
        id: LinkId,
        wire: L,
        kind: Option<LinkKind>,
        machine: &mut impl Machine,
    ) -> Self {
        let (state, network) = (State::Open, NetworkId::default());
        let mut pipe = Self { id, wire, state, announced: false, kind, network };
        pipe.announce(now, machine);
        pipe
    }

    /// Sets the network that the link comes from, until the machine knows the link.
    pub(crate) const fn set_network(&mut self, network: NetworkId) {
        self.network = network;
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

    /// Handles `len` bytes that were written into [`Self::spare`].
    pub(crate) fn filled(
        &mut self,
        now: Now,
        len: usize,
        machine: &mut impl Machine,
    ) -> Result<(), ConnectionError> {
        if self.state != State::Open {
            return Ok(());
        }
        self.wire.filled(len);
        self.drain_frames(now, machine)
    }

    /// Handles bytes from a buffer of the caller's.
    pub(crate) fn handle_bytes(
        &mut self,
        now: Now,
        mut bytes: &[u8],
        machine: &mut impl Machine,
    ) -> Result<(), ConnectionError> {
        while !bytes.is_empty() && self.state == State::Open {
            let room = self.wire.spare(bytes.len().min(READ_LEN));
            let len = room.len().min(bytes.len());
            let (now_taken, later) = bytes.split_at(len);
            for (to, from) in room.iter_mut().zip(now_taken) {
                *to = *from;
            }
            bytes = later;
            self.filled(now, len, machine)?;
        }
        Ok(())
    }

    /// Handles the end of input.
    pub(crate) fn handle_eof(
        &mut self,
        now: Now,
        machine: &mut impl Machine,
    ) -> Result<(), ConnectionError> {
        if self.state != State::Open {
            // In `Deaf` the machine still closes the link itself.
            return Ok(());
        }
        let outcome = self.wire.handle_eof().map_err(ConnectionError::Link);
        let drained = self.drain_frames(now, machine);
        self.close(now, machine);
        outcome.and(drained)
    }

    /// Appends output; returns `true` if there was any.
    ///
    /// Stops between packets once [`TRANSMIT_LEN`] bytes are appended, which bounds the caller's buffer
    /// to that and one packet.
    pub(crate) fn poll_transmit(
        &mut self,
        now: Now,
        out: &mut Vec<u8>,
        machine: &mut impl Machine,
    ) -> bool {
        let before = out.len();
        self.wire.poll_transmit(now, out);
        while self.is_up()
            && self.wire.can_send()
            && out.len().saturating_sub(before) < TRANSMIT_LEN
        {
            if !self.transmit_one(now, out, machine) {
                break;
            }
            self.transmit_more(now, out, before, machine);
        }
        // Over HTTP another request may wait behind the one that is answered now, or that is held
        // although there is nothing to say.
        if self.state == State::Open && (!self.wire.can_send() || self.wire.make_way()) {
            self.wire.poll_transmit(now, out);
            // The client learns what is wrong with it; the caller of this verb gave no input.
            drop(self.drain_frames(now, machine));
            self.wire.poll_transmit(now, out);
        }
        if self.state == State::Deaf && !self.wire.can_send() {
            // Over HTTP without a request there is no way to say more.
            self.close(now, machine);
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
        machine: &mut impl Machine,
    ) -> Result<(), ConnectionError> {
        if self.state != State::Open {
            return Ok(());
        }
        self.wire.handle_timeout(now);
        self.drain_frames(now, machine)
    }

    /// Ends the link from our side.
    pub(crate) fn close(&mut self, now: Now, machine: &mut impl Machine) {
        if self.is_up() {
            self.state = State::Draining;
            if self.announced {
                machine.link_down(now, self.id);
            }
        }
    }

    /// Returns `true` if the machine knows the link.
    pub(crate) fn is_announced(&self) -> bool {
        self.announced
    }

    /// Returns `true` if everything is written and the socket is to be closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Returns `true` if the machine may have output for the link.
    fn is_up(&self) -> bool {
        matches!(self.state, State::Open | State::Deaf)
    }

    /// Returns `true` if nothing more is read.
    pub(crate) fn is_ending(&self) -> bool {
        self.state != State::Open
    }

    /// Passes whole frames to the machine, until one makes it close the link.
    ///
    /// Nothing behind that one is used, in the same read or later, so that it does not matter how the
    /// stream is cut. The machine closes the link itself, after its last output. The first error is
    /// returned.
    fn drain_frames(
        &mut self,
        now: Now,
        machine: &mut impl Machine,
    ) -> Result<(), ConnectionError> {
        let mut outcome = Ok(());
        loop {
            self.announce(now, machine);
            if machine.is_closing(self.id) {
                self.state = State::Deaf;
                return outcome;
            }
            match self.wire.next_frame(now) {
                Ok(Some(Frame::Packet { bytes, quick_ack })) => {
                    let quick_ack = if quick_ack { QuickAck::Wanted } else { QuickAck::NotWanted };
                    let handled = machine.handle_packet(now, self.id, bytes, quick_ack);
                    outcome = outcome.and(handled);
                }
                Ok(Some(Frame::QuickAck(token))) => machine.handle_quick_ack(now, self.id, token),
                Ok(Some(Frame::Error(code))) => machine.handle_transport_error(now, self.id, code),
                Ok(None) => break,
                Err(why) => {
                    self.close(now, machine);
                    return outcome.and(Err(ConnectionError::Link(why)));
                }
            }
        }
        if self.wire.is_closed() {
            self.close(now, machine);
        }
        outcome
    }

    /// Announces the link to the machine as soon as its kind is known.
    fn announce(&mut self, now: Now, machine: &mut impl Machine) {
        if self.announced || self.state != State::Open {
            return;
        }
        if let Some(kind) = self.kind.or_else(|| self.wire.kind(now)) {
            self.announced = true;
            machine.link_up(now, self.id, kind, self.network);
        }
    }

    /// Moves one packet from the machine to the wire; returns `false` if there was none.
    fn transmit_one(&mut self, now: Now, out: &mut Vec<u8>, machine: &mut impl Machine) -> bool {
        let mark = self.wire.begin(out);
        let Some(Transmit { what, then }) = machine.poll_transmit(now, self.id, out) else {
            self.wire.cancel(out, mark);
            return false;
        };
        self.finish(now, out, mark, Transmit { what, then }, machine);
        true
    }

    /// Moves the packets that follow a first one, encrypted as a batch.
    fn transmit_more(
        &mut self,
        now: Now,
        out: &mut Vec<u8>,
        before: usize,
        machine: &mut impl Machine,
    ) {
        let bytes = TRANSMIT_LEN.saturating_sub(out.len().saturating_sub(before));
        if !self.is_up() || !self.wire.can_send() {
            return;
        }
        let limits = BatchLimits { packets: BATCH_PACKETS, bytes };
        // Nothing is allocated unless there is more.
        let (mut batch, mut packets) = (Vec::new(), Vec::new());
        machine.poll_transmit_batch(now, self.id, limits, &mut batch, &mut packets);
        let (mut rest, mut start) = (batch.as_slice(), 0);
        for (end, transmit) in packets {
            let (packet, later) = rest.split_at(end.saturating_sub(start).min(rest.len()));
            (rest, start) = (later, end);
            let mark = self.wire.begin(out);
            out.extend_from_slice(packet);
            self.finish(now, out, mark, transmit, machine);
        }
    }

    /// Frames what the machine appended behind a mark, or does what it wants done instead.
    fn finish(
        &mut self,
        now: Now,
        out: &mut Vec<u8>,
        mark: PacketMark,
        Transmit { what, then }: Transmit,
        machine: &mut impl Machine,
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
        // The session's own limit is lower than the framing's, so this does not happen; if it did, the
        // two ends would be out of step, so the link ends.
        if sent.is_err() || then == AfterSend::Close {
            self.close(now, machine);
        }
    }
}

/// Bytes requested from the link's buffer at once: a few network packets.
const READ_LEN: usize = 16 * 1024;

/// Bytes after which `poll_transmit` appends no further packet. Less than this is all there is for now.
pub const TRANSMIT_LEN: usize = 64 * 1024;

/// Packets encrypted together: as many as the cipher interleaves.
const BATCH_PACKETS: usize = 8;
