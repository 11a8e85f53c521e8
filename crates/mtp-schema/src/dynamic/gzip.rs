//! Unpacking within a limit.

use std::io::Read as _;

use flate2::bufread::GzDecoder;

/// Why packed data could not be unpacked.
pub(super) enum GzipError {
    /// It would be more than the limit.
    Limit,
    /// It is no gzip stream, is cut, or its check sum or length is wrong.
    Invalid,
}

/// Unpacks one gzip member that fills `packed`; the limit holds while unpacking.
// spec: tl 6.3
pub(super) fn unpack(packed: &[u8], max: usize) -> Result<Vec<u8>, GzipError> {
    let mut decoder = GzDecoder::new(packed);
    let mut out = Vec::new();
    let mut chunk = [0; CHUNK_LEN];
    loop {
        let read = decoder.read(&mut chunk).map_err(|_| GzipError::Invalid)?;
        let fresh = chunk.get(..read).unwrap_or_default();
        if fresh.is_empty() {
            break;
        }
        if out.len().saturating_add(fresh.len()) > max {
            return Err(GzipError::Limit);
        }
        out.extend_from_slice(fresh);
    }
    if decoder.into_inner().is_empty() { Ok(out) } else { Err(GzipError::Invalid) }
}

const CHUNK_LEN: usize = 8192;
