//! The common part of both links: layer, obfuscation, framing and the receive buffer.

use alloc::boxed::Box;
use alloc::vec::Vec;

use mtp_crypto::{QuickAckToken, Side};
use mtp_env::{Deadline, Entropy, Instant, Now};

use super::outer::Outer;
use super::{LinkError, LinkSendError};
use crate::buffer::ReceiveBuffer;
use crate::code::TransportCode;
use crate::framing::{
    FrameAt, FrameEncodeError, FrameEncoder, FrameError, FrameFlags, Frames, Framing,
    PACKET_LEN_MIN, Parser, check_len,
};
use crate::layer::Step;
use crate::obfuscation::Streams;

/// The stack of one connection with its receive buffer.
pub(crate) struct Pipe {
    pub(crate) buffer: ReceiveBuffer,
    pub(crate) outer: Outer,
    inner: Inner,
    entropy: Box<dyn Entropy + Send>,
    /// Bytes that the client sends once, before its first frame.
    prefix: Vec<u8>,
    /// Deadline of detection, the layer's handshake and the obfuscated header; `None` afterwards.
    handshake: Option<Deadline>,
    end: End,
}

/// What the layer carries.
enum Inner {
    /// Not detected yet; servers only.
    Unknown,
    Frames(Box<Framed>),
    /// The layer yields packets itself.
    Packets,
}

struct Framed {
    frames: Frames,
    encoder: FrameEncoder,
    /// Boxed because the ciphers are large and optional.
    streams: Option<Box<Streams>>,
}

/// Whether and how the connection has ended.
enum End {
    Open,
    /// Input is ignored; output can still be sent.
    ReadStopped,
    /// A transport error was sent or received.
    Over,
    Failed(LinkError),
}

/// Position of an unfinished packet in the output buffer.
#[derive(Debug)]
#[must_use = "finish or cancel the packet"]
pub struct PacketMark {
    start: usize,
    /// Length of the space reserved in front of the packet.
    lead: usize,
}

impl Pipe {
    pub(crate) fn new(handshake: Instant, entropy: Box<dyn Entropy + Send>) -> Self {
        Self {
            buffer: ReceiveBuffer::default(),
            outer: Outer::Bare,
            inner: Inner::Unknown,
            entropy,
            prefix: Vec::new(),
            handshake: Some(Deadline::new(handshake, "transport handshake")),
            end: End::Open,
        }
    }

    /// Sets the framing and the ciphers, and decrypts the inner bytes received so far.
    pub(crate) fn set_framing(
        &mut self,
        side: Side,
        framing: Framing,
        body_len_max: usize,
        mut streams: Option<Streams>,
    ) {
        if let Some(streams) = &mut streams {
            streams.incoming.apply(self.buffer.inner_mut());
        }
        let parser = Parser::new(framing, side.peer(), body_len_max);
        let encoder = FrameEncoder::new(framing, side);
        self.inner = Inner::Frames(Box::new(Framed {
            frames: Frames::new(parser),
            encoder,
            streams: streams.map(Box::new),
        }));
    }

    /// Relies on the layer to delimit packets.
    pub(crate) fn packets(&mut self) {
        self.inner = Inner::Packets;
    }

    /// Sends `prefix` once, unencrypted, before the first frame.
    pub(crate) fn send_first(&mut self, prefix: &[u8]) {
        self.prefix = prefix.to_vec();
    }

    pub(crate) fn entropy(&mut self) -> &mut dyn Entropy {
        &mut self.entropy
    }

    /// Counts the first `n` spare bytes as received; a closed link ignores them.
    #[inline]
    pub(crate) fn filled(&mut self, n: usize) {
        if self.is_reading() {
            self.buffer.filled(n);
        }
    }

