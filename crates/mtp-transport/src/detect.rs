//! What a connection speaks, from its first bytes.

use core::fmt;

use crate::framing::Framing;
use crate::obfuscation::HEADER_LEN;

/// What the first bytes of a connection show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a server must handle each of them")]
pub enum Spoken {
    /// A framing without anything around it.
    Plain(Framing),
    /// An obfuscated header of 64 bytes, without anything around it.
    Obfuscated,
    /// A TLS hello: `FakeTLS`, or a real client looking for a web site.
    Tls,
    /// An HTTP request that cannot become a WebSocket.
    Http,
    /// An HTTP `GET`: a WebSocket if it asks for the upgrade.
    HttpGet,
}

/// Decides what a client speaks, as soon as its bytes allow and no sooner.
///
/// Returns `None` while more bytes are needed; 64 always suffice. No bytes are used up:
/// [`Spoken::consumed`] says how many a server passes over.
///
/// Inside `FakeTLS` and inside WebSocket this is not asked: there the first 64 bytes are always an
/// obfuscated header, whatever they look like.
// spec: transport 1.1
#[must_use]
pub fn detect(bytes: &[u8]) -> Option<Spoken> {
    if *bytes.first()? == 0xef {
        return Some(Spoken::Plain(Framing::Abridged));
    }
    let word: &[u8; 4] = bytes.first_chunk()?;
    match word {
        [0xee, 0xee, 0xee, 0xee] => return Some(Spoken::Plain(Framing::Intermediate)),
        [0xdd, 0xdd, 0xdd, 0xdd] => return Some(Spoken::Plain(Framing::PaddedIntermediate)),
        b"GET " => return Some(Spoken::HttpGet),
        b"HEAD" | b"POST" | b"OPTI" => return Some(Spoken::Http),
        [0x16, 0x03, 0x01, _] => {
            let hello: &[u8; 6] = bytes.first_chunk()?;
            if is_hello(*hello) {
                return Some(Spoken::Tls);
            }
        }
        _ => {}
    }
    let head: &[u8; 8] = bytes.first_chunk()?;
    if let [_, _, _, _, 0, 0, 0, 0] = head {
        return Some(Spoken::Plain(Framing::Full));
    }
    if bytes.len() < HEADER_LEN { None } else { Some(Spoken::Obfuscated) }
}

impl Spoken {
    /// Everything a server can detect, in the specification's order.
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

    /// Returns how many of the first bytes only said what is spoken.
    ///
    /// The 64 bytes of an obfuscated header are not among them: they hold keys.
    #[must_use]
    pub const fn consumed(self) -> usize {
        match self {
            Self::Plain(framing) => framing.init().len(),
            _ => 0,
        }
    }
}

impl fmt::Display for Spoken {
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

/// Tells a TLS `ClientHello` from random bytes that begin like one.
///
/// The record's length and the handshake type make a mistake as rare as 2^-32; the four bytes that
/// older proxies compare do not match current hellos.
// spec: transport 1.1
fn is_hello([_, _, _, high, low, kind]: [u8; 6]) -> bool {
    (HELLO_LEN_MIN..=HELLO_LEN_MAX).contains(&u16::from_be_bytes([high, low])) && kind == 1
}

/// The least length of a TLS record that may hold a hello.
const HELLO_LEN_MIN: u16 = 100;
/// The greatest length of a TLS record.
const HELLO_LEN_MAX: u16 = 16384;
