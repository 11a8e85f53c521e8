//! The PROXY protocol, versions 1 and 2: what a load balancer says about a client before its bytes.
//!
//! ```
//! use mtp_transport::proxy_protocol::Preface;
//!
//! let received = b"PROXY TCP4 203.0.113.7 198.51.100.9 51000 443\r\n\xef...";
//! let (preface, len) = Preface::parse(received)?.expect("the whole line is there");
//! assert_eq!(preface.source.map(|from| from.port()), Some(51000));
//! assert_eq!(received.get(len), Some(&0xef));
//! # Ok::<(), mtp_transport::proxy_protocol::PrefaceError>(())
//! ```

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::str::FromStr;

/// The longest line of version 1, with its line break, in bytes.
pub const LINE_LEN_MAX: usize = 107;

/// The longest header of version 2 that is read, in bytes.
///
/// The format would allow 65,551; addresses take 52 at most and the extensions behind them, which
/// are skipped, some hundred.
pub const HEADER_LEN_MAX: usize = 2048;

/// Holds who connected to the load balancer and where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preface {
    /// The client's address; `None` for health checks and carriers other than TCP.
    pub source: Option<SocketAddr>,
    /// The address the client connected to.
    pub destination: Option<SocketAddr>,
}

impl Preface {
    /// Reads a header of either version from the first bytes of a connection.
    ///
    /// Returns the header and its length, `None` while bytes are missing.
    ///
    /// # Errors
    /// Anything else than a header: the connection is to be dropped, because whoever may connect
    /// without the load balancer could claim any address.
    // spec: transport 7.1
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, PrefaceError> {
        if starts_alike(bytes, SIGNATURE) {
            parse_binary(bytes)
        } else if starts_alike(bytes, LINE_START) {
            parse_line(bytes)
        } else {
            Err(PrefaceError::NoSignature)
        }
    }
}

/// Says why the first bytes are no PROXY protocol header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PrefaceError {
    /// Neither version's signature.
    NoSignature,
    /// A line of version 1 that is longer than [`LINE_LEN_MAX`] or a header over
    /// [`HEADER_LEN_MAX`].
    TooLong,
    /// A line of version 1 that does not follow the grammar.
    Line,
    /// A header of version 2 with an unknown version or command.
    Command {
        /// The byte found.
        found: u8,
    },
    /// A header of version 2 too short for the addresses it announces.
    Addresses,
}

impl fmt::Display for PrefaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSignature => f.write_str("no proxy protocol header"),
            Self::TooLong => f.write_str("proxy protocol header is too long"),
            Self::Line => f.write_str("malformed proxy protocol line"),
            Self::Command { found } => {
                write!(f, "unknown proxy protocol version or command {found:02x}")
            }
            Self::Addresses => f.write_str("proxy protocol header too short for its addresses"),
        }
    }
}

impl core::error::Error for PrefaceError {}

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const LINE_START: &[u8] = b"PROXY ";

/// Compares as far as both reach.
fn starts_alike(bytes: &[u8], expected: &[u8]) -> bool {
    bytes.iter().zip(expected).all(|(found, expected)| found == expected)
}

type Parsed = Result<Option<(Preface, usize)>, PrefaceError>;

fn parse_line(bytes: &[u8]) -> Parsed {
    let window = bytes.get(..LINE_LEN_MAX).unwrap_or(bytes);
    let Some(end) = window.windows(2).position(|pair| pair == b"\r\n") else {
        let whole = window.len() == LINE_LEN_MAX;
        return if whole { Err(PrefaceError::TooLong) } else { Ok(None) };
    };
    let line = window.get(..end).and_then(|line| core::str::from_utf8(line).ok());
    let line = line.ok_or(PrefaceError::Line)?;
    let mut words = line.split(' ').skip(1);
    let preface = match words.next() {
        Some("UNKNOWN") => Preface::default(),
        Some("TCP4") => addresses::<Ipv4Addr>(words)?,
        Some("TCP6") => addresses::<Ipv6Addr>(words)?,
        _ => return Err(PrefaceError::Line),
    };
    Ok(Some((preface, end.saturating_add(2))))
}

fn addresses<'a, A: FromStr + Into<IpAddr>>(
    mut words: impl Iterator<Item = &'a str>,
) -> Result<Preface, PrefaceError> {
    fn address<A: FromStr + Into<IpAddr>>(word: Option<&str>) -> Result<IpAddr, PrefaceError> {
        word.and_then(|word| word.parse::<A>().ok()).map(Into::into).ok_or(PrefaceError::Line)
    }
    fn port(word: Option<&str>) -> Result<u16, PrefaceError> {
        let word = word.filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
        word.and_then(|word| word.parse().ok()).ok_or(PrefaceError::Line)
    }
    let source = address::<A>(words.next())?;
    let destination = address::<A>(words.next())?;
    let preface = Preface {
        source: Some(SocketAddr::new(source, port(words.next())?)),
        destination: Some(SocketAddr::new(destination, port(words.next())?)),
    };
    if words.next().is_some() { Err(PrefaceError::Line) } else { Ok(preface) }
}

