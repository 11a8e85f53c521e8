//! gzip members as the protocol uses them: one level, one member, a hard limit.
//!
//! The container format (RFC 1952) is read here; `flate2` only inflates and deflates, so its state
//! can be kept and reset between messages.

use alloc::vec::Vec;
use core::fmt;

use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress, Status};

/// Unpacks members.
// spec: session 8.13
pub(crate) struct Inflater {
    stream: Decompress,
}

impl Inflater {
    /// Allocates the state, about 40 KiB.
    pub(crate) fn new() -> Self {
        Self { stream: Decompress::new(false) }
    }

    /// Unpacks one member and appends it to `out`, which is left as it was on an error.
    ///
    /// # Errors
    /// [`GunzipError`]: the member is broken, empty, not a whole number of words, or its content is
    /// above `limit` bytes.
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
        let mut crc = Crc::new();
        crc.update(content);
        // The length in the trailer is the low half of a possibly longer one.
        let len = u32::try_from(content.len() & 0xffff_ffff).unwrap_or(u32::MAX);
        if u32::from_le_bytes(*sum) != crc.sum() || *declared != len.to_le_bytes() {
            return Err(GunzipError::Malformed);
        }
        if content.is_empty() || content.len() % 4 != 0 {
            return Err(GunzipError::NotAnObject);
        }
        Ok(())
    }

    /// Inflates exactly `stream`: a stream that ends early or late is refused.
    fn inflate(
        &mut self,
        stream: &[u8],
        limit: usize,
        out: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), GunzipError> {
        self.stream.reset(false);
        loop {
            let made = out.len().saturating_sub(start);
            if made > limit {
                return Err(GunzipError::TooLong { limit });
            }
            // Room for one byte beyond the limit, so that a content of exactly the limit ends.
            let room = (limit - made).saturating_add(1).min(chunk_len(made));
            let filled = out.len();
            out.resize(filled.saturating_add(room), 0);
            let read = usize::try_from(self.stream.total_in()).unwrap_or(usize::MAX);
            let input = stream.get(read..).unwrap_or_default();
            let before = self.stream.total_out();
            let spare = out.get_mut(filled..).unwrap_or_default();
            let status = self.stream.decompress(input, spare, FlushDecompress::None);
            let wrote = usize::try_from(self.stream.total_out().saturating_sub(before));
            out.truncate(filled.saturating_add(wrote.unwrap_or(0)));
            let consumed = usize::try_from(self.stream.total_in()).unwrap_or(usize::MAX);
            match status {
                Ok(Status::StreamEnd) if consumed == stream.len() => break,
                Ok(Status::Ok) if out.len() > filled || consumed > read => {}
                _ => return Err(GunzipError::Malformed),
            }
        }
        if out.len().saturating_sub(start) > limit {
            return Err(GunzipError::TooLong { limit });
        }
        Ok(())
    }
}

/// Prints nothing of the content.
impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inflater(..)")
    }
}

/// Packs members.
pub(crate) struct Deflater {
    stream: Compress,
}

impl Deflater {
    /// Allocates the state, about 300 KiB.
    pub(crate) fn new() -> Self {
        Self { stream: Compress::new(Compression::fast(), false) }
    }

    /// Packs `content` into a member appended to `out`, if that is worth it.
    ///
    /// Returns whether it was; if not, `out` is left as it was. "Worth it" is at most nine tenths
    /// of the size. Of long contents the middle is tried first.
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
        // There is room for whatever comes out, also where that is too much, because the stream must
        // end: zlib-rs 0.6 does not reset one whose output was left in it, and panics at last.
        let room = content.len().saturating_add(content.len() / 8).saturating_add(EXPANSION_MAX);
        out.resize(filled.saturating_add(room), 0);
        self.stream.reset();
        let spare = out.get_mut(filled..).unwrap_or_default();
        let status = self.stream.compress(content, spare, FlushCompress::Finish);
        let wrote = usize::try_from(self.stream.total_out()).unwrap_or(usize::MAX);
        if !matches!(status, Ok(Status::StreamEnd)) {
            *self = Self::new();
            out.truncate(start);
            return false;
        }
        if wrote > allowed {
            out.truncate(start);
            return false;
        }
        out.truncate(filled.saturating_add(wrote));
        let mut crc = Crc::new();
        crc.update(content);
        out.extend_from_slice(&crc.sum().to_le_bytes());
        out.extend_from_slice(&crc.amount().to_le_bytes());
        true
    }
}

/// Prints nothing of the content.
impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deflater(..)")
    }
}

/// Why a packed object cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GunzipError {
    /// Not one whole gzip member.
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
/// What a stream may be longer than its content, beside an eighth: that is what the fixed code makes
/// of the rarest bytes.
const EXPANSION_MAX: usize = 64;
/// Contents from this length on are probed in the middle before they are packed.
const PROBE_FROM: usize = 16 * 1024;
/// Bytes of the probe.
const PROBE_LEN: usize = 1024;

/// Output grows by doubling, so a bomb costs no more than twice its limit.
fn chunk_len(made: usize) -> usize {
    made.clamp(4 * 1024, 256 * 1024)
}

/// The flags of a header: a check of it, an extra field, a name, a comment follow.
const CHECK: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;

