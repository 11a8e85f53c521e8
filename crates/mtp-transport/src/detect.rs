//! Protocol detection from the first bytes of a connection.

use core::fmt;

use crate::framing::Framing;
use crate::obfuscation::HEADER_LEN;

/// The protocol indicated by the first bytes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a server must handle each of them")]
pub enum Protocol {
    /// A framing without obfuscation.
    Plain(Framing),
    /// An obfuscated header of 64 bytes.
    Obfuscated,
    /// A TLS client hello: FakeTLS, or a real client of a web site.
    Tls,
    /// An HTTP request that cannot become a WebSocket.
    Http,
    /// An HTTP `GET`: a WebSocket if it requests the upgrade.
    HttpGet,
}

/// Detects the client's protocol from the first bytes of a connection.
///
/// Returns `None` if more bytes are needed; 64 always suffice. No bytes are consumed: a server skips
/// [`Protocol::consumed`] bytes.
///
/// Not for the bytes inside FakeTLS or a WebSocket: the first 64 of them are always an obfuscated
/// header.
// spec: transport 1.1
#[must_use]
pub fn detect(bytes: &[u8]) -> Option<Protocol> {
    if *bytes.first()? == 0xef {
        return Some(Protocol::Plain(Framing::Abridged));
    }
    let word: &[u8; 4] = bytes.first_chunk()?;
    match word {
        [0xee, 0xee, 0xee, 0xee] => return Some(Protocol::Plain(Framing::Intermediate)),
        [0xdd, 0xdd, 0xdd, 0xdd] => return Some(Protocol::Plain(Framing::PaddedIntermediate)),
        b"GET " => return Some(Protocol::HttpGet),
        b"HEAD" | b"POST" | b"OPTI" => return Some(Protocol::Http),
        [0x16, 0x03, 0x01, _] => {
            let hello: &[u8; 6] = bytes.first_chunk()?;
            if is_hello(*hello) {
                return Some(Protocol::Tls);
            }
        }
        _ => {}
    }
    let head: &[u8; 8] = bytes.first_chunk()?;
    if let [_, _, _, _, 0, 0, 0, 0] = head {
        return Some(Protocol::Plain(Framing::Full));
    }
    if bytes.len() < HEADER_LEN { None } else { Some(Protocol::Obfuscated) }
}

impl Protocol {
    /// All protocols, in the specification's order.
    pub const ALL: [Self; 8] = [
        Self::Plain(Framing::Abridged),
        Self::Plain(Framing::Intermediate),
        Self::Plain(Framing::PaddedIntermediate),
        Self::Http,
        Self::HttpGet,
        Self::Tls,
        Self::Plain(Framing::Full),
        Self::Obfuscated,
    ];

    /// Returns how many of the first bytes only identify the protocol.
    ///
    /// Zero for an obfuscated header, whose 64 bytes contain the keys.
    #[must_use]
    pub const fn consumed(self) -> usize {
        match self {
            Self::Plain(framing) => framing.init().len(),
            _ => 0,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "framing without obfuscation",
            Self::Obfuscated => "obfuscation",
            Self::Tls => "TLS",
            Self::Http => "HTTP",
            Self::HttpGet => "WebSocket",
        })
    }
}

/// Distinguishes a TLS client hello from random bytes.
///
/// With the length of the record and the handshake type, a false positive has probability 2^-32. The
/// four bytes that older proxies compare do not match current hellos.
// spec: transport 1.1
fn is_hello([_, _, _, high, low, kind]: [u8; 6]) -> bool {
    (HELLO_LEN_MIN..=HELLO_LEN_MAX).contains(&u16::from_be_bytes([high, low])) && kind == 1
}

/// The shortest TLS record that can hold a client hello.
const HELLO_LEN_MIN: u16 = 100;
/// The longest TLS record.
const HELLO_LEN_MAX: u16 = 16384;
