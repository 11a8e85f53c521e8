//! A client in the middle mode: its packets instead of its bytes.
//!
//! ```text
//!  client ─▶ records ─▶ decrypt ─▶ frames ─▶ packets
//!  client ◀─ records ◀─ encrypt ◀─ frames ◀─ answers
//! ```

use alloc::vec::Vec;
use core::ops::Range;

use mtp_crypto::ctr::CtrCipher;
use mtp_crypto::{QuickAckToken, Side};
use mtp_env::Entropy;

use super::opening::Accepted;
use crate::buffer::ReceiveBuffer;
use crate::faketls::{FakeTlsError, Records};
use crate::framing::{
    FrameAt, FrameEncodeError, FrameEncoder, FrameError, FrameFlags, Frames, Parser, Tag,
};
use crate::layer::Step;
use crate::middle_proxy::rpc::RequestFlags;

/// The client's side of a connection in the middle mode.
pub(super) struct Framed {
    records: Option<Records>,
    /// The start of a record whose header is incomplete.
    partial: Vec<u8>,
    from_client: CtrCipher,
    to_client: CtrCipher,
    buffer: ReceiveBuffer,
    frames: Frames,
    /// The packet found and not taken yet.
    next: Option<(Range<usize>, bool)>,
    encoder: FrameEncoder,
    /// There may be another packet in the buffer.
    pub(super) has_packets: bool,
}

impl Framed {
    pub(super) fn new(accepted: Accepted, packet_len_max: usize) -> Self {
        let framing = accepted.tag.framing();
        Self {
            records: accepted.records,
            partial: Vec::new(),
            from_client: accepted.streams.incoming,
            to_client: accepted.streams.outgoing,
            buffer: ReceiveBuffer::default(),
            frames: Frames::new(Parser::new(framing, Side::Client, packet_len_max)),
            next: None,
            encoder: FrameEncoder::new(framing, Side::Server),
            has_packets: false,
        }
    }

    /// Receives bytes of the client. Those in front of a violation are still received.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Result<(), FakeTlsError> {
        let Some(records) = &mut self.records else {
            self.decrypt(bytes);
            return Ok(());
        };
        let mut joined = core::mem::take(&mut self.partial);
        joined.extend_from_slice(bytes);
        let (mut at, mut pieces) = (0_usize, Vec::new());
        let result = loop {
            match records.open(joined.get(at..).unwrap_or_default()) {
                Ok(Step::Stream { skip, len }) => {
                    let start = at.saturating_add(skip);
                    at = start.saturating_add(len);
                    pieces.push(start..at);
                }
                Ok(_) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        for piece in pieces {
            self.decrypt(joined.get(piece).unwrap_or_default());
        }
        joined.drain(..at.min(joined.len()));
        self.partial = joined;
        result
    }

    fn decrypt(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.buffer.put(bytes);
        self.from_client.apply(self.buffer.accept_all());
        self.has_packets = true;
    }

    /// Finds the next frame. Returns the client's violation if there is one instead.
    ///
    /// Apart from [`Self::next_packet`], because a lent packet outlives the call.
    pub(super) fn violation(&mut self) -> Option<FrameError> {
        if self.next.is_none() && self.has_packets {
            match self.frames.next(&mut self.buffer) {
                Ok(Some(FrameAt::Packet { at, quick_ack })) => self.next = Some((at, quick_ack)),
                Ok(_) => {
                    self.has_packets = false;
                    self.buffer.release();
                }
                Err(error) => {
                    self.has_packets = false;
                    return Some(error);
                }
            }
        }
        None
    }

    /// Returns the packet found, and whether the client requests a quick ack.
    pub(super) fn next_packet(&mut self) -> Option<(&[u8], bool)> {
        let (at, quick_ack) = self.next.take()?;
        Some((self.buffer.lend(at), quick_ack))
    }

    /// Frames a packet for the client.
    // spec: proxy 3.3
    pub(super) fn answer(
        &mut self,
        packet: &[u8],
        entropy: &mut dyn Entropy,
        out: &mut Vec<u8>,
    ) -> Result<(), FrameEncodeError> {
        self.seal(out, entropy, |encoder, out, entropy| {
            let mark = encoder.begin(out);
            out.extend_from_slice(packet);
            encoder.finish(out, mark, FrameFlags::default(), entropy)
        })
    }

    /// Frames a quick ack for the client.
    // spec: proxy 3.4
    pub(super) fn quick_ack(
        &mut self,
        token: u32,
        entropy: &mut dyn Entropy,
        out: &mut Vec<u8>,
    ) -> Result<(), FrameEncodeError> {
        self.seal(out, entropy, |encoder, out, entropy| {
            encoder.quick_ack(QuickAckToken::from_raw(token), out, entropy)
        })
    }

    fn seal(
        &mut self,
        out: &mut Vec<u8>,
        entropy: &mut dyn Entropy,
        write: impl FnOnce(
            &mut FrameEncoder,
            &mut Vec<u8>,
            &mut dyn Entropy,
        ) -> Result<(), FrameEncodeError>,
    ) -> Result<(), FrameEncodeError> {
        let start = out.len();
        let room = self.records.as_ref().map_or(0, Records::room);
        out.resize(start.saturating_add(room), 0);
        let inner = out.len();
        if let Err(error) = write(&mut self.encoder, out, entropy) {
            out.truncate(start);
            return Err(error);
        }
        self.to_client.apply(out.get_mut(inner..).unwrap_or_default());
        if let Some(records) = &mut self.records {
            records.seal(out, start);
        }
        Ok(())
    }
}

/// Returns the flags of the requests of a client with this framing.
// spec: proxy 3.1
pub(super) fn request_flags(tag: Tag) -> RequestFlags {
    let framing = match tag {
        Tag::ABRIDGED => RequestFlags::ABRIDGED,
        Tag::INTERMEDIATE => RequestFlags::INTERMEDIATE,
        _ => RequestFlags::INTERMEDIATE | RequestFlags::PADDED,
    };
    framing | RequestFlags::TCP | RequestFlags::OBFUSCATED
}
