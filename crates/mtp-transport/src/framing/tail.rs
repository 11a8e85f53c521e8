//! Tails: up to 15 random bytes behind a packet in padded intermediate framing.

use alloc::vec::Vec;
use core::fmt;

use mtp_crypto::Side;
use mtp_env::Entropy;

use super::{FrameError, PACKET_LEN_MIN};

/// Generator of tails. Draws randomness for several tails at once.
pub(crate) struct Tails {
    pool: [u8; POOL_LEN],
    /// Number of used bytes in `pool`; all of them at the start.
    used: usize,
}

impl Tails {
    pub(crate) const fn new() -> Self {
        Self { pool: [0; POOL_LEN], used: POOL_LEN }
    }

    /// Appends a tail and returns its length.
    ///
    /// Data centers accept up to 15 bytes, and official clients send that many. A server's tail stays
    /// below one word, because many clients strip the length modulo four.
    // spec: transport 2.3
    // spec: transport 14
    pub(crate) fn append(
        &mut self,
        sender: Side,
        out: &mut Vec<u8>,
        entropy: &mut dyn Entropy,
    ) -> usize {
        let random = |tails: &Self| tails.pool.get(tails.used..)?.first_chunk::<16>().copied();
        let random = random(self).unwrap_or_else(|| {
            entropy.fill(&mut self.pool);
            self.used = 0;
            random(self).unwrap_or_default()
        });
        let [choice, tail @ ..] = random;
        let len = match sender {
            Side::Client => usize::from(choice & 15),
            Side::Server => usize::from(choice & 3),
        };
        self.used = self.used.saturating_add(1).saturating_add(len);
        // A copy of constant length and a truncation avoid an unpredictable branch.
        let end = out.len().saturating_add(len);
        out.extend_from_slice(&tail);
        out.truncate(end);
        len
    }
}

/// Hides the random bytes.
impl fmt::Debug for Tails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tails(..)")
    }
}

/// Randomness for about a dozen tails of a client.
const POOL_LEN: usize = 128;

/// Returns the length of the packet at the front of the body of a padded frame.
///
/// No field contains the length of the tail, and the length modulo four does not determine it when
/// the peer sends more than three bytes. The packet itself does: an encrypted packet has 24 bytes and
/// whole cipher blocks, an unencrypted one declares its length.
///
/// Bodies below 20 bytes are control packets and must not be passed.
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

/// Length of a cipher block.
const BLOCK_LEN: usize = 16;
