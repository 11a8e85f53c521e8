//! Gzip as the protocol uses it: one level, one member, a hard limit.
//!
//! The file format (RFC 1952) is handled here. A library only inflates and deflates, so that its state can be reused
//! between messages. There are two libraries, which accept the same streams:
//!
//! | module | library | built |
//! |---|---|---|
//! | `fast` | `flate2` on zlib-rs | with the feature `std` |
//! | `portable` | `miniz_oxide` | without `std` |

#[cfg(feature = "std")]
mod fast;
#[cfg(any(not(feature = "std"), test))]
mod portable;
mod stream;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::fmt;

#[cfg(feature = "std")]
use fast as library;
#[cfg(not(feature = "std"))]
use portable as library;
use stream::{Deflate, Inflate, State, Step};

/// Decompressor of gzip members.
// spec: session 8.13
pub(crate) struct Inflater<S = library::Inflate> {
    stream: S,
}

impl Inflater {
    /// Allocates the state, 10 to 40 KiB.
    pub(crate) fn new() -> Self {
        Self::of_library()
    }
}

impl<S: Inflate> Inflater<S> {
    fn of_library() -> Self {
        Self { stream: S::new() }
    }

    /// Unpacks one member and appends it to `out`, which is unchanged on an error.
    ///
    /// # Errors
    /// [`GunzipError`] if the member is damaged, empty, not a multiple of four bytes, or longer than `limit` bytes.
    pub(crate) fn unpack(
        &mut self,
        packed: &[u8],
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), GunzipError> {
        let start = out.len();
        let result = self.unpack_member(packed, limit, out, start);
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    fn unpack_member(
        &mut self,
        packed: &[u8],
        limit: usize,
        out: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), GunzipError> {
        let packed = skip_header(packed).ok_or(GunzipError::Malformed)?;
        let (stream, trailer) = packed.split_last_chunk::<8>().ok_or(GunzipError::Malformed)?;
        self.inflate(stream, limit, out, start)?;
        let content = out.get(start..).unwrap_or_default();
        let (sum, declared) = trailer.split_first_chunk().ok_or(GunzipError::Malformed)?;
        if u32::from_le_bytes(*sum) != crc32fast::hash(content) || *declared != length_word(content)
        {
            return Err(GunzipError::Malformed);
        }
        if content.is_empty() || content.len() % 4 != 0 {
            return Err(GunzipError::NotAnObject);
        }
        Ok(())
    }

    /// Inflates exactly `stream`; a stream that ends early or late is rejected.
    fn inflate(
        &mut self,
        stream: &[u8],
        limit: usize,
        out: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), GunzipError> {
        self.stream.reset();
        let mut unread = stream;
        loop {
            let produced = out.len().saturating_sub(start);
            if produced > limit {
                return Err(GunzipError::TooLong { limit });
            }
            // Room for one byte beyond the limit, so that a content of exactly `limit` bytes reaches its end.
            let room = (limit - produced).saturating_add(1).min(chunk_len(produced));
            let filled = out.len();
            out.resize(filled.saturating_add(room), 0);
            let content = out.get_mut(start..).unwrap_or_default();
            let Step { read, wrote, state } = self.stream.step(unread, content, produced);
            out.truncate(filled.saturating_add(wrote));
            unread = unread.get(read..).unwrap_or_default();
            match state {
                State::Ended if unread.is_empty() => break,
                State::Running if wrote > 0 || read > 0 => {}
                // The look-ahead of a library must not matter: the limit is reported first.
                _ if produced.saturating_add(wrote) > limit => break,
                _ => return Err(GunzipError::Malformed),
            }
        }
        if out.len().saturating_sub(start) > limit {
            return Err(GunzipError::TooLong { limit });
        }
        Ok(())
    }
}

/// Leaves out the content.
impl<S> fmt::Debug for Inflater<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inflater(..)")
    }
}

/// Compressor of gzip members.
pub(crate) struct Deflater<S = library::Deflate> {
    stream: S,
}

