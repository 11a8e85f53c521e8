//! Decoding: bytes to packets, lent from the receive buffer.

use core::fmt;
use core::ops::Range;

use mtp_crypto::{QuickAckToken, Side};

use super::parse::{Envelope, Parsed, Parser};
use super::{Frame, FrameError, Framing};
use crate::buffer::ReceiveBuffer;
use crate::code::TransportCode;

/// The receiving half of a framing.
///
/// The frames do not depend on how the input is split. Bytes are received into the decoder's buffer,
/// and packets are borrowed from it for decryption in place.
///
/// ```
/// use mtp_crypto::Side;
/// use mtp_transport::framing::{Frame, FrameDecoder, FrameError, Framing, SERVER_BODY_LEN_MAX};
///
/// let mut decoder = FrameDecoder::new(Framing::Abridged, Side::Client, SERVER_BODY_LEN_MAX);
/// let stream = [0x81, 1, 2, 3, 4]; // one word, quick ack requested
/// decoder.spare(stream.len())[..stream.len()].copy_from_slice(&stream);
/// decoder.filled(stream.len());
/// let frame = decoder.next_frame()?;
/// assert!(matches!(frame, Some(Frame::Packet { bytes: [1, 2, 3, 4], quick_ack: true })));
/// assert!(decoder.next_frame()?.is_none());
/// decoder.handle_eof()?;
/// # Ok::<(), FrameError>(())
/// ```
pub struct FrameDecoder {
    buffer: ReceiveBuffer,
    frames: Frames,
}

impl FrameDecoder {
    /// Returns a decoder for the frames of `sender`.
    ///
    /// A body above `body_len_max` bytes is rejected as soon as its header is received. The limit is
    /// at most [`BODY_LEN_CEILING`](super::BODY_LEN_CEILING).
    #[must_use]
    pub fn new(framing: Framing, sender: Side, body_len_max: usize) -> Self {
        let parser = Parser::new(framing, sender, body_len_max);
        Self { buffer: ReceiveBuffer::default(), frames: Frames::new(parser) }
    }

    /// Returns writable space for at least `min` received bytes.
    pub fn spare(&mut self, min: usize) -> &mut [u8] {
        self.buffer.spare(min)
    }

    /// Marks the first `n` bytes of that space as received.
    pub fn filled(&mut self, n: usize) {
        self.buffer.filled(n);
        self.buffer.accept_all();
    }

    /// Returns the next frame, or `None` when more bytes are needed.
    ///
    /// No frame follows a transport error.
    ///
    /// # Errors
    ///
    /// The peer violated the framing. Later calls return the same error.
    #[must_use = "a dropped frame is lost"]
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        let frame = self.frames.next(&mut self.buffer)?;
        Ok(frame.map(|frame| frame.lend(&mut self.buffer)))
    }

    /// Handles the end of the stream. Call it after `next_frame` has returned `None`.
    ///
    /// # Errors
    ///
    /// [`FrameError::Truncated`] if the stream ended within a frame.
    pub fn handle_eof(&mut self) -> Result<(), FrameError> {
        self.frames.handle_eof(&self.buffer)
    }
}

/// Splits the inner bytes of a receive buffer into frames.
#[derive(Debug)]
pub(crate) struct Frames {
    state: State,
}

#[derive(Debug)]
enum State {
    Open(Parser),
    /// A transport error was received.
    Over,
    Failed(FrameError),
}

impl Frames {
    pub(crate) fn new(parser: Parser) -> Self {
        Self { state: State::Open(parser) }
    }

    /// Takes the next frame from the front of the inner bytes.
    ///
    /// Frames without content are skipped. Each of them consumes input, so the loop ends.
    // spec: transport 13.1
    #[inline]
    pub(crate) fn next(
        &mut self,
        buffer: &mut ReceiveBuffer,
    ) -> Result<Option<FrameAt>, FrameError> {
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
                    return Ok(Some(FrameAt::Packet { at, quick_ack }));
                }
                Ok(Parsed::QuickAck { token, total }) => {
                    buffer.take(total);
                    return Ok(Some(FrameAt::QuickAck(token)));
                }
                Ok(Parsed::Error { code }) => {
                    self.state = State::Over;
                    return Ok(Some(FrameAt::Error(code)));
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

/// A frame by its position in the receive buffer, valid until the next call of `spare`.
#[derive(Debug)]
pub(crate) enum FrameAt {
    Packet { at: Range<usize>, quick_ack: bool },
    QuickAck(QuickAckToken),
    Error(TransportCode),
}

impl FrameAt {
    #[inline]
    pub(crate) fn lend(self, buffer: &mut ReceiveBuffer) -> Frame<'_> {
        match self {
            Self::Packet { at, quick_ack } => Frame::Packet { bytes: buffer.lend(at), quick_ack },
            Self::QuickAck(token) => Frame::QuickAck(token),
            Self::Error(code) => Frame::Error(code),
        }
    }
}

impl fmt::Debug for FrameDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameDecoder")
            .field("frames", &self.frames)
            .field("buffered", &self.buffer.inner().len())
            .finish()
    }
}
