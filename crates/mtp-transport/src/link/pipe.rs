//! What both sides' links share once it is known what is spoken.

use alloc::boxed::Box;
use alloc::vec::Vec;

use mtp_crypto::{QuickAckToken, Side};
use mtp_env::{Deadline, Entropy, Instant, Now};

use super::{LinkError, SendError};
use crate::buffer::ReceiveBuffer;
use crate::code::TransportCode;
use crate::framing::decoder::{Cut, Frames};
use crate::framing::encoder::check_len;
use crate::framing::parse::Parser;
use crate::framing::{EncodeError, Encoder, FrameError, FrameFlags, Framing, PACKET_LEN_MIN};
use crate::layer::{Layer, Step};
use crate::link::outer::Outer;
use crate::obfuscation::Streams;

/// Layer, obfuscation and framing of one connection, with its receive buffer.
pub(crate) struct Pipe {
    pub(crate) buffer: ReceiveBuffer,
    pub(crate) outer: Outer,
    inner: Inner,
    entropy: Box<dyn Entropy + Send>,
    /// What the client sends once before its first frame.
    prefix: Vec<u8>,
    /// Until it is over: when detection, the layer's handshake and the header must be done.
    handshake: Option<Deadline>,
    end: End,
}

/// What is inside the layer.
enum Inner {
    /// A server does not know yet.
    Unknown,
    Frames(Box<Framed>),
    /// The layer gives packets itself.
    Packets,
}

struct Framed {
    frames: Frames,
    encoder: Encoder,
    /// Large, and most links to data centres have none.
    streams: Option<Box<Streams>>,
}

/// How far the connection is from its end.
enum End {
    Open,
    /// A transport error was sent or received.
    Over,
    Failed(LinkError),
}

/// Where an unfinished packet begins in the output buffer.
#[derive(Debug)]
#[must_use = "a packet that was begun is finished or cancelled"]
pub struct Mark {
    start: usize,
    /// The room for everything in front of the packet.
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

    /// Settles what is inside the layer; inner bytes that have come are decrypted.
    pub(crate) fn frame(
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
        let encoder = Encoder::new(framing, side);
        self.inner = Inner::Frames(Box::new(Framed {
            frames: Frames::new(parser),
            encoder,
            streams: streams.map(Box::new),
        }));
    }

    /// Leaves the telling apart of packets to the layer.
    pub(crate) fn packets(&mut self) {
        self.inner = Inner::Packets;
    }

    /// Sends `prefix` once, in clear, before the first frame.
    pub(crate) fn send_first(&mut self, prefix: &[u8]) {
        self.prefix = prefix.to_vec();
    }

    pub(crate) fn entropy(&mut self) -> &mut dyn Entropy {
        &mut self.entropy
    }

    /// Returns the next frame's place. A failure is final, and every later call returns it again.
    #[inline]
    pub(crate) fn next(&mut self, now: Now) -> Result<Option<Cut>, LinkError> {
        match &self.end {
            End::Open => {}
            End::Over => {
                self.buffer.clear();
                return Ok(None);
            }
            End::Failed(error) => return Err(error.clone()),
        }
        let cut = self.cut(now).map_err(|error| self.fail(error))?;
        self.settle();
        if matches!(cut, Some(Cut::Error(_))) {
            self.end = End::Over;
        }
        Ok(cut)
    }

    /// Stops the handshake's timer once everything is ready.
    #[inline]
    pub(crate) fn settle(&mut self) {
        if self.handshake.is_some() && self.can_send() {
            self.handshake = None;
        }
    }

    #[inline]
    fn cut(&mut self, now: Now) -> Result<Option<Cut>, LinkError> {
        loop {
            if !self.buffer.inner().is_empty()
                && let Inner::Frames(framed) = &mut self.inner
                && let Some(cut) = framed.frames.next(&mut self.buffer)?
            {
                return Self::checked(cut);
            }
            match self.advance(now)? {
                Advance::Wait => return Ok(None),
                Advance::More => {}
                Advance::Cut(cut) => return Self::checked(cut),
            }
        }
    }

