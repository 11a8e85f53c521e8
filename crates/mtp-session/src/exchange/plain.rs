//! Envelope of plain messages.
//!
//! ```text
//! auth_key_id = 0   msg_id   length   body           rest of the frame (padding of the transport)
//!       8             8        4      length
//! ```

use alloc::vec::Vec;

use mtp_crypto::MsgId;

use super::HandshakeError;

/// Length of the header in bytes.
pub(crate) const PLAIN_HEADER_LEN: usize = 20;

/// Returns `true` if a packet carries a plain message.
// spec: crypto 3, 7
#[must_use]
pub(crate) fn is_plain(packet: &[u8]) -> bool {
    packet.first_chunk::<8>().is_some_and(|id| *id == [0; 8])
}

/// Returns the body of a plain packet.
///
/// The message id is ignored: nothing here is authenticated, and the peers do not agree on the time yet. Bytes after
/// the declared length belong to the transport.
///
/// # Errors
///
/// [`HandshakeError::Envelope`] if the packet is encrypted or shorter than declared,
/// [`HandshakeError::TooLong`] above [`PACKET_LEN_MAX`].
// spec: crypto 7
pub(crate) fn open_plain(packet: &[u8]) -> Result<&[u8], HandshakeError> {
    if packet.len() > PACKET_LEN_MAX {
        return Err(HandshakeError::TooLong { len: packet.len() });
    }
    let (key_id, rest) = packet.split_first_chunk::<8>().ok_or(HandshakeError::Envelope)?;
    let (_msg_id, rest) = rest.split_first_chunk::<8>().ok_or(HandshakeError::Envelope)?;
    let (length, rest) = rest.split_first_chunk::<4>().ok_or(HandshakeError::Envelope)?;
    if *key_id != [0; 8] {
        return Err(HandshakeError::Envelope);
    }
    usize::try_from(i32::from_le_bytes(*length))
        .ok()
        .and_then(|length| rest.get(..length))
        .ok_or(HandshakeError::Envelope)
}

/// Appends a plain packet.
pub(crate) fn seal_plain(out: &mut Vec<u8>, msg_id: MsgId, body: &[u8]) {
    debug_assert!(body.len() < PACKET_LEN_MAX, "messages of the exchange are short");
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    out.reserve(PLAIN_HEADER_LEN.saturating_add(body.len()));
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&msg_id.to_le_bytes());
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(body);
}

/// Maximum length of a packet. The longest message has 652 bytes; servers append random bytes, 104 in a published
/// sample, and transports append up to 15.
pub(crate) const PACKET_LEN_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packet_length_is_limited() {
        let mut packet = Vec::new();
        seal_plain(&mut packet, MsgId::from_raw(4), &[7; 100]);
        for (len, is_accepted) in
            [(PACKET_LEN_MAX - 1, true), (PACKET_LEN_MAX, true), (PACKET_LEN_MAX + 1, false)]
        {
            packet.resize(len, 0);
            let expected =
                if is_accepted { Ok(&[7; 100][..]) } else { Err(HandshakeError::TooLong { len }) };
            assert_eq!(open_plain(&packet), expected);
        }
    }
}
