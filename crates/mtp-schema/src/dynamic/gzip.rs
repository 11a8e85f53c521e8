//! Decompression within a limit.

use std::io::Read as _;

use flate2::bufread::GzDecoder;

/// Error for data that cannot be decompressed.
pub(super) enum GzipError {
    /// The decompressed data exceeds the limit.
    Limit,
    /// The data is not a gzip stream, is truncated, or has a wrong checksum or length.
    Invalid,
}

/// Decompresses one gzip member that fills `packed`. The limit is enforced during decompression.
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
