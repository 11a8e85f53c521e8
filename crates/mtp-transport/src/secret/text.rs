//! Text forms of secrets: hex, base64url, standard base64.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use base64ct::{Base64, Base64Url, Base64UrlUnpadded, Encoding};

use super::{ProxySecret, SecretError, SecretKind};

impl ProxySecret {
    /// Returns the canonical text: hex for plain and padded secrets, unpadded base64url for FakeTLS.
    // spec: transport 6.2
    #[must_use]
    pub fn to_text(&self) -> String {
        let bytes = self.to_bytes();
        match self.kind() {
            SecretKind::Plain | SecretKind::Padded => hex(&bytes),
            SecretKind::FakeTls(_) => Base64UrlUnpadded::encode_string(&bytes),
        }
    }
}

/// Decodes text.
///
/// Hex takes precedence: 32 hex digits are also valid base64.
// spec: transport 6.2
pub(super) fn decode(text: &str) -> Result<Vec<u8>, SecretError> {
    if let Some(bytes) = unhex(text) {
        return Ok(bytes);
    }
    let url = if text.contains('=') {
        Base64Url::decode_vec(text)
    } else {
        Base64UrlUnpadded::decode_vec(text)
    };
    url.or_else(|_| Base64::decode_vec(text)).map_err(|_| SecretError::NotDecodable)
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Decodes hex digits of either case. Returns `None` for other text.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

fn digit(char: u8) -> Option<u8> {
    match char {
        b'0'..=b'9' => Some(char.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(char.wrapping_sub(b'a' - 10)),
        b'A'..=b'F' => Some(char.wrapping_sub(b'A' - 10)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: transport 6.2
    #[test]
    fn noncanonical_base64_is_rejected() {
        let url = "EjRWeJCrze8SNFZ4kKvN7w";
        assert!(decode(url).is_ok());
        assert!(decode("EjRWeJCrze8SNFZ4kKvN7w==").is_ok());
        assert_eq!(decode("EjRWeJCrze8SNFZ4kKvN7w="), Err(SecretError::NotDecodable));
        // The four unused bits of the last character must be zero.
        assert_eq!(decode("EjRWeJCrze8SNFZ4kKvN7x"), Err(SecretError::NotDecodable));
        assert_eq!(decode("EjRWeJCrze8SNFZ4kKvN7x=="), Err(SecretError::NotDecodable));
        assert_eq!(decode("EjRW eJCrze8SNFZ4kKvN7"), Err(SecretError::NotDecodable));
    }

    #[test]
    fn standard_base64_is_decoded_if_padded_correctly() {
        assert_eq!(decode("+/+/"), Ok(alloc::vec![0xfb, 0xff, 0xbf]));
        assert_eq!(decode("-_-_"), Ok(alloc::vec![0xfb, 0xff, 0xbf]));
        assert_eq!(decode("+_+_"), Err(SecretError::NotDecodable));
        assert_eq!(decode("+/+"), Err(SecretError::NotDecodable));
    }

    #[test]
    fn hex_takes_precedence_over_base64() {
        assert_eq!(decode("12345678"), Ok(alloc::vec![0x12, 0x34, 0x56, 0x78]));
        assert_eq!(decode(""), Ok(Vec::new()));
    }
}