    /// Copies received bytes into the buffer; a closed link ignores them.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        if self.is_reading() {
            self.buffer.put(bytes);
        }
    }

    /// Returns `true` until the link has ended or the caller has stopped reading.
    #[inline]
    pub(crate) const fn is_reading(&self) -> bool {
        matches!(self.end, End::Open)
    }

    /// Ignores all input from here on, including received bytes that are not decoded yet.
    pub(crate) fn stop_reading(&mut self) {
        if self.is_reading() {
            self.end = End::ReadStopped;
            self.handshake = None;
        }
    }

    /// Returns the position of the next frame. A failure is final: later calls return it again.
    #[inline]
    pub(crate) fn next(&mut self, now: Now) -> Result<Option<FrameAt>, LinkError> {
        match &self.end {
            End::Open => {}
            End::Over | End::ReadStopped => {
                self.buffer.clear();
                return Ok(None);
            }
            End::Failed(error) => return Err(error.clone()),
        }
        let frame = self.decode(now).map_err(|error| self.fail(error))?;
        self.settle();
        if matches!(frame, Some(FrameAt::Error(_))) {
            self.end = End::Over;
        }
        Ok(frame)
    }

    /// Stops the handshake timer once the link can send.
    #[inline]
    pub(crate) fn settle(&mut self) {
        if self.handshake.is_some() && self.can_send() {
            self.handshake = None;
        }
    }

    #[inline]
    fn decode(&mut self, now: Now) -> Result<Option<FrameAt>, LinkError> {
        loop {
            if !self.buffer.inner().is_empty()
                && let Inner::Frames(framed) = &mut self.inner
                && let Some(frame) = framed.frames.next(&mut self.buffer)?
            {
                return Self::checked(frame);
            }
            match self.advance(now)? {
                Advance::Wait => return Ok(None),
                Advance::More => {}
                Advance::Frame(frame) => return Self::checked(frame),
            }
        }
    }

    /// Rejects packets too short for a message; the framings accept them from clients.
    // spec: transport 13.6
    #[inline]
    fn checked(frame: FrameAt) -> Result<Option<FrameAt>, LinkError> {
        match &frame {
            FrameAt::Packet { at, .. } if at.len() < PACKET_LEN_MIN => {
                Err(FrameError::ShortPacket { len: at.len() }.into())
            }
            _ => Ok(Some(frame)),
        }
    }

    /// Runs the layer once.
    #[inline]
    pub(crate) fn advance(&mut self, now: Now) -> Result<Advance, LinkError> {
        if self.buffer.outer().is_empty() {
            return Ok(Advance::Wait);
        }
        if self.outer.is_bare() {
            decrypt(&mut self.inner, self.buffer.accept_all());
            return Ok(Advance::More);
        }
        match self.outer.open(now, self.buffer.outer_mut())? {
            Step::Wait => Ok(Advance::Wait),
            Step::Stream { skip, len } => {
                decrypt(&mut self.inner, self.buffer.accept(skip, len));
                Ok(Advance::More)
            }
            Step::Packet { skip, len } => {
                self.buffer.accept(skip, len);
                let at = self.buffer.take(len);
                Ok(Advance::Frame(FrameAt::Packet { at, quick_ack: false }))
            }
            Step::Error { skip, code } => {
                self.buffer.accept(skip, 0);
                Ok(Advance::Frame(FrameAt::Error(code)))
            }
        }
    }

    /// Records the first failure and schedules the layer's closing message.
    pub(crate) fn fail(&mut self, error: LinkError) -> LinkError {
        if let End::Failed(first) = &self.end {
            return first.clone();
        }
        self.end = End::Failed(error.clone());
        self.outer.close(None);
        error
    }

    pub(crate) fn handle_eof(&mut self) -> Result<(), LinkError> {
        match &self.end {
            End::Open => {}
            End::ReadStopped | End::Over => return Ok(()),
            End::Failed(error) => return Err(error.clone()),
        }
        if self.handshake.is_some() {
            return match (&self.inner, self.buffer.untouched()) {
                // Connecting and closing without a byte violates nothing.
                (Inner::Unknown, Some([])) => Ok(()),
                _ => Err(self.fail(LinkError::HandshakeTruncated)),
            };
        }
        let inner = match &mut self.inner {
            Inner::Frames(framed) => {
                framed.frames.handle_eof(&self.buffer).map_err(LinkError::from)
            }
            Inner::Unknown | Inner::Packets => Ok(()),
        };
        let outer = self.outer.handle_eof(self.buffer.outer());
        outer.and(inner).map_err(|error| self.fail(error))
    }

    /// Returns `true` if a packet can be sent now.
    pub(crate) fn can_send(&self) -> bool {
        matches!(self.end, End::Open | End::ReadStopped)
            && !matches!(self.inner, Inner::Unknown)
            && self.outer.can_send()
    }

    pub(crate) fn begin(&mut self, out: &mut Vec<u8>) -> PacketMark {
        let (start, lead) = (out.len(), self.lead());
        match lead {
            // The common case: a frame header and nothing else.
            4 => out.extend_from_slice(&[0; 4]),
            _ => out.resize(start.saturating_add(lead), 0),
        }
        PacketMark { start, lead }
    }

    pub(crate) fn finish(
        &mut self,
        now: Now,
        out: &mut Vec<u8>,
        PacketMark { start, lead }: PacketMark,
        flags: FrameFlags,
    ) -> Result<(), LinkSendError> {
        let result = if lead == self.lead() {
            self.send(now, out, start, |framed, out, at, entropy| match framed {
                Some(framed) => framed.encoder.enclose(out, at, flags, entropy),
                None => check_len(out.len().saturating_sub(at)),
            })
        } else {
            Err(LinkSendError::StaleMark)
        };
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    pub(crate) fn cancel(out: &mut Vec<u8>, PacketMark { start, .. }: PacketMark) {
        out.truncate(start);
    }

    /// Sends a transport error and ends the connection.
    pub(crate) fn error(
        &mut self,
        now: Now,
        code: TransportCode,
        out: &mut Vec<u8>,
    ) -> Result<(), LinkSendError> {
        if !matches!(self.end, End::Open | End::ReadStopped) {
            return Err(LinkSendError::NotReady);
        }
        if !self.outer.error(now, code, out) {
            self.control(now, out, |encoder, out, entropy| encoder.error(code, out, entropy))?;
        }
        self.outer.close(Some(code));
        self.end = End::Over;
        Ok(())
    }

    pub(crate) fn quick_ack(
        &mut self,
        now: Now,
        token: QuickAckToken,
        out: &mut Vec<u8>,
    ) -> Result<(), LinkSendError> {
        self.control(now, out, |encoder, out, entropy| encoder.quick_ack(token, out, entropy))
    }

    pub(crate) fn poll_transmit(&mut self, now: Now, out: &mut Vec<u8>) -> bool {
        let any = self.outer.poll_transmit(now, out, &mut self.entropy);
        // Draining the layer's answer can complete the handshake.
        self.settle();
        any
    }

    pub(crate) fn make_way(&mut self) -> bool {
        self.is_reading() && self.outer.make_way(self.buffer.outer())
    }

    pub(crate) fn poll_timeout(&self) -> Option<Deadline> {
        match self.end {
            End::Open | End::ReadStopped => {
                Deadline::earliest(self.handshake, self.outer.poll_timeout())
            }
            End::Over | End::Failed(_) => None,
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Now) {
        if matches!(self.end, End::Over | End::Failed(_)) {
            return;
        }
        if self.handshake.is_some_and(|deadline| deadline.is_due(now)) {
            self.fail(LinkError::HandshakeTimeout);
        } else if let Err(error) = self.outer.handle_timeout(now) {
            self.fail(error);
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.end, End::Over | End::Failed(_)) || self.outer.is_closed()
    }

    /// Appends a control packet, which reserves its own space.
    fn control(
        &mut self,
        now: Now,
        out: &mut Vec<u8>,
        write: impl FnOnce(
            &mut FrameEncoder,
            &mut Vec<u8>,
            &mut dyn Entropy,
        ) -> Result<(), FrameEncodeError>,
    ) -> Result<(), LinkSendError> {
        let start = out.len();
        let room = self.outer.room().saturating_add(self.prefix.len());
        out.resize(start.saturating_add(room), 0);
        let result = self.send(now, out, start, |framed, out, _, entropy| {
            let framed = framed.ok_or(FrameEncodeError::NotOurs)?;
            write(&mut framed.encoder, out, entropy)
        });
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    /// Frames, encrypts and wraps the packet behind the space reserved at `start`.
    ///
    /// `write` receives the framing, unless the layer delimits packets, and the frame's position.
    fn send(
        &mut self,
        now: Now,
        out: &mut Vec<u8>,
        start: usize,
        write: impl FnOnce(
            Option<&mut Framed>,
            &mut Vec<u8>,
            usize,
            &mut dyn Entropy,
        ) -> Result<(), FrameEncodeError>,
    ) -> Result<(), LinkSendError> {
        if !self.can_send() {
            return Err(LinkSendError::NotReady);
        }
        let inner = start.saturating_add(self.outer.room());
        let frame = inner.saturating_add(self.prefix.len());
        let mut framed = match &mut self.inner {
            Inner::Frames(framed) => Some(&mut **framed),
            Inner::Unknown | Inner::Packets => None,
        };
        write(framed.as_deref_mut(), out, frame, &mut self.entropy)?;
        if let Some(streams) = framed.and_then(|framed| framed.streams.as_mut()) {
            streams.outgoing.apply(out.get_mut(frame..).unwrap_or_default());
        }
        if !self.prefix.is_empty()
            && let Some(prefix) = out.get_mut(inner..frame)
        {
            prefix.copy_from_slice(&self.prefix);
            self.prefix.clear();
        }
        self.outer.seal(now, out, start, &mut self.entropy);
        Ok(())
    }

    /// Returns the length of the space reserved in front of a packet.
    fn lead(&self) -> usize {
        let envelope = match &self.inner {
            Inner::Frames(framed) => framed.encoder.room().len(),
            Inner::Unknown | Inner::Packets => 0,
        };
        self.outer.room().saturating_add(self.prefix.len()).saturating_add(envelope)
    }
}

/// Result of one run of the layer.
pub(crate) enum Advance {
    /// More bytes are needed.
    Wait,
    /// Some outer bytes were consumed; there may be new inner bytes.
    More,
    /// A packet or a transport error from a packet layer.
    Frame(FrameAt),
}

/// Decrypts new inner bytes. Must see each byte exactly once.
fn decrypt(inner: &mut Inner, new: &mut [u8]) {
    if let Inner::Frames(framed) = inner
        && let Some(streams) = &mut framed.streams
    {
        streams.incoming.apply(new);
    }
}
