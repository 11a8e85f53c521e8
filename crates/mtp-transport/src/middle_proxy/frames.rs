//! Frames of a link: length, sequence number, payload, checksum.
//!
//! ```text
//!  nonce      -2  in clear
//!  handshake  -1  AES-256-CBC, CRC-32
//!  data        0… AES-256-CBC, CRC-32 or CRC-32C; filler words complete the last block
//! ```

use alloc::vec::Vec;
use core::ops::Range;

use super::cbc::{BLOCK_LEN, Decryptor, Encryptor};
use super::checksum::Checksum;
use super::error::MiddleLinkError;
use crate::buffer::ReceiveBuffer;

/// Length and sequence number in front of a payload.
pub(super) const HEAD_LEN: usize = 8;
/// Length, sequence number and checksum around a payload.
pub(super) const FRAME_OVERHEAD: usize = 12;
/// The shortest frame: its payload is a type.
const FRAME_LEN_MIN: usize = 16;
/// A frame with a nonce, the only one in clear.
const NONCE_FRAME_LEN: usize = 44;
/// A word that is no frame: it completes a cipher block.
pub(super) const FILLER: [u8; 4] = [4, 0, 0, 0];
/// The sequence number of the first frame.
const SEQ_NO_FIRST: i32 = -2;

/// Received bytes to payloads.
pub(super) struct FrameReader {
    buffer: ReceiveBuffer,
    cipher: Option<Decryptor>,
    checksum: Checksum,
    seq_no: i32,
    /// Limit of the frames in the present state.
    pub(super) frame_len_max: usize,
    /// A filler word may follow the nonce in clear.
    skip_filler: bool,
}

impl FrameReader {
    pub(super) fn new() -> Self {
        Self {
            buffer: ReceiveBuffer::default(),
            cipher: None,
            checksum: Checksum::Crc32,
            seq_no: SEQ_NO_FIRST,
            frame_len_max: NONCE_FRAME_LEN,
            skip_filler: false,
        }
    }

    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.buffer.put(bytes);
    }

    /// Decrypts everything behind the nonce.
    pub(super) fn set_cipher(&mut self, cipher: Decryptor, skip_filler: bool) {
        self.cipher = Some(cipher);
        self.skip_filler = skip_filler;
    }

    pub(super) fn set_checksum(&mut self, checksum: Checksum) {
        self.checksum = checksum;
    }

    /// Returns the position of the next payload, valid until the next call of `put`.
    ///
    /// Filler words are skipped. Each of them consumes input, so the loop ends.
    // spec: proxy 2.1
    pub(super) fn next(&mut self) -> Result<Option<Range<usize>>, MiddleLinkError> {
        self.open_blocks();
        loop {
            let inner = self.buffer.inner();
            let Some(word) = inner.first_chunk::<4>() else { return Ok(None) };
            if *word == FILLER && self.cipher.is_some() {
                self.buffer.take(FILLER.len());
                continue;
            }
            let len = usize::try_from(u32::from_le_bytes(*word)).unwrap_or(usize::MAX);
            if !(FRAME_LEN_MIN..=self.frame_len_max).contains(&len) || !len.is_multiple_of(4) {
                return Err(MiddleLinkError::Length { len });
            }
            let Some(frame) = inner.get(..len) else { return Ok(None) };
            let (body, checksum) = frame.split_last_chunk::<4>().unwrap_or((frame, &[0; 4]));
            let found = body.get(4..).and_then(|rest| rest.first_chunk::<4>());
            let found = found.map_or(0, |bytes| i32::from_le_bytes(*bytes));
            if self.checksum.of(body) != u32::from_le_bytes(*checksum) {
                return Err(MiddleLinkError::Checksum);
            }
            if found != self.seq_no {
                return Err(MiddleLinkError::SeqNo { expected: self.seq_no, found });
            }
            self.seq_no = self.seq_no.wrapping_add(1);
            let at = self.buffer.take(len).start.saturating_add(HEAD_LEN);
            return Ok(Some(at..at.saturating_add(len.saturating_sub(FRAME_OVERHEAD))));
        }
    }

    /// Makes received bytes readable: in clear as far as the nonce, then whole blocks.
    fn open_blocks(&mut self) {
        let Some(cipher) = &mut self.cipher else {
            let missing = NONCE_FRAME_LEN.saturating_sub(self.buffer.inner().len());
            self.buffer.accept(0, missing.min(self.buffer.outer().len()));
            return;
        };
        if self.skip_filler {
            // However the stream is cut, the word is recognized: it is awaited.
            let Some(word) = self.buffer.outer().first_chunk::<4>() else { return };
            if *word == FILLER {
                self.buffer.accept(FILLER.len(), 0);
            }
            self.skip_filler = false;
        }
        let blocks = self.buffer.outer().len() / BLOCK_LEN;
        cipher.decrypt(self.buffer.accept(0, blocks.saturating_mul(BLOCK_LEN)));
    }

    pub(super) fn lend(&mut self, at: Range<usize>) -> &mut [u8] {
        self.buffer.lend(at)
    }

    /// Returns `true` if the stream ended between two frames.
    pub(super) fn is_between_frames(&self) -> bool {
        self.buffer.inner().is_empty() && self.buffer.outer().is_empty()
    }

    /// Frees the memory if nothing is buffered.
    pub(super) fn release(&mut self) {
        self.buffer.release();
    }
}

