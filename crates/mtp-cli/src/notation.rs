//! Text notations of bytes: hexadecimal and base64.

use core::fmt::Write;

use anyhow::{anyhow, bail};
use base64ct::{Base64, Base64Unpadded, Base64Url, Base64UrlUnpadded, Encoding};
use clap::ValueEnum;

/// The notation of bytes.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Notation {
    Hex,
    Base64,
    /// Unencoded bytes
    Raw,
}

/// Parses hexadecimal digits, or base64 in either alphabet with or without padding. White space is ignored.
///
/// Text that is valid in both notations is hexadecimal, which is more common.
pub(crate) fn read(text: &str) -> anyhow::Result<Vec<u8>> {
    let text: String = text.chars().filter(|char| !char.is_whitespace()).collect();
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    if digits.chars().all(|char| char.is_ascii_hexdigit()) {
        return from_hex(digits).ok_or_else(|| anyhow!("an odd number of hexadecimal digits"));
    }
    let decoders = [
        Base64Url::decode_vec,
        Base64UrlUnpadded::decode_vec,
        Base64::decode_vec,
        Base64Unpadded::decode_vec,
    ];
    match decoders.iter().find_map(|decode| decode(&text).ok()) {
        Some(bytes) => Ok(bytes),
        None => bail!("neither hexadecimal digits nor base64"),
    }
}

/// Returns bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut out = String::new();
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// Returns bytes as base64 in the standard alphabet with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[u8]) {
        assert_eq!(read(text).unwrap(), expected);
    }

    #[test]
    fn common_notations_are_parsed() {
        check("", b"");
        check("6b18f9c4", &[0x6b, 0x18, 0xf9, 0xc4]);
        check("0x6B18 f9C4\n", &[0x6b, 0x18, 0xf9, 0xc4]);
        check("axj5xA==", &[0x6b, 0x18, 0xf9, 0xc4]);
        check("axj5xA", &[0x6b, 0x18, 0xf9, 0xc4]);
        check("+/+/", &[0xfb, 0xff, 0xbf]);
        check("-_-_", &[0xfb, 0xff, 0xbf]);
        assert!(read("abc").is_err() && read("hello!").is_err());
    }

    #[test]
    fn both_notations_round_trip() {
        let bytes: Vec<u8> = (0..=255).collect();
        check(&hex(&bytes), &bytes);
        check(&base64(&bytes), &bytes);
    }
}
