//! Incremental decoding of a header.

use alloc::vec::Vec;
use core::fmt;

use super::{HEADER_LEN_MAX, ProxyHeader, ProxyHeaderError};

/// Decoder of one header that arrives in pieces of any length.
///
/// It consumes exactly the header and buffers at most [`HEADER_LEN_MAX`] bytes of it.
#[derive(Clone, Default)]
pub struct ProxyHeaderDecoder {
    /// The start of an incomplete header.
    held: Vec<u8>,
    result: Option<Result<ProxyHeader, ProxyHeaderError>>,
}

impl ProxyHeaderDecoder {
    /// Returns a decoder for the first bytes of a connection.
    #[must_use]
    pub const fn new() -> Self {
        Self { held: Vec::new(), result: None }
    }

    /// Consumes the header's bytes from the front of `bytes`.
    ///
    /// Returns how many bytes were consumed, and the header once it is complete. The bytes behind it
    /// belong to the client. Afterwards nothing is consumed, and the header is returned again.
    ///
    /// # Errors
    ///
    /// The bytes are not a valid header. Later calls return the same error.
    pub fn handle_bytes(
        &mut self,
        bytes: &[u8],
    ) -> Result<(usize, Option<ProxyHeader>), ProxyHeaderError> {
        if let Some(result) = self.result {
            return result.map(|header| (0, Some(header)));
        }
        let before = self.held.len();
        let space = HEADER_LEN_MAX.saturating_sub(before);
        let offered = bytes.get(..space).unwrap_or(bytes);
        self.held.extend_from_slice(offered);
        let parsed = ProxyHeader::parse(&self.held);
        match parsed {
            Ok(None) => Ok((offered.len(), None)),
            Ok(Some((header, len))) => {
                self.finish(Ok(header));
                Ok((len.saturating_sub(before), Some(header)))
            }
            Err(error) => {
                self.finish(Err(error));
                Err(error)
            }
        }
    }

    /// Handles the end of the stream.
    ///
    /// # Errors
    ///
    /// [`ProxyHeaderError::Truncated`] if the header is incomplete, or the error of the header.
    pub fn handle_eof(&mut self) -> Result<(), ProxyHeaderError> {
        if self.result.is_none() {
            self.finish(Err(ProxyHeaderError::Truncated));
        }
        self.result.map_or(Ok(()), |result| result.map(drop))
    }

    fn finish(&mut self, result: Result<ProxyHeader, ProxyHeaderError>) {
        self.held = Vec::new();
        self.result = Some(result);
    }
}

impl fmt::Debug for ProxyHeaderDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyHeaderDecoder")
            .field("held", &self.held.len())
            .field("result", &self.result)
            .finish()
    }
}