/// Payloads to bytes.
///
/// Frames get their numbers when they are drained. So urgent ones precede queued ones.
#[derive(Debug)]
pub(super) struct FrameWriter {
    cipher: Option<Encryptor>,
    checksum: Checksum,
    seq_no: i32,
    /// Bytes as sent.
    ready: Vec<u8>,
    /// Frames without number and checksum, drained first.
    urgent: Vec<u8>,
    queued: Vec<u8>,
}

impl FrameWriter {
    pub(super) const fn new() -> Self {
        Self {
            cipher: None,
            checksum: Checksum::Crc32,
            seq_no: SEQ_NO_FIRST,
            ready: Vec::new(),
            urgent: Vec::new(),
            queued: Vec::new(),
        }
    }

    /// Queues a frame whose payload is appended by `write`.
    pub(super) fn queue(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        frame(&mut self.queued, write);
    }

    /// Queues a frame in front of the others.
    pub(super) fn queue_urgent(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        frame(&mut self.urgent, write);
    }

    pub(super) fn queued_len(&self) -> usize {
        self.queued.len()
    }

    pub(super) fn urgent_len(&self) -> usize {
        self.urgent.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.urgent.is_empty() && self.queued.is_empty()
    }

    /// Numbers and encrypts what is queued, under the cipher and checksum until now.
    pub(super) fn seal(&mut self) {
        let mut ready = core::mem::take(&mut self.ready);
        self.seal_into(&mut ready);
        self.ready = ready;
    }

    pub(super) fn set_cipher(&mut self, cipher: Encryptor) {
        self.seal();
        self.cipher = Some(cipher);
    }

    pub(super) fn set_checksum(&mut self, checksum: Checksum) {
        self.seal();
        self.checksum = checksum;
    }

    /// Appends everything queued. Returns `true` if there was any.
    pub(super) fn drain(&mut self, out: &mut Vec<u8>) -> bool {
        if self.is_empty() {
            return false;
        }
        out.append(&mut self.ready);
        self.seal_into(out);
        true
    }

    /// Drops frames that are not sealed yet.
    pub(super) fn discard(&mut self) {
        self.urgent = Vec::new();
        self.queued = Vec::new();
    }

    fn seal_into(&mut self, out: &mut Vec<u8>) {
        let start = out.len();
        if out.is_empty() && self.urgent.is_empty() {
            core::mem::swap(out, &mut self.queued);
        } else {
            out.append(&mut self.urgent);
            out.append(&mut self.queued);
        }
        if out.len() == start {
            return;
        }
        self.number(out.get_mut(start..).unwrap_or_default());
        if let Some(cipher) = &mut self.cipher {
            // spec: proxy 2.1
            while !out.len().saturating_sub(start).is_multiple_of(BLOCK_LEN) {
                out.extend_from_slice(&FILLER);
            }
            cipher.encrypt(out.get_mut(start..).unwrap_or_default());
        }
    }

    /// Fills in the sequence numbers and checksums of frames.
    fn number(&mut self, mut frames: &mut [u8]) {
        while let Some(word) = frames.first_chunk::<4>() {
            let len = usize::try_from(u32::from_le_bytes(*word)).unwrap_or(usize::MAX);
            let Some((one, rest)) = frames.split_at_mut_checked(len) else { return };
            if let Some((body, checksum)) = one.split_last_chunk_mut::<4>() {
                if let Some(field) = body.get_mut(4..HEAD_LEN) {
                    field.copy_from_slice(&self.seq_no.to_le_bytes());
                }
                *checksum = self.checksum.of(body).to_le_bytes();
            }
            self.seq_no = self.seq_no.wrapping_add(1);
            frames = rest;
        }
    }
}

/// Appends a frame without number and checksum.
fn frame(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; HEAD_LEN]);
    write(out);
    debug_assert!(out.len().is_multiple_of(4), "payloads consist of words");
    out.extend_from_slice(&[0; 4]);
    let len = u32::try_from(out.len().saturating_sub(start)).unwrap_or(u32::MAX);
    if let Some(field) = out.get_mut(start..start.saturating_add(4)) {
        field.copy_from_slice(&len.to_le_bytes());
    }
}
