//! Where a packet ends that up to 15 random bytes follow.

use super::{FrameError, PACKET_LEN_MIN};

/// Returns the length of the packet at the front of a padded frame's body.
///
/// No field gives the tail's length. Length modulo four is not enough, whole padding words remain
/// when a peer pads with up to 15 bytes; the packet's own form tells: an encrypted one is 24 bytes
/// and whole cipher blocks, an unencrypted one states its length.
///
/// Bodies below 20 bytes are control packets and not for this function.
// spec: transport 2.3
pub(crate) fn packet_len(body: &[u8]) -> Result<usize, FrameError> {
    let short = FrameError::ShortPacket { len: body.len() };
    let (header, rest) = body.split_first_chunk::<PACKET_LEN_MIN>().ok_or(short)?;
    let (auth_key_id, _) = header.split_first_chunk::<8>().ok_or(short)?;
    if *auth_key_id != [0; 8] {
        let blocks = body.len().checked_sub(ENCRYPTED_HEADER_LEN).ok_or(short)?;
        return Ok(body.len().saturating_sub(blocks % BLOCK_LEN));
    }
    let (_, declared) = header.split_last_chunk::<4>().ok_or(short)?;
    let declared = usize::try_from(u32::from_le_bytes(*declared)).unwrap_or(usize::MAX);
    if declared > rest.len() {
        return Err(FrameError::InnerLength { declared, available: rest.len() });
    }
    Ok(PACKET_LEN_MIN.saturating_add(declared))
}

/// Auth key id and message key.
const ENCRYPTED_HEADER_LEN: usize = 24;

/// The cipher's block.
const BLOCK_LEN: usize = 16;