fn parse_binary(bytes: &[u8]) -> Parsed {
    let Some(head) = bytes.get(SIGNATURE.len()..).and_then(|rest| rest.first_chunk::<4>()) else {
        return Ok(None);
    };
    let [command, family, len @ ..] = *head;
    let len = usize::from(u16::from_be_bytes(len));
    let start = SIGNATURE.len().saturating_add(4);
    let end = start.saturating_add(len);
    if end > HEADER_LEN_MAX {
        return Err(PrefaceError::TooLong);
    }
    let Some(body) = bytes.get(start..end) else { return Ok(None) };
    let preface = match (command, family) {
        (0x21, 0x11) => {
            let body = body.first_chunk::<12>().ok_or(PrefaceError::Addresses)?;
            let [s0, s1, s2, s3, d0, d1, d2, d3, ports @ ..] = *body;
            let source = Ipv4Addr::new(s0, s1, s2, s3);
            pair(source.into(), Ipv4Addr::new(d0, d1, d2, d3).into(), ports)
        }
        (0x21, 0x21) => {
            let missing = PrefaceError::Addresses;
            let (source, rest) = body.split_first_chunk::<16>().ok_or(missing)?;
            let (destination, rest) = rest.split_first_chunk::<16>().ok_or(missing)?;
            let ports = rest.first_chunk::<4>().ok_or(missing)?;
            pair(Ipv6Addr::from(*source).into(), Ipv6Addr::from(*destination).into(), *ports)
        }
        // 0x20 is the load balancer itself, usually a health check. The rest are datagrams, Unix
        // sockets and families to come, which are accepted without addresses.
        (0x20 | 0x21, _) => Preface::default(),
        (found, _) => return Err(PrefaceError::Command { found }),
    };
    Ok(Some((preface, end)))
}

fn pair(source: IpAddr, destination: IpAddr, ports: [u8; 4]) -> Preface {
    let [s0, s1, d0, d1] = ports;
    Preface {
        source: Some(SocketAddr::new(source, u16::from_be_bytes([s0, s1]))),
        destination: Some(SocketAddr::new(destination, u16::from_be_bytes([d0, d1]))),
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], source: Option<&str>, destination: Option<&str>) {
        let parse = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        let expected = Preface { source: parse(source), destination: parse(destination) };
        assert_eq!(Preface::parse(bytes), Ok(Some((expected, bytes.len()))));
        let mut longer = bytes.to_vec();
        longer.extend_from_slice(b"\r\nmore");
        assert_eq!(Preface::parse(&longer), Ok(Some((expected, bytes.len()))));
        for cut in 0..bytes.len() {
            assert_eq!(Preface::parse(&bytes[..cut]), Ok(None), "cut at {cut}");
        }
    }

    #[track_caller]
    fn refused(bytes: &[u8], error: PrefaceError) {
        assert_eq!(Preface::parse(bytes), Err(error));
    }

    fn binary(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let len = u16::try_from(body.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family], &len, body].concat()
    }

    // spec: transport 7.1
    #[test]
    fn lines() {
        check(b"PROXY TCP4 1.2.3.4 5.6.7.8 1 65535\r\n", Some("1.2.3.4:1"), Some("5.6.7.8:65535"));
        check(
            b"PROXY TCP6 2001:db8::1 ::1 80 443\r\n",
            Some("[2001:db8::1]:80"),
            Some("[::1]:443"),
        );
        check(b"PROXY UNKNOWN\r\n", None, None);
        check(b"PROXY UNKNOWN ffff:: :: 1 2\r\n", None, None);
        for bad in [
            "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
            "PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n",
            "PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n",
            "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n",
            "PROXY TCP4 ::1 ::1 1 2\r\n",
            "PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
            "PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n",
        ] {
            refused(bad.as_bytes(), PrefaceError::Line);
        }
        refused(b"PROXY TCP4 \xff\r\n", PrefaceError::Line);
        refused(b"GET / HTTP/1.1\r\n", PrefaceError::NoSignature);
    }

    #[test]
    fn line_length_at_the_border() {
        let line = |len: usize| {
            let start = "PROXY UNKNOWN ";
            format!("{start}{}\r\n", "x".repeat(len - start.len() - 2))
        };
        check(line(LINE_LEN_MAX).as_bytes(), None, None);
        refused(line(LINE_LEN_MAX + 1).as_bytes(), PrefaceError::TooLong);
    }

    #[test]
    fn binary_headers() {
        let four = [1, 2, 3, 4, 5, 6, 7, 8, 0, 80, 1, 187];
        check(&binary(0x21, 0x11, &four), Some("1.2.3.4:80"), Some("5.6.7.8:443"));
        // Extensions behind the addresses are skipped.
        let extended = [&four[..], &[4, 0, 1, 0]].concat();
        check(&binary(0x21, 0x11, &extended), Some("1.2.3.4:80"), Some("5.6.7.8:443"));
        let mut six = [0; 36];
        (six[15], six[31], six[33], six[35]) = (1, 2, 3, 4);
        check(&binary(0x21, 0x21, &six), Some("[::1]:3"), Some("[::2]:4"));
        check(&binary(0x20, 0, b""), None, None);
        check(&binary(0x21, 0x31, &[0; 216]), None, None);
        refused(&binary(0x21, 0x11, &four[..11]), PrefaceError::Addresses);
        refused(&binary(0x21, 0x21, &six[..35]), PrefaceError::Addresses);
        refused(&binary(0x11, 0x11, &four), PrefaceError::Command { found: 0x11 });
        refused(&binary(0x22, 0x11, &four), PrefaceError::Command { found: 0x22 });
    }

    #[test]
    fn binary_length_at_the_border() {
        let body = [0; HEADER_LEN_MAX - 15];
        check(&binary(0x20, 0, &body[..HEADER_LEN_MAX - 16]), None, None);
        refused(&binary(0x20, 0, &body), PrefaceError::TooLong);
    }
}