    /// Refuses packets that no message fits in; only clients' framings let them through.
    // spec: transport 13.6
    #[inline]
    fn checked(cut: Cut) -> Result<Option<Cut>, LinkError> {
        match &cut {
            Cut::Packet { at, .. } if at.len() < PACKET_LEN_MIN => {
                Err(FrameError::ShortPacket { len: at.len() }.into())
            }
            _ => Ok(Some(cut)),
        }
    }

    /// Lets the layer take one step.
    #[inline]
    pub(crate) fn advance(&mut self, now: Now) -> Result<Advance, LinkError> {
        if self.buffer.outer().is_empty() {
            return Ok(Advance::Wait);
        }
        let Some(layer) = self.outer.layer_mut() else {
            decrypt(&mut self.inner, self.buffer.accept_all());
            return Ok(Advance::More);
        };
        match layer.open(now, self.buffer.outer_mut())? {
            Step::Wait => Ok(Advance::Wait),
            Step::Stream { skip, len } => {
                decrypt(&mut self.inner, self.buffer.accept(skip, len));
                Ok(Advance::More)
            }
            Step::Packet { skip, len } => {
                self.buffer.accept(skip, len);
                let at = self.buffer.take(len);
                Ok(Advance::Cut(Cut::Packet { at, quick_ack: false }))
            }
            Step::Error { skip, code } => {
                self.buffer.accept(skip, 0);
                Ok(Advance::Cut(Cut::Error(code)))
            }
        }
    }

    /// Records a failure and prepares the layer's farewell.
    pub(crate) fn fail(&mut self, error: LinkError) -> LinkError {
        if let End::Failed(first) = &self.end {
            return first.clone();
        }
        self.end = End::Failed(error.clone());
        if let Some(layer) = self.outer.layer_mut() {
            layer.close(None);
        }
        error
    }

    /// Returns the failure, if that is how the connection ended.
    pub(crate) fn failure(&self) -> Option<&LinkError> {
        match &self.end {
            End::Failed(error) => Some(error),
            End::Open | End::Over => None,
        }
    }

