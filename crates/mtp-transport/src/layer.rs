//! The interface of the layers between the socket and the obfuscation or framing.
//!
//! ```text
//!  socket ── outer bytes ──▶ open ──▶ inner bytes ──▶ (obfuscation ▶ framing) ──▶ packets
//!  socket ◀── outer bytes ── seal ◀── inner bytes ◀── (obfuscation ◀ framing) ◀── packets
//!  socket ◀── own output ─── poll_transmit: hellos, upgrades, pongs, status lines, closes
//! ```
//!
//! FakeTLS and WebSocket are *stream* layers: they yield parts of one byte stream, split at
//! arbitrary positions. HTTP is a *packet* layer: it yields whole packets without framing or
//! obfuscation, and it can send only when a request is waiting for its response.
//!
//! A layer has no input buffer. The link keeps all received outer bytes that are not consumed yet
//! and passes them to [`Layer::open`], which consumes a prefix and returns one [`Step`]. The link
//! compacts the inner bytes, decrypts each of them once, and decodes frames. Consequences:
//!
//! - `open` never sees fewer bytes than in the previous call;
//! - it may see the same bytes again, followed by more;
//! - a layer with a scan that is not O(1), such as the end of an HTTP head, must remember how far it
//!   has scanned.

use alloc::vec::Vec;

use mtp_env::{Deadline, Entropy, Now};

use crate::code::TransportCode;

/// Result of one call of [`Layer::open`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// More bytes are needed; none were consumed.
    Wait,
    /// The first `skip` bytes are consumed. The `len` bytes after them are inner bytes of a stream,
    /// unmasked or decrypted in place. At least one of the two is not zero.
    Stream {
        /// Length of the layer's own bytes.
        skip: usize,
        /// Length of the inner bytes that follow.
        len: usize,
    },
    /// Like `Stream`, but the `len` bytes are one whole packet.
    Packet {
        /// Length of the layer's own bytes.
        skip: usize,
        /// Length of the packet.
        len: usize,
    },
    /// The first `skip` bytes are consumed and carried the peer's transport error.
    Error {
        /// Length of the consumed bytes.
        skip: usize,
        /// The peer's transport error.
        code: TransportCode,
    },
}

/// A byte layer: outer bytes to inner bytes and back, with output of its own.
///
/// An error closes the link. After it only `poll_transmit` is called, to drain a refusal.
pub(crate) trait Layer {
    /// Why the layer failed.
    type Error;

    /// Consumes a prefix of `outer`.
    ///
    /// Called until it returns [`Step::Wait`] or all outer bytes are consumed.
    fn open(&mut self, now: Now, outer: &mut [u8]) -> Result<Step, Self::Error>;

    /// Returns `true` if `seal` may be called: the handshake is complete and, for HTTP, a request is
    /// waiting for its response.
    fn can_send(&self) -> bool;

    /// Returns how many bytes `seal` expects in front of the inner bytes.
    ///
    /// Constant between two calls of `seal`.
    fn room(&self) -> usize;

    /// Wraps the inner bytes `out[start + room..]` and writes the result to `out[start..]`.
    ///
    /// The inner bytes are one write of any length for a stream layer and one packet for a packet
    /// layer. Called only while `can_send` returns `true`. The common case, one record or one
    /// message, should not move the inner bytes.
    fn seal(&mut self, now: Now, out: &mut Vec<u8>, start: usize, entropy: &mut dyn Entropy);

    /// Appends the layer's own output. Returns `true` if there was any.
    fn poll_transmit(&mut self, now: Now, out: &mut Vec<u8>, entropy: &mut dyn Entropy) -> bool;

    /// Answers the current request with an empty response if a whole request waits behind it in
    /// `outer`. Returns `true` if it did.
    ///
    /// Called when there is no other response to send. Only HTTP pairs requests with responses.
    fn make_way(&mut self, outer: &[u8]) -> bool {
        let _ = outer;
        false
    }

    /// Appends a transport error in the layer's own form, such as an HTTP status.
    ///
    /// Returns `false` if the error must be sent as a frame instead.
    fn error(&mut self, now: Now, code: TransportCode, out: &mut Vec<u8>) -> bool {
        let _ = (now, code, out);
        false
    }

    /// Returns the layer's next deadline. The link keeps the deadline of the handshake.
    fn poll_timeout(&self) -> Option<Deadline> {
        None
    }

    /// Handles a deadline. Returns an error if the peer missed it.
    fn handle_timeout(&mut self, now: Now) -> Result<(), Self::Error> {
        let _ = now;
        Ok(())
    }

    /// Handles the end of the peer's stream; `rest` are the bytes not consumed yet.
    ///
    /// An HTTP body without a length ends here: the link calls `open` once more to receive it.
    fn handle_eof(&mut self, rest: &[u8]) -> Result<(), Self::Error>;

    /// Schedules the layer's closing message after a failure or after the transport error `code`.
    ///
    /// A WebSocket sends a close frame with status 1000 and the code as its reason. The other
    /// layers have no closing message.
    fn close(&mut self, code: Option<TransportCode>) {
        let _ = code;
    }

    /// Returns `true` if the layer has ended: drain its output, then close the socket.
    fn is_closed(&self) -> bool {
        false
    }
}
