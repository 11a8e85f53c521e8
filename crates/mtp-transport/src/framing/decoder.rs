//! Bytes to packets, lent from the receive buffer.

use core::fmt;
use core::ops::Range;

use mtp_crypto::{QuickAckToken, Side};

use super::parse::{Envelope, Parsed, Parser};
use super::{Frame, FrameError, Framing};
use crate::buffer::ReceiveBuffer;
use crate::code::TransportCode;

/// The receiving half of a framing.
///
/// It gives the same frames for every way of cutting the input. Bytes are received straight into
/// its buffer, and packets are lent from there to be decrypted in place.
///
/// ```
/// use mtp_crypto::Side;
/// use mtp_transport::framing::{Decoder, Frame, FrameError, Framing, SERVER_BODY_LEN_MAX};
///
/// let mut decoder = Decoder::new(Framing::Abridged, Side::Client, SERVER_BODY_LEN_MAX);
/// let stream = [0x81, 1, 2, 3, 4]; // one word, quick ack wanted
/// decoder.spare(stream.len())[..stream.len()].copy_from_slice(&stream);
/// decoder.filled(stream.len());
/// let frame = decoder.next_frame()?;
/// assert!(matches!(frame, Some(Frame::Packet { bytes: [1, 2, 3, 4], quick_ack: true })));
/// assert!(decoder.next_frame()?.is_none());
/// decoder.handle_eof()?;
/// # Ok::<(), FrameError>(())
/// ```
pub struct Decoder {
    buffer: ReceiveBuffer,
    frames: Frames,
}

impl Decoder {
    /// Returns a decoder of what `sender` sends.
    ///
    /// Bodies above `body_len_max` bytes are refused when their header comes; the limit itself is
    /// at most [`BODY_LEN_CEILING`](super::BODY_LEN_CEILING).
    #[must_use]
    pub fn new(framing: Framing, sender: Side, body_len_max: usize) -> Self {
        let parser = Parser::new(framing, sender, body_len_max);
        Self { buffer: ReceiveBuffer::default(), frames: Frames::new(parser) }
    }

    /// Returns room for at least `min` received bytes.
    pub fn spare(&mut self, min: usize) -> &mut [u8] {
        self.buffer.spare(min)
    }

    /// Counts the first `n` bytes of the room as received.
    pub fn filled(&mut self, n: usize) {
        self.buffer.filled(n);
        self.buffer.accept_all();
    }

    /// Returns the next frame, or `None` when more bytes are needed.
    ///
    /// After a transport error there are no further frames: the connection is over.
    ///
    /// # Errors
    ///
    /// The peer broke the framing. Every later call returns the same error.
    #[must_use = "a frame that is dropped is lost"]
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        let cut = self.frames.next(&mut self.buffer)?;
        Ok(cut.map(|cut| cut.lend(&mut self.buffer)))
    }

    /// Judges the end of the stream; call it when `next_frame` has no more.
    ///
    /// # Errors
    ///
    /// [`FrameError::Truncated`] if it came inside a frame.
    pub fn handle_eof(&mut self) -> Result<(), FrameError> {
        self.frames.handle_eof(&self.buffer)
    }
}

/// Cuts inner bytes of a receive buffer into frames.
#[derive(Debug)]
pub(crate) struct Frames {
    state: State,
}

#[derive(Debug)]
enum State {
    Open(Parser),
    /// The server's error came.
    Over,
    Failed(FrameError),
}

impl Frames {
    pub(crate) fn new(parser: Parser) -> Self {
        Self { state: State::Open(parser) }
    }

    /// Takes the next frame that carries something from the front of the inner bytes.
    ///
    /// Envelopes that carry nothing are passed over; each uses up input.
    // spec: transport 13.1
    #[inline]
    pub(crate) fn next(&mut self, buffer: &mut ReceiveBuffer) -> Result<Option<Cut>, FrameError> {
        loop {
            let parser = match &mut self.state {
                State::Open(parser) => parser,
                State::Over => {
                    buffer.clear();
                    return Ok(None);
                }
                State::Failed(error) => return Err(*error),
            };
            match parser.parse(buffer.inner()) {
                Ok(Parsed::Incomplete) => return Ok(None),
                Ok(Parsed::Nothing { total }) => drop(buffer.take(total)),
                Ok(Parsed::Packet(Envelope { head, len, total, quick_ack })) => {
                    let from = buffer.take(total).start.saturating_add(head);
                    let at = from..from.saturating_add(len);
                    return Ok(Some(Cut::Packet { at, quick_ack }));
                }
                Ok(Parsed::QuickAck { token, total }) => {
                    buffer.take(total);
                    return Ok(Some(Cut::QuickAck(token)));
                }
                Ok(Parsed::Error { code }) => {
                    self.state = State::Over;
                    return Ok(Some(Cut::Error(code)));
                }
                Err(error) => {
                    self.state = State::Failed(error);
                    return Err(error);
                }
            }
        }
    }

    pub(crate) fn handle_eof(&mut self, buffer: &ReceiveBuffer) -> Result<(), FrameError> {
        match self.state {
            State::Open(_) if !buffer.inner().is_empty() => {
                let error = FrameError::Truncated { have: buffer.inner().len() };
                self.state = State::Failed(error);
                Err(error)
            }
            State::Open(_) | State::Over => Ok(()),
            State::Failed(error) => Err(error),
        }
    }
}

/// A frame by its place in the receive buffer, good until the buffer receives again.
#[derive(Debug)]
pub(crate) enum Cut {
    Packet { at: Range<usize>, quick_ack: bool },
    QuickAck(QuickAckToken),
    Error(TransportCode),
}

impl Cut {
    #[inline]
    pub(crate) fn lend(self, buffer: &mut ReceiveBuffer) -> Frame<'_> {
        match self {
            Self::Packet { at, quick_ack } => Frame::Packet { bytes: buffer.lend(at), quick_ack },
            Self::QuickAck(token) => Frame::QuickAck(token),
            Self::Error(code) => Frame::Error(code),
        }
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("frames", &self.frames)
            .field("buffered", &self.buffer.inner().len())
            .finish()
    }
}