impl Deflater {
    /// Allocates the state, about 300 KiB.
    pub(crate) fn new() -> Self {
        Self::of_library()
    }
}

impl<S: Deflate> Deflater<S> {
    fn of_library() -> Self {
        Self { stream: S::new() }
    }

    /// Packs `content` into a member appended to `out` if that saves at least a tenth of the size.
    ///
    /// Returns `true` if it does; otherwise `out` is unchanged. Of long contents the middle is tried first.
    // spec: session 8.13
    pub(crate) fn pack(&mut self, content: &[u8], out: &mut Vec<u8>) -> bool {
        if content.len() >= PROBE_FROM {
            let middle = content.len() / 2;
            let probe = content.get(middle..middle.saturating_add(PROBE_LEN)).unwrap_or_default();
            let start = out.len();
            let shrinks = self.pack_within(probe, out);
            out.truncate(start);
            if !shrinks {
                return false;
            }
        }
        self.pack_within(content, out)
    }

    fn pack_within(&mut self, content: &[u8], out: &mut Vec<u8>) -> bool {
        let start = out.len();
        let allowed = content.len().saturating_sub(content.len() / 10);
        let Some(allowed) = allowed.checked_sub(HEADER.len() + TRAILER_LEN) else { return false };
        out.extend_from_slice(&HEADER);
        let filled = out.len();
        // Room for any output, even if it is too long, because the stream must end: zlib-rs 0.6 does not fully reset
        // a stream with pending output and panics eventually.
        let room = content.len().saturating_add(content.len() / 8).saturating_add(EXPANSION_MAX);
        out.resize(filled.saturating_add(room), 0);
        let spare = out.get_mut(filled..).unwrap_or_default();
        let wrote = self.stream.whole(content, spare);
        let Some(wrote) = wrote.filter(|wrote| *wrote <= allowed) else {
            out.truncate(start);
            return false;
        };
        out.truncate(filled.saturating_add(wrote));
        out.extend_from_slice(&crc32fast::hash(content).to_le_bytes());
        out.extend_from_slice(&length_word(content));
        true
    }
}

/// Leaves out the content.
impl<S> fmt::Debug for Deflater<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deflater(..)")
    }
}

/// Errors of unpacking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GunzipError {
    /// Not exactly one gzip member.
    Malformed,
    /// The content is empty or not a multiple of four bytes.
    NotAnObject,
    /// The content is longer than allowed.
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
}

/// A header without name, time or flags.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
const TRAILER_LEN: usize = 8;
/// Maximum growth of a stream beyond an eighth of its content, which the fixed code needs for its longest symbols.
const EXPANSION_MAX: usize = 64;
/// Length from which the middle of a content is probed before it is packed.
const PROBE_FROM: usize = 16 * 1024;
/// Length of the probe.
const PROBE_LEN: usize = 1024;

/// Returns the next growth of the output. It doubles, so a bomb takes at most twice its limit.
fn chunk_len(produced: usize) -> usize {
    produced.clamp(4 * 1024, 256 * 1024)
}

/// Returns the length as in a member's trailer: its low 32 bits.
fn length_word(content: &[u8]) -> [u8; 4] {
    u32::try_from(content.len() & 0xffff_ffff).unwrap_or(u32::MAX).to_le_bytes()
}

// Flags of a header: checksum, extra field, name and comment follow.
const CHECK: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;

/// Skips the header of a member (RFC 1952, 2.3).
fn skip_header(packed: &[u8]) -> Option<&[u8]> {
    let ([0x1f, 0x8b, 8, flags, ..], mut rest) = packed.split_first_chunk::<10>()? else {
        return None;
    };
    if flags & EXTRA != 0 {
        let (len, after) = rest.split_first_chunk::<2>()?;
        rest = after.get(usize::from(u16::from_le_bytes(*len))..)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = rest.get(end.checked_add(1)?..)?;
        }
    }
    if flags & CHECK != 0 {
        rest = rest.get(2..)?;
    }
    // The upper bits are reserved and must be zero.
    (flags & 0xe0 == 0).then_some(rest)
}