/// Skips a member's header (RFC 1952, 2.3).
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
    // Bits above these are reserved and must be zero.
    (flags & 0xe0 == 0).then_some(rest)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::service::{Message, Wrappers};
    use crate::session::vectors;

    const LIMIT: usize = 1 << 20;

    /// Unpacks a packed object, or the one within `rpc_result` or `invokeAfterMsg`.
    fn unpack(object: &[u8], limit: usize) -> Option<Vec<u8>> {
        let (before, object) = match Message::parse(object).unwrap() {
            Message::RpcResult(result) => {
                (Vec::new(), object[object.len() - result.result.as_bytes().len()..].to_vec())
            }
            Message::Object(body) => {
                let (_, query) = Wrappers::peel(body).unwrap();
                (body[..body.len() - query.len()].to_vec(), query.to_vec())
            }
            _ => (Vec::new(), object.to_vec()),
        };
        let Ok(Message::GzipPacked(packed)) = Message::parse(&object) else { panic!("not packed") };
        let mut out = before;
        let start = out.len();
        Inflater::new().unpack(packed.packed_data, limit, &mut out).ok()?;
        // The session refuses a second level the same way.
        let nested = matches!(Message::parse(&out[start..]), Ok(Message::GzipPacked(_)));
        (!nested).then_some(out)
    }

    // spec: session 8.13
    // spec: session 20#17
    #[test]
    fn packed_objects() {
        let section = vectors::whole("gzip");
        let limit = usize::try_from(section.number("unpacked_limit_default")).unwrap();
        let cases = section.entries("cases");
        assert_eq!(cases.len(), 14);
        for case in cases {
            let object =
                if case.has("object") { case.bytes("object") } else { case.base64("object_b64") };
            let unpacked = unpack(&object, limit);
            if case.text("verdict").starts_with("ok") {
                assert_eq!(unpacked.unwrap(), case.bytes("unpacked"), "{case:?}");
            } else {
                assert_eq!(unpacked, None, "{case:?}");
            }
            if let Some(len) = case.optional_number("unpacked_len") {
                assert_eq!(
                    unpack(&object, usize::try_from(len).unwrap()).unwrap().len() as u64,
                    len
                );
            }
        }
    }

    fn member(content: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        assert!(Deflater::new().pack_within(content, &mut out));
        out
    }

    // spec: session 8.13
    #[test]
    fn packing_and_unpacking() {
        let (mut deflater, mut inflater) = (Deflater::new(), Inflater::new());
        for len in [256, 1024, 16 * 1024, 300_000] {
            let content: Vec<u8> = (0..len).map(|at: u32| (at / 64).to_le_bytes()[0]).collect();
            let mut packed = vec![9];
            assert!(deflater.pack(&content, &mut packed));
            assert!(packed.len() <= content.len() * 9 / 10 + 1);
            let mut unpacked = vec![7, 7];
            inflater.unpack(&packed[1..], content.len(), &mut unpacked).unwrap();
            assert_eq!(unpacked[2..], content);
            let above = inflater.unpack(&packed[1..], content.len() - 1, &mut unpacked);
            assert_eq!(above, Err(GunzipError::TooLong { limit: content.len() - 1 }));
            assert_eq!(unpacked.len(), 2 + content.len());
        }
    }

    #[test]
    fn what_does_not_shrink_is_left() {
        let mut state = 1_u32;
        let noise: Vec<u8> = (0..20_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_le_bytes()[3]
            })
            .collect();
        let mut out = vec![1];
        assert!(!Deflater::new().pack(&noise, &mut out));
        assert!(!Deflater::new().pack(&noise[..1000], &mut out));
        assert!(!Deflater::new().pack(&[], &mut out));
        assert_eq!(out, [1]);
    }

    /// What was left unfinished stays in the way of what comes next.
    #[test]
    fn noise_leaves_nothing_behind() {
        let mut deflater = Deflater::new();
        let mut state = 1_u32;
        let mut out = Vec::new();
        for round in 0..2_000_usize {
            let noise: Vec<u8> = (0..256 + round % 1024)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    state.to_le_bytes()[3]
                })
                .collect();
            assert!(!deflater.pack(&noise, &mut out), "{round}");
        }
        let content = alloc::vec![7; 40_000];
        assert!(deflater.pack(&content, &mut out));
        assert_eq!(out, member(&content), "as a fresh one packs");
    }

    #[test]
    fn headers_with_optional_fields() {
        let plain = member(&[0; 256]);
        let mut fancy = plain[..10].to_vec();
        fancy[3] = 2 | 4 | 8 | 16;
        fancy.extend([3, 0, 1, 2, 3]);
        fancy.extend(b"name\0comment\0");
        fancy.extend([0xaa, 0xbb]);
        fancy.extend(&plain[10..]);
        let mut out = Vec::new();
        Inflater::new().unpack(&fancy, LIMIT, &mut out).unwrap();
        assert_eq!(out, [0; 256]);
        fancy[3] |= 32;
        assert_eq!(Inflater::new().unpack(&fancy, LIMIT, &mut out), Err(GunzipError::Malformed));
    }

    #[test]
    fn every_cut_and_flip_is_refused_or_harmless() {
        let packed = member(&[5; 512]);
        let mut inflater = Inflater::new();
        let mut out = Vec::new();
        for len in 0..packed.len() {
            assert!(inflater.unpack(&packed[..len], LIMIT, &mut out).is_err(), "{len}");
        }
        for bit in 0..packed.len() * 8 {
            let mut flipped = packed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            out.clear();
            if inflater.unpack(&flipped, LIMIT, &mut out).is_ok() {
                // Only the header's time, system and text bits mean nothing to us.
                assert_eq!(out, [5; 512]);
            }
        }
        let mut two = packed.clone();
        two.extend(&packed);
        assert!(inflater.unpack(&two, LIMIT, &mut out).is_err());
    }
}