    pub(crate) fn handle_eof(&mut self) -> Result<(), LinkError> {
        match &self.end {
            End::Open => {}
            End::Over => return Ok(()),
            End::Failed(error) => return Err(error.clone()),
        }
        if self.handshake.is_some() {
            return match (&self.inner, self.buffer.untouched()) {
                // Whoever connects and leaves without a word has broken nothing.
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
        let outer = match self.outer.layer_mut() {
            Some(layer) => layer.handle_eof(self.buffer.outer()),
            None => Ok(()),
        };
        outer.and(inner).map_err(|error| self.fail(error))
    }

    /// Reports whether a packet can be sent now.
    pub(crate) fn can_send(&self) -> bool {
        matches!(self.end, End::Open)
            && !matches!(self.inner, Inner::Unknown)
            && self.outer.layer().is_none_or(Layer::can_send)
    }

    pub(crate) fn begin(&mut self, out: &mut Vec<u8>) -> Mark {
        let (start, lead) = (out.len(), self.lead());
        match lead {
            // Most frames: an envelope and nothing else.
            4 => out.extend_from_slice(&[0; 4]),
            _ => out.resize(start.saturating_add(lead), 0),
        }
        Mark { start, lead }
    }

    pub(crate) fn finish(
        &mut self,
        now: Now,
        out: &mut Vec<u8>,
        Mark { start, lead }: Mark,
        flags: FrameFlags,
    ) -> Result<(), SendError> {
        let result = if lead == self.lead() {
            self.send(now, out, start, |framed, out, at, entropy| match framed {
                Some(framed) => framed.encoder.enclose(out, at, flags, entropy),
                None => check_len(out.len().saturating_sub(at)),
            })
        } else {
            Err(SendError::StaleMark)
        };
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    pub(crate) fn cancel(out: &mut Vec<u8>, Mark { start, .. }: Mark) {
        out.truncate(start);
    }

    /// Sends a transport error, after which nothing is sent and nothing more is read.
    pub(crate) fn error(
        &mut self,
        now: Now,
        code: TransportCode,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        if !matches!(self.end, End::Open) {
            return Err(SendError::NotReady);
        }
        let said = self.outer.layer_mut().is_some_and(|layer| layer.error(now, code, out));
        if !said {
            self.control(now, out, |encoder, out, entropy| encoder.error(code, out, entropy))?;
        }
        if let Some(layer) = self.outer.layer_mut() {
            layer.close(Some(code));
        }
        self.end = End::Over;
        Ok(())
    }

    pub(crate) fn quick_ack(
        &mut self,
        now: Now,
        token: QuickAckToken,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.control(now, out, |encoder, out, entropy| encoder.quick_ack(token, out, entropy))
    }

    pub(crate) fn poll_transmit(&mut self, now: Now, out: &mut Vec<u8>) -> bool {
        let Some(layer) = self.outer.layer_mut() else { return false };
        let any = layer.poll_transmit(now, out, &mut self.entropy);
        // A layer may be ready only once its answer is drained.
        self.settle();
        any
    }

    pub(crate) fn make_way(&mut self) -> bool {
        matches!(self.end, End::Open)
            && self.outer.layer_mut().is_some_and(|layer| layer.make_way(self.buffer.outer()))
    }

    pub(crate) fn poll_timeout(&self) -> Option<Deadline> {
        match self.end {
            End::Open => {
                let layer = self.outer.layer().and_then(Layer::poll_timeout);
                Deadline::earliest(self.handshake, layer)
            }
            End::Over | End::Failed(_) => None,
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Now) {
        if !matches!(self.end, End::Open) {
            return;
        }
        if self.handshake.is_some_and(|deadline| deadline.is_due(now)) {
            self.fail(LinkError::HandshakeTimeout);
        } else if let Some(layer) = self.outer.layer_mut()
            && let Err(error) = layer.handle_timeout(now)
        {
            self.fail(error);
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        !matches!(self.end, End::Open) || self.outer.layer().is_some_and(Layer::is_closed)
    }

    /// Appends a control packet, which makes its own room.
    fn control(
        &mut self,
        now: Now,
        out: &mut Vec<u8>,
        write: impl FnOnce(&mut Encoder, &mut Vec<u8>, &mut dyn Entropy) -> Result<(), EncodeError>,
    ) -> Result<(), SendError> {
        let start = out.len();
        let room = self.room().saturating_add(self.prefix.len());
        out.resize(start.saturating_add(room), 0);
        let result = self.send(now, out, start, |framed, out, _, entropy| {
            let framed = framed.ok_or(EncodeError::NotOurs)?;
            write(&mut framed.encoder, out, entropy)
        });
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    /// Frames, encrypts and wraps what stands behind the room at `start`.
    ///
    /// `write` is given the framing, unless the layer carries packets, and the place of the frame.
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
        ) -> Result<(), EncodeError>,
    ) -> Result<(), SendError> {
        if !self.can_send() {
            return Err(SendError::NotReady);
        }
        let inner = start.saturating_add(self.room());
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
        if let Some(layer) = self.outer.layer_mut() {
            layer.seal(now, out, start, &mut self.entropy);
        }
        Ok(())
    }

    fn room(&self) -> usize {
        self.outer.layer().map_or(0, Layer::room)
    }

    /// Returns the room that is kept in front of a packet.
    fn lead(&self) -> usize {
        let envelope = match &self.inner {
            Inner::Frames(framed) => framed.encoder.room().len(),
            Inner::Unknown | Inner::Packets => 0,
        };
        self.room().saturating_add(self.prefix.len()).saturating_add(envelope)
    }
}

/// What a layer's step brought.
pub(crate) enum Advance {
    /// Nothing: more bytes are needed.
    Wait,
    /// Inner bytes, or at least fewer outer ones.
    More,
    /// A packet or an error of a packet layer.
    Cut(Cut),
}

/// Decrypts new inner bytes, each exactly once.
fn decrypt(inner: &mut Inner, new: &mut [u8]) {
    if let Inner::Frames(framed) = inner
        && let Some(streams) = &mut framed.streams
    {
        streams.incoming.apply(new);
    }
}
