//! Reading and writing the bytes below the strings.

use alloc::string::String;
use alloc::vec::Vec;

use base64ct::{Base64Unpadded, Base64UrlUnpadded, Encoding as _};
use mtp_crypto::AuthKey;
use zeroize::Zeroizing;

use super::session::{ForeignError, STRING_LEN_MAX};

/// Decodes either alphabet, with padding or without.
pub(super) fn decode(text: &str) -> Result<Zeroizing<Vec<u8>>, ForeignError> {
    if text.is_empty() {
        return Err(ForeignError::Empty);
    }
    if text.len() > STRING_LEN_MAX {
        return Err(ForeignError::TooLong);
    }
    let bare = text.trim_end_matches('=');
    let decoded = if bare.contains(['+', '/']) {
        Base64Unpadded::decode_vec(bare)
    } else {
        Base64UrlUnpadded::decode_vec(bare)
    };
    decoded.map(Zeroizing::new).map_err(|_| ForeignError::Form)
}

pub(super) fn encode_url(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(Base64UrlUnpadded::encode_string(bytes))
}

/// A reader that never trusts a length.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], ForeignError> {
        let (head, tail) = self.0.split_at_checked(len).ok_or(ForeignError::Form)?;
        self.0 = tail;
        Ok(head)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], ForeignError> {
        self.take(N)?.try_into().map_err(|_| ForeignError::Form)
    }

    pub(super) fn byte(&mut self) -> Result<u8, ForeignError> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(super) fn key(&mut self) -> Result<AuthKey, ForeignError> {
        key(self.take(AuthKey::LEN)?)
    }

    /// Reads TL bytes, padded to 4 from their own start.
    pub(super) fn tl_bytes(&mut self) -> Result<&'a [u8], ForeignError> {
        let first = self.byte()?;
        let (header, len) = match first {
            0..=253 => (1, usize::from(first)),
            254 => {
                let [a, b, c] = self.array()?;
                (4, usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16)
            }
            255 => return Err(ForeignError::Form),
        };
        let bytes = self.take(len)?;
        self.take((header + len).next_multiple_of(4) - header - len)?;
        Ok(bytes)
    }

    pub(super) fn end(&self) -> Result<(), ForeignError> {
        if self.0.is_empty() { Ok(()) } else { Err(ForeignError::Form) }
    }
}

pub(super) fn key(bytes: &[u8]) -> Result<AuthKey, ForeignError> {
    if bytes.iter().all(|byte| *byte == 0) {
        return Err(ForeignError::NoKey);
    }
    let bytes = bytes.try_into().map_err(|_| ForeignError::Form)?;
    AuthKey::new(bytes).map_err(|_| ForeignError::NoKey)
}

/// Writes TL bytes of less than 2^24 bytes.
pub(super) fn put_tl_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    if let Ok(len @ 0..=253) = u8::try_from(bytes.len()) {
        out.push(len);
    } else {
        let [a, b, c, ..] = bytes.len().to_le_bytes();
        out.extend([254, a, b, c]);
    }
    out.extend_from_slice(bytes);
    while !(out.len() - start).is_multiple_of(4) {
        out.push(0);
    }
}
