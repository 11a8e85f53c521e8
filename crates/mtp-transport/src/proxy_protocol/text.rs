//! Version 1: one line of ASCII text.

use alloc::vec::Vec;
use core::fmt::Write;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::str::FromStr;

use super::{LINE_LEN_MAX, Parsed, ProxyHeader, ProxyHeaderError};

/// First bytes of a line.
pub(super) const PREFIX: &[u8] = b"PROXY ";

// spec: proxy 10.1
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let window = bytes.get(..LINE_LEN_MAX).unwrap_or(bytes);
    let end = window.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    let Some((line, rest)) = end.and_then(|end| window.split_at_checked(end)) else {
        let is_full = window.len() == LINE_LEN_MAX;
        return if is_full { Err(ProxyHeaderError::TooLong) } else { Ok(None) };
    };
    match rest {
        [b'\r', b'\n', ..] => {}
        [b'\r'] if window.len() < LINE_LEN_MAX => return Ok(None),
        [b'\r'] => return Err(ProxyHeaderError::TooLong),
        _ => return Err(ProxyHeaderError::Line),
    }
    let text = core::str::from_utf8(line).map_err(|_| ProxyHeaderError::Line)?;
    let mut words = text.split(' ').skip(1);
    let header = match words.next() {
        Some("UNKNOWN") => ProxyHeader::Unknown,
        Some("TCP4") => addresses::<Ipv4Addr>(words)?,
        Some("TCP6") => addresses::<Ipv6Addr>(words)?,
        _ => return Err(ProxyHeaderError::Line),
    };
    Ok(Some((header, line.len().saturating_add(2))))
}

// spec: proxy 10.3
pub(super) fn encode(header: ProxyHeader, out: &mut Vec<u8>) {
    let family = match (header.source(), header.destination()) {
        (Some(SocketAddr::V4(_)), Some(SocketAddr::V4(_))) => "TCP4",
        (Some(SocketAddr::V6(_)), Some(SocketAddr::V6(_))) => "TCP6",
        _ => "UNKNOWN",
    };
    out.extend_from_slice(PREFIX);
    out.extend_from_slice(family.as_bytes());
    if let (Some(source), Some(destination), false) =
        (header.source(), header.destination(), family == "UNKNOWN")
    {
        let (from, to) = (source.ip(), destination.ip());
        // Writing to a `Vec` cannot fail.
        let _ = write!(Text(out), " {from} {to} {} {}", source.port(), destination.port());
    }
    out.extend_from_slice(b"\r\n");
}

fn addresses<'a, A: FromStr + Into<IpAddr>>(
    mut words: impl Iterator<Item = &'a str>,
) -> Result<ProxyHeader, ProxyHeaderError> {
    fn address<A: FromStr + Into<IpAddr>>(word: Option<&str>) -> Option<IpAddr> {
        word?.parse::<A>().ok().map(Into::into)
    }
    fn port(word: Option<&str>) -> Option<u16> {
        let digits = word.filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()))?;
        let has_leading_zero = digits.len() > 1 && digits.starts_with('0');
        if has_leading_zero { None } else { digits.parse().ok() }
    }
    let mut read = || {
        let source = address::<A>(words.next())?;
        let destination = address::<A>(words.next())?;
        let source = SocketAddr::new(source, port(words.next())?);
        let destination = SocketAddr::new(destination, port(words.next())?);
        let is_end = words.next().is_none();
        is_end.then(|| ProxyHeader::proxied(source, destination))
    };
    read().ok_or(ProxyHeaderError::Line)
}

/// Formats text into bytes.
struct Text<'a>(&'a mut Vec<u8>);

impl Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}
