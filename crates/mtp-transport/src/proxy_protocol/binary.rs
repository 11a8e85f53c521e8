//! Version 2: a binary header, addresses and extensions.
//!
//! ```text
//!   0 ─────────── 12 ─────── 13 ──────── 14 ───── 16 ───────────── 28, 52 or 232 ────
//!     signature      version    family      length   addresses        extensions:
//!                    command    transport   u16 BE   12, 36 or 216    type, u16 BE, value
//! ```

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{HEADER_LEN_MAX, Parsed, ProxyHeader, ProxyHeaderError};

/// First bytes of a header.
pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

// spec: proxy 10.2
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let Some(fixed) = bytes.get(SIGNATURE.len()..).and_then(|rest| rest.first_chunk::<4>()) else {
        return Ok(None);
    };
    let [command, family, len @ ..] = *fixed;
    let end = FIXED_LEN.saturating_add(usize::from(u16::from_be_bytes(len)));
    if !matches!(command, COMMAND_LOCAL | COMMAND_PROXY) {
        return Err(ProxyHeaderError::Command { found: command });
    }
    if end > HEADER_LEN_MAX {
        return Err(ProxyHeaderError::TooLong);
    }
    let Some(header) = bytes.get(..end) else { return Ok(None) };
    let body = header.get(FIXED_LEN..).unwrap_or_default();
    let parsed = match (command, family) {
        (COMMAND_LOCAL, _) => ProxyHeader::Local,
        // The format of the addresses is not specified, so there are no extensions to find.
        (_, FAMILY_UNSPECIFIED) => ProxyHeader::Unknown,
        (_, FAMILY_TCP4) => {
            let (addresses, extensions) =
                body.split_first_chunk::<ADDRESSES_V4>().ok_or(ProxyHeaderError::Addresses)?;
            check_extensions(header, extensions)?;
            let [s0, s1, s2, s3, d0, d1, d2, d3, ports @ ..] = *addresses;
            proxied(Ipv4Addr::new(s0, s1, s2, s3), Ipv4Addr::new(d0, d1, d2, d3), ports)
        }
        (_, FAMILY_TCP6) => {
            let (source, rest) =
                body.split_first_chunk::<16>().ok_or(ProxyHeaderError::Addresses)?;
            let (destination, rest) =
                rest.split_first_chunk::<16>().ok_or(ProxyHeaderError::Addresses)?;
            let (ports, extensions) =
                rest.split_first_chunk().ok_or(ProxyHeaderError::Addresses)?;
            check_extensions(header, extensions)?;
            proxied(Ipv6Addr::from(*source), Ipv6Addr::from(*destination), *ports)
        }
        (_, FAMILY_UNIX) => {
            let extensions = body.get(ADDRESSES_UNIX..).ok_or(ProxyHeaderError::Addresses)?;
            check_extensions(header, extensions)?;
            ProxyHeader::Unknown
        }
        (_, found) => return Err(ProxyHeaderError::Family { found }),
    };
    Ok(Some((parsed, end)))
}

// spec: proxy 10.3
pub(super) fn encode(header: ProxyHeader, out: &mut Vec<u8>) {
    let (command, family, len) = match header {
        ProxyHeader::Proxied { source: SocketAddr::V4(_), destination: SocketAddr::V4(_) } => {
            (COMMAND_PROXY, FAMILY_TCP4, ADDRESSES_V4)
        }
        ProxyHeader::Proxied { .. } => (COMMAND_PROXY, FAMILY_TCP6, ADDRESSES_V6),
        ProxyHeader::Unknown => (COMMAND_PROXY, FAMILY_UNSPECIFIED, 0),
        ProxyHeader::Local => (COMMAND_LOCAL, FAMILY_UNSPECIFIED, 0),
    };
    let [len, ..] = len.to_le_bytes();
    out.extend_from_slice(SIGNATURE);
    out.extend_from_slice(&[command, family, 0, len]);
    let ProxyHeader::Proxied { source, destination } = header else { return };
    for ip in [source.ip(), destination.ip()] {
        match ip {
            IpAddr::V4(ip) if family == FAMILY_TCP4 => out.extend_from_slice(&ip.octets()),
            IpAddr::V4(ip) => out.extend_from_slice(&ip.to_ipv6_mapped().octets()),
            IpAddr::V6(ip) => out.extend_from_slice(&ip.octets()),
        }
    }
    out.extend_from_slice(&source.port().to_be_bytes());
    out.extend_from_slice(&destination.port().to_be_bytes());
}

fn proxied(
    source: impl Into<IpAddr>,
    destination: impl Into<IpAddr>,
    ports: [u8; 4],
) -> ProxyHeader {
    let [s0, s1, d0, d1] = ports;
    ProxyHeader::proxied(
        SocketAddr::new(source.into(), u16::from_be_bytes([s0, s1])),
        SocketAddr::new(destination.into(), u16::from_be_bytes([d0, d1])),
    )
}

/// Skips the extensions, which must fill the header, and verifies a checksum among them.
// spec: proxy 10.2
fn check_extensions(header: &[u8], mut extensions: &[u8]) -> Result<(), ProxyHeaderError> {
    while !extensions.is_empty() {
        let (&[kind, high, low], rest) =
            extensions.split_first_chunk().ok_or(ProxyHeaderError::Extension)?;
        let (value, after) = rest
            .split_at_checked(usize::from(u16::from_be_bytes([high, low])))
            .ok_or(ProxyHeaderError::Extension)?;
        if kind == EXTENSION_CRC32C {
            let expected: [u8; 4] = value.try_into().map_err(|_| ProxyHeaderError::Extension)?;
            let behind = after.len().saturating_add(value.len());
            let (before, _) =
                header.split_at_checked(header.len().saturating_sub(behind)).unwrap_or_default();
            if crc32c(&[before, &[0; 4], after]) != u32::from_be_bytes(expected) {
                return Err(ProxyHeaderError::Checksum);
            }
        }
        extensions = after;
    }
    Ok(())
}

/// Returns the CRC-32C of the parts, bit by bit: a header has at most [`HEADER_LEN_MAX`] bytes.
fn crc32c(parts: &[&[u8]]) -> u32 {
    let bytes = parts.iter().flat_map(|part| part.iter());
    let crc = bytes.fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            let feedback = if crc & 1 == 1 { CASTAGNOLI } else { 0 };
            crc >> 1 ^ feedback
        })
    });
    !crc
}

/// Signature, command, family and length.
const FIXED_LEN: usize = SIGNATURE.len() + 4;

const COMMAND_LOCAL: u8 = 0x20;
const COMMAND_PROXY: u8 = 0x21;

const FAMILY_UNSPECIFIED: u8 = 0x00;
const FAMILY_TCP4: u8 = 0x11;
const FAMILY_TCP6: u8 = 0x21;
const FAMILY_UNIX: u8 = 0x31;

/// Lengths of two addresses, with their ports if they have any.
const ADDRESSES_V4: usize = 12;
const ADDRESSES_V6: usize = 36;
const ADDRESSES_UNIX: usize = 216;

const EXTENSION_CRC32C: u8 = 0x03;

/// The polynomial of CRC-32C with its bits reversed.
const CASTAGNOLI: u32 = 0x82f6_3b78;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc32c_of_the_check_string_is_the_published_value() {
        assert_eq!(crc32c(&[b"1234", b"", b"56789"]), 0xe306_9283);
    }
}
