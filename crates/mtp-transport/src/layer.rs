//! The shape of everything that may stand between a socket and the obfuscation or the frames.
//!
//! ```text
//!  socket ── outer bytes ──▶ open ──▶ inner bytes ──▶ (obfuscation ▶ framing) ──▶ packets
//!  socket ◀── outer bytes ── seal ◀── inner bytes ◀── (obfuscation ◀ framing) ◀── packets
//!  socket ◀── own output ─── poll_transmit: hellos, upgrades, pongs, status lines, closes
//! ```
//!
//! FakeTLS and WebSocket are *stream* layers: what they give is a part of one byte stream, cut
//! anywhere. HTTP is a *packet* layer: what it gives is one whole packet, with neither framing nor
//! obfuscation inside, and it may have to wait its turn before it can send.
//!
//! A layer owns no buffer for input. It is shown all outer bytes that were received and not yet
//! taken, in the link's buffer, and answers with one [`Step`] at a time; the link moves inner bytes
//! together, decrypts them once and cuts frames out of them. So a layer must not be shown less than
//! before, may be shown the same bytes again with more behind them, and should remember how far it
//! has looked where looking is not O(1) (an HTTP head that comes byte by byte).

use alloc::vec::Vec;

use mtp_env::{Deadline, Entropy, Now};

use crate::code::TransportCode;
use crate::link::LinkError;

/// What a layer made of the outer bytes it was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing can be decided before more bytes come; none were taken.
    Wait,
    /// The first `skip` bytes are taken, the `len` bytes after them are inner bytes of a stream,
    /// already unmasked or decrypted in place. At least one of the two is not zero.
    Stream {
        /// Bytes of the layer's own in front.
        skip: usize,
        /// Inner bytes behind them.
        len: usize,
    },
    /// Like `Stream`, but the `len` bytes are one whole packet.
    Packet {
        /// Bytes of the layer's own in front.
        skip: usize,
        /// The packet's length.
        len: usize,
    },
    /// The first `skip` bytes are taken and were the peer's transport error.
    Error {
        /// Bytes taken.
        skip: usize,
        /// What the peer said.
        code: TransportCode,
    },
}

/// One layer of bytes: outer bytes in, inner bytes out, and back, plus output of its own.
///
/// An error closes the link; no method is called afterwards but `poll_transmit`, so that a refusal
/// can still be drained.
pub(crate) trait Layer {
    /// Takes outer bytes from the front of `outer`.
    ///
    /// Called again until it answers [`Step::Wait`] or the outer bytes are used up.
    fn open(&mut self, now: Now, outer: &mut [u8]) -> Result<Step, LinkError>;

    /// Reports whether `seal` may be called: the handshake is over and, for HTTP, it is our turn.
    fn can_send(&self) -> bool;

    /// Returns how many bytes `seal` wants free in front of the inner bytes.
    ///
    /// It is constant between two calls of `seal`.
    fn room(&self) -> usize;

    /// Wraps the inner bytes `out[start + room..]` as `out[start..]`.
    ///
    /// For a stream layer that is one write, of any length; for a packet layer one packet. Only
    /// called while `can_send`. The usual case, one record or one message, should move nothing;
    /// whoever needs less room moves the inner bytes down, whoever needs more inserts it.
    fn seal(&mut self, now: Now, out: &mut Vec<u8>, start: usize, entropy: &mut dyn Entropy);

    /// Appends what the layer itself wants to send and reports whether that was anything.
    fn poll_transmit(&mut self, now: Now, out: &mut Vec<u8>, entropy: &mut dyn Entropy) -> bool;

    /// Answers the packet whose turn it is with nothing if a whole other one waits in `outer` behind it, and
    /// reports whether it did. Asked when there is nothing else to answer with; only HTTP has turns.
    fn make_way(&mut self, outer: &[u8]) -> bool {
        let _ = outer;
        false
    }

    /// Appends a transport error in the layer's own form, if it has one (HTTP: a status).
    ///
    /// `false` means that the error is to be sent as a frame.
    fn error(&mut self, now: Now, code: TransportCode, out: &mut Vec<u8>) -> bool {
        let _ = (now, code, out);
        false
    }

    /// Returns the layer's own next deadline. The link keeps the time of the whole handshake.
    fn poll_timeout(&self) -> Option<Deadline> {
        None
    }

    /// Lets time pass. A deadline that was the peer's last chance is an error.
    fn handle_timeout(&mut self, now: Now) -> Result<(), LinkError> {
        let _ = now;
        Ok(())
    }

    /// Judges the end of the peer's bytes; `rest` are those that were not taken.
    ///
    /// HTTP without a length ends its body here, which the link asks for by calling `open` again.
    fn handle_eof(&mut self, rest: &[u8]) -> Result<(), LinkError>;

    /// Prepares a farewell: the link has failed, or the transport error `code` was sent.
    ///
    /// A WebSocket closes with 1000 and the code as its reason; most layers just stop.
    fn close(&mut self, code: Option<TransportCode>) {
        let _ = code;
    }

    /// Reports whether the layer has ended: once its output is drained the socket is to be closed.
    fn is_closed(&self) -> bool {
        false
    }
}
